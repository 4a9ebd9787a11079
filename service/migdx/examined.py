"""Examined: what a file turned out to be, its report and what is taken of it, dataflow by dataflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from . import checks
from .columns import Columns, Indices, Located
from .dataset import Coded, Dataset
from .effect import Step
from .formats import marks
from .formats.listed import listed
from .formats.rejected import rejected
from .plan import Action
from .region import Region
from .removals import Deletions
from .report import Place, Report
from .schema import Schema
from .sent import Sent
from .structures import ProvisionAgreement

ROW_FAULTS = frozenset(
    {checks.name(check) for check in checks.ALWAYS} - {"missing_component", "unknown_component"}
    | {"wrong_number_of_cells", "unclosed_quote", "unreadable_text", "missing_structure"}
    | {"error_cell", "formula_without_value", "other_number_marks"}
    | {"wrong_key", "wrong_index", "wrong_observation"}
    | set(checks.BY_NAME)
)
"""Errors that touch rows, so that the other rows may still be taken with accept=valid."""


@dataclass(frozen=True)
class Share:
    """What a file says for one dataflow.

    `steps` are its actions in the order of the file, each with the records that are taken: None for all of
    them. `embargo` is the latest instant that its rows ask for. `records` are those of the dataset by their
    numbers in the file, in order, where they are not all of them. `footnotes` are those of its records.
    `deletions` are the Delete rows that are taken; what the file says is complete in the `region`.
    """

    dataset: Dataset
    agreement: ProvisionAgreement | None
    steps: tuple[tuple[Action, Indices | None], ...]
    received: int
    rejected: int
    embargo: str = ""
    records: Indices | None = None
    footnotes: Coded | None = None
    deletions: Deletions | None = None
    region: Region | None = None

    @property
    def schema(self) -> Schema:
        return self.dataset.schema

    @property
    def dataflow(self) -> str:
        return self.schema.dataflow.reference.short

    @property
    def actions(self) -> str:
        """In the order in which the file first has them."""
        steps = self.steps if len(self.dataset) else ()
        first: dict[str, int] = {action: self._first(records) for action, records in steps}
        if self.deletions is not None and len(self.deletions):
            first["Delete"] = int(self.deletions.order[0])
        return ", ".join(sorted(first, key=lambda action: first[action])) or "Merge"

    def _first(self, records: Indices | None) -> int:
        at = 0 if records is None or not len(records) else int(records[0])
        return at if self.records is None else int(self.records[at])

    def place(self, record: int, component: str) -> Place | None:
        """Where a component of a record of the file stands; None where the record is for another dataflow."""
        if self.records is None:
            return self.dataset.place(record, component)
        at = int(np.searchsorted(self.records, record))
        own = at < len(self.records) and self.records[at] == record
        return self.dataset.place(at, component) if own else None

    def own(self, records: Indices) -> Indices:
        """Records of the file, all of this dataflow, by their numbers in the dataset."""
        return records if self.records is None else np.searchsorted(self.records, records)

    def observations(self) -> Iterator[Step]:
        """Those that are taken, as `Dataset.table` makes them, action by action, with their numbers in the
        file.
        """
        for action, records in self.steps:
            own = np.arange(len(self.dataset)) if records is None else records
            order = own if self.records is None else self.records[own]
            yield action, self.dataset.table(records, footnotes=self.footnotes), order


@dataclass(frozen=True)
class Examined:
    """What a file turned out to be: its report, and one share for each dataflow that it could be bound to.

    `faults` are the findings of the report, in its order, with the records of `columns` that they touch.
    """

    report: Report
    columns: Columns
    shares: tuple[Share, ...] = ()
    faults: tuple[Located, ...] = ()

    def annotated(
        self, sent: Sent, languages: Sequence[str] = ("en",), *, notes: Sequence[str] = ()
    ) -> bytes:
        """The workbook that was sent with its faults marked; `notes` are said in front."""
        return marks.annotated(
            sent.file, sent.size, self.columns, self.faults, self.report, languages, notes, **sent.job
        )

    def rejected(self, sent: Sent, languages: Sequence[str] = ("en",)) -> Iterator[bytes]:
        """The rejected rows of the file that was sent, as CSV with a column that says why."""
        return rejected(sent.file, sent.size, self.columns, self.faults, ROW_FAULTS, languages, **sent.job)

    def listed(self, languages: Sequence[str] = ("en",)) -> Iterator[bytes]:
        """The findings as CSV, with every row that they touch as far as there are not too many."""
        return listed(self.report, self.faults, self._place, languages)

    def _place(self, record: int, component: str) -> Place:
        found = (share.place(record, component) for share in self.shares)
        return next(filter(None, found), None) or self.columns.places.of(record, component)
