"""What a report tells beside its findings, as a page shows it: balances, mirrors, coverage, changes, and what
was not checked; texts in the reader's language, figures as the language writes them, lists cut short.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..report import Report, why_not
from .frame import served
from .named import Named
from .wording import Words

MOST = {"balances": 6, "mirrors": 10, "coverage": 40, "changes": 20}
"""How many entries of a section a page shows."""

_ORDER = ("pairs", "beyond", "notComparable", "definitionsUnknown",
          "added", "changed", "attributes", "unchanged", "notSentAgain", "removed", "shown")  # fmt: skip

_Entry = Mapping[str, Any]


def drawn_sections(report: Report, words: Words) -> dict[str, Any]:
    """For each section that has entries what its template draws."""
    told = {name: list(entries) for name, entries in report.sections.items() if entries}
    makers = {"balances": _balance, "mirrors": _mirror, "coverage": _covered, "changes": _change}
    flow, names = str(report.subject.get("dataflow") or ""), dict[str, Named]()

    def named(entry: _Entry) -> Named:
        of = str(entry.get("dataflow") or flow)
        return names.setdefault(of, Named(served().registry, of, words))

    def titled(entry: _Entry) -> _Entry:
        return {**entry, "title": report.title(entry.get("rule", ""), words.languages)}

    return {
        name: [make(titled(entry), words, named(entry)) for entry in _first(told[name], MOST[name])]
        for name, make in makers.items() if name in told
    } | {"more": {name: max(0, _size(told[name]) - MOST[name]) for name in told}}  # fmt: skip


def unchecked(report: Report, words: Words) -> list[tuple[str, list[dict[str, Any]]]]:
    """What was not checked, under each reason the checks and rules."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in report.not_checked:
        count = words.number(entry["count"]) if entry.get("count") else ""
        title = report.title(entry.get("rule", ""), words.languages)
        found.setdefault(why_not(entry, words.languages), []).append(
            {**entry, "title": title, "count": count}
        )
    return list(found.items())


def _first(entries: Sequence[_Entry], most: int) -> Iterator[_Entry]:
    """The first of them; one that only counts is none of those."""
    shown = 0
    for entry in entries:
        shown += not _counts_only(entry)
        if shown <= most:
            yield entry


def _size(entries: Sequence[_Entry]) -> int:
    return sum(not _counts_only(entry) for entry in entries)


def _counts_only(entry: _Entry) -> bool:
    return "counts" in entry and "sides" not in entry and "largest" not in entry


def _figure(value: Any, words: Words) -> str:
    if value in (None, ""):
        return "–"
    try:
        number = float(value)
    except ValueError:
        return str(value)
    decimals = len(str(value).partition(".")[2]) if number % 1 else 0
    return words.number(number, min(decimals, 3))


def _text(value: Any, words: Words) -> str:
    return words.text(value) if isinstance(value, Mapping) else str(value or "")


def _said(name: str, value: Any, words: Words) -> str:
    """A word of a report (balanced, notSentAgain) in the reader's language; as it is where there is none."""
    return words.or_same(f"{name}_{value}") if value else ""


def _balance(entry: _Entry, words: Words, named: Named) -> dict[str, Any]:
    terms = [
        {
            "sign": {"-": "\u2212"}.get(term.get("sign", ""), term.get("sign", "")),
            "name": _text(term["name"], words),
            "value": _figure(term.get("value"), words),
        }
        for term in entry.get("terms", ())
        if term.get("sign") != "="
    ]
    whole = next((term["name"] for term in entry.get("terms", ()) if term.get("sign") == "="), "")
    return {
        **_place(entry, named),
        "terms": terms,
        "whole": _text(whole, words),
        "status": _said("balance", entry.get("status"), words),
        "differs": entry.get("status") in ("differs", "break"),
        **{name: _figure(entry.get(name), words) for name in ("expected", "given", "difference")},
    }


def _mirror(entry: _Entry, words: Words, named: Named) -> dict[str, Any]:
    if "sides" not in entry:
        return {**_place(entry, named), "counts": _counts("mirror", entry.get("counts", {}), words)}
    sides = [
        {
            "name": side.get("provider") or _text(side.get("name"), words),
            "value": _figure(side.get("value"), words),
            "public": str(side.get("publicFrom") or "")[:10],
            "definitions": [
                (named.component(id), named.code(id, code) or code)
                for id, code in side.get("definitions", {}).items()
                if code
            ],
        }
        for side in entry["sides"]
    ]
    reasons = [
        f"{named.component(one['component'])} ({_said('why', one['reason'], words)})"
        for one in entry.get("why", ())
    ]
    return {
        **_place(entry, named),
        "sides": sides,
        "ratio": _figure(entry.get("ratio"), words),
        "difference": _figure(entry.get("difference"), words),
        "asymmetry": _figure(entry.get("asymmetry"), words),
        "comparable": _said("comparable", entry.get("comparable"), words),
        "why": ", ".join(reasons),
    }


def _covered(entry: _Entry, words: Words, named: Named) -> dict[str, Any]:
    steps = [
        {
            "name": _text(step["name"], words),
            "count": _figure(step.get("count"), words),
            "of": _figure(step.get("of"), words) if step.get("of") is not None else "",
            "share": step["count"] / step["of"] if step.get("of") and step.get("count") is not None else None,
        }
        for step in entry.get("steps", ())
    ]
    missing = ", ".join(named.crossing(_text(code, words)) for code in entry.get("missing", ()))
    return {
        **_place(entry, named),
        "name": _text(entry.get("name"), words),
        "steps": steps,
        "missing": missing,
    }


def _change(entry: _Entry, words: Words, named: Named) -> dict[str, Any]:
    largest = [
        {
            **_place(one, named),
            "before": _figure(one.get("before"), words),
            "after": _figure(one.get("after"), words),
            "difference": words.number(float(one["difference"]), signed=True)
            if one.get("difference")
            else "–",
            "percent": words.number(one["percent"], 1, signed=True)
            if one.get("percent") is not None
            else "–",
            "hidden": bool(one.get("hidden")),
        }
        for one in (*entry.get("largest", ())[: MOST["changes"]], *entry.get("removed", ()))
    ]
    return {
        **_place(entry, named),
        "previous": entry.get("previous") or "",
        "region": entry.get("region") or "",
        "counts": _counts("change", entry.get("counts", {}), words),
        "largest": largest,
        "more": words.number(max(0, len(entry.get("largest", ())) - MOST["changes"])),
    }


def _counts(name: str, counts: Mapping[str, int], words: Words) -> list[tuple[str, str]]:
    """In the order in which people read them; a report that was kept has its members in another."""
    order = {key: at for at, key in enumerate(_ORDER)}
    known = sorted(counts.items(), key=lambda one: order.get(one[0], len(order)))
    return [(_said(name, key, words), words.number(count)) for key, count in known]


def _place(entry: _Entry, named: Named) -> dict[str, str]:
    found = {name: str(entry.get(name) or "") for name in ("rule", "title", "key", "period", "dataflow")}
    return {**found, "names": named.key(found["key"])}
