"""Metadata structures of SDMX-ML 2.1 (SDMXStructureMetadataStructure.xsd): targets, and reports about them.

A MetadataStructure of the model is one ReportStructure; a structure with several becomes several, as
`ml21_groups` says. The targets belong to the whole and are kept as text. Of a structure that was never 2.1
the target is what the metadataflows in the message name, or anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..structures import Maintainable, MetadataAttribute, MetadataStructure
from .markup import element
from .ml21_artefact import Represented
from .ml21_components import COMPONENT
from .ml21_groups import Members, PartOf, Shell, Whole, WholeShape, part_of, split
from .ml21_kept import keep, markup, noted
from .ml_words import IDENTIFIABLE, MAINTAINABLE
from .xml_shapes import (
    FLAG,
    WORD,
    Attribute,
    Dialect,
    Many,
    Node,
    Part,
    Reading,
    Shape,
    Values,
    Within,
)

TARGET, REPORT = "METADATA_TARGET", "METADATA_REPORT"
_TARGET_KIND = re.compile(r"infomodel\.\w+\.(\w+)=")
# the classes that 2.1 lets a report describe, of those that 3.0 knows; any other is Any
_OBJECT_TYPES = {
    **{
        kind: kind
        for kind in (
            "Agency", "AgencyScheme", "Category", "CategoryScheme", "Code", "Codelist", "Concept",
            "ConceptScheme", "Dataflow", "DataProvider", "DataProviderScheme", "DataStructure", "Dimension",
            "Metadataflow", "MetadataStructure", "ProvisionAgreement",
        )
    },
    "DataConstraint": "ContentConstraint",
    "Hierarchy": "HierarchicalCodelist",
}  # fmt: skip

METADATA_ATTRIBUTE: Shape = Shape(
    MetadataAttribute,
    "str:MetadataAttribute",
    *COMPONENT,
    Attribute("minOccurs", "min_occurs", WORD),
    Attribute("maxOccurs", "max_occurs", WORD),
    Attribute("isPresentational", "presentational", FLAG),
    Represented("str:LocalRepresentation", False),
    Many("children", lambda: METADATA_ATTRIBUTE),
)


@dataclass(frozen=True, eq=False)
class _ReportTargets(Part):
    """The targets that a report is about; not kept where it is the one that our writer makes."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("MetadataTarget",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values.setdefault("_targets", []).append(reading.id_of(node))

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        targets = values.pop("_targets", [])
        if targets != [TARGET]:
            for target in targets:
                keep(values, "MetadataTarget", target)

    def body(self, given: MetadataStructure, dialect: Dialect) -> str:
        targets = list(noted(given.annotations, "MetadataTarget")) or [TARGET]
        return "".join(dialect.write_local("str:MetadataTarget", target) for target in targets)


REPORT_STRUCTURE = Shape(
    part_of(MetadataStructure),
    "str:ReportStructure",
    *IDENTIFIABLE,
    Many("attributes", lambda: METADATA_ATTRIBUTE),
    _ReportTargets(),
)


def metadata_target(targets: Iterable[str]) -> str:
    """One target for the artefacts that URNs name, for anything when there are none."""
    return element("str:MetadataTarget", (("id", TARGET),), *map(_object, object_types(targets)))


def object_types(targets: Iterable[str]) -> list[str]:
    """What 2.1 calls the classes that URNs name, each once."""
    found = (_TARGET_KIND.search(urn) for urn in targets)
    types = dict.fromkeys(_OBJECT_TYPES.get(kind[1], "Any") if kind else "Any" for kind in found)
    return list(types) or ["Any"]


def _object(kind: str) -> str:
    layout = element("str:TextFormat", (("textType", "IdentifiableReference"),))
    return element(
        "str:IdentifiableObjectTarget",
        (("id", f"{kind.upper()}_TARGET"), ("objectType", kind)),
        element("str:LocalRepresentation", (), layout),
    )


_ANYTHING = metadata_target(())


@dataclass(frozen=True, eq=False)
class _Targets(Part):
    """Those of the whole."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("MetadataTarget",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values.setdefault("targets", []).append(markup(node))

    def body(self, given: Whole, dialect: Dialect) -> str:
        return metadata_target(given.targets) if given.parts else ""


def _structures(
    parts: Sequence[PartOf] = (), targets: Sequence[str] = (), shell: str = "", **fields: Any
) -> list[Maintainable]:
    plain = list(targets) in ([], [_ANYTHING])
    return split(fields, parts, shell, plain, MetadataStructure, REPORT)


METADATA_STRUCTURE = WholeShape(
    _structures,
    "str:MetadataStructure",
    *MAINTAINABLE,
    Within(
        "str:MetadataStructureComponents",
        _Targets(),
        Members((REPORT_STRUCTURE,), lambda _: REPORT_STRUCTURE),
    ),
    Shell(("ReportStructure",)),
    into="MetadataStructureComponents",
)
