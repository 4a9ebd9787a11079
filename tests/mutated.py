"""Fifty ways to damage a row of a sound submission, and what the rules find of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from conftest import sent
from sound_tables import ATTRIBUTES, COMPONENTS, Row, Table

from migdx.columns import Located
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.formats import csv_reader, sandbox

Damage = Callable[[list[Row], int], list[Row] | None]
"""The rows with row i damaged; None where that row cannot be damaged so."""

K01 = """
[[threshold]]
rule = "K01"
provider = "FRA"
values = { least = 5 }
reason = "Counts below five are suppressed by law"
since = "2020-01-01"
"""


# --- the ways to damage a row -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """`named`: a rule names it, so that all of it is to be found. `unseen`: why none can."""

    name: str
    damage: Damage
    named: bool = True
    unseen: str = ""


def put(**values: str | Callable[[Row], str | None]) -> Damage:
    """Other values of the row; None of one of them is: not in this row."""

    def damage(rows: list[Row], i: int) -> list[Row] | None:
        made = {id: value(rows[i]) if callable(value) else value for id, value in values.items()}
        if None in made.values() or all(rows[i].get(id) == value for id, value in made.items()):
            return None
        return [*rows[:i], {**rows[i], **{id: str(value) for id, value in made.items()}}, *rows[i + 1 :]]

    return damage


def figure(changed: Callable[[int], object], least: int = 20) -> Damage:
    """Another figure; figures below `least` are left, for what is small may be rounded."""

    def made(row: Row) -> str | None:
        value = int(row["OBS_VALUE"])
        return str(changed(value)) if abs(value) >= least else None

    return put(OBS_VALUE=made)


def only(applies: Callable[[Row], bool], damage: Damage) -> Damage:
    return lambda rows, i: damage(rows, i) if applies(rows[i]) else None


def exchanged_with(dimension: str, pairs: dict[str, str]) -> Damage:
    """The figures of two rows that differ in one dimension change places."""

    def damage(rows: list[Row], i: int) -> list[Row] | None:
        other = {**_key(rows[i]), dimension: pairs.get(rows[i].get(dimension, ""), "")}
        at = next((j for j, row in enumerate(rows) if _key(row) == other), None)
        if at is None or rows[at]["OBS_VALUE"] == rows[i]["OBS_VALUE"]:
            return None
        made = list(rows)
        made[i] = {**rows[i], "OBS_VALUE": rows[at]["OBS_VALUE"]}
        made[at] = {**rows[at], "OBS_VALUE": rows[i]["OBS_VALUE"]}
        return made

    return damage


def everywhere(dimension: str, pairs: dict[str, str]) -> Damage:
    """The codes change places in every row."""

    def damage(rows: list[Row], i: int) -> list[Row] | None:
        if rows[i].get(dimension) not in pairs:
            return None
        return [{**row, dimension: pairs.get(row[dimension], row[dimension])} for row in rows]

    return damage


def doubled(**changed: Callable[[Row], str]) -> Damage:
    def damage(rows: list[Row], i: int) -> list[Row] | None:
        return [*rows, {**rows[i], **{id: value(rows[i]) for id, value in changed.items()}}]

    return damage


def dropped(rows: list[Row], i: int) -> list[Row] | None:
    return [*rows[:i], *rows[i + 1 :]]


def from_above(rows: list[Row], i: int) -> list[Row] | None:
    """The figure of the row above, copied."""
    if i == 0 or rows[i]["OBS_VALUE"] == rows[i - 1]["OBS_VALUE"]:
        return None
    return put(OBS_VALUE=rows[i - 1]["OBS_VALUE"])(rows, i)


def _with_next_partner(rows: list[Row], i: int) -> list[Row] | None:
    """The figures of a row and of the next that differs in its country alone change places."""
    id = _partner(rows[i])
    if not id or rows[i].get("COMPONENT") not in (None, "IMMIG"):
        return None
    rest = {**_key(rows[i]), id: ""}
    others = (
        j for j in range(i + 1, len(rows)) if rows[j][id].isdigit() and {**_key(rows[j]), id: ""} == rest
    )
    at = next(others, None)
    if at is None:
        return None
    made = list(rows)
    made[i], made[at] = (
        {**rows[one], "OBS_VALUE": rows[two]["OBS_VALUE"]} for one, two in ((i, at), (at, i))
    )
    return made


def _key(row: Row) -> Row:
    return {id: row[id] for id in row if id not in ATTRIBUTES}


def _is_total(row: Row) -> bool:
    return any(row.get(id) == "_T" for id in ("SEX", "AGE", "BIRTHPLACE", "CITIZENSHIP", "COUNTERPART_AREA"))


def _partner(row: Row) -> str:
    """The dimension of the row that names a country."""
    return next((id for id in ("COUNTERPART_AREA", "BIRTHPLACE") if row.get(id, "").isdigit()), "")


def _in_partner(rewrite: Callable[[str], str]) -> Damage:
    def damage(rows: list[Row], i: int) -> list[Row] | None:
        id = _partner(rows[i])
        return put(**{id: rewrite(rows[i][id])})(rows, i) if id else None

    return damage


def _transposed(value: int) -> int:
    """Two neighbouring digits exchanged: the first that differ."""
    text = str(abs(value))
    at = next((i for i in range(len(text) - 1) if text[i] != text[i + 1]), None)
    if at is None:
        return value
    moved = int(text[:at] + text[at + 1] + text[at] + text[at + 2 :])
    return moved if value > 0 else -moved


def _plus(more: int) -> Callable[[Row], str]:
    return lambda row: str(int(row["OBS_VALUE"]) + more)


def _grouped(row: Row, mark: str) -> str | None:
    value = int(row["OBS_VALUE"])
    return f"{value:,}".replace(",", mark) if value >= 1000 else None


ISO3 = {"250": "FRA", "276": "DEU", "752": "SWE"}
SEXES = {"F": "M", "M": "F"}
BANDS = {"Y0T17": "Y_GE18", "Y_GE18": "Y0T17"}
CAUGHT_BY_HISTORY = "agrees in itself; only what was sent before may tell"
SAME_SUM = "every sum is the same"
ONE_LESS = "a part that is missing makes the sum uncertain, not wrong"


def not_net(row: Row) -> bool:
    return row.get("COMPONENT") not in ("NET", "ADJ")


KINDS: tuple[Kind, ...] = (
    Kind("code that is none", put(SEX="X9")),
    Kind("code in lower case", put(FREQ="a")),
    Kind("blanks around a code", put(REF_AREA=lambda row: f" {row['REF_AREA']} ")),
    Kind("neighbouring columns exchanged", put(
        SEX=lambda row: row["AGE"] if row["AGE"] != row["SEX"] else None, AGE=lambda row: row["SEX"])),
    Kind("code of the column beside", put(
        SOURCE=lambda row: row.get("COMPONENT"),
        COMPONENT=lambda row: "OFF" if "COMPONENT" in row else None)),
    Kind("ISO code of the area", put(REF_AREA=lambda row: ISO3[row["REF_AREA"]])),
    Kind("digits of a partner transposed", _in_partner(lambda code: code[1] + code[0] + code[2]),
         named=False, unseen="it may be the code of another country"),
    Kind("figures of two partners exchanged", _with_next_partner, named=False, unseen=SAME_SUM),
    Kind("leading zero lost", only(lambda row: row.get(_partner(row), "").startswith("0"),
                                   _in_partner(lambda code: code.lstrip("0")))),
    Kind("empty dimension", put(SEX="")),
    Kind("another country's area", put(REF_AREA="380")),
    Kind("own area as the partner", _in_partner(lambda code: "OWN")),
    Kind("text in a number", put(OBS_VALUE="n/a")),
    Kind("figure with a footnote", put(OBS_VALUE=lambda row: row["OBS_VALUE"] + "*")),
    Kind("decimal comma", put(OBS_VALUE=lambda row: row["OBS_VALUE"] + ",5")),
    Kind("decimals of a count", put(OBS_VALUE=lambda row: row["OBS_VALUE"] + ".5")),
    Kind("thousands with a blank", put(OBS_VALUE=lambda row: _grouped(row, " "))),
    Kind("thousands with a point", put(OBS_VALUE=lambda row: _grouped(row, "."))),
    Kind("ten times the figure", figure(lambda value: 10 * value)),
    Kind("a thousand times the figure", figure(lambda value: 1000 * value)),
    Kind("a tenth of the figure", figure(lambda value: value // 10)),
    Kind("digits of the figure transposed", figure(_transposed, least=1000)),
    Kind("sign lost or put", figure(lambda value: -value)),
    Kind("total 7 per cent off", only(_is_total, figure(lambda value: round(1.07 * value), least=300))),
    Kind("part 7 per cent off", only(lambda row: not _is_total(row) or _partner(row) != "",
                                     figure(lambda value: round(1.07 * value), least=300))),
    Kind("zero for a figure", figure(lambda _: 0)),
    Kind("figure of the row above", from_above),
    Kind("row twice", doubled()),
    Kind("row twice, another figure", doubled(OBS_VALUE=lambda row: str(int(row["OBS_VALUE"]) + 50))),
    Kind("row left out", dropped, named=False, unseen=ONE_LESS),
    Kind("status lost and no figure", put(OBS_STATUS="", OBS_VALUE="")),
    Kind("no figure, status normal", put(OBS_VALUE="")),
    Kind("figure with a status of none", put(OBS_STATUS="M")),
    Kind("break without its reason", put(OBS_STATUS="B")),
    Kind("included elsewhere, not marked there", put(OBS_STATUS="K", OBS_VALUE="")),
    Kind("period in the future", put(TIME_PERIOD="2031")),
    Kind("no period", put(TIME_PERIOD="2019-13")),
    Kind("period of another frequency", put(TIME_PERIOD=lambda row: row["TIME_PERIOD"] + "-Q1")),
    Kind("period a year off", put(TIME_PERIOD=lambda row: str(int(row["TIME_PERIOD"]) - 1)),
         named=False, unseen=CAUGHT_BY_HISTORY),
    Kind("day outside the period", put(REF_DATE="2012-07-01")),
    Kind("per cent for persons", only(lambda row: abs(int(row["OBS_VALUE"])) > 100, put(UNIT_MEASURE="PT"))),
    Kind("thousands declared", only(lambda row: abs(int(row["OBS_VALUE"])) > 20, put(UNIT_MULT="3"))),
    Kind("women's and men's figures exchanged", exchanged_with("SEX", SEXES)),
    Kind("ages' figures exchanged", exchanged_with("AGE", BANDS)),
    Kind("women and men exchanged in the whole file", everywhere("SEX", SEXES),
         named=False, unseen=CAUGHT_BY_HISTORY),
    Kind("births of the foreign-born", only(
        lambda row: row.get("COMPONENT") == "DEATH" and row["BIRTHPLACE"] == "FB", put(COMPONENT="BIRTH"))),
    Kind("arrivals as departures", only(
        lambda row: row.get("COMPONENT") == "IMMIG", put(COMPONENT="EMIG"))),
    Kind("a term of the balance changed", only(
        lambda row: row.get("COMPONENT") in COMPONENTS and row["COUNTERPART_AREA"] == "_T" and not_net(row)
        and row["SEX"] == "_T" and row["REF_AREA"] == "752",
        figure(lambda value: value + max(60, value // 20)))),
    Kind("confidentiality lost", only(lambda row: row["CONF_STATUS"] == "A", put(CONF_STATUS="F"))),
    Kind("embargo without its end", put(CONF_STATUS="E")),
    Kind("bounds inverted", put(LOWER_BOUND=_plus(5), UPPER_BOUND=_plus(-5))),
    Kind("figure outside its bounds", put(LOWER_BOUND=_plus(5), UPPER_BOUND=_plus(9))),
    Kind("another criterion in one row", put(RESIDENCE_CRIT="M6")),
    Kind("figure one off", figure(lambda value: value + 1)),
)  # fmt: skip


# --- what is found ------------------------------------------------------------------------------------------


@contextmanager
def read_here() -> Iterator[None]:
    """Files are read in this process: thousands of small ones need no process each."""
    given = sandbox.default.read
    sandbox.default.read = lambda file, size, **job: csv_reader.read(file, job)  # type: ignore[method-assign]
    try:
        yield
    finally:
        sandbox.default.read = given  # type: ignore[method-assign]


@contextmanager
def opened(folder: Path, kept: Sequence[Table]) -> Iterator[Exchange]:
    """An exchange in which what was sent before is released."""
    rules = folder / "agreed"
    rules.mkdir(parents=True)
    (rules / "k01.rules.toml").write_text(K01)
    exchange = Exchange.open(folder / "exchange", (*shipped_structures(), rules))
    try:
        for table in kept:
            content = table.csv(table.before)
            made, report = exchange.submit(sent(content, table.provider), by="test")
            assert report.verdict == "accepted", told(report)
            exchange.release([one.id for one in made], by="test")
        yield exchange
    finally:
        exchange.close()


def told(report: object) -> list[str]:
    return [
        f"{group['severity']} {group['code']} {group.get('rule', '')} x{group['count']}: {group['message']}"
        for group in report.as_dict()["groups"]  # type: ignore[attr-defined]
    ]


@dataclass
class Score:
    """Of one kind in one table: rows damaged, found, found at the row itself, and the codes that said so.

    `missed` are keys.
    """

    tried: int = 0
    found: int = 0
    itself: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)


def scores(
    exchange: Exchange, table: Table, kinds: Sequence[Kind], most: int
) -> Iterator[tuple[Kind, Score]]:
    """What is found where at most `most` of a table's rows, spread evenly, are damaged one at a time."""
    known = {_mark(one) for one in _faults(exchange, table, table.rows)}
    for kind in kinds:
        score = Score()
        possible = [i for i in range(len(table.rows)) if _damaged(kind, table, i) is not None]
        step = max(1, -(-len(possible) // most))
        for i in possible[step // 2 :: step]:
            rows = _damaged(kind, table, i)
            assert rows is not None
            told = [
                one
                for one in _faults(exchange, table, rows)
                if _mark(one) not in known and _names(one, table, rows, i)
            ]
            codes = {one.finding.code for one in told}
            score.itself += any(i in one.records for one in told)
            score.tried += 1
            score.found += bool(codes)
            for code in codes:
                score.codes[code] = score.codes.get(code, 0) + 1
            if not codes:
                score.missed.append(".".join(table.rows[i].get(id, "") for id in table.key))
        if score.tried:
            yield kind, score


def _damaged(kind: Kind, table: Table, i: int) -> list[Row] | None:
    made = kind.damage(table.rows, i)
    if made is None:
        return None
    own = table.rows[i]["REF_AREA"]
    return [{id: own if value == "OWN" else value for id, value in row.items()} for row in made]


def _faults(exchange: Exchange, table: Table, rows: Sequence[Row]) -> tuple[Located, ...]:
    return exchange.examined(sent(table.csv(rows), table.provider)).faults


def _mark(one: Located) -> tuple[object, ...]:
    return one.finding.mark, one.finding.count, tuple(one.records.tolist())


def _names(one: Located, table: Table, rows: Sequence[Row], i: int) -> bool:
    """Whether a finding is of the row, or of a total, a part or a term beside it: a key that differs from the
    row's, as it was or as it is now, in two dimensions at most."""
    if not len(one.records):
        return True  # of the file: its heading, or a mark of decimals
    given = np.array([[row.get(id, "") for id in table.key] for row in rows])[one.records]
    both = [table.rows[i], rows[i]] if i < len(rows) else [table.rows[i]]
    return any(
        int((given != np.array([row.get(id, "") for id in table.key])).sum(axis=1).min()) <= _FAR
        for row in both
    )


_FAR = 2
