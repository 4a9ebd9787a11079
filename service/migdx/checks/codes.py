"""Are the codes in their lists, allowed by the constraints, and the sender's to report?"""

from __future__ import annotations

from collections.abc import Iterator

from ..dataset import Coded, Columns, Dataset
from ..schema import SchemaComponent
from .fault import Fault, by_value
from .nearest import nearest


def unknown_code(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A value is not a code of its component's code list.

    Why: nobody can tell what the figure is of.
    Fix: use the code; the nearest ones are shown.
    Example: `SEX` = `Female`, where the list has `F`.
    """
    for component, column in _coded(dataset):
        wrong = [at for at, value in enumerate(column.values) if value and value not in component.codes]
        yield from _faults(component, column, wrong, with_nearest=True)


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
            yield from _faults(component, column, wrong, allowed)


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
            yield from _faults(component, column, wrong, granted)


def _coded(dataset: Dataset) -> Iterator[tuple[SchemaComponent, Coded]]:
    for component in dataset.schema.components:
        column = dataset.coded(component.id)
        if component.coded and column is not None:
            yield component, column


def _faults(
    component: SchemaComponent,
    column: Coded,
    wrong: list[int],
    allowed: frozenset[str] | None = None,
    *,
    with_nearest: bool = False,
) -> Iterator[Fault]:
    listed = component.codelist.reference.short if component.codelist else ""
    expected: dict[str, object] = {"codelist": listed}
    if allowed is not None:
        expected |= {"allowed": sorted(allowed)[:20], "allowedCount": len(allowed)}
    for rows, value, distinct in by_value(column, wrong):
        more: dict[str, object] = {} if value is not None else {"distinctValues": distinct}
        if with_nearest and value is not None:
            more = {"nearest": nearest(component, value)}
        yield Fault(rows, component.id, value, expected | more)
