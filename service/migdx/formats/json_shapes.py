"""How values stand in JSON objects: tables of parts, one per type, that are both written and read.

A `Shape` says which properties of an object are which fields of a dataclass. A part is a property (text,
flag, reference, nested shape ...), a wrapper object, or a pair of functions where the standard is irregular.
Properties that no part knows are skipped and noted; a value of another type than expected is one fault that
names its place, such as `data.codelists[0].codes[3].id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

import orjson

from ..errors import StructureFault
from ..structures import in_language

Json = dict[str, Any]

_DEEPEST = 200  # steps from the root; orjson writes 254 levels, each frame of which is also one of Python's
_BATCH = 500


@dataclass(frozen=True)
class Told:
    """In which version of SDMX-JSON something is written, for a reader of which languages."""

    version: str
    languages: Sequence[str] = ("en",)


class Reading:
    """Where in a message the reader is, and what it skipped; `language` is that of texts without one."""

    def __init__(self, path: str = "", language: str = "en", skipped: list[str] | None = None) -> None:
        self.path, self.language = path, language
        self.steps: list[str | int] = []
        self._skipped = skipped
        self._noted: set[str] = set()

    @property
    def place(self) -> str:
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return text.removeprefix(".") or "the message"

    def fault(self, reason: str) -> StructureFault:
        return StructureFault(f"{self.place} {reason}", self.path)

    def wrong(self, expected: str, given: Any) -> StructureFault:
        return self.fault(f"is {_shown(given)}; expected {expected}")

    def skip(self, name: str, reason: str = "is no property of SDMX-JSON structures") -> None:
        """Noted once for all entries of a list: an unknown property of a code is there in thousands."""
        if self._skipped is None:
            return
        alike = ".".join(step for step in (*self.steps, name) if isinstance(step, str))
        if alike not in self._noted:
            self._noted.add(alike)
            self._skipped.append(f"{self.place}.{name} {reason}" if self.steps else f"{name} {reason}")

    def part(self, given: Json, name: str, take: Callable[[Any, Reading], Any]) -> Any:
        """What `take` makes of the property `name`, one step further in."""
        self.steps.append(name)
        found = take(given[name], self)
        self.steps.pop()
        return found


def _shown(given: Any) -> str:
    match given:
        case None:
            return "null"
        case bool():
            return "true" if given else "false"
        case int() | float():
            return f"the number {given}"
        case str():
            return f"the text '{given[:80]}'" if given else "an empty text"
        case list():
            return "an array"
    return "an object"


class Part(Protocol):
    """One or more properties of an object; `names` are those that it knows."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def write(self, value: Any, into: Json, told: Told) -> None: ...

    def read(self, given: Json, into: Json, reading: Reading) -> None: ...


@dataclass(frozen=True, eq=False)
class Shape:
    """The parts of an object, and what is made of them."""

    made: Callable[..., Any]
    parts: tuple[Part, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(name for part in self.parts for name in part.names)

    def put(self, value: Any, told: Told) -> Json:
        into: Json = {}
        for part in self.parts:
            part.write(value, into, told)
        return into

    def take(self, given: Any, reading: Reading) -> Any:
        into: Json = {}
        read_parts(self.parts, self.names, given, into, reading)
        return self.made(**into)

    def chunks(self, value: Any, told: Told) -> Iterator[bytes]:
        """The object in pieces: its lists, which may be long, come last and a batch at a time."""
        head: Json = {}
        lists: list[tuple[Property, Iterable[Any]]] = []
        for part in self.parts:
            if isinstance(part, Property) and part.listed:
                if part.told_of(value, told):
                    lists.append((part, getattr(value, part.field)))
            else:
                part.write(value, head, told)
        yield orjson.dumps(head)[:-1]
        comma = b"," if head else b""
        for part, values in lists:
            opening = comma + orjson.dumps(part.name) + b":["
            for batch in _batches(values):
                yield opening + orjson.dumps(part.put(batch, told))[1:-1]
                opening = b","
            yield b"]"
            comma = b","
        yield b"}"


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def read_parts(
    parts: tuple[Part, ...], names: frozenset[str], given: Any, into: Json, reading: Reading
) -> None:
    take_object(given, reading)
    if len(reading.steps) > _DEEPEST:
        raise StructureFault(
            f"{reading.place[:80]}... is nested deeper than {_DEEPEST // 2} levels", reading.path
        )
    if None in given.values():  # "a nulled property and the absence of a property [are] the same thing"
        given = {name: value for name, value in given.items() if value is not None}
    for part in parts:
        part.read(given, into, reading)
    if not given.keys() <= names:
        for name in given:
            if name not in names:
                reading.skip(name)


def take_object(given: Any, reading: Reading) -> Json:
    if type(given) is not dict:
        raise reading.wrong("an object", given)
    return given


# --- properties --------------------------------------------------------------------------------------------

Put = Callable[[Any, Told], Any]
Take = Callable[[Any, Reading], Any]


@dataclass(frozen=True, eq=False)
class Property:
    """One property for one field; without value it is not written, since the schemas demand entries.

    `always`: written even then. `required`: a message without it is a fault. `unless`: not written of
    values of which this is true. `also`: another name that is read, since well-known registries write it.
    """

    name: str
    field: str
    put: Put
    take: Take
    required: bool = False
    always: bool = False
    since: str = "1.0"
    until: str = "2.1"
    unless: Callable[[Any], bool] | None = None
    listed: bool = False
    also: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, self.also) if self.also else (self.name,)

    def told_of(self, value: Any, told: Told) -> bool:
        return (
            (self.always or bool(getattr(value, self.field)))
            and self.since <= told.version <= self.until
            and not (self.unless and self.unless(value))
        )

    def write(self, value: Any, into: Json, told: Told) -> None:
        if self.told_of(value, told):
            into[self.name] = self.put(getattr(value, self.field), told)

    def read(self, given: Json, into: Json, reading: Reading) -> None:
        name = self.also if self.also and self.also in given else self.name
        if name in given:
            reading.steps.append(name)
            into[self.field] = self.take(given[name], reading)
            reading.steps.pop()
        elif self.required:
            raise reading.fault(f"has no {self.name}")


def take_text(given: Any, reading: Reading) -> str:
    if type(given) is not str:
        raise reading.wrong("a text", given)
    return given


def _as_is(value: Any, told: Told) -> Any:
    return value


def text(name: str, field: str = "", take: Take = take_text, **more: Any) -> Property:
    return Property(name, field or name, _as_is, take, **more)


def take_flag(given: Any, reading: Reading) -> bool:
    if type(given) is not bool:
        raise reading.wrong("true or false", given)
    return given


def flag(name: str, field: str, **more: Any) -> Property:
    return Property(name, field, _as_is, take_flag, **more)


def take_list(given: Any, take: Take, reading: Reading) -> list[Any]:
    if type(given) is not list:
        raise reading.wrong("an array", given)
    found = []
    for at, entry in enumerate(given):
        reading.steps.append(at)
        found.append(take(entry, reading))
        reading.steps.pop()
    return found


def each(take: Take) -> Take:
    """What `take` makes of every entry of an array."""
    return lambda given, reading: take_list(given, take, reading)


def texts(name: str, field: str, **more: Any) -> Property:
    """Each once: the schemas want distinct entries, and at least one where there must be some."""

    def take(given: Any, reading: Reading) -> tuple[str, ...]:
        found = take_list(given, take_text, reading)
        if not found and more.get("required"):
            raise reading.fault("is an empty array; expected at least one entry")
        return tuple(found)

    return Property(name, field, lambda value, told: list(dict.fromkeys(value)), take, **more)


# --- nested shapes -----------------------------------------------------------------------------------------

Shaped = Shape | Callable[[], Shape]
"""A shape, or what gives it where it is still being defined: shapes may nest in themselves."""


def _shape(given: Shaped) -> Shape:
    return given if isinstance(given, Shape) else given()


def one(name: str, field: str, shape: Shaped, **more: Any) -> Property:
    return Property(
        name,
        field,
        lambda value, told: _shape(shape).put(value, told),
        lambda given, reading: _shape(shape).take(given, reading),
        **more,
    )


def many(name: str, field: str, shape: Shaped, *, unique: str = "", **more: Any) -> Property:
    """A list of objects; `unique` is the field in which no two of them may agree."""

    def put(values: Iterable[Any], told: Told) -> list[Json]:
        given = _shape(shape)
        return [given.put(value, told) for value in values]

    def take(given: Any, reading: Reading) -> tuple[Any, ...]:
        found = take_list(given, _shape(shape).take, reading)
        if unique:
            check_unique([getattr(value, unique) for value in found], reading)
        return tuple(found)

    return Property(name, field, put, take, listed=True, **more)


def check_unique(ids: Sequence[str], reading: Reading) -> None:
    if len(set(ids)) == len(ids):
        return
    first: dict[str, int] = {}
    for at, id in enumerate(ids):
        if id in first:
            reading.steps.append(at)
            raise reading.fault(f"has the id '{id}', as has entry {first[id]} of the same list")
        first[id] = at


# --- irregular parts ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Words:
    """A localised text: `name` best for the reader, `plural` in all languages.

    Where the schema demands a text and there is none, the field `instead` stands in for it and `plural` is
    empty, by which a reader knows.
    """

    name: str
    plural: str
    field: str
    instead: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, self.plural)

    def write(self, value: Any, into: Json, told: Told) -> None:
        given = getattr(value, self.field)
        if given:
            into[self.name] = in_language(given, told.languages)[1]
            into[self.plural] = given if type(given) is dict else dict(given)
        elif self.instead:
            into[self.name] = getattr(value, self.instead)
            into[self.plural] = {}

    def read(self, given: Json, into: Json, reading: Reading) -> None:
        name = self.plural if self.plural in given else self.name
        if name not in given:
            return
        reading.steps.append(name)
        if name == self.plural:
            found = _take_words(given[name], reading)
        else:
            found = {reading.language: take_text(given[name], reading)}
        reading.steps.pop()
        if found:
            into[self.field] = found


def _take_words(given: Any, reading: Reading) -> dict[str, str]:
    if type(given) is not dict:
        raise reading.wrong("an object with a text per language", given)
    for language, words in given.items():
        if type(words) is not str:
            reading.steps.append(language)
            raise reading.wrong("a text", words)
    return given


@dataclass(frozen=True, eq=False)
class Inside:
    """A wrapper object whose parts are fields of the same value; `constants` are written beside them."""

    name: str
    parts: tuple[Part, ...]
    constants: Json = field(default_factory=dict)
    required: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset((*self.constants, *(name for part in self.parts for name in part.names)))

    def write(self, value: Any, into: Json, told: Told) -> None:
        inner: Json = {}
        for part in self.parts:
            part.write(value, inner, told)
        if inner:
            into[self.name] = {**self.constants, **inner}

    def read(self, given: Json, into: Json, reading: Reading) -> None:
        if self.name not in given:
            if self.required:
                raise reading.fault(f"has no {self.name}")
            return
        reading.steps.append(self.name)
        read_parts(self.parts, self.known, given[self.name], into, reading)
        reading.steps.pop()


@dataclass(frozen=True, eq=False)
class By:
    """The escape hatch: properties that two functions write and read."""

    names: tuple[str, ...]
    write: Callable[[Any, Json, Told], None]
    read: Callable[[Json, Json, Reading], None]


def of_1_0(name: str) -> By:
    """A property that tells a message of SDMX-JSON 1.0, whatever schema it names."""

    def read(given: Json, into: Json, reading: Reading) -> None:
        if name in given:
            raise reading.fault(f"has {name}, which is of SDMX-JSON 1.0; expected 2.0 or 2.1")

    return By((name,), lambda value, into, told: None, read)


def only_written(name: str, told_as: Callable[[Any, Told], Any]) -> By:
    """A property that says nothing which is not known otherwise; None is not written."""

    def write(value: Any, into: Json, told: Told) -> None:
        found = told_as(value, told)
        if found is not None:
            into[name] = found

    return By((name,), write, lambda given, into, reading: None)
