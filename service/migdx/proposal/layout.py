"""Layout: which component the headings, labels, titles and sheet names of a table are, and how sure that is.

Every place is scored for every component by the share of its texts that are the component's codes, or
periods; a heading that names the component adds to it. The best pairs are taken, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ..formats.workbook_texts import without_footnotes
from ..schema import FREQUENCY, Schema, SchemaComponent
from ..structures import in_language
from ..workbook_map import Mark, SheetMap, Source
from .body import Body, Told, distinct
from .labels import same_place
from .matching import BARE, Codes, Meaning, key
from .proposed import Decision, Question, Reason
from .tables import Table
from .times import YEAR, frequency_of, period_of, year_of

ENOUGH, SOME, FEW = 0.5, 0.2, 3
"""A place may be a component when this share of its texts are codes; or fewer, when there are several."""

GROUPED = 0.3
"""A column with this share of empty cells names groups of rows, each beside its first."""

_SAME = 0.8
"""Two columns that name the same codes for this share of the rows say one thing."""

_FEW_BARE = 5
"""Numbers that may be codes are, when there are so many and nearly all of them are."""

_ALONG = 2000
"""Rows in which two columns of labels are compared."""

_NEAR = 0.05
_SAMPLE = 6
_SHORT = 3


@dataclass(frozen=True)
class _Position:
    """A row, a column, a cell or the sheets' names, with what stands there and what names it."""

    source: Source
    told: tuple[Told, ...]
    heading: str = ""
    along: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """As a Question says it."""
        return f"{self.source.stands}.{self.source.row or self.source.column}"

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.told]


@dataclass
class Layout:
    """A table with its sources so far; `marks` have to stand where they are for it to be read so again."""

    index: int
    table: Table
    sources: dict[str, Source] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def bodies(self) -> list[Body]:
        return [Body.of(sheet, self.table) for sheet in self.table.sheets]

    def take(self, source: Source, decision: Decision) -> None:
        self.sources[source.component] = source
        self.decisions.append(decision)


def laid_out(index: int, table: Table, schema: Schema, codes: Codes.All) -> Layout:
    """The sources that the sheets of a table tell, and questions for what they leave open."""
    made = Layout(index, table)
    positions = list(_positions(made))
    year = _year(made)
    _only_codes(made, schema)
    _times(made, schema, positions, year)
    claimed = _codes(made, schema, codes, positions)
    _named_attributes(made, schema, positions, claimed)
    _unclaimed(made, schema, codes, positions, claimed)
    _marks(made)
    if table.outside:
        made.questions.append(Question("table", index, count=table.outside, proposed="leave"))
    return made


# --- what there is ------------------------------------------------------------------------------------------


def _positions(made: Layout) -> Iterator[_Position]:
    table, bodies = made.table, made.bodies
    first = bodies[0]
    for column in table.labels:
        source = Source("", column=column)
        along = tuple(without_footnotes(text) for text, _, _ in islice(first.texts(source), _ALONG))
        fill = bool(along and along[0]) and along.count("") >= GROUPED * len(along)
        source = replace(source, fill=fill)
        told = tuple(distinct(bodies, source))
        yield _Position(source, told, _heading(table, column), along)
    for row in table.headings:
        source = Source("", row=row)
        blank = [text for text, _, _ in first.texts(source)].count("")
        source = replace(source, fill=blank > 0)
        yield _Position(source, tuple(distinct(bodies, source)))
    if len(table.sheets) > 1 or table.sheet.name:
        source = Source("", from_sheet=True)
        yield _Position(source, tuple(distinct(bodies, source)))


def _heading(table: Table, column: int) -> str:
    """The text above a column of labels."""
    for row in range(table.first_row - 1, max(0, table.first_row - 6), -1):
        if text := table.sheet.text(row, column).strip():
            return text
    return ""


def _year(made: Layout) -> tuple[str, int, int]:
    """The year that a title names in all sheets alike, and the cell that does; "" when there is none."""
    for row, column in made.table.titles:
        years = {year_of(sheet.text(row, column)) for sheet in made.table.sheets}
        if len(years) == 1 and (year := years.pop()):
            return year, row, column
    return "", 0, 0


# --- what it means ------------------------------------------------------------------------------------------


def _only_codes(made: Layout, schema: Schema) -> None:
    for component in schema.dimensions:
        if component.coded and len(component.valid) == 1:
            (code,) = component.valid
            made.take(Source(component.id, value=code), Decision(made.index, component.id, "only_code"))


def _times(made: Layout, schema: Schema, positions: Sequence[_Position], year: tuple[str, int, int]) -> None:
    """The place of the periods: where most texts are some, with the year of the title if they have none."""
    if schema.time is None:
        return
    best: tuple[float, bool, _Position | None, dict[str, str]] = (0.0, False, None, {})
    for position in positions:
        found = {text: period for text in position.texts if (period := period_of(text, year[0]))}
        share = len(found) / max(1, len(position.told))
        own = all(YEAR.search(text) for text in found)  # a year of its own beats one from the title
        if share >= ENOUGH and (share, own) > best[:2]:
            best = (share, own, position, found)
    share, own, chosen, found = best
    id = schema.time.id
    if chosen is None:
        if not year[0]:
            return
        source = Source(id, row=year[1], column=year[2], pattern=YEAR.pattern)
        made.take(source, Decision(made.index, id, "title", 0.7))
        found = {year[0]: year[0]}
    else:
        texts = {text: period for text, period in found.items() if text != period}
        source = replace(chosen.source, component=id, texts=texts)
        made.take(source, Decision(made.index, id, "periods", share, len(found), len(chosen.told)))
        if not own:
            made.marks += [
                Mark(sheet.name or "*", year[1], year[2], sheet.text(year[1], year[2]).strip())
                for sheet in made.table.sheets
            ]
    _frequency(made, schema, source, found)


def _frequency(made: Layout, schema: Schema, time: Source, found: Mapping[str, str]) -> None:
    """FREQ (SDMX) follows from the periods; it stands where they do when they differ in length."""
    frequency = schema.by_id.get(FREQUENCY)
    if frequency is None or frequency.id in made.sources:
        return
    kinds = {text: frequency_of(period) for text, period in found.items()}
    if not all(kind in frequency.codes for kind in kinds.values()):
        return
    alike = set(kinds.values())
    source = (
        Source(frequency.id, value=alike.pop())
        if len(alike) == 1
        else replace(time, component=frequency.id, texts=kinds)
    )
    made.take(source, Decision(made.index, frequency.id, "frequency"))


@dataclass(frozen=True)
class _Candidate:
    position: int
    component: SchemaComponent
    matched: int
    total: int
    named: float
    kept: bool

    @property
    def share(self) -> float:
        return self.matched / max(1, self.total)

    @property
    def score(self) -> float:
        return self.share + self.named / 2 + (1 if self.kept else 0)

    @property
    def is_likely(self) -> bool:
        few = self.matched >= FEW and self.share >= SOME
        return self.kept or self.share >= ENOUGH or few or (self.named >= 1 and self.matched > 0)


def _codes(made: Layout, schema: Schema, codes: Codes.All, positions: Sequence[_Position]) -> dict[int, str]:
    """Gives components their places, the best pair first; by the number of the position what it became."""
    time = made.sources.get(schema.time.id) if schema.time else None
    claimed = {
        at: schema.time.id
        for at, position in enumerate(positions)
        if time and schema.time and same_place(position.source, time)
    }
    candidates = []
    for component in schema.series_dimensions:
        if component.id not in made.sources and component.coded:
            for at, position in enumerate(positions):
                # one sheet is called something, and that tells nothing apart
                if at not in claimed and not (position.source.from_sheet and len(position.told) < 2):
                    candidates.append(_candidate(at, position, component, codes[component.id]))
    # of nearly equals the first in the order of the data structure, and labels beside before headings above
    likely = [candidate for candidate in candidates if candidate.is_likely]
    likely.sort(key=lambda candidate: -round(candidate.score * 5))
    for candidate in likely:
        component, position = candidate.component, positions[candidate.position]
        if component.id in made.sources or candidate.position in claimed:
            continue
        if _says_the_same(candidate.position, positions, claimed, codes):
            claimed[candidate.position] = ""
            continue
        claimed[candidate.position] = component.id
        reason: Reason = "kept" if candidate.kept else "codes"
        share, matched, total = min(1.0, candidate.share), candidate.matched, candidate.total
        made.take(
            replace(position.source, component=component.id),
            Decision(made.index, component.id, reason, share, matched, total),
        )
        rivals = [
            other.component
            for other in likely
            if other.position == candidate.position
            and other.component.id not in made.sources
            and candidate.score - other.score < _NEAR
        ]
        if rivals:
            made.questions.append(_tie(made, position, component, rivals))
    return claimed


def _candidate(at: int, position: _Position, component: SchemaComponent, codes: Codes) -> _Candidate:
    meanings = [codes.meaning(text) for text in position.texts]
    found = [meaning for meaning in meanings if meaning]
    bare = sum(meaning.why == BARE for meaning in found)
    if bare and (len(found) < _FEW_BARE or len(found) < _SAME * len(meanings)):
        found = [meaning for meaning in found if meaning.why != BARE]
    kept = sum(meaning.why == "kept" for meaning in found)
    return _Candidate(
        at, component, len(found), len(meanings), _named(position.heading, component),
        kept=kept >= max(1.0, ENOUGH * len(meanings)),
    )  # fmt: skip


def _named(heading: str, component: SchemaComponent) -> float:
    """How well a heading names a component: 1 when it is its id or name, less for words in common."""
    given = key(without_footnotes(heading))
    names = [key(component.id), *(key(name) for name in component.names.values())]
    if not given or given in names:
        return float(bool(given))
    words = {word for word in given.split() if len(word) > _SHORT}
    shares = (len(words & set(name.split())) / max(1, len(name.split())) for name in names)
    return 0.9 * max(shares, default=0.0)


def _says_the_same(
    at: int, positions: Sequence[_Position], claimed: Mapping[int, str], codes: Codes.All
) -> bool:
    """Whether a column of labels names the codes that one beside it names already."""
    along = positions[at].along
    for other, component in claimed.items():
        if not along or not positions[other].along or component not in codes:
            continue
        meaning = codes[component].meaning
        pairs = [(meaning(a), meaning(b)) for a, b in zip(along, positions[other].along, strict=True)]
        both = [(a.code, b.code) for a, b in pairs if a and b]
        if both and sum(a == b for a, b in both) >= _SAME * len(both):
            return True
    return False


def _tie(
    made: Layout, position: _Position, component: SchemaComponent, rivals: Sequence[SchemaComponent]
) -> Question:
    offered = tuple(Meaning(one.id, in_language(one.names)[1]) for one in (component, *rivals))
    return Question(
        "tie", made.index, component.id, _sample(position), len(position.told), position.told[0].place,
        offered, proposed=component.id, where=position.where,
    )  # fmt: skip


def _named_attributes(
    made: Layout, schema: Schema, positions: Sequence[_Position], claimed: dict[int, str]
) -> None:
    """Attributes are taken from columns only that are headed by their id or name."""
    for component in schema.attributes:
        for at, position in enumerate(positions):
            if at not in claimed and _named(position.heading, component) >= 1 and position.source.column:
                claimed[at] = component.id
                source = replace(position.source, component=component.id, fill=False)
                made.take(source, Decision(made.index, component.id, "heading", 0.9))
                break


def _unclaimed(
    made: Layout,
    schema: Schema,
    codes: Codes.All,
    positions: Sequence[_Position],
    claimed: Mapping[int, str],
) -> None:
    """Questions for the places that nothing became of, unless they say one thing only, or next to nothing."""
    free = [d for d in schema.dimensions if d.id not in made.sources]
    for at, position in enumerate(positions):
        texts = position.texts
        if at in claimed or len(texts) < 2 or all(len(text) < _SHORT for text in texts):
            continue
        if _says_the_same(at, positions, claimed, codes):
            continue
        offered = tuple(Meaning(one.id, in_language(one.names)[1]) for one in (*free, *schema.attributes))
        # a heading that is not understood makes observations of one key; a column beside may be a remark
        proposed = "" if position.source.row or position.source.from_sheet else "ignore"
        made.questions.append(
            Question(
                "position", made.index, "", _sample(position), len(texts), position.told[0].place, offered,
                proposed,
                position.where,
            )
        )  # fmt: skip


def _sample(position: _Position) -> str:
    texts = [text if len(text) < 40 else f"{text[:39]}…" for text in position.texts[:_SAMPLE]]
    more = " …" if len(position.told) > _SAMPLE else ""
    heading = f"{position.heading[:60]}: " if position.heading else ""
    return heading + ", ".join(texts) + more


# --- what must stay -----------------------------------------------------------------------------------------


def _marks(made: Layout) -> None:
    """The headings above the labels, or the first heading and the first label, stand still."""
    table = made.table
    pattern = "*" if len(table.sheets) > 1 or not table.sheet.name else table.sheet.name
    for column in table.labels:
        for row in range(table.first_row - 1, max(0, table.first_row - 6), -1):
            texts = {sheet.text(row, column).strip() for sheet in table.sheets}
            if len(texts) == 1 and (text := texts.pop()):
                made.marks.append(Mark(pattern, row, column, text))
                break
    if not made.marks and table.headings:
        row = table.headings[-1]
        if text := table.sheet.text(row, table.first_column).strip():
            made.marks.append(Mark(pattern, row, table.first_column, text))


def sheet_maps(made: Layout, names: Sequence[str], measure: str) -> Iterator[SheetMap]:
    """The SheetMaps of a table in a workbook of sheets `names`: one with a pattern, or one for each sheet."""
    table = made.table
    width, height = table.sheet.width, max(sheet.height for sheet in table.sheets)
    own = [sheet.name for sheet in table.sheets]
    patterns = ["*"] if set(own) == set(names) and (len(own) > 1 or own == [""]) else own
    for pattern in patterns:
        yield SheetMap(
            pattern,
            table.first_row,
            table.first_column,
            0 if table.last_row + 1 >= height else table.last_row,
            0 if table.last_column >= width else table.last_column,
            tuple(made.sources.values()),
            measure,
        )
