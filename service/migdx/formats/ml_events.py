"""The elements of an XML message as they pass: what is done with each stands in a State of its parent.

lxml parses (https://lxml.de/parsing.html#the-target-parser-interface); nothing of a document is kept. A
document type is refused before anything in it is looked at; so there are no entities but the five of XML.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from ..report import Finding, Place
from .refused import Refused, too_large

Attributes = Mapping[str, str]
Action = Callable[[Attributes], object]

DEEPEST = 100
"""How many levels of elements are taken; a data message has about ten."""

LONGEST_TEXT = 1 << 20
"""How many characters the text of one element may have. libxml2 takes 10 MB for an attribute."""

MOST_NAMES = 1000
"""How many names of unknown elements are remembered."""


class NotPlain(Exception):
    """A mark of plain tags is where no observation can stand: the text is to be read without marks."""


class State(dict[str, "tuple[Action | None, State]"]):
    """The elements that may stand in an element, by local name: what is done at the start, and their State.

    `closing` is done at the end of the element; `unknown` is the State of other elements in it, None where
    they are noted.
    """

    __slots__ = ("closing", "unknown")

    def __init__(
        self,
        children: Mapping[str, tuple[Action | None, State]] | None = None,
        *,
        closing: Callable[[], object] | None = None,
        unknown: State | None = None,
    ) -> None:
        super().__init__(children or {})
        self.closing = closing
        self.unknown = unknown


SILENT = State()
"""Of elements that are passed over with all that is in them."""
SILENT.unknown = SILENT


def parser(target: Any) -> Any:
    """lxml, as it reads what anybody may have sent: UTF-8, no entities, no network, libxml2's limits."""
    return etree.XMLParser(
        target=target,
        encoding="utf-8",
        # there are none but the five of XML; False leaves `&#38;` in attributes
        resolve_entities="internal",  # type: ignore[arg-type]  # the stubs know no words
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )


class Events:
    """One document. `root` gives the State of the root element, or raises Refused.

    `line` is the line, from 1, on which the tag that is looked at ends. `unknown` holds names of elements
    that were passed over, how often, and the first line. `ours` says which namespaces count.
    """

    def __init__(self, root: Callable[[str, Attributes], State], ours: Callable[[str], bool]) -> None:
        self.line = 1
        self.mark = f"_{secrets.token_hex(8)}"
        self.unknown: dict[str, list[int]] = {}
        self._texts: list[str] = []
        self._collecting = False
        self._held = b""
        self._root, self._ours = root, ours
        self._parser = parser(self._target())

    def feed(self, piece: bytes, mark: bytes = b"") -> None:
        """Takes the next piece of the text, and what stands for text that was taken out behind it.

        Raises Refused, and etree.XMLSyntaxError.
        """
        if self._feed_tag(piece, mark):
            return
        piece = self._held + piece
        self._held = b"\r" if piece[-1:] == b"\r" else b""  # a line feed may follow, and end the same line
        feed, lines = self._parser.feed, piece[: len(piece) - len(self._held)].splitlines(keepends=True)
        ended = bool(lines) and lines[-1][-1] in b"\r\n"
        if lines:
            lines[-1] += mark
        elif mark:
            feed(mark)
        # the parser does not say where it is; so it is given line by line
        for self.line, line in enumerate(lines, self.line):  # noqa: B020
            feed(line)
        self.line += ended
        self._keep()

    def _feed_tag(self, piece: bytes, mark: bytes) -> bool:
        """Takes end tags and one start tag behind them in one go: most of what marks leave is that."""
        last = piece.rfind(b"<")
        if len(piece) > 2000 or self._held or b"\r" in piece or piece[last + 1 : last + 2] == b"/":
            return False
        trimmed = piece.rstrip()
        whole = piece.find(b">", last) == len(trimmed) - 1 and piece.find(b"<") < piece.find(b">")
        if not whole or piece.count(b"<") - piece.count(b"</") != 1:
            return False
        self.line += trimmed.count(b"\n")
        self._parser.feed(piece + mark)
        self.line += piece.count(b"\n", len(trimmed))
        self._keep()
        return True

    def _keep(self) -> None:
        """Of the text that came, what is collected."""
        self._texts[:] = [self._collected()] if self._collecting else []

    def marked(self, name: str, value: object) -> bytes:
        """An element of this name with the mark."""
        return f'<{name} {self.mark}="{value}"/>'.encode()

    def close(self) -> None:
        """The text has ended. Raises as `feed`."""
        self.settle()
        self._parser.close()

    def settle(self) -> None:
        """No line feed comes next: `line` is that on which the next piece begins."""
        if self._held:
            self._parser.feed(self._held)
            self._held = b""
            self.line += 1

    def collect(self, _: Attributes | None = None) -> None:
        """From here on, text is kept."""
        self._texts.clear()
        self._collecting = True

    def collected(self) -> str:
        """The text that was kept, and no more is. Raises Refused where it is too long."""
        text = self._collected()
        self._texts.clear()
        self._collecting = False
        return text

    def _collected(self) -> str:
        text = "".join(self._texts)
        if len(text) > LONGEST_TEXT:
            raise self.too_large("text", len(text), LONGEST_TEXT)
        return text

    def too_large(self, what: str, given: object, limit: int) -> Refused:
        return too_large(what, given, limit, Place(row=self.line))

    def _target(self) -> object:
        """What lxml calls. Its methods are closures: an attribute of `self` costs as much as all they do."""
        state = State()
        stack: list[State] = []
        push, pop, met = stack.append, stack.pop, self._met

        def start(tag: str, attributes: Attributes) -> None:
            nonlocal state
            push(state)
            try:
                action, state = state[tag]
            except KeyError:
                action, state = met(tag, attributes, state, len(stack))
            if action is not None:
                action(attributes)

        def end(_: str) -> None:
            nonlocal state
            if state.closing is not None:
                state.closing()
            state = pop()

        target = _Target()
        target.start, target.end, target.data = start, end, self._texts.append
        target.doctype, target.close = self._doctype, lambda: None
        return target

    def _met(self, tag: str, attributes: Attributes, state: State, depth: int) -> tuple[Action | None, State]:
        """What to do with an element that its parent's State does not know by this name."""
        if depth == 1:
            return None, self._root(tag, attributes)
        if depth > DEEPEST:
            raise self.too_large("nesting", depth, DEEPEST)
        namespace, _, local = tag.rpartition("}")
        known = state.get(local)
        if known is not None and self._ours(namespace[1:]):
            state[tag] = known
            return known
        if self.mark in attributes:
            raise NotPlain
        if state.unknown is not None:
            return None, state.unknown
        self.passed_over(local if self._ours(namespace[1:]) else tag)
        return None, SILENT

    def passed_over(self, name: str) -> None:
        """Notes an element that is not read, or not where it is."""
        noted = self.unknown.get(name)
        if noted is not None:
            noted[0] += 1
        elif len(self.unknown) < MOST_NAMES:
            self.unknown[name] = [1, self.line]

    def _doctype(self, *_: object) -> None:
        raise Refused(Finding("dtd_forbidden", places=(Place(row=self.line),)))


class _Target:
    """The interface that lxml looks for."""

    start: Callable[[str, Attributes], None]
    end: Callable[[str], None]
    data: Callable[[str], None]
    doctype: Callable[..., None]
    close: Callable[[], None]
