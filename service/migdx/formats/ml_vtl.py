"""SDMX-ML tables of VTL (schema SDMXStructureTransformation.xsd, in 2.1 since its revision of 2020)."""

from __future__ import annotations

from typing import Any

from ..structures import (
    CustomType,
    CustomTypeScheme,
    NamePersonalisation,
    NamePersonalisationScheme,
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
from .ml_words import PARTIAL, item, maintainable
from .xml_items import Items
from .xml_shapes import (
    TRUTH,
    WORD,
    Attribute,
    Dialect,
    Irregular,
    Leaf,
    Leaves,
    Node,
    One,
    Part,
    Reading,
    Ref,
    Refs,
    Shape,
    Values,
    Within,
)

_VERSION = Attribute("vtlVersion", "vtl_version", required=True)
_MAPPINGS = Ref("str:VtlMappingScheme", "mapping_scheme", ("VtlMappingScheme",))
_RULESETS = Refs("str:RulesetScheme", "ruleset_schemes", ("RulesetScheme",))
_OPERATORS = Refs("str:UserDefinedOperatorScheme", "operator_schemes", ("UserDefinedOperatorScheme",))

TRANSFORMATION = item(
    "Transformation",
    Attribute("isPersistent", "is_persistent", TRUTH),
    Leaf("str:Expression", "expression", always=True),
    Leaf("str:Result", "result", always=True),
    cls=Transformation,
)
RULESET = item(
    "Ruleset",
    Attribute("rulesetType", "ruleset_type", required=True),
    Attribute("rulesetScope", "scope", required=True),
    Leaf("str:RulesetDefinition", "definition", always=True),
    cls=Ruleset,
)
OPERATOR = item(
    "UserDefinedOperator", Leaf("str:OperatorDefinition", "definition", always=True), cls=UserDefinedOperator
)
CUSTOM_TYPE = item(
    "CustomType",
    Leaf("str:VtlScalarType", "vtl_scalar_type", always=True),
    Leaf("str:DataType", "data_type", always=True),
    Leaf("str:VtlLiteralFormat", "literal_format"),
    Leaf("str:OutputFormat", "output_format"),
    Leaf("str:NullValue", "null_value"),
    cls=CustomType,
)
NAME_PERSONALISATION = item(
    "NamePersonalisation",
    Attribute("vtlArtefact", "vtl_artefact", required=True),
    Leaf("str:VtlDefaultName", "default_name", always=True),
    Leaf("str:PersonalisedName", "personalised_name", always=True),
    cls=NamePersonalisation,
)


# --- mappings of artefacts to names ------------------------------------------------------------------------

_MAPPED = ("GenericDataflow", "Dataflow", "Codelist", "ConceptScheme", "Concept")


def _read_mapped(node: Node, values: Values, reading: Reading) -> None:
    kind = reading.local(node)
    values["mapped"] = None if kind == "GenericDataflow" else reading.reference(node, (kind,))


def _write_mapped(given: VtlMapping, dialect: Dialect) -> str:
    if given.mapped is None:
        return "<str:GenericDataflow/>"
    return dialect.write_reference(f"str:{given.mapped.kind}", given.mapped)


def _flow_mapping(field: str, name: str, space: str) -> One:
    shape = Shape(
        VtlFlowMapping,
        f"str:{name}",
        Attribute("method", "method"),
        Within(f"str:{space}", Leaves("str:Key", "keys", WORD)),
    )
    return One(field, lambda: shape)


VTL_MAPPING = item(
    "VtlMapping",
    Attribute("alias", "alias", required=True),
    Irregular(_MAPPED, _read_mapped, _write_mapped),
    _flow_mapping("to_vtl", "ToVtlMapping", "ToVtlSubSpace"),
    _flow_mapping("from_vtl", "FromVtlMapping", "FromVtlSuperSpace"),
    cls=VtlMapping,
)


# --- the schemes -------------------------------------------------------------------------------------------


def _scheme(cls: Any, shape: Shape, *parts: Part) -> Shape:
    return maintainable(cls, PARTIAL, _VERSION, Items("items", lambda: shape), *parts)


CUSTOM_TYPE_SCHEME = _scheme(CustomTypeScheme, CUSTOM_TYPE)
NAME_PERSONALISATION_SCHEME = _scheme(NamePersonalisationScheme, NAME_PERSONALISATION)
RULESET_SCHEME = _scheme(RulesetScheme, RULESET, _MAPPINGS)
USER_DEFINED_OPERATOR_SCHEME = _scheme(UserDefinedOperatorScheme, OPERATOR, _MAPPINGS, _RULESETS)
TRANSFORMATION_SCHEME = _scheme(
    TransformationScheme,
    TRANSFORMATION,
    _MAPPINGS,
    Ref("str:NamePersonalisationScheme", "name_personalisation_scheme", ("NamePersonalisationScheme",)),
    Ref("str:CustomTypeScheme", "custom_type_scheme", ("CustomTypeScheme",)),
    _RULESETS,
    _OPERATORS,
)
VTL_MAPPING_SCHEME = maintainable(VtlMappingScheme, PARTIAL, Items("items", lambda: VTL_MAPPING))
