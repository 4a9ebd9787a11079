"""What stands on the help page of a check beside its words: the rules that use it, and a small file with the
fault and without it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from ..exchange import Exchange
from ..folders import shipped_specimens
from ..report import message
from ..rules import RuleBook
from ..sent import Sent
from .named import Named
from .wording import Words

ROWS = 12
"""How many rows of a specimen are shown."""

_LONGEST = 240
_BEFORE = ("previous", "related", "partner", "beside")
_ALWAYS_SHOWN = ("OBS_VALUE",)


@dataclass(frozen=True)
class Table:
    """Some rows of a small file. `cells`: texts, each with whether the other file has another there."""

    label: str
    columns: Sequence[str]
    cells: Sequence[Sequence[tuple[str, bool]]]


@dataclass(frozen=True)
class Specimen:
    """The files of a check; what all rows of all of them say alike is told once."""

    tables: Sequence[Table]
    same: Sequence[tuple[str, str]]


def used_by(check: str, book: RuleBook, words: Words) -> list[dict[str, Any]]:
    """The rules that name a check, with their values and the thresholds agreed with providers."""
    return [
        {
            "id": rule.id,
            "title": words.text(rule.title),
            "severity": words(rule.severity),
            "level": rule.level,
            "final": rule.final,
            "for": ", ".join(name.rpartition(":")[2] for name in rule.dataflows or rule.structures),
            "values": [(name, _short(value)) for name, value in rule.values.items()],
            "thresholds": [
                {
                    "whom": entry.provider or getattr(entry, "agreement", ""),
                    "values": ", ".join(f"{name} = {_short(value)}" for name, value in entry.values.items()),
                    "since": entry.since,
                    "reason": entry.reason,
                }
                for entry in book.thresholds
                if entry.rule == rule.id
            ],
        }
        for rule in book
        if rule.check == check
    ]


@lru_cache(maxsize=512)
def sentence(check: str, exchange: Exchange, language: str) -> str:
    """What a report says of the specimen of a check, "" where other files are needed to find its fault."""
    path = shipped_specimens() / f"{check}.csv"
    if not check.isidentifier() or not path.is_file():
        return ""
    words = Words(language)
    with path.open("rb") as file:
        report = exchange.check(Sent(file, path.stat().st_size))
    for finding in report.findings:
        if finding.code == check:
            flow = finding.dataflow or str(report.subject.get("dataflow") or "")
            return message(finding, words.languages, Named(exchange.registry, flow, words).shown(finding))
    return ""


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def specimen(check: str, words: Words) -> Specimen | None:
    """The small files of a check that are there; None without any."""
    files = _files(check)
    if "" not in files:
        return None
    rows = [row for name in ("", "good") for row in files.get(name, ())]
    same = {id: text for id, text in rows[0].items() if all(row.get(id) == text for row in rows)}
    shown = {id: text for id, text in same.items() if id not in _ALWAYS_SHOWN}
    bad, good = files[""], files.get("good", ())
    tables = [_table(words("help_bad"), bad, good, shown)]
    if good:
        tables.append(_table(words("help_good"), good, bad, shown))
    tables += (_table(words(f"help_{name}"), files[name], (), {}) for name in _BEFORE if name in files)
    return Specimen(tables, [(id, text) for id, text in same.items() if text and id in shown])


def _table(
    label: str, rows: Sequence[Mapping[str, str]], other: Sequence[Mapping[str, str]], same: Mapping[str, str]
) -> Table:
    columns = [
        id for id in rows[0] if id not in same and (any(row[id] for row in rows) or id in _ALWAYS_SHOWN)
    ]
    alike = len(rows) == len(other)
    cells = [
        [(row[id], alike and other[at].get(id, "") != row[id]) for id in columns]
        for at, row in enumerate(rows[:ROWS])
    ]
    return Table(label, columns, cells)


@cache
def _files(check: str) -> dict[str, tuple[dict[str, str], ...]]:
    """The rows of its files, by what stands between name and ending; those that cannot be shown are not."""
    folder, found = shipped_specimens(), dict[str, tuple[dict[str, str], ...]]()
    if not check.isidentifier():
        return {}
    for name in ("", "good", *_BEFORE):
        path = folder / (f"{check}.{name}.csv" if name else f"{check}.csv")
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                first, *rest = csv.reader(file)
            rows = tuple(
                dict(zip(first, (*row, *[""] * len(first)), strict=False)) for row in rest if any(row)
            )
            found |= {name: rows} if rows else {}
    return found
