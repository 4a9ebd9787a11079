"""Waiving: which rows of a finding a waiver covers, and what readers are told of them.

A waiver is for the observations that its finding touched then. A row of another key with the same fault is a
new one: the finding is told in two parts, the rows that are waived, and those that are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .checks.fault import part
from .columns import Indices, Located
from .dataset import Coded, Dataset
from .release import Slot
from .report import Finding, phrase, shortened
from .waivers import Waiver

Keys = npt.NDArray[np.uint64]
"""Observations by their keys: the same number for the same key, whatever file it is in."""


@dataclass(frozen=True)
class Granted:
    """A waiver and the keys that it is for, in ascending order."""

    waiver: Waiver
    keys: Keys

    @classmethod
    def read(cls, waiver: Waiver, content: bytes) -> Granted:
        return cls(waiver, np.frombuffer(content, "<u8"))


Grants = Mapping[Slot, Sequence[Granted]]
"""The waivers that a check heeds, by agreement and dataflow."""


def content(keys: Iterable[Keys]) -> bytes:
    """Keys as a blob: each once, ascending, eight bytes for each."""
    return np.unique(np.concatenate([*keys, np.zeros(0, np.uint64)])).astype("<u8").tobytes()


def cause(finding: Finding) -> str:
    """The mark of a finding as a report has it on a file of one dataflow."""
    return shortened(replace(finding, dataflow="")).mark


def keys_of(one: Located, dataset: Dataset) -> Keys:
    """The keys that a finding touches; one number for all that it says where it touches no row of a file."""
    if not len(one.records):
        places = [(place.key, place.period) for place in shortened(one.finding).places]
        return np.array([_number(f"{one.finding.count} {places}")], np.uint64)
    total = np.zeros(len(one.records), np.uint64)
    for dimension in dataset.schema.dimensions:
        column = dataset.coded(dimension.id)
        if column is not None:  # sums wrap around: the order of dimensions does not matter
            numbers = [_number(f"{dimension.id}={value}") for value in column.values]
            total += np.array([*numbers, 0], np.uint64)[column.codes[one.records]]
    return total


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def applied(found: Iterable[Located], dataset: Dataset, granted: Sequence[Granted]) -> Iterator[Located]:
    """Findings with those rows of them set apart that a waiver covers; of several the newest is named."""
    newest_first = granted[::-1]
    for one in found:
        known = [] if not may_be_waived(one.finding) else [
            grant for grant in newest_first if grant.waiver.cause == cause(one.finding)
        ]  # fmt: skip
        yield from _parts(one, dataset, known) if known else (one,)


def may_be_waived(finding: Finding) -> bool:
    return finding.severity != "information" and not finding.final


def _parts(one: Located, dataset: Dataset, granted: Sequence[Granted]) -> Iterator[Located]:
    keys = keys_of(one, dataset)
    left, waived = np.ones(len(keys), bool), 0
    for grant in granted:
        covered = left & np.isin(keys, grant.keys)
        if covered.any():
            said = replace(one.finding, waived=grant.waiver.said, blocking=False)
            said_of = replace(one, finding=said)
            if not covered.all():
                said_of = part(said_of, covered, int(covered.sum()), dataset)
            yield said_of
            left &= ~covered
            waived += said_of.finding.count
    if left.any():
        rest = replace(one.finding, values={**one.finding.values, **({"waived": waived} if waived else {})})
        told = replace(one, finding=rest)
        yield told if left.all() else part(told, left, one.finding.count - waived, dataset)


def footnotes(found: Iterable[Located], rows: int) -> Coded | None:
    """What readers are told of each record of which something is waived; None where nothing is."""
    texts: dict[str, int] = {}
    codes = np.full(rows, -1, np.int32)
    for one in found:
        if one.finding.waived:
            _add(_footnote(one.finding), texts, codes, one.records)
    return Coded(tuple(texts), codes) if texts else None


def _add(note: str, texts: dict[str, int], codes: npt.NDArray[np.int32], rows: Indices) -> None:
    """Further words behind those that rows have already."""
    for before in np.unique(codes[rows]):
        said = list(texts)[before] if before >= 0 else ""
        if note not in said.split(_BETWEEN):
            text = f"{said}{_BETWEEN}{note}" if said else note
            codes[rows[codes[rows] == before]] = texts.setdefault(text, len(texts))


_BETWEEN = " | "


def _footnote(finding: Finding) -> str:
    assert finding.waived is not None
    return phrase("footnote", code=finding.code, reason=finding.waived.reason, until=finding.waived.until)
