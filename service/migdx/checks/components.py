"""Are the columns those of the structure?"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import numpy as np

from ..columns import KEYS, Columns
from ..dataset import Dataset
from .fault import OWN_GROUPS, Fault


def unknown_component(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A column is headed by something that the data structure does not have.

    Why: its values would be lost without a word.
    Fix: use the component's id as the structure spells it, or leave the column out.
    Example: `OBS_STATSU` for `OBS_STATUS`.
    """
    known = dataset.schema.by_id
    unknown = [name for name in columns.table.column_names if name not in known and name not in KEYS]
    more = {"dsd": dataset.schema.dsd.reference.short}
    every = np.arange(len(dataset))
    for name in unknown[:OWN_GROUPS]:
        near = get_close_matches(name[:80].upper(), known, n=1, cutoff=0.6)
        expected = {"components": list(known), "nearest": [{"code": n, "why": "similar"} for n in near]}
        yield Fault(every, value=name, in_header=True, expected=expected, values=more)
    if len(unknown) > OWN_GROUPS:
        expected = {"components": list(known), "distinctValues": len(unknown) - OWN_GROUPS}
        yield Fault(every, in_header=True, expected=expected, values=more)


def missing_component(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """The file has no column for a dimension, a mandatory attribute, or the measure.

    Why: without every dimension the key of an observation is not known.
    Fix: add the column; `_T` (total) or `_Z` (not applicable) where the breakdown is not used.
    Example: a header without `SEX`.
    """
    for component in dataset.schema.components:
        needed = component.mandatory or component.role == "measure"
        if needed and component.id not in dataset.columns:
            single = component.allowed if component.allowed and len(component.allowed) == 1 else ()
            yield Fault(
                np.arange(len(dataset)),
                component.id,
                in_header=True,
                expected={"value": next(iter(single), None)},
                values={"dsd": dataset.schema.dsd.reference.short},
            )
