"""Changes: what a new revision says otherwise than the one before it, the biggest revisions first.

"Removed" there is only where something was deleted, or where a file said that its scope is complete; else
what a submission leaves out is "not sent again", and stays as it was. A confidential figure, old or new, is
never told, nor how much it changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from .fold import Flags, Folded, Numbers, Since, closed, differing, matched, plain, widened
from .schema import FOOTNOTE, Schema

LARGEST = 100
"""How many changes a report tells one by one."""

REMOVED = 20
"""How many observations that were removed it tells one by one."""

_MULTIPLIER = "UNIT_MULT"
_BATCH = 50_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Changes(Since):
    """From `before`, None where there was no revision, to `after`."""

    before: pa.Table | None
    after: pa.Table
    schema: Schema

    @classmethod
    def of(cls, before: pa.Table | None, folded: Folded, schema: Schema) -> Changes:
        """What one action did."""
        return cls(folded.origin, folded.sent, folded.differs, before, folded.table, schema)

    @classmethod
    def between(cls, before: pa.Table | None, after: pa.Table, schema: Schema) -> Changes:
        """Of two revisions; that all was sent is taken for granted."""
        origin = np.full(after.num_rows, -1)
        differs = np.zeros(after.num_rows, bool)
        if before is not None and before.num_rows:
            before = widened(before, after.schema)
            was, now = matched(before, after, schema)
            origin[now] = was
            differs[now] = differing(after.take(pa.array(now)), before.take(pa.array(was)))
        return cls(origin, np.ones(after.num_rows, bool), differs, before, after, schema)

    def then(self, folded: Folded) -> Changes:
        """After one more action of the same submission."""
        old = folded.origin >= 0
        origin, sent, differs = folded.origin.copy(), folded.sent.copy(), folded.differs.copy()
        origin[old] = self.origin[folded.origin[old]]
        sent[old] |= self.sent[folded.origin[old]]
        differs[old] |= self.differs[folded.origin[old]]
        return Changes(origin, sent, differs & (origin >= 0), self.before, folded.table, self.schema)

    @cached_property
    def rows(self) -> Numbers:
        """Those that differ, as rows of `after`."""
        return np.flatnonzero(self.differs)

    @cached_property
    def figures(self) -> tuple[Floats, Floats]:
        """What `rows` said and say, in units: another multiplier is no other figure."""
        if self.before is None:
            return np.zeros(0), np.zeros(0)
        old = self.before.take(pa.array(self.origin[self.rows]))
        return _in_units(old, self.schema), _in_units(self.after.take(pa.array(self.rows)), self.schema)

    @cached_property
    def moved(self) -> Flags:
        """Of `rows`, whether the figure is another; of the others only attributes are."""
        old, new = self.figures
        same = (old == new) | (np.isnan(old) & np.isnan(new))
        close = np.abs(old - new) <= 1e-12 * np.maximum(np.abs(old), np.abs(new))  # what scaling may cost
        return np.asarray(~(same | close))

    @cached_property
    def hidden(self) -> Flags:
        """Of `rows`, whether the figure is or was confidential."""
        if self.before is None:
            return np.zeros(0, bool)
        old = closed(self.before.take(pa.array(self.origin[self.rows])))
        return np.asarray(old | closed(self.after.take(pa.array(self.rows))))

    @cached_property
    def gone(self) -> Numbers:
        """The rows of `before` that are no more."""
        if self.before is None:
            return np.zeros(0, np.int64)
        return np.setdiff1d(np.arange(self.before.num_rows), self.origin)

    @property
    def removed(self) -> int:
        """Observations that were there and are no more."""
        return len(self.gone)

    def counts(self) -> dict[str, int]:
        """In observations. `notSentAgain` are those that the submission leaves as they were."""
        moved = int(self.moved.sum())
        return {
            "added": self.added,
            "removed": self.removed,
            "changed": moved,
            "attributes": len(self.rows) - moved,
            "unchanged": self.unchanged,
            "notSentAgain": int((~self.sent).sum()),
        }

    def largest(self, most: int = LARGEST) -> list[dict[str, Any]]:
        """The figures that changed most; those that are not told come last, in no order."""
        old, new = self.figures
        size = np.where(self.hidden, -1.0, np.nan_to_num(np.abs(new - old), nan=0.0))
        at = np.flatnonzero(self.moved)
        at = at[np.argsort(-size[at], kind="stable")][:most]
        named = self._named(self.after.take(pa.array(self.rows[at])))
        return [place | self._told(int(one)) for place, one in zip(named, at, strict=True)]

    def largest_removed(self, most: int = REMOVED) -> list[dict[str, Any]]:
        """The largest figures that were removed; those that are not told come last, in no order."""
        old, hidden, gone = self._of_gone()
        size = np.where(hidden, -1.0, np.nan_to_num(np.abs(old), nan=0.0))
        at = np.argsort(-size, kind="stable")[:most]
        return [
            place | {"after": None, **({"before": None, "hidden": True} if hid else {"before": _figure(was)})}
            for place, was, hid in zip(self._named(gone.take(pa.array(at))), old[at], hidden[at], strict=True)
        ]

    def _of_gone(self) -> tuple[Floats, Flags, pa.Table]:
        """The figures that were removed, whether each was confidential, and the observations."""
        before = self.after.slice(0, 0) if self.before is None else widened(self.before, self.after.schema)
        table = before.take(pa.array(self.gone))
        return _in_units(table, self.schema), closed(table), table

    def _named(self, table: pa.Table) -> Iterator[dict[str, Any]]:
        """The key and the period of each row."""
        series = [table.column(d.id).to_pylist() for d in self.schema.series_dimensions]
        periods = table.column(self.schema.time.id).to_pylist() if self.schema.time else [""] * len(table)
        for *key, period in zip(*series, periods, strict=True):
            yield {"key": ".".join(key), "period": period}

    def _told(self, place: int) -> dict[str, Any]:
        if self.hidden[place]:
            return {"before": None, "after": None, "hidden": True}
        old, new = (float(figures[place]) for figures in self.figures)
        told: dict[str, Any] = {"before": _figure(old), "after": _figure(new)}
        if not np.isnan(new - old):
            told["difference"] = _figure(new - old)
            told["percent"] = round(100 * (new - old) / abs(old), 2) if old else None
        return told

    def csv(self) -> Iterator[bytes]:
        """All that was added, changed or removed: the key, which of these, the figures, the attributes."""
        added = np.flatnonzero(self.origin < 0)
        old, new = self.figures
        fresh = self.after.take(pa.array(added))
        figures, closed_then, gone = self._of_gone()
        nothing = np.full(len(added), np.nan), np.full(len(gone), np.nan)
        now = np.concatenate((new, _in_units(fresh, self.schema), nothing[1]))
        was = np.concatenate((old, nothing[0], figures))
        hidden = np.concatenate((self.hidden, closed(fresh), closed_then))
        kind = np.concatenate((
            np.where(self.moved, "changed", "attributes"),
            np.full(len(added), "added"),
            np.full(len(gone), "removed"),
        ))  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            percent = np.where(was == 0, np.nan, 100 * (now - was) / np.abs(was))
        size = np.where(hidden | np.isnan(now - was), -1.0, np.abs(now - was))
        order = np.argsort(-size, kind="stable")
        attributes = np.concatenate((self._attributes(), np.full(len(added) + len(gone), "")))
        parts = (self.after.take(pa.array(self.rows)), fresh, gone)
        both = pa.concat_tables([part.select(list(self.schema.key)) for part in parts])
        table = both.unify_dictionaries().combine_chunks().take(pa.array(order))
        told = {id: plain(table.column(id)) for id in self.schema.key}
        told |= {"CHANGE": pa.array(kind[order]), "ATTRIBUTES": pa.array(attributes[order], pa.utf8())}
        shown = {"BEFORE": was, "AFTER": now, "DIFFERENCE": now - was, "PERCENT": percent}
        for name, column in shown.items():
            told[name] = pa.array(column[order], mask=hidden[order] | np.isnan(column[order]))
        return _written(pa.table(told))

    def _attributes(self) -> npt.NDArray[np.object_]:
        """Of `rows`, the attributes that are others, with blanks between them."""
        names = np.full(len(self.rows), "", object)
        if self.before is None:
            return names
        new, old = self.after.take(pa.array(self.rows)), self.before.take(pa.array(self.origin[self.rows]))
        for attribute in self.schema.attributes:
            id = attribute.id
            if id == FOOTNOTE or id not in new.column_names or id not in old.column_names:
                continue
            other = differing(new.select([id]), old.select([id]))
            if id in self.schema.hidden:
                other &= ~self.hidden
            names[other] += id + " "
        return np.array([name.strip() for name in names], object)


def _in_units(table: pa.Table, schema: Schema) -> Floats:
    values = np.asarray(table.column(schema.measures[0].id).to_numpy(), np.float64)
    if _MULTIPLIER not in table.column_names:
        return values
    powers = pc.fill_null(plain(table.column(_MULTIPLIER)), "0")
    encoded = powers.dictionary_encode().combine_chunks()
    texts = encoded.dictionary.to_pylist()
    factors = np.array([10.0 ** int(text) if text.lstrip("-").isdigit() else 1.0 for text in texts])
    return np.asarray(values * factors[np.asarray(encoded.indices)]) if len(texts) else values


def _figure(number: float) -> str:
    return "" if np.isnan(number) else f"{number:.12g}"


def _written(table: pa.Table) -> Iterator[bytes]:
    options = pa.csv.WriteOptions(quoting_style="needed")
    for at in range(0, max(1, table.num_rows), _BATCH):
        out = pa.BufferOutputStream()
        options.include_header = at == 0
        pa.csv.write_csv(table.slice(at, _BATCH), out, options)
        yield out.getvalue().to_pybytes()
