"""What SDMX-ML 2.1 says and the model has no place for: kept in annotations for the 2.1 writer alone.

An annotation of type `SDMX_2_1` has the name of an attribute or element as its id and the attribute's value,
or the element as XML text, as its value. It stands on whatever it was said of: the final state of a version
whose number does not tell it, the reference period of a constraint, the version of a hierarchical code.

An annotation of type `SDMX_2_1_GROUP` stands on every artefact that was only a part of one of 2.1, and says
which part (id) of what whole (value: the XML text of the whole without its parts); see `ml21_groups`.

The text is parsed again before it is written and only what is of SDMX 2.1 gets through: it may have come from
anybody, by a message of another generation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ..structures import Annotation
from ..structures.artefact import OF_2_1, PART_OF_2_1
from .markup import escape, quoted
from .ml21_dialect import SPACES
from .xml_reading import SAFE
from .xml_shapes import Dialect, Node, Part, Reading, Values, bare

KEPT, GROUP = OF_2_1, PART_OF_2_1

_XML = "{http://www.w3.org/XML/1998/namespace}"
_PREFIXES = {"": "", **{f"{{{space}}}": f"{prefix}:" for prefix, space in SPACES.items()}}
_ROOT = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())


def markup(
    node: Node, without: Collection[str] = (), inside: str = "", into: str = "", **changed: str
) -> str:
    """An element of SDMX as text with our prefixes, without URNs, blanks and what is named in `without`.

    `inside` is markup that comes last in it, or last in the child `into`. `changed` attributes of the element
    itself are written instead of its own, and not at all when empty.
    """
    given = {str(name): str(value) for name, value in node.items() if name != "urn"}
    attributes = {
        name.replace(_XML, "xml:"): value
        for name, value in given.items()
        if name[0] != "{" or name.startswith(_XML)
    }
    attributes.update(changed)
    inner = [
        markup(child, without, inside if bare_tag(child) == into else "")
        for child in _children(node)
        if bare_tag(child) not in without
    ]
    if not inner and not len(node):
        inner = [escape(node.text or "")]
    if not into:
        inner.append(inside)
    head = "".join(f' {name}="{quoted(value)}"' for name, value in attributes.items() if value)
    name = _name(node)
    return f"<{name}{head}>{''.join(inner)}</{name}>" if any(inner) else f"<{name}{head}/>"


def _children(node: Node) -> Iterator[Node]:
    """Those that SDMX knows; what is of another namespace, and comments, have no prefix here."""
    return (child for child in node if _space(child) in _PREFIXES)


def _space(node: Node) -> str:
    head, brace, _ = str(node.tag).rpartition("}")
    return head + brace


def _name(node: Node) -> str:
    return _PREFIXES[_space(node)] + bare_tag(node)


def bare_tag(node: Node) -> str:
    return str(node.tag).rpartition("}")[2]


def parsed(text: str, name: str) -> Node | None:
    """The element `name` (with our prefix) that an annotation holds, None when it holds anything else."""
    parser = etree.XMLParser(**SAFE)
    try:
        root = etree.fromstring(f"<kept{_ROOT}>{text}</kept>", parser)
    except etree.XMLSyntaxError:
        return None
    if len(root) != 1 or _space(root[0]) not in _PREFIXES or _name(root[0]) != name:
        return None
    return root[0]


def noted(annotations: tuple[Annotation, ...], name: str) -> Iterator[str]:
    """What is kept under a name."""
    return (note.value for note in annotations if note.type == KEPT and note.id == name)


def keep(values: Values, name: str, value: str) -> None:
    values.setdefault("annotations", []).append(Annotation(id=name, type=KEPT, value=value))


@dataclass(frozen=True, eq=False)
class Kept(Part):
    """Children that are kept as XML text, in order."""

    name: str

    @property
    def elements(self) -> tuple[str, ...]:
        return (bare(self.name),)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        keep(values, bare(self.name), markup(node))

    def body(self, given: Any, dialect: Dialect) -> str:
        found = (parsed(text, self.name) for text in noted(given.annotations, bare(self.name)))
        return "".join(markup(node) for node in found if node is not None)


@dataclass(frozen=True, eq=False)
class KeptAttribute(Part):
    """An attribute that is kept as it is, unless it says what is meant without it."""

    name: str
    default: str = ""

    @property
    def attributes(self) -> tuple[str, ...]:
        return (self.name,)

    def take_attribute(self, name: str, given: str, node: Node, values: Values) -> None:
        if given.strip() not in ("", self.default):
            keep(values, name, given.strip())

    def head(self, given: Any, dialect: Dialect) -> str:
        return "".join(f' {self.name}="{quoted(text)}"' for text in noted(given.annotations, self.name))


@dataclass(frozen=True, eq=False)
class Ignored(Part):
    """Attributes that say again what is known: URNs, positions, the type of a dimension."""

    names: tuple[str, ...]

    @property
    def attributes(self) -> tuple[str, ...]:
        return self.names
