"""SDMX-JSON 2.x: the schemes of VTL (transformations, rulesets, operators, types, names, mappings)."""

from __future__ import annotations

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
from .json2_artefacts import NAMED
from .json2_items import scheme
from .json2_urns import take_urn, urn, urns
from .json_shapes import By, Inside, Json, Part, Property, Reading, Shape, Told, flag, one, text, texts


def _said(name: str, field: str) -> Property:
    """A text that the schema demands, even if empty."""
    return text(name, field, required=True, always=True)


_VERSION: Part = text("vtlVersion", "vtl_version")
_MAPPINGS: Part = urn("vtlMappingScheme", "mapping_scheme", "VtlMappingScheme")
_RULESETS: Part = urns("rulesetSchemes", "ruleset_schemes", "RulesetScheme")

TRANSFORMATION_SCHEME = scheme(
    TransformationScheme,
    "transformations",
    Shape(
        Transformation,
        (
            *NAMED,
            _said("expression", "expression"),
            _said("result", "result"),
            flag("isPersistent", "is_persistent", always=True),
        ),
    ),
    _VERSION,
    _MAPPINGS,
    urn("namePersonalisationScheme", "name_personalisation_scheme", "NamePersonalisationScheme"),
    urn("customTypeScheme", "custom_type_scheme", "CustomTypeScheme"),
    _RULESETS,
    urns("userDefinedOperatorSchemes", "operator_schemes", "UserDefinedOperatorScheme"),
)

RULESET_SCHEME = scheme(
    RulesetScheme,
    "rulesets",
    Shape(
        Ruleset,
        (
            *NAMED,
            _said("rulesetDefinition", "definition"),
            _said("rulesetType", "ruleset_type"),
            _said("rulesetScope", "scope"),
        ),
    ),
    _VERSION,
    _MAPPINGS,
)

USER_DEFINED_OPERATOR_SCHEME = scheme(
    UserDefinedOperatorScheme,
    "userDefinedOperators",
    Shape(UserDefinedOperator, (*NAMED, _said("operatorDefinition", "definition"))),
    _VERSION,
    _MAPPINGS,
    _RULESETS,
)

CUSTOM_TYPE_SCHEME = scheme(
    CustomTypeScheme,
    "customTypes",
    Shape(
        CustomType,
        (
            *NAMED,
            _said("vtlScalarType", "vtl_scalar_type"),
            _said("dataType", "data_type"),
            text("vtlLiteralFormat", "literal_format"),
            text("outputFormat", "output_format"),
            text("nullValue", "null_value"),
        ),
    ),
    _VERSION,
)

NAME_PERSONALISATION_SCHEME = scheme(
    NamePersonalisationScheme,
    "namePersonalisations",
    Shape(
        NamePersonalisation,
        (
            *NAMED,
            _said("vtlArtefact", "vtl_artefact"),
            _said("vtlDefaultName", "default_name"),
            _said("personalisedName", "personalised_name"),
        ),
    ),
    _VERSION,
)

# --- mappings ----------------------------------------------------------------------------------------------

_MAPPED = {"Dataflow": "dataflow", "Codelist": "codelist", "Concept": "concept"}


def _write_mapped(mapping: VtlMapping, into: Json, told: Told) -> None:
    if mapping.mapped is None:
        into["genericDataflow"] = {}
    else:
        into[_MAPPED.get(mapping.mapped.kind, "codelist")] = mapping.mapped.urn


def _read_mapped(given: Json, into: Json, reading: Reading) -> None:
    for name in _MAPPED.values():
        if name in given:
            into["mapped"] = reading.part(given, name, take_urn)


def _flow_mapping(space: str) -> Shape:
    return Shape(VtlFlowMapping, (text("method"), Inside(space, (texts("keys", "keys"),))))


VTL_MAPPING_SCHEME = scheme(
    VtlMappingScheme,
    "vtlMappings",
    Shape(
        VtlMapping,
        (
            *NAMED,
            _said("alias", "alias"),
            By((*_MAPPED.values(), "genericDataflow"), _write_mapped, _read_mapped),
            one("toVtlMapping", "to_vtl", _flow_mapping("toVtlSubSpace")),
            one("fromVtlMapping", "from_vtl", _flow_mapping("fromVtlSuperSpace")),
        ),
    ),
)
