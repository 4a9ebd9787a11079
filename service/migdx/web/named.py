"""Named: what a report says in ids, codes and keys, by their names in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from ..errors import NotFound, SyntaxFault
from ..registry import Registry
from ..report import Finding
from ..schema import Schema, SchemaComponent
from .wording import Words

_TOKEN = re.compile(r"(?<![(\w])[A-Za-z0-9_@$]+")
"""An id or code; what stands in parentheses is a number of them."""
_NUMBER = re.compile(r"([+-]?)\d+(?:\.(\d+))?")
_FIGURES = frozenset(
    ("given", "made", "before", "usual", "amount", "difference", "percent", "share", "above")
)
"""Places of a message that figures fill; `before` is a period where no figure is given."""

_COUNTS = frozenset(("count", "pairs", "keys", "series", "distinctValues"))
_CODES = frozenset(
    ("value", "parts", "whole", "part", "base", "when", "wanted", "other", "status", "statuses", "by",
     "usual", "breaks", "lower", "upper", "collected", "topics", "absent", "regions")
)  # fmt: skip


class Named:
    """The names of one dataflow; what has none stays as it is."""

    def __init__(self, registry: Registry, dataflow: str, words: Words):
        self._registry, self._dataflow, self._words = registry, dataflow, words

    @cached_property
    def _schema(self) -> Schema | None:
        try:
            return self._registry.schema(self._registry.dataflow(self._dataflow).reference)
        except (NotFound, SyntaxFault):  # what the file calls its dataflow
            return None

    def _of(self, component: str) -> SchemaComponent | None:
        return self._schema.by_id.get(component) if self._schema else None

    def component(self, id: str) -> str:
        """Its name, or its id."""
        found = self._of(id)
        return self._words.text(found.names) if found and found.names else id

    def code(self, component: str, code: str) -> str:
        """Its name in the list of the component, or "" without one."""
        found = self._of(component)
        item = found.code(code) if found else None
        return self._words.name(item) if item else ""

    def text(self, text: str, component: str = "") -> str:
        """With a name before each id and code, which follows in brackets: Female [F] + Male [M].

        Codes are those of the component that stands before them, or of `component`; without one, of any
        dimension.
        """
        about = component

        def named(token: re.Match[str]) -> str:
            nonlocal about
            word = token[0]
            if self._of(word):
                about = word
                name = self.component(word)
            else:
                name = self.code(about, word) if about else self._anywhere(word)
            return f"{name} [{word}]" if name and name != word else word

        return _TOKEN.sub(named, text) if self._schema else text

    def _anywhere(self, code: str) -> str:
        dimensions = self._schema.series_dimensions if self._schema and not code.isdigit() else ()
        return next((name for one in dimensions if (name := self.code(one.id, code))), "")

    def key(self, key: str) -> str:
        """A series key by the names of its codes but for totals, Germany, Births, or as it is."""
        dimensions, codes = self._schema.series_dimensions if self._schema else (), key.split(".")
        if len(dimensions) != len(codes):
            return key
        told = zip(dimensions, codes, strict=True)
        names = [self.code(one.id, code) for one, code in told if one.id != "FREQ" and code[:1] != "_"]
        return ", ".join(filter(None, names)) or key

    def crossing(self, text: str) -> str:
        """Codes that are crossed (FB x _T x BIRTH) by their names, without totals."""
        codes = [code for code in text.split(" x ") if code[:1] != "_"]
        return " × ".join(self._anywhere(code) or code for code in codes)

    def figure(self, text: str) -> str:
        """A figure as the language writes it; any other text as it is."""
        number = _NUMBER.fullmatch(text)
        if not number:
            return text
        return self._words.number(float(text), min(len(number[2] or ""), 3), signed=number[1] == "+")

    def shown(self, finding: Finding) -> Callable[[str, object], object]:
        """What fills the message of a finding, as a page shows it (report.message)."""

        def shown(name: str, value: object) -> object:
            if name in _COUNTS and isinstance(value, int):
                return self._words.number(value)
            if not isinstance(value, str):
                return value
            if name == "component":
                return self.text(value)
            if not finding.rule:  # a quotation of the file
                return value
            if name == "key":
                return self.key(value)
            if name in _FIGURES and (name != "before" or "given" in finding.values):
                return self.figure(value)
            return self.text(value, finding.component) if name in _CODES else value

        return shown
