"""What a generation of the standard cannot say of an artefact, told in words and done in one place.

The model is wider than any format. `kept` is an artefact as a generation can have it, which is what its
writer writes; `losses` says in words what is missing then. Both follow one table, `LOSSES`, so that nothing
is left out that is not told. Not told, because nothing is lost: a name that is the id where the schemas
demand a name, a day that becomes the instant at which it begins, a character that XML cannot carry.
"""

from __future__ import annotations

import weakref

from ..structures import Maintainable
from .json_losses import LOST_IN_JSON_10, LOST_IN_JSON_20, LOST_IN_JSON_21
from .loss import Kept, Loss
from .ml3_losses import LOST_IN_30, LOST_IN_31
from .ml21_losses import LOST_IN_21

LOSSES: dict[str, tuple[Loss, ...]] = {
    "2.1": LOST_IN_21,
    "3.0": LOST_IN_30,
    "3.1": LOST_IN_31,
    "json-1.0": LOST_IN_JSON_10,
    "json-2.0": LOST_IN_JSON_20,
    "json-2.1": LOST_IN_JSON_21,
}
"""By generation, in the order in which they are applied; a further generation is a further row."""


def kept(artefact: Maintainable, generation: str) -> Kept:
    """What `generation` (3.0, 3.1 ...) can have of the artefact; itself, when nothing is lost."""
    if (id(artefact), generation) in _WHOLE:
        return (artefact,)
    left = _less(artefact, generation)
    if len(left) == 1 and left[0] is artefact:
        weakref.finalize(artefact, _WHOLE.discard, (id(artefact), generation)).atexit = False
        _WHOLE.add((id(artefact), generation))
    return left


_WHOLE: set[tuple[int, str]] = set()
"""The living artefacts of which a generation loses nothing: most, and they are written again and again."""


def _less(artefact: Maintainable, generation: str) -> Kept:
    left: Kept = (artefact,)
    for loss in LOSSES[generation]:
        if isinstance(artefact, loss.of):
            left = tuple(less for each in left for less in _several(loss.left(each)))
    return left


def losses(artefact: Maintainable, generation: str) -> list[str]:
    """What `generation` cannot say of the artefact, a phrase for each."""
    told: list[str] = []
    left: Kept = (artefact,)
    for loss in LOSSES[generation]:
        if isinstance(artefact, loss.of):
            less = tuple(less for each in left for less in _several(loss.left(each)))
            if less != left:
                told.append(loss.what)
            left = less
    return told


def _several(left: Maintainable | Kept) -> Kept:
    return (left,) if isinstance(left, Maintainable) else left
