"""Help: what a finding means and how to correct it, by its code.

A check's help is its docstring: one place for code and words. Findings that no check makes (reading the file,
taking it in), and other languages, have theirs in messages/help.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .. import checks
from ..report import languages_of_messages, told

_PART = re.compile(r"^(Why|Fix|Example): ", re.MULTILINE)


@dataclass(frozen=True)
class Help:
    """Four short texts; code stands in backticks."""

    fault: str = ""
    why: str = ""
    fix: str = ""
    example: str = ""


@cache
def entries(language: str) -> Mapping[str, Help]:
    """The help on every code: the checks in the order in which they run, then reading and taking in."""
    written = {**_written("en"), **_written(language)}
    by_docstring = {checks.name(check): _of(check) for check in checks.ALWAYS}
    by_docstring |= {name: _of(check) for name, (check, _) in checks.BY_NAME.items()}
    return {code: written.get(code) or help for code, help in by_docstring.items()} | {
        code: help for code, help in written.items() if code not in by_docstring
    }


def is_check(code: str) -> bool:
    """Whether it is run on every file."""
    return any(checks.name(check) == code for check in checks.ALWAYS)


def is_rule_check(code: str) -> bool:
    """Whether rules name it."""
    return code in checks.BY_NAME


def _of(check: object) -> Help:
    """The parts of a docstring: the fault, then Why, Fix and Example."""
    head, *rest = _PART.split(inspect.getdoc(check) or "")
    parts = {name.lower(): _flowing(text) for name, text in zip(rest[::2], rest[1::2], strict=True)}
    return Help(fault=_flowing(head), **parts)


@cache
def _written(language: str) -> Mapping[str, Help]:
    known = told(language, "help") if language in languages_of_messages() else {}
    return {code: Help(**parts) for code, parts in known.items()}


def _flowing(text: str) -> str:
    return " ".join(text.split())
