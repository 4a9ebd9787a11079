"""The XML schema of structure-specific data: what may stand in a message, constraints applied.

SDMX 2.1 section 3A part IV and SDMX 3.0 SDMX-ML ask for it; `ml_specific_writer.py` writes what it allows.
Types derive from those of the official schemas, so generic tools read the messages too. No attribute is
required, since updates and confidential values leave some out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..schema import INTEGRAL, TEMPORAL, Schema, SchemaComponent
from .layout import ALL_DIMENSIONS, Layout, dimensions_of, layout
from .markup import element
from .ml_data import namespace
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
_LENGTHS = {"minLength": "minLength", "maxLength": "maxLength", "pattern": "pattern"}
_BOUNDS = {"minValue": "minInclusive", "maxValue": "maxInclusive", "pattern": "pattern"}
_LENGTHY = frozenset(
    ("xs:string", "xs:anyURI", "common:AlphaType", "common:AlphaNumericType", "common:NumericType")
)


def write_schema(schema: Schema, version: str, dimension_at_observation: str) -> bytes:
    """The XSD for messages of `version` (2.1 in the context of the DSD, 3.0 in that of the dataflow)."""
    given = layout(schema, dimension_at_observation)
    target = target_namespace(schema, version, given.observation)
    root = (
        ("xmlns:xs", "http://www.w3.org/2001/XMLSchema"),
        ("xmlns", target),
        ("xmlns:dsd", namespace(version, "data/structurespecific")),
        ("xmlns:common", namespace(version, "common")),
        ("targetNamespace", target),
        ("elementFormDefault", "qualified"),
        ("attributeFormDefault", "unqualified"),
    )
    content = [
        _import(version, "common", "SDMXCommon"),
        _import(version, "data/structurespecific", "SDMXDataStructureSpecific"),
        *(_simple_type(component) for component in schema.components if component.role != "time"),
        *_complex_types(schema, given, version),
    ]
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + element("xs:schema", root, *content) + "\n").encode()


def _import(version: str, part: str, file: str) -> str:
    location = _LOCATION.format(version.replace(".", "_"), file)
    return element("xs:import", (("namespace", namespace(version, part)), ("schemaLocation", location)))


# --- values ----------------------------------------------------------------------------------------------


def _type_name(component: SchemaComponent) -> str:
    return f"{component.id}.values"


def _simple_type(component: SchemaComponent) -> str:
    """The values of a component: the codes that the constraints leave, or text within its facets."""
    if component.codelist is not None:
        codes = [code.id for code in component.codelist.items if code.id in component.valid]
    else:
        codes = sorted(component.allowed or ())
    if codes:
        base, facets = "xs:string", [("enumeration", code) for code in codes]
    else:
        base = _TYPES.get(component.text_type, "xs:string")
        facets = list(_facets(component, base))
    told = [element(f"xs:{facet}", (("value", value),)) for facet, value in facets]
    return element(
        "xs:simpleType",
        (("name", _type_name(component)),),
        element("xs:restriction", (("base", base),), *told),
    )


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


def _complex_types(schema: Schema, given: Layout, version: str) -> Iterator[str]:
    """DataSetType, GroupType with one type per group, SeriesType, ObsType; AttsType from 3.0 on."""
    time_series = version == "2.1" and given.observation == "TIME_PERIOD"
    family = "dsd:TimeSeries" if time_series else "dsd:"
    groups = schema.dsd.groups
    names = ["Group"] if groups else []
    names += ["Obs" if given.flat else "Series"]
    yield _derived(
        "DataSetType",
        family + "DataSetType",
        _attributes(schema, (), given.dataset_attributes),
        _dataset_content(names, version),
    )
    if groups:
        yield from _group_types(schema)
    if version != "2.1":
        above = (*given.dataset_attributes, *given.series_attributes)
        yield _derived("AttsType", "dsd:AttsType", _attributes(schema, (), (*schema.dimensions, *above)))
    if not given.flat:
        base = "dsd:TimeSeriesType" if time_series else "dsd:SeriesType"
        obs = element(
            "xs:element",
            (
                ("name", "Obs"),
                ("type", "ObsType"),
                ("form", "unqualified"),
                ("minOccurs", "0"),
                ("maxOccurs", "unbounded"),
            ),
        )
        yield _derived(
            "SeriesType", base, _attributes(schema, given.series_key, given.series_attributes), obs
        )
    yield _derived(
        "ObsType", family + "ObsType", _observation_attributes(schema, given, version, time_series)
    )


def _dataset_content(names: list[str], version: str) -> str:
    """2.1 has groups before series; 3.0 mixes them, with attributes on their own."""
    provider = element(
        "xs:element",
        (
            ("name", "DataProvider"),
            ("type", "common:DataProviderReferenceType"),
            ("form", "unqualified"),
            ("minOccurs", "0"),
        ),
    )

    def one(name: str, *occurs: tuple[str, str]) -> str:
        return element(
            "xs:element", (("name", name), ("type", f"{name}Type"), ("form", "unqualified"), *occurs)
        )

    many = (("maxOccurs", "unbounded"),)
    if version != "2.1":
        choice = element("xs:choice", (("minOccurs", "0"), *many), *map(one, ("Atts", *names)))
        return provider + choice
    group = one("Group", ("minOccurs", "0"), *many) if "Group" in names else ""
    return provider + group + element("xs:choice", (("minOccurs", "0"),), one(names[-1], *many))


def _group_types(schema: Schema) -> Iterator[str]:
    """An abstract GroupType, and per group one that xsi:type names."""
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
        yield _derived(group.id, "GroupType", _attributes(schema, key, attached) + fixed)


def _observation_attributes(schema: Schema, given: Layout, version: str, time_series: bool) -> str:
    names = measure_names(given, version)
    measures = "".join(
        _attribute(names[measure.id], _type_name(measure), "optional") for measure in given.measures
    )
    told = _attributes(schema, given.observation_key, given.observation_attributes) + measures
    if version == "2.1" and not time_series:
        told += _attribute("type", "common:IDType", "prohibited")
        if given.observation != ALL_DIMENSIONS:
            told += _attribute("TIME_PERIOD", "common:ObservationalTimePeriodType", "prohibited")
    return told


def _attributes(
    schema: Schema, required: Iterable[SchemaComponent], optional: Iterable[SchemaComponent]
) -> str:
    told = [_attribute(c.id, _type(c), "required") for c in required]
    told += [_attribute(c.id, _type(c), "optional") for c in optional]
    if _YEAR_START not in schema.by_id:
        told.append(_attribute(_YEAR_START, "xs:gMonthDay", "prohibited"))
    return "".join(told)


def _type(component: SchemaComponent) -> str:
    if component.role != "time":
        return _type_name(component)
    known = component.text_type if component.text_type in TEMPORAL else "ObservationalTimePeriod"
    return _TYPES[known]


def _attribute(name: str, type: str, use: str, fixed: str = "") -> str:
    return element("xs:attribute", (("name", name), ("type", type), ("use", use), ("fixed", fixed)))


def _derived(name: str, base: str, attributes: str, content: str = "", *, abstract: bool = False) -> str:
    """A complex type that narrows one of the official schemas."""
    sequence = element("xs:sequence", (), _ANNOTATIONS, content)
    restriction = element("xs:restriction", (("base", base),), sequence, attributes)
    head = (("name", name), ("abstract", "true" if abstract else ""))
    return element("xs:complexType", head, element("xs:complexContent", (), restriction))
