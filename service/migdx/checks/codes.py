"""Are the codes in their lists, allowed by the constraints, and the sender's to report?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..dataset import Coded, Columns, Dataset, Indices
from ..schema import SchemaComponent
from .fault import Fault
from .nearest import nearest

OWN_GROUPS = 100
"""How many wrong values of a component are told one by one; the rest share one group, exactly counted."""


def unknown_code(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A value is not a code of its component's code list.

    Why: nobody can tell what the figure is of.
    Fix: use the code; the nearest ones are shown.
    Example: `SEX` = `Female`, where the list has `F`.
    """
    for component, column in _coded(dataset):
        wrong = [at for at, value in enumerate(column.values) if value and value not in component.codes]
        yield from _by_value(component, column, wrong, with_nearest=True)


def outside_constraint(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A code exists, and the dataflow does not take it.

    Why: the dataflow is for something else; the same figure would stand in two places.
    Fix: send it to the dataflow that takes it, or use one of the codes shown.
    Example: a stock in a dataflow that takes flows only.
    """
    for component, column in _coded(dataset):
        allowed = component.allowed
        if allowed is not None:
            known = component.codes
            wrong = [at for at, value in enumerate(column.values) if value in known and value not in allowed]
            yield from _by_value(component, column, wrong, allowed)


def not_your_area(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A row is for an area that the provision agreement does not cover.

    Why: every figure has one owner, who answers for it.
    Fix: take the row out, or have the agreement extended.
    Example: a row for another country in a country's own file.
    """
    for component, column in _coded(dataset):
        granted = component.granted
        if granted is not None:
            known = component.codes
            wrong = [at for at, value in enumerate(column.values) if value in known and value not in granted]
            yield from _by_value(component, column, wrong, granted)


def _coded(dataset: Dataset) -> Iterator[tuple[SchemaComponent, Coded]]:
    for component in dataset.schema.components:
        column = dataset.coded(component.id)
        if component.coded and column is not None:
            yield component, column


def _by_value(
    component: SchemaComponent,
    column: Coded,
    wrong: list[int],
    allowed: frozenset[str] | None = None,
    *,
    with_nearest: bool = False,
) -> Iterator[Fault]:
    """One fault per wrong value, most rows first; rows are looked up for wrong values only."""
    if not wrong:
        return
    counts = column.counts()
    wrong = sorted((at for at in wrong if counts[at]), key=lambda at: -int(counts[at]))
    listed = component.codelist.reference.short if component.codelist else ""
    expected: dict[str, object] = {"codelist": listed}
    if allowed is not None:
        expected |= {"allowed": sorted(allowed)[:20], "allowedCount": len(allowed)}
    for at in wrong[:OWN_GROUPS]:
        more = {"nearest": nearest(component, column.values[at])} if with_nearest else {}
        yield Fault(column.rows_of(at), component.id, column.values[at], expected | more)
    rest = wrong[OWN_GROUPS:]
    if rest:
        yield Fault(_rows_of_any(column, rest), component.id, None, expected | {"distinctValues": len(rest)})


def _rows_of_any(column: Coded, wrong: list[int]) -> Indices:
    flags = np.zeros(len(column.values) + 1, bool)  # the last serves index -1
    flags[wrong] = True
    return np.flatnonzero(flags[column.codes])
