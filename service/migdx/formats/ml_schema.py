"""The XML schema of structure-specific data: what may stand in a message, constraints applied.

SDMX 2.1 section 3A part IV and the SDMX-ML of 3.0 and 3.1 ask for it; `ml_specific_writer.py` writes what it
allows.
Types derive from those of the official schemas, so generic tools read the messages too. No attribute is
required, since updates and confidential values leave some out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ..schema import INTEGRAL, TEMPORAL, Schema, SchemaComponent
from .layout import ALL_DIMENSIONS, Layout, dimensions_of, layout
from .markup import element, namespace, quoted
from .ml_specific_writer import measure_names, target_namespace

_LOCATION = "https://registry.sdmx.org/schemas/v{}/{}.xsd"
_YEAR_START = "REPORTING_YEAR_START_DAY"
_ANNOTATIONS = '<xs:element ref="common:Annotations" minOccurs="0"/>'

# text types that XML Schema has under another name; the others are xs:string
_TYPES = {
    "BigInteger": "xs:integer", "Boolean": "xs:boolean", "Count": "xs:integer", "DateTime": "xs:dateTime",
    "Day": "xs:gDay", "Decimal": "xs:decimal", "Double": "xs:double", "Duration": "xs:duration",
    "ExclusiveValueRange": "xs:decimal", "Float": "xs:float", "GregorianDay": "xs:date",
    "GregorianYear": "xs:gYear", "GregorianYearMonth": "xs:gYearMonth", "InclusiveValueRange": "xs:decimal",
    "Incremental": "xs:decimal", "Integer": "xs:int", "Long": "xs:long", "Month": "xs:gMonth",
    "MonthDay": "xs:gMonthDay", "Short": "xs:short", "Time": "xs:time", "URI": "xs:anyURI",
    **{name: f"common:{name}Type" for name in (
        "Alpha", "AlphaNumeric", "BasicTimePeriod", "GregorianTimePeriod", "Numeric",
        "ObservationalTimePeriod", "ReportingTimePeriod", "StandardTimePeriod", "TimeRange",
    )},
}  # fmt: skip
_UNIONS = frozenset(("BasicTimePeriod", "GregorianTimePeriod", "ReportingTimePeriod", "StandardTimePeriod"))
"""Unions within the union that time has in the official schemas: by XML Schema 1.0 they do not narrow it."""
_LENGTHS = {"minLength": "minLength", "maxLength": "maxLength", "pattern": "pattern"}
_BOUNDS = {"minValue": "minInclusive", "maxValue": "maxInclusive", "pattern": "pattern"}
_PIECE = 10_000
"""Codes that leave at once."""
_LENGTHY = frozenset(
    ("xs:string", "xs:anyURI", "common:AlphaType", "common:AlphaNumericType", "common:NumericType")
)


def write_schema(
    schema: Schema, version: str, dimension_at_observation: str, *, deletion: bool = False
) -> Iterator[bytes]:
    """The XSD for messages of `version` (2.1, 3.0 or 3.1), in pieces: a list may have 700,000 codes.

    With `deletion` it is for messages that delete: keys may be partial, for they delete what fits them, and
    what stands for a value to delete may be anything (SDMX 3.1 Technical Notes, dataset actions).
    """
    given = layout(schema, dimension_at_observation)
    target = target_namespace(schema, version, given.observation)
    spaces = (
        ("xmlns:xs", "http://www.w3.org/2001/XMLSchema"),
        ("xmlns", target),
        ("xmlns:dsd", namespace(version, "data/structurespecific")),
        ("xmlns:common", namespace(version, "common")),
        ("targetNamespace", target),
        ("elementFormDefault", "qualified"),
        ("attributeFormDefault", "unqualified"),
    )
    root = "".join(f' {name}="{quoted(value)}"' for name, value in spaces)
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<xs:schema{root}>'.encode()
    yield _import(version, "common", "SDMXCommon").encode()
    yield _import(version, "data/structurespecific", "SDMXDataStructureSpecific").encode()
    for component in schema.components:
        if component.role != "time" or component.limit is not None:
            yield from _simple_type(component, free=deletion and component.role not in ("dimension", "time"))
    for complex_type in _Types(schema, given, version, deletion=deletion).all():
        yield complex_type.encode()
    yield b"</xs:schema>\n"


def _import(version: str, part: str, file: str) -> str:
    location = _LOCATION.format(version.replace(".", "_"), file)
    return element("xs:import", (("namespace", namespace(version, part)), ("schemaLocation", location)))


# --- values ----------------------------------------------------------------------------------------------


def _type_name(component: SchemaComponent) -> str:
    return f"{component.id}.values"


def _simple_type(component: SchemaComponent, *, free: bool) -> Iterator[bytes]:
    """The values of a component: the codes that the constraints leave, or text within its facets."""
    limited = component.coded or component.limit is not None
    base = "xs:string" if limited or free else _TYPES.get(component.text_type, "xs:string")
    if component.role == "time":
        base = _time_type(component)
    name = quoted(_type_name(component))
    yield f'<xs:simpleType name="{name}"><xs:restriction base="{base}">'.encode()
    if limited and not free:
        yield from _enumerated(_codes(component))
    elif not free:
        told = (element(f"xs:{facet}", (("value", value),)) for facet, value in _facets(component, base))
        yield "".join(told).encode()
    yield b"</xs:restriction></xs:simpleType>"


def _codes(component: SchemaComponent) -> Iterator[str]:
    if component.codelist is None:
        return iter(sorted(component.limit or ()))
    return (code.id for code in component.codelist.items if code.id in component.valid)


def _enumerated(codes: Iterator[str]) -> Iterator[bytes]:
    """No enumeration at all would allow everything: where nothing is left, only an empty text fits."""
    nothing = True
    while piece := list(islice(codes, _PIECE)):
        nothing = False
        yield "".join(f'<xs:enumeration value="{quoted(code)}"/>' for code in piece).encode()
    if nothing:
        yield b'<xs:maxLength value="0"/>'


def _facets(component: SchemaComponent, base: str) -> Iterator[tuple[str, str]]:
    names = _LENGTHS if base in _LENGTHY else _BOUNDS if component.numeric else {}
    if component.text_type == "ExclusiveValueRange":
        names = {"minValue": "minExclusive", "maxValue": "maxExclusive"}
    for facet, value in component.facets:
        if facet in names:
            yield names[facet], value
        elif facet == "decimals" and base == "xs:decimal" and component.text_type not in INTEGRAL:
            yield "fractionDigits", value


# --- elements --------------------------------------------------------------------------------------------


class _Types:
    """The complex types: of data set, groups, series, observation and, from 3.0 on, attributes alone."""

    def __init__(self, schema: Schema, given: Layout, version: str, *, deletion: bool) -> None:
        self._schema, self._layout, self._version = schema, given, version
        self._key_use = "optional" if deletion else "required"
        self._time_series = version == "2.1" and given.observation == "TIME_PERIOD"
        self._family = "dsd:TimeSeries" if self._time_series else "dsd:"

    def all(self) -> Iterator[str]:
        given = self._layout
        groups = self._schema.dsd.groups
        names = ["Group"] if groups else []
        names += ["Obs" if given.flat else "Series"]
        yield _derived(
            "DataSetType",
            self._family + "DataSetType",
            self._attributes((), given.dataset_attributes),
            _dataset_content(names, self._version),
        )
        if groups:
            yield from self._groups()
        if self._version != "2.1":
            above = (*given.dataset_attributes, *given.series_attributes)
            yield _derived(
                "AttsType", "dsd:AttsType", self._attributes((), (*self._schema.dimensions, *above))
            )
        if not given.flat:
            base = "dsd:TimeSeriesType" if self._time_series else "dsd:SeriesType"
            many = (("minOccurs", "0"), ("maxOccurs", "unbounded"))
            told = self._attributes(given.series_key, given.series_attributes)
            yield _derived("SeriesType", base, told, _element("Obs", *many))
        yield _derived("ObsType", self._family + "ObsType", self._observation())

    def _groups(self) -> Iterator[str]:
        """An abstract GroupType, and per group one that xsi:type names."""
        schema = self._schema
        anything = '<xs:anyAttribute namespace="##local"/>'
        yield _derived("GroupType", "dsd:GroupType", anything, abstract=True)
        for group in schema.dsd.groups:
            key = [schema.by_id[id] for id in group.dimensions if id in schema.by_id]
            attached = [
                a
                for a in schema.attributes
                if a.attached == "group"
                and (group.id in a.to or set(dimensions_of(schema, a)) == set(group.dimensions))
            ]
            fixed = _attribute("type", "common:IDType", "optional", group.id)
            yield _derived(group.id, "GroupType", self._attributes(key, attached) + fixed)

    def _observation(self) -> str:
        given = self._layout
        names = measure_names(given, self._version)
        measures = "".join(
            _attribute(names[measure.id], _type_name(measure), "optional") for measure in given.measures
        )
        # the official type of 2.1 wants time of every observation, deleted or not
        key_use = "required" if self._time_series else self._key_use
        told = self._attributes(given.observation_key, given.observation_attributes, key_use) + measures
        if self._version == "2.1" and not self._time_series:
            told += _attribute("type", "common:IDType", "prohibited")
            if given.observation != ALL_DIMENSIONS:
                told += _attribute("TIME_PERIOD", "common:ObservationalTimePeriodType", "prohibited")
        return told

    def _attributes(
        self, key: Iterable[SchemaComponent], others: Iterable[SchemaComponent], key_use: str = ""
    ) -> str:
        told = [_attribute(c.id, _type(c), key_use or self._key_use) for c in key]
        told += [_attribute(c.id, _type(c), "optional") for c in others]
        if _YEAR_START not in self._schema.by_id:
            told.append(_attribute(_YEAR_START, "xs:gMonthDay", "prohibited"))
        return "".join(told)


def _dataset_content(names: list[str], version: str) -> str:
    """2.1 has groups before series; 3.x mixes them, with attributes on their own."""
    provider = element(
        "xs:element",
        (
            ("name", "DataProvider"),
            ("type", "common:DataProviderReferenceType"),
            ("form", "unqualified"),
            ("minOccurs", "0"),
        ),
    )
    many = (("maxOccurs", "unbounded"),)
    if version != "2.1":
        choice = element("xs:choice", (("minOccurs", "0"), *many), *map(_element, ("Atts", *names)))
        return provider + choice
    group = _element("Group", ("minOccurs", "0"), *many) if "Group" in names else ""
    return provider + group + element("xs:choice", (("minOccurs", "0"),), _element(names[-1], *many))


def _element(name: str, *occurs: tuple[str, str]) -> str:
    return element("xs:element", (("name", name), ("type", f"{name}Type"), ("form", "unqualified"), *occurs))


def _type(component: SchemaComponent) -> str:
    if component.role != "time" or component.limit is not None:
        return _type_name(component)
    return _time_type(component)


def _time_type(component: SchemaComponent) -> str:
    plain = component.text_type in TEMPORAL and component.text_type not in _UNIONS
    return _TYPES[component.text_type if plain else "ObservationalTimePeriod"]


def _attribute(name: str, type: str, use: str, fixed: str = "") -> str:
    return element("xs:attribute", (("name", name), ("type", type), ("use", use), ("fixed", fixed)))


def _derived(name: str, base: str, attributes: str, content: str = "", *, abstract: bool = False) -> str:
    """A complex type that narrows one of the official schemas."""
    sequence = element("xs:sequence", (), _ANNOTATIONS, content)
    restriction = element("xs:restriction", (("base", base),), sequence, attributes)
    head = (("name", name), ("abstract", "true" if abstract else ""))
    return element("xs:complexType", head, element("xs:complexContent", (), restriction))
