"""Identities: the URN of an artefact, and the grammar that asks for versions.

URN: SDMX 3.0 Technical Notes, section 6. Versions: sdmx-rest v2.2.2, doc/querying_versions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .errors import SyntaxFault

# class -> the package that stands before it in a URN; 3.0 names, with those of 2.1 that readers meet
PACKAGES: dict[str, str] = {
    **dict.fromkeys(
        ("Agency", "AgencyScheme", "DataConsumer", "DataConsumerScheme", "DataProvider", "DataProviderScheme",
         "MetadataProvider", "MetadataProviderScheme", "Organisation", "OrganisationScheme",
         "OrganisationUnit", "OrganisationUnitScheme"),
        "base",
    ),
    **dict.fromkeys(
        ("Code", "Codelist", "GeoFeatureSetCode", "GeoGridCode", "GeoGridCodelist",
         "GeographicCodelist", "HierarchicalCode", "HierarchicalCodelist", "Hierarchy",
         "HierarchyAssociation", "Level", "ValueItem", "ValueList"),
        "codelist",
    ),
    **dict.fromkeys(("Concept", "ConceptScheme"), "conceptscheme"),
    **dict.fromkeys(
        ("AttributeDescriptor", "DataAttribute", "DataStructure", "Dataflow", "Dimension",
         "DimensionDescriptor", "GroupDimensionDescriptor", "Measure", "MeasureDescriptor",
         "MeasureDimension", "PrimaryMeasure", "ReportingYearStartDay", "TimeDimension"),
        "datastructure",
    ),
    **dict.fromkeys(
        ("ConstraintTarget", "DataSetTarget", "DimensionDescriptorValuesTarget", "IdentifiableObjectTarget",
         "MetadataAttribute", "MetadataAttributeDescriptor", "MetadataSet", "MetadataStructure",
         "MetadataTarget", "Metadataflow", "ReportPeriodTarget", "ReportStructure"),
        "metadatastructure",
    ),
    **dict.fromkeys(
        ("AttachmentConstraint", "AvailabilityConstraint", "Constraint", "ContentConstraint",
         "DataConstraint", "MetadataConstraint", "MetadataProvisionAgreement", "ProvisionAgreement",
         "Subscription"),
        "registry",
    ),
    **dict.fromkeys(
        ("Categorisation", "Category", "CategoryScheme", "ReportingCategory", "ReportingTaxonomy"),
        "categoryscheme",
    ),
    **dict.fromkeys(
        ("CategorySchemeMap", "ConceptSchemeMap", "DatePatternMap", "EpochMap", "FrequencyFormatMapping",
         "OrganisationSchemeMap", "ReportingTaxonomyMap", "RepresentationMap", "StructureMap"),
        "structuremapping",
    ),
    **dict.fromkeys(  # SDMX 2.1
        ("CategoryMap", "CodeMap", "CodelistMap", "ComponentMap", "ConceptMap", "HybridCodeMap",
         "HybridCodelistMap", "OrganisationMap", "ReportingCategoryMap", "StructureSet"),
        "mapping",
    ),
    **dict.fromkeys(
        ("CustomType", "CustomTypeScheme", "NamePersonalisation", "NamePersonalisationScheme", "Ruleset",
         "RulesetScheme", "Transformation", "TransformationScheme", "UserDefinedOperator",
         "UserDefinedOperatorScheme", "VtlCodelistMapping", "VtlConceptMapping", "VtlDataflowMapping",
         "VtlMapping", "VtlMappingScheme"),
        "transformation",
    ),
    **dict.fromkeys(("Process", "ProcessStep", "Transition"), "process"),
}  # fmt: skip

_URN = re.compile(
    r"urn:sdmx:org\.sdmx\.infomodel\.(?P<package>\w+)\.(?P<kind>\w+)"
    r"=(?P<agency>[\w.@$-]+):(?P<id>[\w@$-]+)\((?P<version>[\w.+*~-]+)\)(?:\.(?P<item>[\w.@$-]+))?\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Names one artefact, or with `item` one item in it; `version` may carry a wildcard such as 1.0+.0."""

    kind: str
    agency: str
    id: str
    version: str = "1.0"
    item: str = ""

    @property
    def urn(self) -> str:
        item = f".{self.item}" if self.item else ""
        package = PACKAGES.get(self.kind, "base")
        return f"urn:sdmx:org.sdmx.infomodel.{package}.{self.kind}={self.short}{item}"

    @property
    def short(self) -> str:
        """AGENCY:ID(VERSION), as SDMX-CSV and people write it."""
        return f"{self.agency}:{self.id}({self.version})"

    def of(self, kind: str) -> Reference:
        """The maintainable that holds this item, as a reference to `kind`."""
        return Reference(kind, self.agency, self.id, self.version)

    def __str__(self) -> str:
        return self.urn


def parse_urn(text: str) -> Reference:
    """The reference that a URN spells; SyntaxFault if it is none."""
    return _parsed(text) if len(text) < _LONG else _parsed.__wrapped__(text)


_LONG = 1000
"""Letters from which on a text is not remembered: a few of them would fill the memory."""


@lru_cache(maxsize=65536)
def _parsed(text: str) -> Reference:
    found = _URN.match(text.strip())
    if not found:
        raise SyntaxFault(
            f"'{text}' is not an SDMX URN (urn:sdmx:org.sdmx.infomodel.package.Class=AGENCY:ID(1.0.0))"
        )
    return Reference(found["kind"], found["agency"], found["id"], found["version"], found["item"] or "")


_SHORT = re.compile(
    r"(?:(?P<agency>[\w.@$-]+):)?(?P<id>[\w@$-]+)(?:\((?P<version>[\w.+*~-]+)\))?\Z", re.ASCII
)


def parse_short(text: str, kind: str) -> Reference:
    """AGENCY:ID(VERSION) as SDMX-CSV writes it; agency and version may be missing (then '*' and '~')."""
    found = _SHORT.match(text.strip())
    if not found:
        raise SyntaxFault(f"'{text}' does not name a {kind}; expected AGENCY:ID(VERSION)")
    return Reference(kind, found["agency"] or "*", found["id"], found["version"] or "~")


# --- versions --------------------------------------------------------------------------------------

_NUMBERS = re.compile(r"(\d+(?:\.\d+)*)(?:-([\w.-]+))?\Z", re.ASCII)
_PART = re.compile(r"(\d*)([+~*]?)\Z", re.ASCII)
_ASKED = re.compile(
    r"(?:[+~*]|(?:0|[1-9]\d*)[+~*]?)(?:\.(?:[+~*]|(?:0|[1-9]\d*)[+~*]?)){0,2}(?:-[\w.-]+)?\Z", re.ASCII
)


@lru_cache(maxsize=4096)
def version_order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """A sort key: numbers by size, a draft (1.0.0-draft) before its release, no version last of all."""
    found = _NUMBERS.match(version)
    if not found:
        return ((), True, version)
    return (tuple(int(part) for part in found[1].split(".")), found[2] is None, found[2] or "")


@dataclass(frozen=True, slots=True)
class _Ask:
    """One alternative of a version query: the fixed parts, the wildcard, and the floor at and after it."""

    fixed: tuple[int, ...]
    wildcard: str
    floor: tuple[int, ...]
    parts: int  # 0: any number of parts
    exact: str = ""

    def admits(self, version: str) -> bool:
        if not self.wildcard:
            return version == self.exact
        numbers, released, _ = version_order(version)
        if not numbers:
            return self.wildcard != "+" and self.parts == 0
        if self.parts and len(numbers) != self.parts:
            return False
        if self.wildcard == "+" and (len(numbers) != 3 or not released or numbers[0] == 0):
            return False
        head = len(self.fixed)
        return numbers[:head] == self.fixed and numbers[head:] >= self.floor


@lru_cache(maxsize=1024)
def _ask(text: str) -> _Ask:
    wrong = _no_query(text)
    if text in ("~", "*"):
        return _Ask((), text, (), 0)
    if text == "+":
        return _Ask((), "+", (0, 0, 0), 3)
    if not any(sign in text for sign in "+~*"):
        if not _NUMBERS.match(text):
            raise wrong
        return _Ask((), "", (), 0, text)
    parts = text.split(".")
    matches = [_PART.match(part) for part in parts]
    wild = [at for at, part in enumerate(parts) if part[-1:] in "+~*" and part]
    if len(wild) != 1 or not 2 <= len(parts) <= 3 or any(m is None for m in matches):
        raise wrong
    at = wild[0]
    numbers = [int(m[1]) if m and m[1] else 0 for m in matches]
    bare = parts[at] in "+~*"
    if any(part == "" for part in parts) or (bare and any(numbers[at + 1 :])):
        raise wrong
    sign = parts[at][-1]
    if sign == "+" and len(parts) != 3:
        raise wrong
    return _Ask(tuple(numbers[:at]), sign, tuple(numbers[at:]), len(parts))


def _no_query(text: str) -> SyntaxFault:
    return SyntaxFault(
        f"'{text}' is not a version query; expected 1.0.0, 1.0+.0, + (latest stable), ~ (latest), * (all)"
    )


def check_version_query(text: str) -> None:
    """Raises SyntaxFault when `text` (a comma list) is outside the grammar, which is stricter than what
    `select_versions` looks up: a version that is stored may have more parts, or zeros before a number.
    """
    for part in text.split(","):
        if not _ASKED.match(part):
            raise _no_query(part)
        _ask(part)


def select_versions(query: str, versions: Iterable[str]) -> list[str]:
    """Those of `versions` that `query` asks for, lowest first: `+` and `~` give one each, `*` gives all."""
    known = sorted(set(versions), key=version_order)
    chosen: set[str] = set()
    for text in query.split(","):
        ask = _ask(text)
        admitted = [version for version in known if ask.admits(version)]
        chosen.update(admitted if ask.wildcard in ("*", "") else admitted[-1:])
    return sorted(chosen, key=version_order)


def is_stable(version: str) -> bool:
    """A released semantic version: three parts, no extension, major above 0."""
    numbers, released, _ = version_order(version)
    return len(numbers) == 3 and released and numbers[0] > 0
