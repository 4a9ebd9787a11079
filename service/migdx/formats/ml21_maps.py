"""Hierarchies and maps of SDMX-ML 2.1 (SDMXStructureHierarchicalCodelist.xsd, SDMXStructureStructureSet.xsd).

A HierarchicalCodelist is its hierarchies, a StructureSet its maps; `ml21_groups` says how they stay together.
A CodelistMap is a RepresentationMap, and so is a HybridCodelistMap, whose rows are kept as text because they
name codes inside hierarchies. The mapping of values that a ComponentMap holds itself is kept as text too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..structures import (
    CategorySchemeMap,
    ComponentMap,
    ConceptSchemeMap,
    HierarchicalCode,
    Hierarchy,
    Maintainable,
    Mapping,
    OrganisationSchemeMap,
    ReportingTaxonomyMap,
    RepresentationMap,
    StructureMap,
)
from ..urn import Reference
from .markup import quoted
from .ml21_groups import Members, PartOf, Shell, Whole, WholeShape, member_id, part_of, split
from .ml21_kept import Kept, KeptAttribute, keep, noted
from .ml_items import LEVEL
from .ml_words import ANNOTATED, IDENTIFIABLE, MAINTAINABLE, NAMEABLE
from .xml_shapes import (
    FLAG,
    INSTANT,
    Attribute,
    Dialect,
    Local,
    Many,
    Node,
    One,
    Part,
    Reading,
    Ref,
    Shape,
    Values,
    fault,
    local,
    text_of,
)

# --- hierarchies -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Code(Part):
    """A code, or its id and the alias of an included list, which `_resolved` looks up."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("Code", "CodelistAliasRef", "CodeID")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        name = reading.local(node)
        if name == "Code":
            values["code"] = reading.reference(node, ("Code",))
        elif name == "CodelistAliasRef":
            values["_alias"] = text_of(node)
        else:
            values["_id"] = reading.id_of(node)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        alias, id = values.pop("_alias", ""), values.pop("_id", "")
        if "code" not in values and not (alias and id):
            raise fault(f"{local(node)} has no Code", node)
        values.setdefault("code", Reference("Code", "", alias, "", id))

    def body(self, given: HierarchicalCode, dialect: Dialect) -> str:
        return dialect.write_reference("str:Code", given.code)


HIERARCHICAL_CODE: Shape = Shape(
    HierarchicalCode,
    "str:HierarchicalCode",
    *IDENTIFIABLE,
    KeptAttribute("version"),
    Attribute("validFrom", "valid_from", INSTANT),
    Attribute("validTo", "valid_to", INSTANT),
    _Code(),
    Many("children", lambda: HIERARCHICAL_CODE, unique=False),
    Local("str:Level", "level"),
)


HIERARCHY = Shape(
    part_of(Hierarchy),
    "str:Hierarchy",
    *NAMEABLE,
    Attribute("leveled", "has_formal_levels", FLAG),
    Many("codes", lambda: HIERARCHICAL_CODE, unique=False),
    One("level", lambda: LEVEL),
)


@dataclass(frozen=True, eq=False)
class _Included(Part):
    """The lists that the codes are of; readers want the alias that the schema makes optional."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("IncludedCodelist",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        found = reading.reference(node, ("Codelist",))
        values.setdefault("included", []).append((node.get("alias") or "", found))

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        lists = dict(values.get("included", ()))
        for part in values.get("parts", ()):
            try:
                part.fields["codes"] = _resolved(part.fields.get("codes", ()), lists)
            except KeyError as alias:
                raise fault(f"CodelistAliasRef {alias} is the alias of no IncludedCodelist", node) from None

    def body(self, given: Whole, dialect: Dialect) -> str:
        marks = (dialect.write_reference("str:IncludedCodelist", named) for _, named in included(given.parts))
        start = "<str:IncludedCodelist"
        return "".join(f'{start} alias="L{at}"{mark[len(start) :]}' for at, mark in enumerate(marks, 1))


def included(hierarchies: Iterable[Any]) -> list[tuple[str, Reference]]:
    """(alias, list) for each list that the codes are of, in order."""
    tops = (top for hierarchy in hierarchies for top in hierarchy.codes)
    lists = dict.fromkeys(node.code.of("Codelist") for top in tops for node in top.walk())
    return [(f"L{at}", named) for at, named in enumerate(lists, 1)]


def _hierarchies(
    parts: Sequence[PartOf] = (),
    included: Sequence[tuple[str, Reference]] = (),
    shell: str = "",
    **fields: Any,
) -> list[Maintainable]:
    plain = list(included) == _included_of(parts)
    return split(fields, parts, shell, plain, Hierarchy)


def _included_of(parts: Sequence[PartOf]) -> list[tuple[str, Reference]]:
    return included([replace(_NO_HIERARCHY, codes=part.fields["codes"]) for part in parts])


_NO_HIERARCHY = Hierarchy("H", "A")


def _resolved(codes: Iterable[HierarchicalCode], lists: dict[str, Reference]) -> tuple[HierarchicalCode, ...]:
    """The codes with their lists in full; KeyError for an alias that no list has."""
    return tuple(
        replace(
            code,
            code=replace(lists[code.code.id].of("Code"), item=code.code.item)
            if not code.code.agency
            else code.code,
            children=_resolved(code.children, lists),
        )
        if code.children or not code.code.agency
        else code
        for code in codes
    )


HIERARCHICAL_CODELIST = WholeShape(
    _hierarchies,
    "str:HierarchicalCodelist",
    *MAINTAINABLE,
    _Included(),
    Members((HIERARCHY,), lambda _: HIERARCHY),
    Shell(("Hierarchy",)),
)


# --- maps of items -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _End(Part):
    """The one source, or target, of a row or a map: a neighbour's id, or with `kinds` a reference."""

    name: str
    field: str
    kinds: tuple[str, ...] = ()

    @property
    def elements(self) -> tuple[str, ...]:
        return (self.name[4:],)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values[self.field] = (reading.reference(node, self.kinds) if self.kinds else reading.id_of(node),)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if self.field not in values:
            raise fault(f"{local(node)} has no {self.name[4:]}", node)

    def body(self, given: Any, dialect: Dialect) -> str:
        (end,) = getattr(given, self.field) or ("",)
        if isinstance(end, Reference):
            return dialect.write_reference(self.name, end)
        return dialect.write_local(self.name, end) if end else ""


def _row(name: str) -> Shape:
    return Shape(Mapping, name, *ANNOTATED, _End("str:Source", "sources"), _End("str:Target", "targets"))


_CODE_MAP = _row("str:CodeMap")
CODELIST_MAP = Shape(
    part_of(RepresentationMap),
    "str:CodelistMap",
    *NAMEABLE,
    _End("str:Source", "sources", ("Codelist",)),
    _End("str:Target", "targets", ("Codelist",)),
    Many("mappings", lambda: _CODE_MAP, unique=False),
)
HYBRID_CODELIST_MAP = Shape(
    part_of(RepresentationMap),
    "str:HybridCodelistMap",
    *NAMEABLE,
    _End("str:Source", "sources", ("Codelist", "Hierarchy")),
    _End("str:Target", "targets", ("Codelist", "Hierarchy")),
    Kept("str:HybridCodeMap"),
)


def _item_map(make: Any, row: str, *kinds: str) -> Shape:
    shape = _row(f"str:{row}")
    return Shape(
        part_of(make),
        f"str:{make.kind}",
        *NAMEABLE,
        Ref("str:Source", "source", kinds=kinds, required=True),
        Ref("str:Target", "target", kinds=kinds, required=True),
        Many("mappings", lambda: shape, unique=False),
    )


_ORGANISATIONS = ("AgencyScheme", "DataProviderScheme", "DataConsumerScheme", "OrganisationUnitScheme")
_ITEM_MAPS = {
    "OrganisationSchemeMap": _item_map(OrganisationSchemeMap, "OrganisationMap", *_ORGANISATIONS),
    "CategorySchemeMap": _item_map(CategorySchemeMap, "CategoryMap", "CategoryScheme"),
    "ConceptSchemeMap": _item_map(ConceptSchemeMap, "ConceptMap", "ConceptScheme"),
    "ReportingTaxonomyMap": _item_map(ReportingTaxonomyMap, "ReportingCategoryMap", "ReportingTaxonomy"),
}


# --- maps of structures ------------------------------------------------------------------------------------

_PLACES = {
    "TIME_PERIOD": ("DimensionDescriptor", "TimeDimension"),
    "OBS_VALUE": ("MeasureDescriptor", "PrimaryMeasure"),
}
_DIMENSION = ("DimensionDescriptor", "Dimension")


@dataclass(frozen=True, eq=False)
class _ComponentEnd(_End):
    """A component with the list that it is in, which the model does not tell: a dimension, unless kept."""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        super().take(node, values, reading)
        ref = next((child for child in node if str(child.tag) == "Ref"), None)
        said = ("", "") if ref is None else (ref.get("containerID") or "", ref.get("class") or "")
        package = "" if ref is None else ref.get("package") or ""
        if said != _PLACES.get(values[self.field][0], _DIMENSION):
            keep(values, self.name[4:], " ".join((*said, package)))

    def body(self, given: ComponentMap, dialect: Dialect) -> str:
        (id,) = getattr(given, self.field)
        container, kind = _PLACES.get(id, _DIMENSION)
        package = "datastructure"
        for said in noted(given.annotations, self.name[4:]):
            container, kind, package = (*said.split(" "), "", "")[:3]
        head = (("id", id), ("containerID", container), ("class", kind), ("package", package))
        ref = "".join(f' {name}="{quoted(text)}"' for name, text in head if text)
        return f"<{self.name}><Ref{ref}/></{self.name}>"


@dataclass(frozen=True, eq=False)
class _RepresentationMapping(Kept):
    """Kept as text; the map of the same set that it names is told as a reference too."""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        super().take(node, values, reading)
        for child in node:
            if reading.local(child) == "CodelistMap":
                named = Reference("RepresentationMap", "", reading.id_of(child), "")
                values["representation_map"] = named


COMPONENT_MAP = Shape(
    ComponentMap,
    "str:ComponentMap",
    *ANNOTATED,
    _ComponentEnd("str:Source", "sources"),
    _ComponentEnd("str:Target", "targets"),
    _RepresentationMapping("str:RepresentationMapping"),
)


@dataclass(frozen=True, eq=False)
class _Components(Many):
    """Those of one component to one, which is all that 2.1 knows."""

    def body(self, given: StructureMap, dialect: Dialect) -> str:
        return "".join(COMPONENT_MAP.write(each, dialect) for each in one_to_one(given))


def one_to_one(given: StructureMap) -> list[ComponentMap]:
    return [each for each in given.components if len(each.sources) == len(each.targets) == 1]


_STRUCTURES = ("DataStructure", "MetadataStructure", "Dataflow", "Metadataflow")
STRUCTURE_MAP = Shape(
    part_of(StructureMap),
    "str:StructureMap",
    *NAMEABLE,
    KeptAttribute("isExtension", "false"),
    Ref("str:Source", "source", kinds=_STRUCTURES, required=True),
    Ref("str:Target", "target", kinds=_STRUCTURES, required=True),
    _Components("components", lambda: COMPONENT_MAP, unique=False),
)


@dataclass(frozen=True, eq=False)
class _Related(Part):
    """Structures that the maps relate to: only kept, with the rest of the set."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("RelatedStructure",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values["related"] = True


def _maps(
    parts: Sequence[PartOf] = (), related: bool = False, shell: str = "", **fields: Any
) -> list[Maintainable]:
    for part in parts:
        part.fields["components"] = tuple(
            _mapped(each, parts, fields) for each in part.fields.get("components", ())
        )
        if not part.fields["components"]:
            del part.fields["components"]
    return split(fields, parts, shell, not related, StructureMap)


def _mapped(given: ComponentMap, parts: Sequence[PartOf], whole: Values) -> ComponentMap:
    """With the artefact that the map which it names has become."""
    if given.representation_map is None:
        return given
    id = member_id(whole["id"], parts, given.representation_map.id)
    named = Reference("RepresentationMap", whole["agency"], id, whole.get("version", "1.0"))
    return replace(given, representation_map=named if id else None)


def _map_shape(given: Maintainable) -> Shape:
    if isinstance(given, StructureMap):
        return STRUCTURE_MAP
    ends = (*getattr(given, "sources", ()), *getattr(given, "targets", ()))
    if any(noted(given.annotations, "HybridCodeMap")) or any(_in_hierarchy(end) for end in ends):
        return HYBRID_CODELIST_MAP
    return _ITEM_MAPS.get(given.kind, CODELIST_MAP)


def _in_hierarchy(end: Reference | str) -> bool:
    return isinstance(end, Reference) and end.kind == "Hierarchy"


STRUCTURE_SET = WholeShape(
    _maps,
    "str:StructureSet",
    *MAINTAINABLE,
    _Related(),
    Members((*_ITEM_MAPS.values(), CODELIST_MAP, HYBRID_CODELIST_MAP, STRUCTURE_MAP), _map_shape),
    Shell((*_ITEM_MAPS, "CodelistMap", "HybridCodelistMap", "StructureMap")),
)
