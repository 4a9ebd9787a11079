"""The item schemes of SDMX-ML 2.1: code lists, concepts, categories, taxonomies, organisations, VTL.

SDMXStructureCodelist, -Concept, -Category, -ReportingTaxonomy, -Organisation and -Transformation.xsd; the
last since the revision of 2020.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..structures import (
    AgencyScheme,
    Category,
    CategoryScheme,
    Codelist,
    Concept,
    ConceptScheme,
    Contact,
    CustomType,
    CustomTypeScheme,
    DataConsumerScheme,
    DataProviderScheme,
    Item,
    NamePersonalisation,
    NamePersonalisationScheme,
    Organisation,
    OrganisationUnitScheme,
    ReportingCategory,
    ReportingTaxonomy,
    Ruleset,
    RulesetScheme,
    Transformation,
    TransformationScheme,
    UserDefinedOperator,
    UserDefinedOperatorScheme,
    VtlFlowMapping,
    VtlMapping,
    VtlMappingScheme,
)
from .markup import leaf
from .ml21_artefact import MAINTAINABLE, NAMEABLE, ORGANISATION_SCHEME, PARTIAL, Represented
from .xml_items import Items
from .xml_shapes import (
    ID,
    TRUTH,
    WORD,
    Attribute,
    Dialect,
    Leaf,
    Leaves,
    Local,
    Many,
    Node,
    One,
    Part,
    Reading,
    Ref,
    Refs,
    Shape,
    Texts,
    Values,
    Within,
    text_of,
)

SCHEME = (*MAINTAINABLE, PARTIAL)
_PARENT = Local("str:Parent", "parent")


def _scheme(make: Callable[..., Any], item: Shape, *more: Part) -> Shape:
    return Shape(make, f"str:{make.kind}", *SCHEME, Items("items", lambda: item), *more)  # type: ignore[attr-defined]


# --- codes, concepts, categories ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _IsoConcept(Part):
    """An ISO 11179 concept: agency, scheme and id."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("ISOConceptReference",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        found = {reading.local(child): text_of(child) for child in node}
        values["iso_concept"] = tuple(found.get(f"Concept{part}", "") for part in _ISO_PARTS)

    def body(self, given: Any, dialect: Dialect) -> str:
        if given.iso_concept is None:
            return ""
        parts = zip(_ISO_PARTS, given.iso_concept, strict=True)
        inner = "".join(leaf(f"str:Concept{part}", text) for part, text in parts)
        return f"<str:ISOConceptReference>{inner}</str:ISOConceptReference>"


_ISO_PARTS = ("Agency", "SchemeID", "ID")

CODE = Shape(Item, "str:Code", *NAMEABLE, _PARENT)
CONCEPT = Shape(
    Concept, "str:Concept", *NAMEABLE, _PARENT, Represented("str:CoreRepresentation", False), _IsoConcept()
)
CATEGORY: Shape = Shape(Category, "str:Category", *NAMEABLE, Many("children", lambda: CATEGORY))
REPORTING_CATEGORY: Shape = Shape(
    ReportingCategory,
    "str:ReportingCategory",
    *NAMEABLE,
    Many("children", lambda: REPORTING_CATEGORY),
    Refs("str:StructuralMetadata", "structural"),
    Refs("str:ProvisioningMetadata", "provisioning"),
)

CODELIST = _scheme(Codelist, CODE)
CONCEPT_SCHEME = _scheme(ConceptScheme, CONCEPT)
CATEGORY_SCHEME = _scheme(CategoryScheme, CATEGORY)
REPORTING_TAXONOMY = _scheme(ReportingTaxonomy, REPORTING_CATEGORY)


# --- organisations -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Details(Part):
    """How somebody is reached, in the order in which it was told."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("Telephone", "Fax", "X400", "URI", "Email")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values.setdefault("details", []).append((reading.local(node), node.text or ""))

    def body(self, given: Contact, dialect: Dialect) -> str:
        return "".join(leaf(f"str:{name}", text) for name, text in given.details)


CONTACT = Shape(
    Contact,
    "str:Contact",
    Attribute("id", "id", WORD),
    Texts("com:Name", "names"),
    Texts("str:Department", "departments"),
    Texts("str:Role", "roles"),
    _Details(),
)


def _organisations(make: Callable[..., Any], *common: Part) -> Shape:
    contacts = Many("contacts", lambda: CONTACT, unique=False)
    member = Shape(Organisation, f"str:{make.item_kind}", *NAMEABLE, _PARENT, contacts)  # type: ignore[attr-defined]
    return Shape(make, f"str:{make.kind}", *common, Items("items", lambda: member))  # type: ignore[attr-defined]


AGENCY_SCHEME = _organisations(AgencyScheme, *ORGANISATION_SCHEME)
DATA_PROVIDER_SCHEME = _organisations(DataProviderScheme, *ORGANISATION_SCHEME)
DATA_CONSUMER_SCHEME = _organisations(DataConsumerScheme, *ORGANISATION_SCHEME)
ORGANISATION_UNIT_SCHEME = _organisations(OrganisationUnitScheme, *SCHEME)


# --- VTL ---------------------------------------------------------------------------------------------------

_VTL_VERSION = Attribute("vtlVersion", "vtl_version", WORD)
_RULESET_SCHEMES = Refs("str:RulesetScheme", "ruleset_schemes", kinds=("RulesetScheme",))


def _mapping_scheme() -> Ref:
    return Ref("str:VtlMappingScheme", "mapping_scheme", kinds=("VtlMappingScheme",))


TRANSFORMATION = Shape(
    Transformation,
    "str:Transformation",
    *NAMEABLE,
    Attribute("isPersistent", "is_persistent", TRUTH),
    Leaf("str:Expression", "expression", always=True),
    Leaf("str:Result", "result", always=True),
)
TRANSFORMATION_SCHEME = _scheme(
    TransformationScheme,
    TRANSFORMATION,
    _VTL_VERSION,
    _mapping_scheme(),
    Ref("str:NamePersonalisationScheme", "name_personalisation_scheme", kinds=("NamePersonalisationScheme",)),
    Ref("str:CustomTypeScheme", "custom_type_scheme", kinds=("CustomTypeScheme",)),
    _RULESET_SCHEMES,
    Refs("str:UserDefinedOperatorScheme", "operator_schemes", kinds=("UserDefinedOperatorScheme",)),
)
RULESET = Shape(
    Ruleset,
    "str:Ruleset",
    *NAMEABLE,
    Attribute("rulesetType", "ruleset_type", WORD),
    Attribute("rulesetScope", "scope", WORD),
    Leaf("str:RulesetDefinition", "definition", always=True),
)
RULESET_SCHEME = _scheme(RulesetScheme, RULESET, _VTL_VERSION, _mapping_scheme())
OPERATOR = Shape(
    UserDefinedOperator,
    "str:UserDefinedOperator",
    *NAMEABLE,
    Leaf("str:OperatorDefinition", "definition", always=True),
)
OPERATOR_SCHEME = _scheme(
    UserDefinedOperatorScheme, OPERATOR, _VTL_VERSION, _mapping_scheme(), _RULESET_SCHEMES
)
CUSTOM_TYPE = Shape(
    CustomType,
    "str:CustomType",
    *NAMEABLE,
    Leaf("str:VtlScalarType", "vtl_scalar_type", always=True),
    Leaf("str:DataType", "data_type", always=True),
    Leaf("str:VtlLiteralFormat", "literal_format"),
    Leaf("str:OutputFormat", "output_format"),
    Leaf("str:NullValue", "null_value"),
)
CUSTOM_TYPE_SCHEME = _scheme(CustomTypeScheme, CUSTOM_TYPE, _VTL_VERSION)
NAME_PERSONALISATION = Shape(
    NamePersonalisation,
    "str:NamePersonalisation",
    *NAMEABLE,
    Attribute("vtlArtefact", "vtl_artefact", WORD),
    Leaf("str:VtlDefaultName", "default_name", always=True),
    Leaf("str:PersonalisedName", "personalised_name", always=True),
)
NAME_PERSONALISATION_SCHEME = _scheme(NamePersonalisationScheme, NAME_PERSONALISATION, _VTL_VERSION)


def _flow_mapping(name: str, space: str) -> Shape:
    keys = Within(space, Leaves("str:Key", "keys", ID))
    return Shape(VtlFlowMapping, name, Attribute("method", "method", WORD), keys)


@dataclass(frozen=True, eq=False)
class _Mapped(Part):
    """What a VTL alias stands for; GenericDataflow is any dataflow."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("Dataflow", "GenericDataflow", "Codelist", "ConceptScheme", "Concept")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        name = reading.local(node)
        values["mapped"] = None if name == "GenericDataflow" else reading.reference(node, (name,))

    def body(self, given: VtlMapping, dialect: Dialect) -> str:
        if given.mapped is None:
            return "<str:GenericDataflow/>"
        return dialect.write_reference(f"str:{given.mapped.kind}", given.mapped)


VTL_MAPPING = Shape(
    VtlMapping,
    "str:VtlMapping",
    *NAMEABLE,
    Attribute("alias", "alias", WORD),
    _Mapped(),
    One("to_vtl", lambda: _TO_VTL),
    One("from_vtl", lambda: _FROM_VTL),
)
_TO_VTL: Shape = _flow_mapping("str:ToVtlMapping", "str:ToVtlSubSpace")
_FROM_VTL: Shape = _flow_mapping("str:FromVtlMapping", "str:FromVtlSuperSpace")
VTL_MAPPING_SCHEME = _scheme(VtlMappingScheme, VTL_MAPPING)
