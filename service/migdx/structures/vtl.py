"""VTL in SDMX: transformations, rulesets, operators, types, names, mappings (SDMX 3.0 IM, section 14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..urn import Reference
from .artefact import Item, ItemScheme


@dataclass(frozen=True)
class VtlDefinitionScheme(ItemScheme):
    """`vtl_version` is that of the language, such as 2.0."""

    vtl_version: str = ""


@dataclass(frozen=True, slots=True)
class Transformation(Item):
    """`result` <- `expression`; a persistent result is kept."""

    expression: str = ""
    result: str = ""
    is_persistent: bool = False


@dataclass(frozen=True)
class TransformationScheme(VtlDefinitionScheme):
    kind: ClassVar[str] = "TransformationScheme"
    item_kind: ClassVar[str] = "Transformation"
    mapping_scheme: Reference | None = None
    name_personalisation_scheme: Reference | None = None
    custom_type_scheme: Reference | None = None
    ruleset_schemes: tuple[Reference, ...] = ()
    operator_schemes: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruleset(Item):
    """`ruleset_type` is datapoint or hierarchical; `scope` is variable or valuedomain."""

    definition: str = ""
    ruleset_type: str = ""
    scope: str = ""


@dataclass(frozen=True)
class RulesetScheme(VtlDefinitionScheme):
    kind: ClassVar[str] = "RulesetScheme"
    item_kind: ClassVar[str] = "Ruleset"
    mapping_scheme: Reference | None = None


@dataclass(frozen=True, slots=True)
class UserDefinedOperator(Item):
    definition: str = ""


@dataclass(frozen=True)
class UserDefinedOperatorScheme(VtlDefinitionScheme):
    kind: ClassVar[str] = "UserDefinedOperatorScheme"
    item_kind: ClassVar[str] = "UserDefinedOperator"
    mapping_scheme: Reference | None = None
    ruleset_schemes: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomType(Item):
    vtl_scalar_type: str = ""
    data_type: str = ""
    literal_format: str = ""
    output_format: str = ""
    null_value: str = ""


@dataclass(frozen=True)
class CustomTypeScheme(VtlDefinitionScheme):
    kind: ClassVar[str] = "CustomTypeScheme"
    item_kind: ClassVar[str] = "CustomType"


@dataclass(frozen=True, slots=True)
class NamePersonalisation(Item):
    vtl_artefact: str = ""
    default_name: str = ""
    personalised_name: str = ""


@dataclass(frozen=True)
class NamePersonalisationScheme(VtlDefinitionScheme):
    kind: ClassVar[str] = "NamePersonalisationScheme"
    item_kind: ClassVar[str] = "NamePersonalisation"


@dataclass(frozen=True, slots=True)
class VtlFlowMapping:
    """How a dataflow becomes a VTL dataset, or the other way: a method, and the keys of its (super)space."""

    method: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VtlMapping(Item):
    """`alias` in VTL for `mapped`: a Dataflow, a Codelist or a Concept; None is any dataflow (generic)."""

    alias: str = ""
    mapped: Reference | None = None
    to_vtl: VtlFlowMapping | None = None
    from_vtl: VtlFlowMapping | None = None


@dataclass(frozen=True)
class VtlMappingScheme(ItemScheme):
    kind: ClassVar[str] = "VtlMappingScheme"
    item_kind: ClassVar[str] = "VtlMapping"
