"""Are the values there, and are numbers numbers?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ..columns import Columns
from ..dataset import Dataset, Numbers
from ..schema import FOOTNOTE, INTEGRAL, PROVIDER
from ..structures import ProvisionAgreement
from .fault import OWN_GROUPS, Fault


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
        empty = column.empty
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
        grouped = column.grouped
        if (grouped & column.bad).any():  # 1.234 beside 1.234.567 is no fraction
            bad = bad | grouped
        rows = np.flatnonzero(bad)
        if not len(rows):
            continue
        # a text in a numeric cell may still tell a confidential figure ("12 345"): shown by place only
        if component.id in dataset.schema.masked and dataset.confidential.any():
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
            flagged = columns.format in _WORKBOOKS and _FLAGGED.fullmatch(texts[at])
            values = {"reason": "letters"} if flagged else {}
            yield Fault(rows[inverse == at], component.id, texts[at], {"type": component.text_type}, values)
        if len(order) > OWN_GROUPS:
            rest = np.isin(inverse, order[OWN_GROUPS:])
            yield Fault(
                rows[rest],
                component.id,
                None,
                {"type": component.text_type, "distinctValues": len(order) - OWN_GROUPS},
            )


_WORKBOOKS = ("xlsx", "xls", "ods")
_FLAGGED = re.compile(r"\s*[+-]?\d[\d.,'\s]*[a-z][a-z ,;]{0,7}", re.IGNORECASE)


def footnote_ignored(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A footnote was sent; it is not kept.

    Why: it is what the collecting organisation says to readers, and the service writes it.
    Fix: nothing, if the file is an export of this service; a remark of your own goes to the comment.
    Example: `OBS_FOOTNOTE` = `our register was changed`.
    """
    yield from _sent(dataset, FOOTNOTE)


def provider_ignored(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """An observation was said to be another provider's; that is not kept.

    Why: the service writes it itself, by the agreement under which a file is sent.
    Fix: nothing, if the file is an export of this service.
    Example: `DATA_PROVIDER` = `UNHCR` in the file of a ministry.
    """
    within = dataset.schema.within
    own = within.provider.item if isinstance(within, ProvisionAgreement) and within.provider else ""
    yield from _sent(dataset, PROVIDER, own)


def _sent(dataset: Dataset, component: str, known: str = "") -> Iterator[Fault]:
    """Rows that say something there, other than what is `known`."""
    column = dataset.coded(component)
    if column is None:
        return
    said = column.codes >= 0
    if known in column.values:
        said &= column.codes != column.values.index(known)
    if said.any():
        yield Fault(np.flatnonzero(said), component)


def grouped_by_points(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Every number with a point looks like thousands: it was read as a fraction.

    Why: the figure is a thousandth of what it should be, if the point groups digits.
    Fix: write thousands without a sign between them; where three decimals are meant, nothing is to be done.
    Example: `1.234` for one thousand two hundred and thirty-four.
    """
    for component in dataset.schema.components:
        column = dataset.columns.get(component.id)
        if not isinstance(column, Numbers) or component.text_type in INTEGRAL:
            continue
        grouped = column.grouped
        if grouped.any() and not (grouped & column.bad).any():
            yield Fault(np.flatnonzero(grouped), component.id)
