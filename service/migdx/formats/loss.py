"""One thing that a generation of the standard cannot say: a row of the tables that `losses` looks up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..structures import Maintainable

Kept = tuple[Maintainable, ...]


@dataclass(frozen=True)
class Loss:
    """Of artefacts of the classes `of`: what is lost, in words, and what is left (the same if nothing is).

    Most leave one artefact, some none, and some tell one by several.
    """

    what: str
    of: type[Maintainable] | tuple[type[Maintainable], ...]
    left: Callable[[Any], Maintainable | Kept]


Kind = TypeVar("Kind")


def changed(value: Kind, **fields: Any) -> Kind:
    """The value with these fields: itself when it has them already."""
    same = all(getattr(value, name) == new for name, new in fields.items())
    return value if same else replace(value, **fields)  # type: ignore[type-var]
