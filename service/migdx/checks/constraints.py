"""Do the constraints take the values, and their combinations; and are they the sender's to report?

Values are looked at one by one first. A key whose values are all allowed may still be outside a key set, or
inside a region that is excluded; keys are told apart by the components that the constraint names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..columns import Columns, Flags
from ..dataset import Coded, Dataset, Numbers, coded
from ..restriction import Member, Members, Restriction, Step
from ..schema import SchemaComponent
from .fault import OWN_GROUPS, Fault, by_value

Combinations = npt.NDArray[np.int64]


def outside_constraint(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A code exists, and the dataflow does not take it; or it does not take it together with the others.

    Why: the dataflow is for something else; the same figure would stand in two places.
    Fix: send it to the dataflow that takes it, or use one of the codes shown.
    Example: a stock in a dataflow that takes flows only.
    """
    yield from _values(dataset, lambda component: component.allowed)
    yield from _keys(dataset, granted=False)


def not_your_area(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A row is for an area that the provision agreement does not cover.

    Why: every figure has one owner, who answers for it.
    Fix: take the row out, or have the agreement extended.
    Example: a row for another country in a country's own file.
    """
    yield from _values(dataset, lambda component: component.granted)
    yield from _keys(dataset, granted=True)


# --- values one by one --------------------------------------------------------------------------------------


def _values(dataset: Dataset, limit: Callable[[SchemaComponent], frozenset[str] | None]) -> Iterator[Fault]:
    for component in dataset.schema.components:
        column, allowed = dataset.coded(component.id), limit(component)
        if column is None or allowed is None:
            continue
        wrong = [
            at
            for at, value in enumerate(column.values)
            if any(
                part not in allowed and (part in component.codes if component.coded else part)
                for part in column.parts(value)
            )
        ]
        expected: dict[str, object] = {
            "codelist": component.codelist.reference.short if component.codelist else component.text_type,
            "allowed": sorted(allowed)[:20],
            "allowedCount": len(allowed),
        }
        if _hidden(dataset, component.id):
            rows = np.flatnonzero(np.isin(column.codes, wrong))
            if len(rows):
                yield Fault(rows, component.id, None, expected, {"value": "(confidential)"})
            continue
        for rows, value, distinct in by_value(column, wrong):
            more: dict[str, object] = {} if value is not None else {"distinctValues": distinct}
            kind = {} if component.coded else {"reason": "value"}
            yield Fault(rows, component.id, value, expected | more, kind)


# --- values together ----------------------------------------------------------------------------------------


def _keys(dataset: Dataset, *, granted: bool) -> Iterator[Fault]:
    for restriction in dataset.schema.restrictions:
        if restriction.granted is granted and len(dataset):
            yield from _outside(dataset, restriction)


def _outside(dataset: Dataset, restriction: Restriction) -> Iterator[Fault]:
    ids = restriction.components
    columns = {id: _column(dataset, id) for id in ids}
    found, of_row, counts = _distinct([columns[id] for id in ids])
    sound = np.ones(len(found), bool)
    for at, id in enumerate(ids):  # a value that is wrong by itself is told already
        sound &= _sound(dataset.schema.by_id[id], columns[id])[found[:, at]]
    wrong = np.flatnonzero(sound & ~_allowed(restriction, columns, found))
    wrong = wrong[np.argsort(-counts[wrong], kind="stable")]
    expected: dict[str, object] = {"constraint": restriction.constraint.short}
    for at in wrong[:OWN_GROUPS]:
        shown = {"key": _told(dataset, columns, found[at]), "reason": "key"}
        yield Fault(np.flatnonzero(of_row == at), _named(dataset, ids), None, expected, shown)
    rest = wrong[OWN_GROUPS:]
    if len(rest):
        flags = np.zeros(len(found), bool)
        flags[rest] = True
        reason = {"reason": "keys", "keys": len(rest)}
        yield Fault(np.flatnonzero(flags[of_row]), _named(dataset, ids), None, expected, reason)


def _column(dataset: Dataset, id: str) -> Coded:
    column = dataset.columns.get(id)
    if isinstance(column, Numbers):
        return coded(pa.chunked_array([column.texts]))
    return column if column is not None else Coded((), np.full(len(dataset), -1, np.int64))


def _distinct(
    columns: Sequence[Coded],
) -> tuple[Combinations, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The combinations of codes that there are, the combination of each row, and how many rows have each."""
    number, span = np.zeros(len(columns[0].codes), np.int64), 1
    for column in columns:
        size = len(column.values) + 1
        if span > (1 << 62) // size:  # would overflow: number what we have so far, densely
            number = np.unique(number, return_inverse=True)[1].astype(np.int64)
            span = len(number) + 1
        number = number * size + column.codes + 1
        span *= size
    _, first, of_row, counts = np.unique(number, return_index=True, return_inverse=True, return_counts=True)
    codes = np.stack([column.codes[first].astype(np.int64) for column in columns], axis=1)
    return codes, of_row, counts


def _sound(component: SchemaComponent, column: Coded) -> Flags:
    """Per distinct value whether it is a code that is allowed by itself; the last is for empty cells."""
    sound = component.valid if component.coded else component.limit
    return np.array([sound is None or value in sound for value in column.values] + [True])


def _told(dataset: Dataset, columns: Mapping[str, Coded], codes: npt.NDArray[np.int64]) -> str:
    """The values of a combination with their components; those that may be confidential are left out."""
    texts = {
        id: column.values[at] if at >= 0 else ""
        for (id, column), at in zip(columns.items(), codes, strict=True)
    }
    return ", ".join(f"{id} {text}" for id, text in texts.items() if not _hidden(dataset, id))


def _hidden(dataset: Dataset, id: str) -> bool:
    return id in dataset.schema.masked and bool(dataset.confidential.any())


def _named(dataset: Dataset, ids: Sequence[str]) -> str:
    """The component to point at: that of the restriction when it has one only."""
    return ids[0] if len(ids) == 1 else ""


# --- which combinations are allowed -------------------------------------------------------------------------


def _allowed(restriction: Restriction, columns: Mapping[str, Coded], found: Combinations) -> Flags:
    """What `Restriction.allows` says of each combination, many at once."""
    allowed = np.full(len(found), restriction.default)
    for step in restriction.steps:
        allowed[_matching(step, columns, found)] = step.include
    return allowed


def _matching(step: Step, columns: Mapping[str, Coded], found: Combinations) -> Flags:
    """The combinations that lie in one of the step's regions. Keys are looked up together, however many."""
    matching = np.zeros(len(found), bool)
    place = {id: at for at, id in enumerate(columns)}
    listed: dict[tuple[str, ...], list[Members]] = {}
    for region in step.regions:
        ids = tuple(member.component for member in region)
        if region and all(member.exact and len(member.values) == 1 for member in region):
            listed.setdefault(ids, []).append(region)
        else:
            matching |= _in_region(region, step, columns, found)
    for ids, regions in listed.items():
        there = found[:, [place[id] for id in ids]]
        complete = (there >= 0).all(axis=1)
        for region in regions if not complete.all() else ():
            matching[~complete] |= _in_region(region, step, columns, found[~complete])
        matching[complete] |= _among(there[complete], _codes(regions, columns))
    return matching


def _in_region(region: Members, step: Step, columns: Mapping[str, Coded], found: Combinations) -> Flags:
    inside = np.ones(len(found), bool)
    for at, (id, column) in enumerate(columns.items()):
        for member in region:
            if member.component == id:
                inside &= _admitted(member, column, include=step.include)[found[:, at]]
    return inside


def _admitted(member: Member, column: Coded, *, include: bool) -> Flags:
    """Per distinct value, the last for empty cells."""
    empty = member.admits_nothing(included=include)
    return np.array([member.admits(value) for value in column.values] + [empty])


def _codes(regions: Sequence[Members], columns: Mapping[str, Coded]) -> Combinations:
    """Keys as indices of values; those with a value that no row has are left out."""
    places = {m.component: {v: at for at, v in enumerate(columns[m.component].values)} for m in regions[0]}
    keys = [[places[m.component].get(next(iter(m.values)), -1) for m in region] for region in regions]
    return np.array([key for key in keys if -1 not in key], np.int64).reshape(-1, len(regions[0]))


def _among(rows: Combinations, keys: Combinations) -> Flags:
    numbers = np.unique(np.concatenate((rows, keys)), axis=0, return_inverse=True)[1].reshape(-1)
    return np.isin(numbers[: len(rows)], numbers[len(rows) :])
