"""What the provider itself has sent before: of the same dataflow, and of its others.

Only what the rules name is read: components that stand among their values are read whole, of the other
dimensions the codes that the file has, of the other attributes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from ..dataset import Dataset
from ..errors import NotFound
from ..periods import EPOCH, parse_period
from ..plan import Plan
from ..public import Public
from ..query import Atom, Condition
from ..registry import Registry
from ..rules import Rule, Scale
from ..schema import CONFIDENTIALITY, STATUS, Schema
from ..stored import as_dataset
from ..stores import Segment, Store
from ..structures import Dataflow

Codes = Mapping[str, frozenset[str]]

_AROUND = 400
"""Days before and after a file's periods in which another dataflow may say the same: a stock of 1 January
ends the year before."""


class Own:
    """The provider's own revisions, beside one dataset of a file."""

    def __init__(
        self,
        dataset: Dataset,
        provider: str,
        public: Public,
        store: Store,
        registry: Registry,
        scale: Scale,
        *,
        owner: bool,
    ) -> None:
        self.dataset, self.provider, self.owner, self.scale = dataset, provider, owner, scale
        self._public, self._store, self._registry = public, store, registry

    def earlier(
        self, previous: Sequence[Rule], published: Sequence[Rule]
    ) -> tuple[Dataset | None, Dataset | None]:
        """What the last revision of the dataflow says, and what of it is released: for rules that ask.

        They are one where the last revision is the released one.
        """
        schema = self.dataset.schema
        last = self._segment(schema.dataflow, owner=self.owner)
        shown = self._segment(schema.dataflow, owner=False) if self.owner else last
        if last and shown and last.name == shown.name and previous and published:
            both = self._read(last, schema, [*previous, *published], {})
            return both, both
        return (
            self._read(last, schema, previous, {}) if last and previous else None,
            self._read(shown, schema, published, {}) if shown and published else None,
        )

    @property
    def missing(self) -> str:
        """Why there is nothing."""
        return "no_previous" if self.provider else "no_provider"

    def related(self, rules: Sequence[Rule]) -> tuple[dict[str, Dataset], dict[str, str]]:
        """By the id of the rule: what the dataflow says that it names; why there is nothing.

        A rule's `there` names the codes of dimensions that it wants of it.
        """
        found: dict[str, Dataset] = {}
        missing: dict[str, str] = {}
        by_flow: dict[str, list[Rule]] = {}
        for rule in rules:
            by_flow.setdefault(rule.value("dataflow"), []).append(rule)
        for name, own in by_flow.items():
            read, why = self._other(name, own)
            for rule in own:
                if read is None:
                    missing[rule.id] = why
                else:
                    found[rule.id] = read
        return found, missing

    def _other(self, name: str, rules: Sequence[Rule]) -> tuple[Dataset | None, str]:
        try:
            flow = self._registry.dataflow(name)
        except NotFound:
            return None, "no_dataflow"
        segment = self._segment(flow, owner=self.owner)
        if segment is None:
            return None, "no_related" if self.provider else "no_provider"
        agreement = self._registry.agreement(self.provider, flow)
        schema = self._registry.schema(flow.reference, agreement)
        conditions = tuple(_around(self.dataset)) if schema.time else ()
        return self._read(segment, schema, rules, _asked_there(rules), conditions), ""

    def _segment(self, flow: Dataflow, *, owner: bool) -> Segment | None:
        """What holds the provider's last revision of a dataflow: that accepted, or that released."""
        agreement = self._registry.agreement(self.provider, flow) if self.provider else None
        if agreement is None:
            return None
        if owner:
            latest = self._public.history.latest.get((agreement.id, flow.reference.short))
            return latest.segment if latest else None
        shown = self._public.submissions(flow.reference.short)
        return next((found.segment for found in shown if found.agreement == agreement.id), None)

    def _read(
        self,
        segment: Segment,
        schema: Schema,
        rules: Sequence[Rule],
        there: Codes,
        conditions: tuple[Condition, ...] = (),
    ) -> Dataset:
        named = set(_words([rule.values for rule in rules])) | set(_words([rule.where for rule in rules]))
        scale = {STATUS, CONFIDENTIALITY, self.scale.multiplier, self.scale.base, self.scale.method}
        key = [
            (dimension.id, there.get(dimension.id) or self._codes(dimension.id))
            for dimension in schema.series_dimensions
            if dimension.id in there or (dimension.id not in named and self._codes(dimension.id))
        ]
        asked = Plan(
            schema,
            keys=(tuple(key),),
            conditions=conditions,
            measures=(schema.measures[0].id,),
            attributes=tuple(a.id for a in schema.attributes if a.id in named | scale),
        )
        batches = list(self._store.select(asked, [segment]))
        return as_dataset(pa.Table.from_batches(batches) if batches else pa.table({}), schema)

    def _codes(self, id: str) -> frozenset[str]:
        """Those of a dimension that the file has."""
        column = self.dataset.coded(id)
        return frozenset(column.values) if column else frozenset()


def _asked_there(rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """The codes that all the rules name of a dimension of the other dataflow."""
    each = [{id: frozenset(codes) for id, codes in rule.value("there", {}).items()} for rule in rules]
    every = set[str]().intersection() if not each else set(each[0]).intersection(*each[1:])
    return {id: frozenset().union(*(own[id] for own in each)) for id in every}


def _words(values: Any) -> Iterator[str]:
    """Every text in the values of rules."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        for name, value in values.items():
            yield name
            yield from _words(value)
    elif isinstance(values, Sequence):
        for value in values:
            yield from _words(value)


def _around(dataset: Dataset) -> Iterator[Condition]:
    """The time that a file is about, and what is next to it."""
    time = dataset.schema.time
    column = dataset.coded(time.id) if time else None
    periods = [parse_period(text) for text in column.values] if column else []
    known = [period for period in periods if period]
    if time and known:
        first = min(period.start for period in known) - _AROUND
        last = max(period.end for period in known) + _AROUND
        # years 1 and 9999 have nothing before or after them
        calendar = (max(first, (date.min - EPOCH).days), min(last, (date.max - EPOCH).days))
        days = [(EPOCH + timedelta(days=day)).isoformat() for day in calendar]
        yield Condition(time.id, ((Atom("ge", days[0]), Atom("le", days[1])),))
