"""Cubes to measure with: synthetic observations of migrants, the same for every contestant.

Values are drawn, not real. Twenty annual observations per series, sorted by key, as a store gives them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from migdx.plan import Answer, DataSet, Plan
from migdx.schema import Role, Schema, SchemaComponent
from migdx.structures import (
    Attribute,
    Codelist,
    Concept,
    ConceptScheme,
    Dataflow,
    DataStructure,
    Dimension,
    Item,
    Maintainable,
    Measure,
    Representation,
)
from migdx.urn import Reference

YEARS = [str(year) for year in range(2004, 2024)]
CODES = {
    "FREQ": ["A"],
    "REF_AREA": [f"R{number:03}" for number in range(200)],
    "INDICATOR": ["STOCK", "FLOW", "FLOWOUT", "NATUR"],
    "CITIZENSHIP": ["NAT", "FOR", "_T"],
    "BIRTH": ["NAT", "FOR", "_T"],
    "PARTNER": [f"P{number:03}" for number in range(200)],
    "SEX": ["F", "M", "_T"],
    "AGE": [f"Y{number}T{number + 4}" for number in range(0, 100, 5)] + ["_T"],
    "UNIT_MEASURE": ["PS"],
    "OBS_STATUS": ["A", "B", "E", "P"],
    "CONF_STATUS": ["F", "C"],
    "UNIT_MULT": ["0", "3"],
    "SOURCE_TYPE": ["C", "R", "S", "A"],
}
KEY = ["FREQ", "REF_AREA", "INDICATOR", "CITIZENSHIP", "BIRTH", "PARTNER", "SEX", "AGE", "UNIT_MEASURE"]
SERIES_ATTRIBUTES = ["UNIT_MULT", "SOURCE_TYPE"]
OBSERVATION_ATTRIBUTES = ["OBS_STATUS", "CONF_STATUS", "COMMENT_OBS"]


def structures(
    codes: Mapping[str, Sequence[str]] = CODES,
    key: Sequence[str] = KEY,
    series_attributes: Sequence[str] = SERIES_ATTRIBUTES,
    observation_attributes: Sequence[str] = OBSERVATION_ATTRIBUTES,
) -> list[Maintainable]:
    """The dataflow, the DSD, its concepts and code lists."""
    every = [*key, "TIME_PERIOD", "OBS_VALUE", *series_attributes, *observation_attributes]
    concepts = ConceptScheme(
        "CS_BENCH", agency="BENCH", version="1.0.0", names={"en": "Concepts"},
        items=tuple(Concept(id, names={"en": id.replace("_", " ").title()}) for id in every),
    )  # fmt: skip
    codelists = [
        Codelist(
            f"CL_{id}", agency="BENCH", version="1.0.0", names={"en": id},
            items=tuple(Item(code, names={"en": f"Code {code}"}) for code in listed),
        )
        for id, listed in codes.items()
    ]  # fmt: skip
    named = {id: Reference("Concept", "BENCH", "CS_BENCH", "1.0.0", id) for id in every}

    def representation(id: str) -> Representation:
        if id in codes:
            return Representation(Reference("Codelist", "BENCH", f"CL_{id}", "1.0.0"))
        texts = {"TIME_PERIOD": "ObservationalTimePeriod", "OBS_VALUE": "Double"}
        return Representation(text_type=texts.get(id, "String"))

    dsd = DataStructure(
        "DSD_BENCH", agency="BENCH", version="1.0.0", names={"en": "Structure to measure with"},
        dimensions=(
            *(Dimension(id, named[id], representation(id)) for id in key),
            Dimension("TIME_PERIOD", named["TIME_PERIOD"], representation("TIME_PERIOD"), is_time=True),
        ),
        measures=(Measure("OBS_VALUE", named["OBS_VALUE"], representation("OBS_VALUE")),),
        attributes=(
            *(Attribute(id, named[id], representation(id), attached="dimensions", to=tuple(key))
              for id in series_attributes),
            *(Attribute(id, named[id], representation(id)) for id in observation_attributes),
        ),
    )  # fmt: skip
    flow = Dataflow(
        "DF_BENCH", agency="BENCH", version="1.0.0", names={"en": "Migrants, drawn"}, structure=dsd.reference
    )
    return [flow, dsd, concepts, *codelists]


def schema() -> Schema:
    flow, dsd, _, *codelists = structures()
    assert isinstance(flow, Dataflow)
    assert isinstance(dsd, DataStructure)
    lists = {codelist.id: codelist for codelist in codelists if isinstance(codelist, Codelist)}
    made = []
    for part in (*dsd.dimensions, *dsd.measures, *dsd.attributes):
        role: Role = (
            "dimension" if part.id in KEY else "measure" if isinstance(part, Measure) else "attribute"
        )
        shown = part.representation or Representation()
        one = SchemaComponent(
            part.id, "time" if part.id == "TIME_PERIOD" else role, {"en": part.id.replace("_", " ").title()},
            codelist=lists.get(f"CL_{part.id}"), text_type=shown.text_type,
        )  # fmt: skip
        made.append(replace(one, attached=part.attached, to=part.to) if isinstance(part, Attribute) else one)
    return Schema(flow, dsd, tuple(made))


def table(rows: int, *, seed: int = 2026) -> pa.Table:
    """`rows` observations (a multiple of 20) as a store gives them."""
    rng = np.random.default_rng(seed)
    series = rows // len(YEARS)
    sizes = [len(CODES[id]) for id in KEY]
    total = int(np.prod(sizes))
    numbers = np.sort(rng.choice(total, series, replace=False))
    columns: dict[str, pa.Array] = {}
    for id, codes in zip(KEY, np.unravel_index(numbers, sizes), strict=True):
        columns[id] = _dictionary(np.repeat(codes, len(YEARS)), CODES[id])
    columns["TIME_PERIOD"] = _dictionary(np.tile(np.arange(len(YEARS)), series), YEARS)
    values = np.round(rng.lognormal(6, 2, rows))
    columns["OBS_VALUE"] = pa.array(values, mask=rng.random(rows) < 0.02)
    columns["_text_OBS_VALUE"] = pa.nulls(rows, pa.utf8())
    for id in SERIES_ATTRIBUTES:
        columns[id] = _dictionary(np.repeat(rng.integers(0, len(CODES[id]), series), len(YEARS)), CODES[id])
    columns["OBS_STATUS"] = _dictionary(rng.choice(4, rows, p=[0.8, 0.1, 0.05, 0.05]), CODES["OBS_STATUS"])
    columns["CONF_STATUS"] = _dictionary(rng.choice(2, rows, p=[0.97, 0.03]), CODES["CONF_STATUS"])
    comments = ["", "Break in series, see the note", 'Estimate "A" & B', "Provisional until the next census"]
    picked = rng.choice(4, rows, p=[0.97, 0.01, 0.01, 0.01])
    columns["COMMENT_OBS"] = pa.DictionaryArray.from_arrays(
        pa.array(picked.astype(np.int32), mask=picked == 0), pa.array(comments)
    )
    return pa.table(columns)


def _dictionary(codes: np.ndarray, values: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))


def answer(rows: pa.Table, *, batch: int = 1 << 17, of: Schema | None = None) -> Answer:
    """The table as an answer of a store, in batches."""
    plan = Plan(
        of or schema(), measures=("OBS_VALUE",), attributes=(*SERIES_ATTRIBUTES, *OBSERVATION_ATTRIBUTES)
    )

    def batches() -> Iterator[pa.RecordBatch]:
        yield from rows.select(list(plan.columns)).to_batches(max_chunksize=batch)

    return Answer((DataSet(plan, batches()),), datetime(2026, 1, 1, tzinfo=UTC))
