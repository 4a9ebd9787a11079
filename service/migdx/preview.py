"""Preview: the exchange as everyone would see it after a step that is not taken, or when an embargo ends.

What would be written is put into a book that is thrown away, and every answer is made from that: by the same
lines as ever. The question is kept for a while, so that each worker knows it by its digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from .errors import Conflict, NotFound
from .exchange import Exchange
from .plan import plan
from .query import DataQuery
from .release import Slot
from .releasing import Asked, Effect, Shown, Step, chosen, supposed, taking_back
from .urn import parse_short

KEPT = timedelta(days=7)
"""How long a question is kept after it was asked first."""

_FOLDER = "previews"
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class DryRun:
    """What a step would do, and the `id` under which its answers are seen; `contents` counts the observations
    of each slot that would be added, changed and removed in what everyone sees.
    """

    id: str
    effect: Effect
    contents: Mapping[Slot, Mapping[str, int]]


def release(exchange: Exchange, asked: Asked) -> DryRun:
    """What `releasing.release` would do; its faults are raised here, too."""
    arranged = exchange.pinned()
    step, effect, _ = supposed(exchange.ledger, lambda history: chosen(history, asked, arranged))
    return _dry(exchange, step, effect)


def cancel(exchange: Exchange, id: str) -> DryRun:
    """What `releasing.cancel` would do."""
    step, effect, _ = supposed(exchange.ledger, lambda history: taking_back(history, id))
    return _dry(exchange, step, effect)


def seen(exchange: Exchange, id: str) -> Exchange:
    """The exchange after a dry run's step, as of when it acts; or, by the id or name of a release that has
    not begun, as of when it does.
    """
    if _DIGEST.fullmatch(id):
        step = _kept(exchange, id)
        _, effect, history = supposed(exchange.ledger, lambda _: step)
        return exchange.supposing(history, effect.at)
    history = exchange.ledger.history()
    found = history.release(id)
    if found.cancelled or found.begun(history.now()):
        state = "was cancelled" if found.cancelled else "is public already"
        raise Conflict(f"Release {found.id} {state}; there is nothing to see before")
    return exchange.supposing(history, found.public_from)


def _dry(exchange: Exchange, step: Step, effect: Effect) -> DryRun:
    contents = {one.slot: _contents(exchange, one) for one in effect.shown if one.before != one.after}
    return DryRun(_keep(exchange, step), effect, contents)


def _contents(exchange: Exchange, shown: Shown) -> Mapping[str, int]:
    """How many observations one slot would show otherwise; masked ones count by what is open of them."""
    history = exchange.ledger.history()
    revisions = [history.revision(*shown.slot, number) for number in (shown.before, shown.after) if number]
    before = [one.segment for one in revisions[: bool(shown.before)] if one.segment]
    after = [one.segment for one in revisions[bool(shown.before) :] if one.segment]
    schema = exchange.whole.schema(parse_short(shown.slot[1], "Dataflow"))
    told = exchange.store.updated(plan(DataQuery(), schema), before, after)
    removed = sum(batch.num_rows for batch in told.deleted)
    differing = sum(batch.num_rows for batch in told.changed)
    more = sum(one.observations for one in after) - sum(one.observations for one in before)
    return {"added": more + removed, "changed": differing - more - removed, "removed": removed}


def _keep(exchange: Exchange, step: Step) -> str:
    """Under the digest of what is asked; questions that are older than KEPT go."""
    depot, text = exchange.blobs.depot, orjson.dumps(step.as_dict(), option=orjson.OPT_SORT_KEYS)
    for old in depot.names(f"{_FOLDER}/"):
        if old.written < datetime.now(UTC) - KEPT:
            depot.remove(old.name)
    id = hashlib.sha256(text).hexdigest()
    with depot.writing() as new:
        new.file.write(text)
        new.name = f"{_FOLDER}/{id}"
    return id


def _kept(exchange: Exchange, id: str) -> Step:
    try:
        with exchange.blobs.depot.open(f"{_FOLDER}/{id}") as file:
            body: dict[str, Any] = orjson.loads(file.read())
    except NotFound:
        raise NotFound(f"There is no preview {id}; a dry run is seen for {KEPT.days} days") from None
    return Step.from_dict(body)
