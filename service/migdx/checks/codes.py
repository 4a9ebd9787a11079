"""Are the codes in their lists?"""

from __future__ import annotations

from collections.abc import Iterator

from ..dataset import Columns, Dataset
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
        wrong = [at for at, value in enumerate(column.values) if value and value not in component.codes]
        expected: dict[str, object] = {"codelist": component.codelist.reference.short}
        for rows, value, distinct in by_value(column, wrong):
            more: dict[str, object] = (
                {"distinctValues": distinct} if value is None else {"nearest": nearest(component, value)}
            )
            yield Fault(rows, component.id, value, expected | more)
