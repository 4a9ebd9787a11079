"""Are the codes in their lists?"""

from __future__ import annotations

from collections.abc import Iterator

from ..columns import Columns
from ..dataset import Dataset
from .fault import Fault, by_value
from .nearest import nearest


def unknown_code(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A value is not a code of its component's code list.

    Why: nobody can tell what the figure is of.
    Fix: use the code; the nearest ones are shown.
    Example: `SEX` = `Female`, where the list has `F`.
    """
    for component in dataset.schema.components:
        column = dataset.coded(component.id)
        if component.codelist is None or column is None:
            continue
        wrong = [
            at
            for at, value in enumerate(column.values)
            if value and not component.codes.issuperset(column.parts(value))
        ]
        expected: dict[str, object] = {"codelist": component.codelist.reference.short}
        for rows, value, distinct in by_value(column, wrong):
            more: dict[str, object] = (
                {"distinctValues": distinct} if value is None else {"nearest": nearest(component, value)}
            )
            yield Fault(rows, component.id, value, expected | more)


def surrounding_blanks(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Blanks stand before or after a code, a period, or the heading of a column.

    Why: no code begins or ends with one, so they are left out; in free text they stay.
    Fix: nothing, if it was read as meant; else look at what wrote the file.
    Example: ` F` in `SEX`.
    """
    for component in dataset.schema.components:
        column = dataset.coded(component.id)
        if column is not None and column.trimmed is not None:
            yield Fault(column.trimmed, component.id)
