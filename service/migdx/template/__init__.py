"""Template: the workbook that a provider fills for a dataflow, and the map by which it is read again.

What tables it has is data beside the structures (templates.toml); what may stand in them, the schema with the
provider's constraints. What does not vary in a table stands once at its top.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ..errors import NotFound, SemanticFault, SyntaxFault, TooLarge
from ..formats.workbook_writer import FLAGS, SIGNS, Form, Forms
from ..periods import Period, kind_of_frequency, parse_period
from ..registry import Registry
from ..report import languages_of_messages
from ..report import told as words_of
from ..schema import FREQUENCY, Schema, SchemaComponent
from ..structures import Dataflow, DataProviderScheme, ProvisionAgreement
from ..workbook_map import Mark, SheetMap, WorkbookMap
from .axes import Axis, Entry, Level, Source
from .labels import BETWEEN, Labels
from .sheets import Card, Table, form, mapped, notes

LONGEST = 5_000
"""Codes of a list that can be chosen from, and of a dimension whose codes are the rows of a table."""

LARGEST = 60_000
"""Cells for figures in a workbook."""

Settings = Mapping[str, Any]
Told = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A template for a dataflow: its id, or AGENCY:ID(VERSION). "" and () where nothing is asked for."""

    dataflow: str
    provider: str = ""
    language: str = "en"
    periods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """What was asked for, bound to the structures: `forms` are ready to be written."""

    dataflow: Dataflow
    forms: Forms
    file_name: str

    @property
    def map(self) -> WorkbookMap:
        return self.forms.map


@cache
def settings(folders: tuple[Path, ...]) -> Settings:
    """templates.toml as it stands in one of the folders of structures, with the `notice` of pages.toml."""
    told = {name: _file(folders, name) for name in ("templates.toml", "pages.toml")}
    return {**told["templates.toml"], "notice": told["pages.toml"].get("site", {}).get("notice", {})}


def _file(folders: Sequence[Path], name: str) -> dict[str, Any]:
    paths = (path for folder in folders for path in sorted(folder.glob(f"*/{name}")))
    path = next(paths, None)
    return tomllib.loads(path.read_text(encoding="utf-8")) if path else {}


def digest(told: Settings) -> str:
    """Of what the settings say."""
    return hashlib.sha256(repr(told).encode()).hexdigest()


# --- what is asked for --------------------------------------------------------------------------------------


def template(registry: Registry, told: Settings, asked: Asked) -> Template:
    """Raises NotFound for a dataflow, SemanticFault for a provider or a language that is not there,
    SyntaxFault for a text that is no period, TooLarge for more cells than a workbook should have.
    """
    known = languages_of_messages()
    if asked.language not in known:
        raise SemanticFault(f"There are no templates in '{asked.language}', only in {', '.join(known)}")
    flow = registry.dataflow(asked.dataflow)
    schema = registry.schema(flow.reference, _agreement(registry, flow, asked.provider))
    periods = _periods(asked.periods)
    if periods and schema.time is None:
        raise SemanticFault(f"{flow.reference.short} has no time; a period was asked for: {periods[0].text}")
    return _Making(registry, told, asked, schema, periods).made()


def _agreement(registry: Registry, flow: Dataflow, provider: str) -> ProvisionAgreement | None:
    if not provider:
        return None
    if agreement := registry.agreement(provider, flow):
        return agreement
    known = [item.id for scheme in registry.of(DataProviderScheme) for item in scheme.items]
    if provider in known:
        raise SemanticFault(f"The data provider {provider} has no agreement for {flow.reference.short}")
    near = get_close_matches(provider.upper(), known, n=3, cutoff=0.4)
    similar = f"; similar: {', '.join(near)}" if near else ""
    raise SemanticFault(f"There is no data provider '{provider}'{similar}")


def _periods(texts: Sequence[str]) -> tuple[Period, ...]:
    found = []
    for text in dict.fromkeys(texts):
        period = parse_period(text)
        if period is None:
            raise SyntaxFault(f"'{text}' is no time period; expected for instance 2023 or 2023-Q1")
        found.append(period)
    return tuple(found)


# --- the tables ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Making:
    """One template in the making. `periods` are () where those who fill it tell them."""

    registry: Registry
    told: Settings
    asked: Asked
    schema: Schema
    periods: tuple[Period, ...]

    def made(self) -> Template:
        words, tables = self._words, list(self._tables())
        cells = sum(len(table.rows.lines) * len(table.columns.lines) for _, table in tables)
        if cells * max(1, len(self.periods)) > LARGEST:
            raise TooLarge(f"This template would have more than {LARGEST:,} cells: ask for fewer periods")
        forms = [
            (form(one, _sheet_name(number, name, period), (words["fixed"], words["about"])), one.title)
            for number, (name, table) in enumerate(tables, start=1)
            for period, one in self._of_periods(table)
        ]
        map = self._map([table for _, table in tables])
        used = dict.fromkeys(cell.choices for one, _ in forms for cell in one.cells if cell.choices)
        lists = {id: self._labels.choices(self.schema.by_id[id]) for id in used}
        notes = self._notes(map, [(one.name, title) for one, title in forms])
        told = Forms(
            (notes, *(one for one, _ in forms)),
            lists | {SIGNS: tuple(map.signs), FLAGS: tuple(map.flags)},
            map,
            map.title,
            words["figure_warning"],
            words["number_warning"],
            words["choice_refusal"],
        )
        return Template(self.schema.dataflow, told, self._file_name)

    def _map(self, tables: Sequence[Table]) -> WorkbookMap:
        """One map for all sheets of a table, told by the number that their names begin with."""
        maps, marks = list[SheetMap](), list[Mark]()
        for number, table in enumerate(tables, start=1):
            own, own_marks = mapped(table, f"{number} *")
            maps.append(own)
            marks += own_marks
        signs = self._labels.signs(self.told.get("signs", {}))
        return WorkbookMap(
            self.schema.dataflow.reference.short,
            tuple(maps),
            tuple(marks),
            signs,
            self._labels.flags(signs),
            decimal=self._words["decimal"],
            group=self._words["group"],
            title=self._words["title"].format(name=self._name),
            ignored=(self._words["notes"],),
        )

    @cached_property
    def _labels(self) -> Labels:
        return Labels(self.schema, self.asked.language)

    @cached_property
    def _words(self) -> Mapping[str, Any]:
        return words_of(self.asked.language, "template")

    @property
    def _name(self) -> str:
        return self._labels.text(self.schema.dataflow.names) or self.schema.dataflow.id

    @property
    def _file_name(self) -> str:
        parts = (self.schema.dataflow.id, self.asked.provider, *self._span, self.asked.language)
        return re.sub(r"[^\w.-]+", "-", "_".join(filter(None, parts))) + ".xlsx"

    @property
    def _span(self) -> tuple[str, ...]:
        """The periods, the first and the last of many."""
        texts = tuple(period.text for period in self.periods)
        return texts if len(texts) < 3 else (f"{texts[0]}-{texts[-1]}",)

    @property
    def _days(self) -> tuple[int, int] | None:
        """The first and the last of all periods."""
        if not self.periods:
            return None
        return min(period.start for period in self.periods), max(period.end for period in self.periods)

    def _tables(self) -> Iterator[tuple[str, Table]]:
        """Those that are told for the dataflow, with their names; where none can be made, a general one."""
        flow = f"{self.schema.dataflow.agency}:{self.schema.dataflow.id}"
        templates: Sequence[Told] = self.told.get("templates", ())
        told: Told = next((one for one in templates if flow in one["dataflows"]), {})
        found = 0
        for table in told.get("tables", ()):
            try:
                made = self._table(told, table)
            except NotFound:  # made for structures that were other than these
                continue
            found += 1
            yield self._labels.text(table["name"]), made
        if not found:
            yield self._general(told)

    def _table(self, told: Told, table: Told) -> Table:
        fixed = {id: code for id, code in table.get("fixed", {}).items() if self._labels.takes(id, code)}
        if len(fixed) < len(table.get("fixed", {})):
            raise NotFound(f"{self.schema.dataflow.reference.short} does not take {table['fixed']}")
        only = {c.id: next(iter(c.valid)) for c in self.schema.series_dimensions if len(c.valid) == 1}
        source = Source(self.registry, self.schema, self.asked.language, {**only, **fixed}, self._days)
        rows, columns = source.axis(table["rows"]), source.axis(table["columns"])
        return self._laid(told, table, rows, columns, {**only, **fixed}, self._labels.text(table["title"]))

    def _general(self, told: Told) -> tuple[str, Table]:
        """The codes of the largest dimension by period; all else is chosen at the top."""
        sizes = {c.id: len(c.valid) for c in self.schema.series_dimensions if c.coded}
        listed = {id: size for id, size in sizes.items() if size <= LONGEST}
        widest = max(listed, key=lambda id: listed[id], default="")
        only = {c.id: next(iter(c.valid)) for c in self.schema.series_dimensions if len(c.valid) == 1}
        only.pop(widest, None)
        source = Source(self.registry, self.schema, self.asked.language, {}, self._days)
        rows = source.axis([{"component": widest}] if widest else [])
        time = self.schema.time
        columns = source.axis([])
        if time:
            texts = [period.text for period in self.periods] or [""]
            entries = tuple(Entry(text, {}, {time.id: text}) for text in texts)
            level = Level((time.id,), time.id, time.names, entries)
            columns = Axis((level,), tuple((entry,) for entry in entries))
        every = [dimension.id for dimension in self.schema.series_dimensions]
        needed = [a.id for a in self.schema.attributes if a.mandatory]
        table = self._laid({"top": every, "attributes": needed, **told}, {}, rows, columns, only, self._name)
        return rows.levels[0].heading if widest else self.schema.dataflow.id, table

    def _laid(
        self, told: Told, table: Told, rows: Axis, columns: Axis, known: Mapping[str, str], title: str
    ) -> Table:
        """A table with what all of it has in common: `known`, chosen at the top, or else a total."""
        varying = rows.components | columns.components
        constants, cards = dict[str, str](), list[Card]()
        for dimension in self.schema.dimensions:
            if dimension.id in varying:
                continue
            value = known.get(dimension.id, "") or self._default(told, dimension)
            shown = dimension.id in told.get("top", ()) or dimension.granted is not None or not value
            if (dimension.id not in known and shown) or dimension.granted is not None:
                cards.append(self._card(dimension, value, open=dimension.id not in known))
            else:
                constants[dimension.id] = value
        for id in told.get("attributes", ()):
            if attribute := self.schema.by_id.get(id):
                cards.append(self._card(attribute, self._default(told, attribute), open=True))
        values = constants | {card.component: card.value.split(BETWEEN)[0] for card in cards}
        measure = self.schema.measures[0]
        return Table(
            title=title,
            subtitle=" · ".join(
                filter(None, (self.schema.dataflow.reference.short, self._labels.said(constants)))
            ),
            language=self.asked.language,
            rows=rows,
            columns=columns,
            measure=measure.id,
            measure_name=self._labels.component(measure),
            constants=constants,
            cards=tuple(cards),
            closed=frozenset(self._closed(table.get("closed", ()), rows, columns, values)),
            totals=frozenset(self.told.get("totals", ())),
            number=told.get("number", "General"),
            numeric=measure.numeric,
            signed=table.get("signed", False),
        )

    # --- parts of a table --------------------------------------------------------------------------

    def _default(self, told: Told, component: SchemaComponent) -> str:
        """What stands at the top where nobody chose: as told, else the first total that there is."""
        totals = self.told.get("totals", ()) if component.role == "dimension" else ()
        wanted = [told.get("defaults", {}).get(component.id, ""), *totals]
        return next((code for code in wanted if code and self._labels.takes(component.id, code)), "")

    def _card(self, component: SchemaComponent, value: str, *, open: bool) -> Card:
        id, listed = component.id, component.coded and len(component.valid) <= LONGEST
        prompt = ""
        if component.role == "time":
            prompt = self._words["period_prompt"]
        elif open and component.codelist and not listed:
            prompt = self._words["code_prompt"].format(list=component.codelist.reference.short)
        return Card(
            id,
            self._labels.component(component),
            self._labels.choice(component, value),
            choices=id if open and listed else "",
            open=open,
            about=component.role == "attribute",
            coded=component.coded,
            prompt=prompt,
        )

    def _closed(
        self, rules: Sequence[Told], rows: Axis, columns: Axis, values: Mapping[str, str]
    ) -> Iterator[tuple[int, int]]:
        """Where no figure can be: what the table is told, and keys that a constraint does not take."""
        restrictions = self.schema.restrictions
        if not (rules or restrictions):
            return
        headings = [level.heading for level in (*rows.levels, *columns.levels)]
        for at, row in enumerate(rows.lines):
            for column, line in enumerate(columns.lines):
                codes = dict(zip(headings, (entry.code for entry in (*row, *line)), strict=True))
                told = any(all(codes.get(id) in of for id, of in rule.items()) for rule in rules)
                key = {**values, **{id: v for entry in (*row, *line) for id, v in entry.values.items()}}
                if told or not all(restriction.allows(key) for restriction in restrictions):
                    yield at, column

    def _of_periods(self, table: Table) -> Iterator[tuple[str, Table]]:
        """The table for each period that has a sheet of its own, or once."""
        time = self.schema.time.id if self.schema.time else ""
        own = time and time not in table.columns.components and self.periods
        for period in self.periods if own else self.periods[:1] or (None,):
            given = {time: period.text if period and own else "", FREQUENCY: self._frequency(period)}
            cards = (replace(card, value=given.get(card.component) or card.value) for card in table.cards)
            yield given[time], replace(table, cards=tuple(cards))

    def _frequency(self, period: Period | None) -> str:
        component = self.schema.by_id.get(FREQUENCY)
        if period is None or component is None or not component.coded:
            return ""
        kinds = {code: kind_of_frequency(code) for code in sorted(component.valid)}
        found = next((code for code, kind in kinds.items() if kind == period.kind), "")
        if not found and all(kinds.values()):
            takes = ", ".join(kinds)
            raise SemanticFault(f"'{period.text}' has another length than {FREQUENCY} takes here: {takes}")
        return self._labels.choice(component, found)

    # --- notes -------------------------------------------------------------------------------------

    def _notes(self, map: WorkbookMap, sheets: Sequence[tuple[str, str]]) -> Form:
        words, labels, flow = self._words, self._labels, self.schema.dataflow
        provider = self.schema.within if isinstance(self.schema.within, ProvisionAgreement) else None
        facts = [
            (words["dataflow"], f"{self._name} ({flow.reference.short})"),
            ("", labels.text(flow.descriptions) or labels.text(self.schema.dsd.descriptions)),
            (words["provider"], self._provider(provider) or words["any_provider"]),
            (words["periods"], ", ".join(self._span) or words["any_period"]),
        ]
        flags = [(letter, labels.meaning(values)) for letter, values in map.flags.items()]
        after = words["flags"].format(flag=flags[0][0] if flags else "")
        notice = labels.text(self.told.get("notice", {}))
        sections = [
            ("", [fact for fact in facts if fact[1]]),
            (words["how"], [(str(at), step) for at, step in enumerate(words["steps"], start=1)]),
            (words["tables"], list(sheets)),
            (words["signs"], [(sign, labels.meaning(values)) for sign, values in map.signs.items()]),
            (after, [*flags, ("", words["several"]), ("", words["plain"])] if flags else []),
            (words["notice"], [("", notice)] if notice else []),
        ]
        return notes(words["notes"], map.title, [(head, lines) for head, lines in sections if lines])

    def _provider(self, agreement: ProvisionAgreement | None) -> str:
        if agreement is None or agreement.provider is None:
            return ""
        scheme = self.registry.find(agreement.provider)
        item = scheme.by_id.get(agreement.provider.item) if isinstance(scheme, DataProviderScheme) else None
        return f"{item.name((self.asked.language,))} ({item.id})" if item else agreement.provider.item


_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\'\x00-\x1f]+")
_LONGEST_NAME = 31


def _sheet_name(number: int, name: str, period: str) -> str:
    """`1 Age 2023`, in the 31 characters and without the signs that Excel does not take."""
    start, end = f"{number} ", f" {period}" if period else ""
    room = _LONGEST_NAME - len(start) - len(end)
    return _NOT_IN_NAMES.sub("-", f"{start}{name[:room].strip()}{end}")[:_LONGEST_NAME]
