"""The items of a scheme: read while the message streams, written many at a time.

A scheme may have hundreds of thousands of items that are nothing but an id and a name. Those are written by
template: one item of each outline (which languages, which annotations ...) is written by its table with marks
for the texts, and the markup between the marks is then used for all of that outline. So the fast way cannot
say anything else than the table does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from ..structures import Annotation, Item
from .markup import quoted
from .xml_shapes import Dialect, Many, Shape

_BATCH = 250  # small enough to stay in the cache of the processor
_MARK = "\ue000"  # of the private use area, which a table passes on as it is
_MARKS = re.compile("[\ue000-\uf8ff]")
_SPECIAL = bytes(range(32)) + b'&<>"'

Outline = str | tuple[Any, ...]
"""Which texts an item has, in which languages; only the language for one that has but one name."""


_TEMPLATES: dict[tuple[Shape, Dialect], dict[Outline, str]] = {}
"""What was written before, by outline: an outline means the same in every scheme."""
_MOST_OUTLINES = 1000


@dataclass(frozen=True, eq=False)
class Items(Many):
    """Children that are read one by one as they end and forgotten as nodes, and written in batches."""

    def chunks(self, given: Any, dialect: Dialect) -> Iterator[bytes]:
        items: Sequence[Any] = getattr(given, self.field)
        shape = self.shape()
        templates = _TEMPLATES.setdefault((shape, dialect), {})
        if len(templates) > _MOST_OUTLINES:
            templates.clear()
        for at in range(0, len(items), _BATCH):
            batch = items[at : at + _BATCH]
            written = _by_template(batch, shape, dialect, templates) if shape.make is Item else None
            if written is None:
                written = "".join([shape.write(item, dialect) for item in batch]).encode()
            yield written


def _by_template(
    items: Sequence[Any], shape: Shape, dialect: Dialect, templates: dict[Outline, str]
) -> bytes | None:
    """The items as markup; None when one of them has more than any plain item has."""
    if {*map(type, items)} != {Item}:
        return None
    texts: list[str] = []
    markup: list[str] = []
    outline: Outline
    add = texts.append
    for item in items:
        names = item.names
        add(item.id)
        if item.parent or item.descriptions or item.annotations or item.links or item.uri:
            if item.links or item.uri:
                return None
            outline = _rest(item, texts)
        elif len(names) == 1:
            (outline,) = names
            add(names[outline])
        else:
            outline = tuple(names)
            texts.extend(names.values())
        try:
            markup.append(templates[outline])
        except KeyError:
            template = _template(item, shape, dialect)
            if not template:
                return None
            templates[outline] = template
            markup.append(template)
    try:
        return ("".join(markup) % tuple(_escaped(texts))).encode()
    except UnicodeEncodeError:  # a lone surrogate, which only the slow way replaces
        return None


def _rest(item: Item, texts: list[str]) -> Outline:
    """The outline of an item that has more than names; its texts are added to `texts`."""
    for note in item.annotations:
        texts.extend(_texts(note))
    texts.extend(item.names.values())
    texts.extend(item.descriptions.values())
    if item.parent:
        texts.append(item.parent)
    noted = tuple([_outline(note) for note in item.annotations])
    return tuple(item.names), tuple(item.descriptions), noted, item.parent != ""


def _outline(note: Annotation) -> Outline:
    return (
        note.id != "",
        note.title != "",
        note.type != "",
        tuple(note.urls),
        tuple(note.texts),
        note.value != "",
    )


def _texts(note: Annotation) -> list[str]:
    """In the order in which every generation has them."""
    plain = [text for text in (note.id, note.title, note.type) if text]
    return [*plain, *note.urls.values(), *note.texts.values(), *([note.value] if note.value else [])]


def _template(item: Item, shape: Shape, dialect: Dialect) -> str:
    """The markup of an item with %s for each text; "" when the table has them in another order."""
    marks = map(chr, count(ord(_MARK)))

    def marked(given: Any) -> dict[str, str]:
        return {language: next(marks) for language in given}

    def one(given: str) -> str:
        return next(marks) if given else ""

    id = next(marks)
    notes = []
    for note in item.annotations:
        id_, title, type_ = one(note.id), one(note.title), one(note.type)
        notes.append(Annotation(id_, title, type_, marked(note.urls), marked(note.texts), one(note.value)))
    names, descriptions = marked(item.names), marked(item.descriptions)
    told = Item(id, one(item.parent), annotations=tuple(notes), names=names, descriptions=descriptions)
    written = shape.write(told, dialect)
    found = _MARKS.findall(written)
    expected = [chr(ord(_MARK) + at) for at in range(len(found))]
    if found != expected or next(marks) != chr(ord(_MARK) + len(found)):
        return ""
    return _MARKS.sub("%s", written.replace("%", "%%"))


def _escaped(texts: list[str]) -> list[str]:
    """The texts as markup; looked at as one, since most need nothing."""
    joined = "\0".join(texts)
    raw = joined.encode()
    clean = len(raw) - len(raw.translate(None, _SPECIAL)) == len(texts) - 1 and b"\xef\xbf" not in raw
    if clean:
        return texts
    return [quoted(text) for text in texts]
