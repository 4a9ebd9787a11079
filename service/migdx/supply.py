"""Supply: what the rules compare a file with, fetched for them; a check never sees a store.

Whoever only asks (`owner` is False) is compared with released, open figures alone: a check must not tell what
the provider has sent and nobody has released.
"""

from __future__ import annotations

from collections.abc import Iterable

from .checks.given import NEEDS, Given, Need, Supply
from .checks.judging import BY_NAME
from .dataset import Dataset
from .public import Public
from .registry import Registry
from .rules import Rule, RuleBook
from .stored import as_dataset
from .stores import Segment, Store


def supply_from(public: Public, store: Store, registry: Registry, *, owner: bool) -> Supply:
    """What the store holds: of the provider itself all that was accepted, where the owner asks."""

    def supplied(dataset: Dataset, provider: str, book: RuleBook) -> Given:
        needs = _needs(book)
        unavailable = dict.fromkeys((need for need in NEEDS if need not in needs), "")
        previous = None
        if "previous" in needs:
            segment = _own_segment(dataset, provider, public, registry, owner=owner)
            if segment is None:
                unavailable["previous"] = "no_previous" if provider else "no_provider"
            else:
                previous = as_dataset(store.read(segment), dataset.schema)
        return Given(previous, unavailable={key: why for key, why in unavailable.items() if why})

    return supplied


def _needs(rules: Iterable[Rule]) -> set[Need]:
    return {need for rule in rules for need in BY_NAME[rule.check][1]}


def _own_segment(
    dataset: Dataset, provider: str, public: Public, registry: Registry, *, owner: bool
) -> Segment | None:
    """What holds the provider's last revision of the dataset's dataflow."""
    flow = dataset.schema.dataflow
    agreement = registry.agreement(provider, flow) if provider else None
    if agreement is None:
        return None
    if owner:
        latest = public.history.latest.get((agreement.id, flow.reference.short))
        return latest.segment if latest else None
    shown = (found for found in public.submissions(flow.reference.short) if found.agreement == agreement.id)
    return next((found.segment for found in shown), None)
