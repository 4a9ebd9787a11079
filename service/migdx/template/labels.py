"""Labels: the components and codes of a schema in one language, as choices, signs and letters for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..schema import CONFIDENTIALITY, FREE, STATUS, Schema, SchemaComponent
from ..structures import Text, in_language

BETWEEN = " – "
"""What stands between a code and its name, where both are shown: "250 – France"."""

CODE_BEFORE_NAME = rf"^\s*(.+?)(?:\s+{BETWEEN.strip()}\s.*)?$"
"""A pattern whose first group is the code, with a name or without."""

Values = Mapping[str, str]


@dataclass(frozen=True)
class Labels:
    schema: Schema
    language: str

    def text(self, text: Text) -> str:
        return in_language(text, (self.language,))[1]

    def component(self, component: SchemaComponent) -> str:
        return self.text(component.names) or component.id

    def name(self, component: SchemaComponent, code: str) -> str:
        """The name of a code, the code where it has none."""
        item = component.code(code)
        return (self.text(item.names) if item else "") or code

    def choice(self, component: SchemaComponent, code: str) -> str:
        """A code with its name, as it is chosen from a list."""
        name = self.name(component, code)
        return f"{code}{BETWEEN}{name}" if name != code else code

    def choices(self, component: SchemaComponent) -> tuple[str, ...]:
        """What may be chosen, in the order of the list."""
        codes = component.codelist.by_id if component.codelist else {}
        return tuple(self.choice(component, code) for code in codes if code in component.valid)

    def takes(self, id: str, code: str) -> bool:
        """Whether a component is there and takes a value."""
        component = self.schema.by_id.get(id)
        return component is not None and (code in component.valid or not component.coded)

    def said(self, values: Values) -> str:
        """What values mean: the components and the names of their codes, where others would be possible."""
        told = ((self.schema.by_id[id], code) for id, code in values.items())
        return " · ".join(
            f"{self.component(component)}: {self.name(component, code)}"
            for component, code in told
            if len(component.valid) > 1
        )

    def meaning(self, values: Values) -> str:
        """The names of codes alone."""
        return "; ".join(self.name(self.schema.by_id[id], code) for id, code in values.items())

    def signs(self, told: Mapping[str, Values]) -> dict[str, dict[str, str]]:
        """What may stand in place of a figure: of those told, the ones whose codes there are."""
        return {
            sign: dict(values)
            for sign, values in told.items()
            if all(self.takes(id, code) for id, code in values.items())
        }

    def flags(self, signs: Mapping[str, Values]) -> dict[str, dict[str, str]]:
        """The letters that may follow a figure: the codes of its status in small letters, but for those that
        `signs` tell of a missing one, and the codes of its confidentiality that are not among them.
        """
        found: dict[str, dict[str, str]] = {}
        missing = {values.get(STATUS) for values in signs.values()}
        for id in (STATUS, CONFIDENTIALITY):
            component = self.schema.by_id.get(id)
            listed: Iterable[str] = component.codelist.by_id if component and component.codelist else ()
            for code in listed:
                other = code in missing if id == STATUS else code == FREE
                if self.takes(id, code) and code.isalnum() and not other:
                    found.setdefault(code.lower(), {id: code})
        return found
