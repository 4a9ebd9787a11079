"""SDMX-ML 3.x tables of maps (schema SDMXStructureStructureMappings.xsd)."""

from __future__ import annotations

from dataclasses import dataclass
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
from .markup import escape, leaf, quoted
from .ml_words import ANNOTATIONS, LISTS, UNNAMED, maintainable, without_id
from .xml_codecs import DAY
from .xml_items import Items
from .xml_shapes import (
    WORD,
    Attribute,
    Dialect,
    Irregular,
    Leaf,
    Leaves,
    Many,
    Node,
    Part,
    Reading,
    Ref,
    Shape,
    Values,
    fault,
    local,
    text_of,
)

# --- values to values --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SourceValues(Part):
    """The values of the sources, each perhaps a pattern, or looked at in part."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("SourceValue",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        given = (node.get("isRegEx") or "false").strip()
        if given not in ("true", "false", "1", "0"):
            raise fault(f"SourceValue/@isRegEx is '{given}'; expected true or false", node)
        values.setdefault("sources", []).append(node.text or "")
        values.setdefault("regular_expressions", []).append(given in ("true", "1"))
        part = (node.get("startIndex") or "", node.get("endIndex") or "")
        values.setdefault("substrings", []).append(part)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if "sources" not in values:
            raise fault(f"{local(node)} has no SourceValue", node)
        if not any(values["regular_expressions"]):
            del values["regular_expressions"]
        if not any(any(part) for part in values["substrings"]):
            del values["substrings"]
        values.setdefault("targets", ())

    def body(self, given: Mapping, dialect: Dialect) -> str:
        return "".join([_source_value(given, at) for at in range(len(given.sources))])


def _source_value(mapping: Mapping, at: int) -> str:
    pattern = ' isRegEx="true"' if any(mapping.regular_expressions[at : at + 1]) else ""
    start, end = mapping.substrings[at] if mapping.substrings else ("", "")
    part = f' startIndex="{quoted(start)}"' if start else ""
    part += f' endIndex="{quoted(end)}"' if end else ""
    return f"<str:SourceValue{pattern}{part}>{escape(mapping.sources[at])}</str:SourceValue>"


_MAPPING: tuple[Part, ...] = (
    Attribute("validFrom", "valid_from", DAY),
    Attribute("validTo", "valid_to", DAY),
    ANNOTATIONS,
    SourceValues(),
    Leaves("str:TargetValue", "targets"),
)
MAPPING = Shape(Mapping, "str:RepresentationMapping", *_MAPPING)
ITEM_MAP = Shape(Mapping, "str:ItemMap", *_MAPPING)


@dataclass(frozen=True, eq=False)
class Sides(Part):
    """What is mapped, or what to: lists by reference, or types of data by name, in order."""

    side: str
    field: str

    @property
    def elements(self) -> tuple[str, ...]:
        return (f"{self.side}Codelist", f"{self.side}DataType")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        listed = reading.local(node).endswith("Codelist")
        side: Reference | str = reading.reference(node, LISTS) if listed else text_of(node)
        values.setdefault(self.field, []).append(side)

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(
            [
                dialect.write_reference(f"str:{self.side}Codelist", side)
                if isinstance(side, Reference)
                else leaf(f"str:{self.side}DataType", side)
                for side in getattr(given, self.field)
            ]
        )


REPRESENTATION_MAP = maintainable(
    RepresentationMap,
    Sides("Source", "sources"),
    Sides("Target", "targets"),
    Items("mappings", lambda: MAPPING, unique=False),
)


def _scheme_map(cls: type[ItemSchemeMap], *kinds: str) -> Shape:
    return maintainable(
        cls,
        Ref("str:Source", "source", kinds, required=True),
        Ref("str:Target", "target", kinds, required=True),
        Items("mappings", lambda: ITEM_MAP, unique=False),
    )


CATEGORY_SCHEME_MAP = _scheme_map(CategorySchemeMap, "CategoryScheme")
CONCEPT_SCHEME_MAP = _scheme_map(ConceptSchemeMap, "ConceptScheme")
REPORTING_TAXONOMY_MAP = _scheme_map(ReportingTaxonomyMap, "ReportingTaxonomy")
ORGANISATION_SCHEME_MAP = _scheme_map(
    OrganisationSchemeMap,
    "AgencyScheme",
    "DataConsumerScheme",
    "DataProviderScheme",
    "MetadataProviderScheme",
    "OrganisationUnitScheme",
)


# --- structures to structures ------------------------------------------------------------------------------


def _read_pair(node: Node, values: Values, reading: Reading) -> None:
    """Sources and targets alternate."""
    pairs = values.setdefault("pairs", [])
    if reading.local(node) == "Source":
        pairs.append((text_of(node), ""))
    elif pairs:
        pairs[-1] = (pairs[-1][0], text_of(node))


def _write_pairs(given: DateMap, dialect: Dialect) -> str:
    return "".join([leaf("str:Source", source) + leaf("str:Target", to) for source, to in given.pairs])


_DATES: tuple[Part, ...] = (
    *UNNAMED,
    Attribute("resolvePeriod", "resolve_period"),
    Irregular(("str:Source", "str:Target"), _read_pair, _write_pairs),
    Leaf("str:FrequencyDimension", "frequency_dimension", WORD),
    Leaves("str:MappedFrequencies", "mapped_frequencies", WORD),
    Leaf("str:TargetFrequencyID", "target_frequency", WORD),
)
EPOCH_MAP = Shape(
    without_id(EpochMap),
    "str:EpochMap",
    Attribute("basePeriod", "base_period", required=True),
    Attribute("epochPeriod", "epoch_period", required=True),
    *_DATES,
)
DATE_PATTERN_MAP = Shape(
    without_id(DatePatternMap),
    "str:DatePatternMap",
    Attribute("sourcePattern", "source_pattern", required=True),
    Attribute("locale", "locale", required=True),
    *_DATES,
)
FREQUENCY_FORMAT = Shape(
    without_id(FrequencyFormatMapping),
    "str:FrequencyFormatMapping",
    *UNNAMED,
    Leaf("str:FrequencyId", "frequency", WORD, always=True),
    Leaf("str:DatePattern", "date_pattern", always=True),
)
COMPONENT_MAP = Shape(
    ComponentMap,
    "str:ComponentMap",
    ANNOTATIONS,
    Leaves("str:Source", "sources", WORD, required=True),
    Leaves("str:Target", "targets", WORD, required=True),
    Ref("str:RepresentationMap", "representation_map", ("RepresentationMap",)),
)


def _read_side(node: Node, values: Values, reading: Reading) -> None:
    values["side"] = "source" if reading.local(node) == "Source" else "target"
    values["component"] = text_of(node)


def _write_side(given: FixedValueMap, dialect: Dialect) -> str:
    return leaf("str:Source" if given.side == "source" else "str:Target", given.component)


@dataclass(frozen=True, eq=False)
class Side(Irregular):
    """The component of one side."""

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if "component" not in values:
            raise fault("FixedValueMap has neither Source nor Target", node)
        values.setdefault("values", ())


FIXED_VALUE_MAP = Shape(
    FixedValueMap,
    "str:FixedValueMap",
    ANNOTATIONS,
    Side(("str:Source", "str:Target"), _read_side, _write_side),
    Leaves("str:Value", "values"),
)
_MAPPED = ("DataStructure", "Dataflow")
STRUCTURE_MAP = maintainable(
    StructureMap,
    Ref("str:Source", "source", _MAPPED, required=True),
    Ref("str:Target", "target", _MAPPED, required=True),
    Many("epochs", lambda: EPOCH_MAP, unique=False),
    Many("date_patterns", lambda: DATE_PATTERN_MAP, unique=False),
    Many("frequency_formats", lambda: FREQUENCY_FORMAT, unique=False),
    Many("components", lambda: COMPONENT_MAP, unique=False),
    Many("fixed_values", lambda: FIXED_VALUE_MAP, unique=False),
)
