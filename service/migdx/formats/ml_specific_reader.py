"""Structure-specific data: components are XML attributes of DataSet, Group, Series, Atts and Obs.

SDMX 2.1 section 3A, part IV; SDMX 3.0 and 3.1 SDMX-ML (SDMXDataStructureSpecific.xsd). What an attribute
cannot hold, several values or languages, stands in Comp elements (3.0); it is read as a cell of SDMX-CSV 2.0
writes it (cell_texts.py).
"""

from __future__ import annotations

from collections.abc import Callable

from .cell_texts import by_language, quoted
from .ml_data_message import DataMessage, Head
from .ml_events import SILENT, Action, Attributes, NotPlain, State

_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DEFAULT_LANGUAGE = "en"


def dataset(message: DataMessage) -> tuple[Action, State]:
    """What to do at the start of a DataSet, and within."""
    passed = dict.fromkeys(("Annotations", "DataProvider"), (None, SILENT))
    message.plain = True
    at_observation = _comp(message, lambda: _last(message))
    at_series = _comp(message, lambda: series if message.series_is_open else None)
    at_group = _comp(message, lambda: group)
    series: Head = {}
    group: Head = {}
    explicit = False
    events, mark = message.events, message.events.mark
    append, on_line = message.observations.append, message.lines.append

    def begin(attributes: Attributes) -> None:
        nonlocal explicit
        message.begin_dataset(attributes)
        explicit = message.dataset.structured.measures

    def observation(attributes: Attributes) -> None:
        if mark in attributes:
            if explicit:
                raise NotPlain
            message.run(int(attributes[mark]))
            return
        append(attributes)
        on_line(events.line)
        if explicit:
            _explicit(message, attributes)

    def begin_series(attributes: Attributes) -> None:
        nonlocal series
        series = dict(attributes)
        message.begin_series(series)

    def begin_group(attributes: Attributes) -> None:
        nonlocal group
        group = {id: text for id, text in attributes.items() if id != "type"}

    obs = State({**passed, "Comp": at_observation})
    return begin, State(
        {
            **passed,
            "Series": (
                begin_series,
                State({**passed, "Obs": (observation, obs), "Comp": at_series}, closing=message.end_series),
            ),
            "Obs": (observation, obs),
            "Group": (
                begin_group,
                State({**passed, "Comp": at_group}, closing=lambda: message.attach(group)),
            ),
            "Atts": (begin_group, State({**passed, "Comp": at_group}, closing=lambda: message.attach(group))),
        },
        closing=message.end_dataset,
    )


def _last(message: DataMessage) -> Head:
    """The observation that is open, so that more can be said of it."""
    last = message.observations[-1]
    if not isinstance(last, dict):  # of an element without attributes lxml gives a mapping that stays empty
        last = message.observations[-1] = {}
    return last


def _explicit(message: DataMessage, attributes: Attributes) -> None:
    """The measure that an observation is of: in 2.1, its type may say so."""
    named = attributes.get("type") or attributes.get(_TYPE, "").rpartition(":")[2]
    if named:
        last = _last(message)
        last.pop("type", None)
        last.setdefault(message.dataset.structured.observation, named)


def _comp(message: DataMessage, holder: Callable[[], Head | None]) -> tuple[Action, State]:
    """A Comp element: the values of one component, each a text or texts by language.

    `holder` gives what it is said of, None where it comes too late.
    """
    id, language = "", ""
    values: list[str | dict[str, str]] = []

    def begin(attributes: Attributes) -> None:
        nonlocal id
        id = attributes.get("id", "")
        values.clear()

    def begin_value(_: Attributes) -> None:
        values.append({})
        message.events.collect()

    def end_value() -> None:
        text = message.events.collected()
        if not values[-1]:
            values[-1] = text.strip()

    def begin_text(attributes: Attributes) -> None:
        nonlocal language
        language = attributes.get(_LANGUAGE, "") or _DEFAULT_LANGUAGE
        message.events.collect()

    def end_text() -> None:
        last = values[-1]
        if isinstance(last, dict):
            last.setdefault(language, message.events.collected())

    def end() -> None:
        of = holder()
        if of is None or not id:
            message.events.passed_over("Comp")
        else:
            of.setdefault(id, _cell(values))

    inner = State(unknown=None)
    inner.unknown = inner  # of formatted text the words are read
    texts = State(closing=end_text, unknown=inner)
    value = State({"Text": (begin_text, texts), "StructuredText": (begin_text, texts)}, closing=end_value)
    return begin, State({"Value": (begin_value, value), "Annotations": (None, SILENT)}, closing=end)


def _cell(values: list[str | dict[str, str]]) -> str:
    """The values as SDMX-CSV 2.0 writes them in one cell; one text in the default language is itself."""
    if len(values) == 1:
        (value,) = values
        return value if isinstance(value, str) else _by_language(value)
    return ";".join(
        quoted(value) if isinstance(value, str) else quoted(_by_language(value), always=len(value) > 1)
        for value in values
    )


def _by_language(texts: dict[str, str]) -> str:
    if texts.keys() == {_DEFAULT_LANGUAGE}:
        return texts[_DEFAULT_LANGUAGE]
    return by_language(texts)
