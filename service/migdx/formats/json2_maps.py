"""SDMX-JSON 2.x: maps between structures, between values, and between items of schemes."""

from __future__ import annotations

from typing import Any

from ..structures import (
    CategorySchemeMap,
    ComponentMap,
    ConceptSchemeMap,
    DateMap,
    DatePatternMap,
    EpochMap,
    FixedValueMap,
    FrequencyFormatMapping,
    ItemSchemeMap,
    Mapping,
    OrganisationSchemeMap,
    ReportingTaxonomyMap,
    RepresentationMap,
    StructureMap,
)
from ..urn import Reference
from .json2_artefacts import ANNOTATED, LINKED, MAINTAINED
from .json2_urns import instant, take_id, take_path, take_urn, urn
from .json_shapes import (
    By,
    Json,
    Part,
    Property,
    Reading,
    Shape,
    Take,
    Told,
    each,
    many,
    take_flag,
    take_list,
    take_object,
    take_text,
    text,
    texts,
)

# --- mappings of values ------------------------------------------------------------------------------------


def _source_told(row: Mapping, at: int) -> Json:
    told: Json = {"value": row.sources[at]}
    if row.regular_expressions and row.regular_expressions[at]:
        told["isRegEx"] = True
    if row.substrings:
        ends = zip(("startIndex", "endIndex"), row.substrings[at], strict=True)
        told |= {name: int(index) for name, index in ends if index.isdecimal()}
    return told


_OF_SOURCE: tuple[tuple[str, Take | None], ...] = (
    ("value", take_text),
    ("isRegEx", take_flag),
    ("startIndex", None),
    ("endIndex", None),
)


def _source_taken(given: Any, reading: Reading) -> tuple[str, bool, tuple[str, str]]:
    take_object(given, reading)
    if "value" not in given:
        raise reading.fault("has no value")
    ends = []
    for name, take in _OF_SOURCE:
        if name not in given:
            ends += [] if take else [""]
            continue
        reading.steps.append(name)
        if take:
            take(given[name], reading)
        elif type(given[name]) is int:
            ends.append(str(given[name]))
        else:
            raise reading.wrong("a number", given[name])
        reading.steps.pop()
    for name in given.keys() - dict(_OF_SOURCE).keys():
        reading.skip(name)
    return given["value"], given.get("isRegEx", False), (ends[0], ends[1])


def _sources(found: list[tuple[str, bool, tuple[str, str]]]) -> Json:
    into: Json = {"sources": tuple(value for value, _, _ in found)}
    if any(pattern for _, pattern, _ in found):
        into["regular_expressions"] = tuple(pattern for _, pattern, _ in found)
    if any(any(ends) for _, _, ends in found):
        into["substrings"] = tuple(ends for _, _, ends in found)
    return into


def _write_sources(row: Mapping, into: Json, told: Told) -> None:
    into["sourceValues"] = [_source_told(row, at) for at in range(len(row.sources))]


def _read_sources(given: Json, into: Json, reading: Reading) -> None:
    if "sourceValues" not in given:
        raise reading.fault("has no sourceValues")
    into |= _sources(reading.part(given, "sourceValues", each(_source_taken)))


def _take_texts(given: Any, reading: Reading) -> tuple[str, ...]:
    return tuple(take_list(given, take_text, reading))


def _made_mapping(sources: tuple[str, ...], targets: tuple[str, ...] = (), **parts: Any) -> Mapping:
    return Mapping(sources, targets, **parts)


_ROW: tuple[Part, ...] = (instant("validFrom", "valid_from"), instant("validTo", "valid_to"), ANNOTATED)
VALUE_MAPPING = Shape(
    _made_mapping,
    (
        By(("sourceValues",), _write_sources, _read_sources),
        # values by position, which may repeat
        Property("targetValues", "targets", lambda value, told: list(value), _take_texts),
        *_ROW,
    ),
)


def _take_side(given: Any, reading: Reading) -> Reference | str:
    take_object(given, reading)
    for name, take in (("codelist", take_urn), ("valuelist", take_urn), ("dataType", take_text)):
        if name in given:
            found: Reference | str = reading.part(given, name, take)
            return found
    raise reading.fault("names neither codelist nor dataType")


def _sides(name: str, field: str) -> Property:
    return Property(
        name,
        field,
        lambda value, told: [
            {"codelist": side.urn} if isinstance(side, Reference) else {"dataType": side} for side in value
        ],
        lambda given, reading: tuple(take_list(given, _take_side, reading)),
    )


REPRESENTATION_MAP = Shape(
    RepresentationMap,
    (
        *MAINTAINED,
        _sides("source", "sources"),
        _sides("target", "targets"),
        many("representationMappings", "mappings", VALUE_MAPPING),
    ),
)

# --- mappings of items -------------------------------------------------------------------------------------


def _write_item(row: Mapping, into: Json, told: Told) -> None:
    into["sourceValue"] = _source_told(row, 0)
    if row.targets:
        into["targetValue"] = row.targets[0]


def _read_item(given: Json, into: Json, reading: Reading) -> None:
    if "sourceValue" not in given:
        raise reading.fault("has no sourceValue")
    into |= _sources([reading.part(given, "sourceValue", _source_taken)])
    if "targetValue" in given:
        reading.steps.append("targetValue")
        into["targets"] = (take_text(given["targetValue"], reading),)
        reading.steps.pop()


ITEM_MAPPING = Shape(_made_mapping, (By(("sourceValue", "targetValue"), _write_item, _read_item), *_ROW))


def _item_scheme_map(cls: type[ItemSchemeMap], *kinds: str) -> Shape:
    return Shape(
        cls,
        (
            *MAINTAINED,
            urn("source", "source", *kinds),
            urn("target", "target", *kinds),
            many("itemMaps", "mappings", ITEM_MAPPING),
        ),
    )


CATEGORY_SCHEME_MAP = _item_scheme_map(CategorySchemeMap, "CategoryScheme")
CONCEPT_SCHEME_MAP = _item_scheme_map(ConceptSchemeMap, "ConceptScheme")
ORGANISATION_SCHEME_MAP = _item_scheme_map(OrganisationSchemeMap)
REPORTING_TAXONOMY_MAP = _item_scheme_map(ReportingTaxonomyMap, "ReportingTaxonomy")

# --- structure maps ----------------------------------------------------------------------------------------

_PAIR = Shape(
    lambda source, target: (source, target),
    (text("source", take=take_path, required=True), text("target", take=take_path, required=True)),
)


def _take_pairs(given: Any, reading: Reading) -> tuple[tuple[str, str], ...]:
    return tuple(take_list(given, _PAIR.take, reading))


_DATE_MAP: tuple[Part, ...] = (
    text("id", take=take_id),
    ANNOTATED,
    LINKED,
    Property(
        "mappedComponents",
        "pairs",
        lambda value, told: [{"source": source, "target": target} for source, target in value],
        _take_pairs,
        always=True,
    ),
    text("resolvePeriod", "resolve_period"),
    text("frequencyDimension", "frequency_dimension"),
    texts("mappedFrequencies", "mapped_frequencies"),
    text("targetFrequencyID", "target_frequency"),
)


def _identified(cls: type[DateMap | FrequencyFormatMapping]) -> Any:
    """These need no id."""

    def made(id: str = "", **parts: Any) -> Any:
        return cls(id, **parts)

    return made


def _write_side(fixed: FixedValueMap, into: Json, told: Told) -> None:
    into[fixed.side] = fixed.component


def _read_side(given: Json, into: Json, reading: Reading) -> None:
    side = "target" if "target" in given else "source"
    if side not in given:
        raise reading.fault("names neither source nor target")
    reading.steps.append(side)
    into |= {"side": side, "component": take_path(given[side], reading)}
    reading.steps.pop()


FIXED_VALUE_MAP = Shape(
    lambda values=(), **parts: FixedValueMap(values=values, **parts),
    (
        By(("source", "target"), _write_side, _read_side),
        Property("values", "values", lambda value, told: list(value), _take_texts),
        ANNOTATED,
    ),
)
COMPONENT_MAP = Shape(
    ComponentMap,
    (
        texts("source", "sources", required=True),
        texts("target", "targets", required=True),
        urn("representationMap", "representation_map", "RepresentationMap"),
        ANNOTATED,
    ),
)
EPOCH_MAP = Shape(
    _identified(EpochMap),
    (
        *_DATE_MAP,
        text("basePeriod", "base_period", always=True),
        text("epochPeriod", "epoch_period", always=True),
    ),
)
DATE_PATTERN_MAP = Shape(
    _identified(DatePatternMap),
    (
        *_DATE_MAP,
        text("sourcePattern", "source_pattern", always=True),
        text("locale", "locale", always=True),
    ),
)
FREQUENCY_FORMAT = Shape(
    _identified(FrequencyFormatMapping),
    (
        text("id", take=take_id),
        ANNOTATED,
        LINKED,
        text("frequencyId", "frequency", always=True),
        text("datePattern", "date_pattern", always=True),
    ),
)
_EITHER = ("DataStructure", "Dataflow", "MetadataStructure", "Metadataflow")
STRUCTURE_MAP = Shape(
    StructureMap,
    (
        *MAINTAINED,
        urn("source", "source", *_EITHER),
        urn("target", "target", *_EITHER),
        many("epochMaps", "epochs", EPOCH_MAP),
        many("datePatternMaps", "date_patterns", DATE_PATTERN_MAP),
        many("frequencyFormatMappings", "frequency_formats", FREQUENCY_FORMAT),
        many("componentMaps", "components", COMPONENT_MAP),
        many("fixedValueMaps", "fixed_values", FIXED_VALUE_MAP),
    ),
)
