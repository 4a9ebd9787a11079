"""Supply: what the rules compare a file with, fetched for them; a check never sees a store.

All of it comes as everyone may see it, by `Store.select`: masked figures stay where they are, whoever asks.
Of the provider itself all that was accepted is there for its owner; whoever only asks is compared with
released figures alone, for a check must not tell what was sent and nobody has released.
"""

from __future__ import annotations

from ..checks.given import NEEDS, Given, Supply
from ..checks.judging import wanted
from ..consolidated import Consolidated
from ..dataset import Dataset
from ..precedence import NOTHING_DECLARED, Arrangements
from ..public import Public
from ..registry import Registry
from ..rules import RuleBook
from .others import beside, controls, partners
from .own import Own


def supply_from(
    public: Public,
    consolidated: Consolidated,
    registry: Registry,
    arranged: Arrangements = NOTHING_DECLARED,
    *,
    owner: bool,
) -> Supply:
    """What the store holds: of the provider itself all that was accepted, where the owner asks. `arranged`
    says who would go before whom.
    """

    def supplied(dataset: Dataset, provider: str, book: RuleBook) -> Given:
        needing = {need: [rule for rule in book if need in wanted(rule.check)] for need in NEEDS}
        own = Own(dataset, provider, public, consolidated.store, registry, book.scale, owner=owner)
        previous, published = own.earlier(needing["previous"], needing["published"])
        related, no_related = own.related(needing["related"])
        of_others, no_others = partners(
            dataset, provider, needing["partners"], public, consolidated, registry, book.scale
        )
        tables, no_tables = controls(dataset, needing["control"], book.controls)
        others = (
            beside(dataset, provider, public, consolidated, arranged, registry, book.scale)
            if provider and needing["beside"] and dataset.schema.measures
            else None
        )
        earlier = {"previous": previous, "published": published}
        return Given(
            previous,
            published,
            related,
            of_others,
            others,
            tables,
            unavailable={
                **{need: own.missing for need, found in earlier.items() if found is None},
                **({} if provider else {"beside": own.missing}),
                **no_related,
                **no_others,
                **no_tables,
            },
            today=public.at.date(),
            provider=provider,
        )

    return supplied
