"""Are the values there, and are numbers numbers?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..dataset import Coded, Columns, Dataset, Numbers
from ..schema import INTEGRAL
from .fault import OWN_GROUPS, Fault, is_masked


def missing_value(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A dimension or a mandatory attribute is empty.

    Why: the key of the observation is not complete.
    Fix: fill it; `_T` means the total, `_U` unknown, `_Z` not applicable.
    Example: a row without `REF_AREA`.
    """
    for component in dataset.schema.components:
        column = dataset.columns.get(component.id)
        if not component.mandatory or column is None:
            continue
        empty = column.codes < 0 if isinstance(column, Coded) else column.missing
        if empty.any():
            codelist = component.codelist.reference.short if component.codelist else None
            yield Fault(np.flatnonzero(empty), component.id, "", {"codelist": codelist} if codelist else {})


def not_a_number(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A numeric component holds something else.

    Why: it cannot be added, compared or drawn.
    Fix: digits with a point for decimals and no separators; empty, with a status, when there is no figure.
    Example: `1 234`, `12,5`, `n.a.`
    """
    for component in dataset.schema.components:
        column = dataset.columns.get(component.id)
        if not isinstance(column, Numbers):
            continue
        bad = column.bad
        if component.text_type in INTEGRAL:
            bad = bad | (~column.missing & ~column.bad & (column.values % 1 != 0))
        rows = np.flatnonzero(bad)
        if not len(rows):
            continue
        # a text in a numeric cell may still tell a confidential figure ("12 345"): shown by place only
        if is_masked(dataset.schema, component.id) and dataset.confidential.any():
            hidden = dataset.confidential[rows]
            if hidden.any():
                yield Fault(
                    rows[hidden],
                    component.id,
                    None,
                    {"type": component.text_type},
                    {"value": "(confidential)"},
                )
            rows = rows[~hidden]
        texts, inverse = np.unique(
            np.array([column.text(int(row)) for row in rows], object), return_inverse=True
        )
        order = np.argsort(-np.bincount(inverse, minlength=len(texts)), kind="stable")
        for at in order[:OWN_GROUPS]:
            yield Fault(rows[inverse == at], component.id, texts[at], {"type": component.text_type})
        if len(order) > OWN_GROUPS:
            rest = np.isin(inverse, order[OWN_GROUPS:])
            yield Fault(
                rows[rest],
                component.id,
                None,
                {"type": component.text_type, "distinctValues": len(order) - OWN_GROUPS},
            )
