"""Sound submissions to damage: real figures, in tables whose sums hold.

Flows of France with Eurostat's partners and the foreign-born of Germany by country are real (demo/); the
breakdowns that nobody publishes together are made from them. The account is made up.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "demo"
Row = dict[str, str]
FLOW_KEY = (
    "FREQ", "REF_AREA", "COMPONENT", "SOURCE", "COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE",
    "REASON", "TIME_PERIOD",
)  # fmt: skip
STOCK_KEY = (
    "FREQ", "REF_AREA", "SOURCE", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE", "DURATION_STAY", "EDUCATION_LEV",
    "LFS", "URBANISATION", "TIME_PERIOD",
)  # fmt: skip
ATTRIBUTES = (
    "OBS_VALUE", "OBS_STATUS", "CONF_STATUS", "EMBARGO_TIME", "SOURCE_TYPE", "RESIDENCE_CRIT", "COB_DEF",
    "REF_DATE", "TIME_PER_COLLECT", "LOWER_BOUND", "UPPER_BOUND", "UNIT_MEASURE", "UNIT_MULT", "ROUND_METHOD",
)  # fmt: skip


@dataclass
class Table:
    """Rows of one year that a provider sends, and what it sent before of earlier years."""

    name: str
    dataflow: str
    provider: str
    key: tuple[str, ...]
    rows: list[Row]
    before: list[Row]

    def csv(self, rows: Sequence[Row]) -> bytes:
        text = io.StringIO()
        columns = ("STRUCTURE", "STRUCTURE_ID", "ACTION", *self.key, *ATTRIBUTES)
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        given = {"STRUCTURE": "dataflow", "STRUCTURE_ID": f"MIGDX:{self.dataflow}(1.0.0)", "ACTION": "M"}
        writer.writerows(given | row for row in rows)
        return text.getvalue().encode()


def tables() -> list[Table]:
    return [flows(), stock(), account()]


def _row(key: Sequence[str], value: float, **more: str) -> Row:
    keyed = dict.fromkeys(key, "_T") | {"FREQ": "A", "SOURCE": "OFF"}
    said = {
        "OBS_VALUE": f"{value:.0f}", "OBS_STATUS": "A", "CONF_STATUS": "F", "EMBARGO_TIME": "",
        "SOURCE_TYPE": "REG_POP", "RESIDENCE_CRIT": "M12", "COB_DEF": "PLACE", "REF_DATE": "",
        "LOWER_BOUND": "", "UPPER_BOUND": "", "UNIT_MEASURE": "PS", "UNIT_MULT": "0", "ROUND_METHOD": "NONE",
    }  # fmt: skip
    return keyed | said | more


def _demo(name: str) -> Iterator[Row]:
    return csv.DictReader(io.StringIO(gzip.decompress((DEMO / name).read_bytes()).decode(), newline=""))


PARTNERS = ("056", "276", "380", "528", "724", "752", "040", "246")
SMALL = ("020", "438")
"""Partners with counts so small that they are confidential."""


def flows() -> Table:
    """Immigration, emigration and net migration of France by partner, as Eurostat has them."""
    found: dict[tuple[str, str, str], int] = {
        (row["TIME_PERIOD"], row["COMPONENT"], row["COUNTERPART_AREA"]): int(row["OBS_VALUE"])
        for row in _demo("flow-FRA.csv.gz")
        if row["COUNTERPART_AREA"] in PARTNERS and row["COMPONENT"] in ("IMMIG", "EMIG")
    }
    years = sorted({year for year, _, _ in found})[-5:]
    rows = [row for year in years for row in _flows(year, found)]
    return Table(
        "flows", "DF_MIG_FLOW", "FRA", FLOW_KEY,
        [row for row in rows if row["TIME_PERIOD"] == years[-1]],
        [row for row in rows if row["TIME_PERIOD"] != years[-1]],
    )  # fmt: skip


def _flows(year: str, found: dict[tuple[str, str, str], int]) -> Iterator[Row]:
    cells: dict[tuple[str, str, str], int] = {}
    for component, share in (("IMMIG", 0.47), ("EMIG", 0.44)):
        for partner in PARTNERS:
            total = found[year, component, partner]
            women = round(total * share)
            cells |= {
                (component, partner, sex): n for sex, n in (("F", women), ("M", total - women), ("_T", total))
            }
        for partner in SMALL:
            cells |= {(component, partner, sex): n for sex, n in (("F", 2), ("M", 2), ("_T", 4))}
        for sex in ("F", "M", "_T"):
            cells[component, "_T", sex] = sum(cells[component, one, sex] for one in (*PARTNERS, *SMALL))
    for partner, sex in product((*PARTNERS, "_T"), ("F", "M", "_T")):
        cells["NET", partner, sex] = cells["IMMIG", partner, sex] - cells["EMIG", partner, sex]
    for (component, partner, sex), value in cells.items():
        named = {"REF_AREA": "250", "COMPONENT": component, "COUNTERPART_AREA": partner, "SEX": sex}
        closed = "A" if partner in SMALL else "F"
        yield _row(FLOW_KEY, value, **named, TIME_PERIOD=year, CONF_STATUS=closed)


BORN = ("616", "792", "643", "398", "760", "642", "380", "100")
AGES = {"Y0T17": 0.13, "Y_GE18": 0.87}


def stock() -> Table:
    """Residents of Germany: a cube of birthplace, citizenship, sex and age, and countries of birth."""
    found = {
        (row["BIRTHPLACE"], row["SEX"]): int(row["OBS_VALUE"])
        for row in _demo("stock-DESA.csv.gz")
        if row["REF_AREA"] == "276" and row["TIME_PERIOD"] == "2019"
    }
    rows = [row for year in range(2015, 2020) for row in _stock(year, found)]
    return Table(
        "stock cube", "DF_MIG_STOCK", "DEU", STOCK_KEY,
        [row for row in rows if row["TIME_PERIOD"] == "2019"],
        [row for row in rows if row["TIME_PERIOD"] != "2019"],
    )  # fmt: skip


def _stock(year: int, found: dict[tuple[str, str], int]) -> Iterator[Row]:
    grown = 1.01 ** (year - 2019)
    cells: dict[tuple[str, str, str, str], int] = {}
    for sex in ("F", "M"):
        born = round(found["FB", sex] * grown)
        here = round(35_000_000 * grown)
        for (birth, people), (age, of_age) in product((("NB", here), ("FB", born)), AGES.items()):
            foreign = 0.04 if birth == "NB" else 0.61
            total = round(people * of_age)
            cells[birth, "FOR", sex, age] = round(total * foreign)
            cells[birth, "CIT", sex, age] = total - cells[birth, "FOR", sex, age]
    _add_up(cells, (("NB", "FB"), ("CIT", "FOR"), ("F", "M"), tuple(AGES)))
    for sex in ("F", "M", "_T"):
        rest = cells["FB", "_T", sex, "_T"]
        for country in BORN:
            if sex != "_T":
                cells[country, "_T", sex, "_T"] = round(found[country, sex] * grown)
            else:
                cells[country, "_T", sex, "_T"] = sum(cells[country, "_T", one, "_T"] for one in ("F", "M"))
            rest -= cells[country, "_T", sex, "_T"]
        cells["FB_U", "_T", sex, "_T"] = rest
    for (birth, citizenship, sex, age), value in cells.items():
        named = {"REF_AREA": "276", "BIRTHPLACE": birth, "CITIZENSHIP": citizenship, "SEX": sex, "AGE": age}
        day = f"{year}-12-31"
        yield _row(STOCK_KEY, value, **named, TIME_PERIOD=str(year), REF_DATE=day, TIME_PER_COLLECT="E")


def _add_up(cells: dict[tuple[str, ...], int], parts: Sequence[Sequence[str]]) -> None:
    """Totals `_T` of every dimension, one after the other."""
    for at, codes in enumerate(parts):
        for key in {(*key[:at], "_T", *key[at + 1 :]) for key in cells}:
            cells[key] = sum(cells.get((*key[:at], code, *key[at + 1 :]), 0) for code in codes)


GROUPS = {("NB", "CIT"): 9_000_000, ("NB", "FOR"): 210_000, ("FB", "CIT"): 480_000, ("FB", "FOR"): 900_000}


def account() -> Table:
    """A made-up account of Sweden's size that closes for the four subpopulations, six years of it."""
    rows: list[Row] = []
    start = dict(GROUPS)
    for year in range(2014, 2020):
        made, start = _account(year, start)
        rows += made
    return Table(
        "account", "DF_MIG_ACCOUNT", "SWE", FLOW_KEY,
        [row for row in rows if row["TIME_PERIOD"] == "2019"],
        [row for row in rows if row["TIME_PERIOD"] != "2019"],
    )  # fmt: skip


def _account(year: int, start: dict[tuple[str, str], int]) -> tuple[list[Row], dict[tuple[str, str], int]]:
    cells: dict[tuple[str, str, str], int] = {}
    end: dict[tuple[str, str], int] = {}
    taken = {"NB": 3_100 + year % 7, "FB": 41_000 + 11 * (year % 5)}
    for (birth, citizenship), people in start.items():
        terms = {
            "POP_START": people,
            "DEATH": round(people * (0.0095 if birth == "NB" else 0.006)),
            "IMMIG": {("NB", "CIT"): 12_300, ("NB", "FOR"): 410, ("FB", "CIT"): 4_900}.get(
                (birth, citizenship), 96_400
            )
            + 13 * (year % 3),
            "EMIG": round(people * (0.0022 if citizenship == "CIT" else 0.021)),
            "ADJ": 25 + year % 4,
        }
        if birth == "NB":
            terms["BIRTH"] = 98_000 + year % 9 if citizenship == "CIT" else 17_200 + year % 5
        if citizenship == "FOR":
            terms["ACQ_CIT"] = taken[birth]
        else:
            terms["LOSS_CIT"] = 40 + (birth == "NB") + year % 2
        cells |= {(component, birth, citizenship): value for component, value in terms.items()}
    for birth, citizenship in start:
        of = {component: cells.get((component, birth, citizenship), 0) for component in COMPONENTS}
        gained, lost = cells["ACQ_CIT", birth, "FOR"], cells["LOSS_CIT", birth, "CIT"]
        moved = (gained - lost) * (1 if citizenship == "CIT" else -1)
        end[birth, citizenship] = (
            of["POP_START"] + of["BIRTH"] - of["DEATH"] + of["IMMIG"] - of["EMIG"] + of["ADJ"] + moved
        )
        cells["POP_END", birth, citizenship] = end[birth, citizenship]
    sums: dict[tuple[str, ...], int] = {}
    for component in COMPONENTS:
        own: dict[tuple[str, ...], int] = {
            key[1:]: value for key, value in cells.items() if key[0] == component
        }
        _add_up(own, (("NB", "FB"), ("CIT", "FOR")))
        sums |= {(component, *key): value for key, value in own.items()}
    return [
        _row(
            FLOW_KEY, value, REF_AREA="752", COMPONENT=component, BIRTHPLACE=birth, CITIZENSHIP=citizenship,
            TIME_PERIOD=str(year),
        )
        for (component, birth, citizenship), value in sums.items()
    ], end  # fmt: skip


COMPONENTS = ("POP_START", "BIRTH", "DEATH", "IMMIG", "EMIG", "ACQ_CIT", "LOSS_CIT", "ADJ", "POP_END")
