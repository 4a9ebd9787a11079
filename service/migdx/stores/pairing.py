# ruff: noqa: S608 - the names written into SQL are those of the structure, quoted; values are bound
"""What two sides say of the same, joined by the engine: `Store.paired`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..schema import CONFIDENTIALITY, FREE
from . import OTHER
from .duck import Part, Sifter, Statement, quoted
from .pack import Packed


@dataclass(frozen=True)
class Side:
    """What is read of one side, and in which parts."""

    sifter: Sifter
    parts: Sequence[Part]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.sifter.plan.columns

    def figures(self, statement: Statement) -> str:
        """Its observations that have a figure for everyone."""
        plan, selected, kinds = self.sifter.plan, [], self._kinds()
        for part in self.parts:
            scan = part.scan(self.sifter, statement, alone=False)
            columns = {id: scan.column(id) for id in self.columns}
            columns |= {id: f"{quoted(id)}::{kind}" for id, kind in kinds.items()}
            status = scan.written(CONFIDENTIALITY) if CONFIDENTIALITY in plan.schema.by_id else "NULL"
            selected.append(scan.select(columns | {"_status": status}))
        free = f"coalesce(_status, '') IN ('', {statement.bind(FREE)})"
        given = " AND ".join(f"{quoted(id)} IS NOT NULL" for id in plan.measures)
        return f"SELECT * FROM ({' UNION ALL '.join(selected)}) WHERE {free} AND {given or 'true'}"

    def _kinds(self) -> dict[str, str]:
        """The dimensions that may be joined as the numbers that a pack keeps, each with its type there: those
        of which the pack knows all codes.
        """
        packs = [part.pack for part in self.parts if isinstance(part, Packed)]
        others = [one for part in self.parts if not isinstance(part, Packed) for one in part.segments]
        return {
            id: pack.kind(id)
            for pack in packs
            for id, known in pack.codes.items()
            if all(segment.codes[id].keys() <= known for segment in others)
        }


def paired(one: Side, other: Side, on: Mapping[str, str]) -> Statement:
    """Each figure of one with each of the other whose components `on[id]` have the codes of its `id`."""
    statement = Statement()
    first, second = one.figures(statement), other.figures(statement)
    same = " AND ".join(f"one.{quoted(mine)} = other.{quoted(theirs)}" for mine, theirs in on.items())
    listed = [f"one.{quoted(id)}" for id in one.columns]
    listed += [f"other.{quoted(id)} AS {quoted(OTHER + id)}" for id in other.columns]
    order = [f"one.{quoted(id)}" for id in one.sifter.plan.schema.key]
    order += [f"other.{quoted(id)}" for id in other.sifter.plan.schema.key if id not in on.values()]
    statement.text = (
        f"SELECT {', '.join(listed)} FROM ({first}) AS one JOIN ({second}) AS other ON {same or 'true'}"
        f" ORDER BY {', '.join(order)}"
    )
    return statement
