"""Write the rules that VTL can say as SDMX artefacts, in place, under dsd/.

    python tools/make_vtl.py

They follow from the *.rules.toml: for each data structure with such rules a RulesetScheme (RS_*), for each
dataflow a TransformationScheme (TS_*), and VMS_MIGDX, which gives each dataflow its name in VTL. The language
is VTL 2.1 (Reference Manual: `define datapoint ruleset`, `define hierarchical ruleset`, operators on them).

What VTL says less than the checks do, on purpose and everywhere alike:
- A sum is judged where all its figures are whole numbers without multiplier and without declared rounding: a
  hierarchical rule is exact, and the tolerance of the checks depends on all that. Others count as null, and
  so does a sum that needs them.
- A sum is an equality where every part that has to be there is, and no part is without its figure (mode
  `non_null`; codes that may be absent, those for unknown cases, are put in as 0 where no row has them). The
  parts that are there are never more than the whole, where that is there (mode `non_zero`) and not negative,
  which is a fault of its own.
- A part without a figure of its own is not replaced by the sum of its own parts.
- The severity is that of the rule (errorlevel 1 information, 2 warning, 3 error); what the checks soften in
  doubt (undeclared rounding, a small unexplained remainder) fails here at that level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from migdx.checks.adding import may_lack
from migdx.folders import shipped_structures
from migdx.formats.header import Header
from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.registry import Registry, load_structures
from migdx.rulebook import bound, read_rules
from migdx.rules import Partition, Rule, RuleBook
from migdx.schema import Schema, SchemaComponent
from migdx.structures import (
    Annotation,
    Dataflow,
    DataStructure,
    Maintainable,
    Ruleset,
    RulesetScheme,
    Text,
    Transformation,
    TransformationScheme,
    VtlMapping,
    VtlMappingScheme,
)
from migdx.urn import Reference

ROOT = Path(__file__).resolve().parent.parent
AGENCY, VERSION = "MIGDX", "1.0"  # of two parts: they change with the rules
FORM = "application/vnd.sdmx.structure+xml;version=3.0.0"
LANGUAGE = "2.1"
LEVELS = {"information": 1, "warning": 2, "error": 3}
FIGURE, MULTIPLIER = "OBS_VALUE", "UNIT_MULT"
NOTE = (Annotation(id="PROVENANCE", type="PROVENANCE", title="Made of the *.rules.toml"),)


class Said(NamedTuple):
    """A rule in VTL: its rulesets, and for a dataflow what assigns its results."""

    title: Text
    rulesets: tuple[Ruleset, ...]
    steps: tuple[tuple[str, str, bool], ...]
    """(result, expression, whether it is kept)."""


# --- words ------------------------------------------------------------------------------------------------


def name(text: str) -> str:
    return re.sub(r"\W", "_", text)


def members(codes: Iterable[str]) -> str:
    return "{" + ", ".join(f'"{code}"' for code in codes) + "}"


def item(code: str) -> str:
    """A code item: quoted unless it is a plain name (it begins with a letter)."""
    return code if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", code) else f"'{code}'"


def is_one_of(id: str, codes: Sequence[str]) -> str:
    """A condition that is never null; "" among the codes is an empty cell."""
    some = [code for code in codes if code]
    found = f"nvl({id} in {members(some)}, false)" if some else "false"
    return f"(isnull({id}) or {found})" if "" in codes else found


def conditions(rule: Rule, schema: Schema) -> list[str] | None:
    """Which rows a rule is for (where, except); None where no row of the dataflow can be one."""
    found = []
    for id, codes in rule.where.items():
        if id in schema.by_id:
            found.append(is_one_of(id, codes))
        elif "" not in codes:
            return None
    spared: Mapping[str, Sequence[str]] = rule.value("except", {})
    return found + [f"not {is_one_of(id, codes)}" for id, codes in spared.items() if id in schema.by_id]


def ending(rule: Rule) -> str:
    return f'errorcode "{rule.id}" errorlevel {LEVELS[rule.severity]}'


def exact(schema: Schema) -> list[str]:
    """That a row's figure is as it stands: no multiplier."""
    return [f'nvl({MULTIPLIER}, "0") = "0"'] if MULTIPLIER in schema.by_id else []


# --- single rows ------------------------------------------------------------------------------------------


def row_rules(rule: Rule, schema: Schema) -> list[tuple[list[str], str]]:
    """(conditions, what has to hold) for each line of a datapoint ruleset."""
    statuses = [id for id in rule.value("statuses", ["OBS_STATUS"]) if id in schema.by_id]
    if rule.check == "negative_count":
        return [([], f"{FIGURE} >= 0")]
    if rule.check == "not_whole":
        return [(exact(schema), f"mod({FIGURE}, 1) = 0")]
    if rule.check == "outside_range":
        lower, upper = rule.value("lower"), rule.value("upper")
        return [(exact(schema), f"{FIGURE} >= {lower} and {FIGURE} <= {upper}")]
    if rule.check in ("bounds_inverted", "outside_bounds"):
        lower, upper = rule.value("lower"), rule.value("upper")
        if not {lower, upper} <= set(schema.by_id):
            return []
        if rule.check == "bounds_inverted":
            return [([], f"{lower} <= {upper}")]
        inside = f"nvl({FIGURE} >= {lower}, true) and nvl({FIGURE} <= {upper}, true)"
        return [([f"nvl({lower} <= {upper}, true)"], inside)]
    if rule.check == "missing_without_status":
        return [([f"isnull({FIGURE})"], "not isnull(OBS_STATUS)")]
    if rule.check == "figure_missing_but_normal":
        said = " or ".join(is_one_of(id, rule.value("may_be_empty")) for id in statuses)
        return [([f"isnull({FIGURE})", "not isnull(OBS_STATUS)"], said)]
    if rule.check == "figure_despite_status":
        zero = rule.value("zero", [])
        nothing = [code for code in rule.value("missing") if code not in zero]
        lines = []
        for id in statuses:
            lines.append(([f"not isnull({FIGURE})"], f"not {is_one_of(id, nothing)}"))
            lines.append(([f"not isnull({FIGURE})", is_one_of(id, zero)], f"{FIGURE} = 0"))
        return lines
    return []


def datapoint(rule: Rule, schema: Schema, flow: str) -> Said | None:
    chosen, lines = conditions(rule, schema), row_rules(rule, schema)
    if chosen is None or not lines:
        return None
    told = []
    for at, (own, holds) in enumerate(lines, 1):
        when = " and ".join([*chosen, *own])
        label = f"{name(rule.id)}_{at}"
        told.append(f"  {label}: {f'when {when} then ' if when else ''}{holds} {ending(rule)}")
    text = ";\n".join(told)
    used = [c.id for c in schema.components if re.search(rf"\b{c.id}\b", text)]
    id = f"DPR_{name(rule.id)}"
    head = f"define datapoint ruleset {id} (variable {', '.join(used)}) is\n"
    ruleset = Ruleset(
        id, names=rule.title, definition=f"{head}{text}\nend datapoint ruleset;",
        ruleset_type="datapoint", scope="variable",
    )  # fmt: skip
    step = (f"{flow}_{name(rule.id)}", f"check_datapoint({flow}, {id} invalid)", True)
    return Said(rule.title, (ruleset,), (step,))


# --- sums -------------------------------------------------------------------------------------------------


def hierarchical(rule: Rule, schema: Schema, flow: str) -> Said | None:
    """A sum, as an equality for groups that are complete and as a bound for all."""
    component, chosen = schema.by_id.get(rule.component), conditions(rule, schema)
    if component is None or chosen is None or len(component.valid) < 2:
        return None
    parted = [one for one in _partitions(rule, component) if not component.valid.isdisjoint(one[1].parts)]
    if all(partition.whole not in component.valid for _, partition in parted):
        return None
    whole_numbers = [*exact(schema), f"nvl(mod({FIGURE}, 1) = 0, false)"]
    rounded = ["isnull(ROUND_BASE)"] if "ROUND_BASE" in schema.by_id else []
    rounded += ['nvl(ROUND_METHOD, "NONE") = "NONE"'] if "ROUND_METHOD" in schema.by_id else []
    when = " and ".join([*chosen, *whole_numbers, *rounded])
    signed = {id: codes for id, codes in rule.value("signed", {}).items() if id in schema.by_id}
    there = " and ".join([f"not isnull({FIGURE})", *(f"not {is_one_of(*one)}" for one in signed.items())])
    base, id = f"{flow}_{name(rule.id)}", rule.component
    within = _ruleset(rule, list(_partitions(rule, component)), "within")
    bound = f"check_hierarchy({base}_there, {within.id} rule {id} non_zero dataset invalid)[drop {FIGURE}]"
    calc = f"[calc {FIGURE} := if {when} then {FIGURE} else null][keep {FIGURE}]"
    steps = [
        (f"{base}_figures", f"{flow}{calc}", False),
        (f"{base}_there", f"{flow}[filter {there}]{calc}", False),
        (f"{base}_within", f"inner_join({bound} as c, {base}_there[filter {FIGURE} >= 0] as t)", True),
    ]
    sums = [one for one in _partitions(rule, component) if _is_equality(rule, one[1])]
    if not sums:
        return Said(rule.title, (within,), tuple(steps))
    equal = _ruleset(rule, sums, "equal")
    may = dict.fromkeys(part for _, one in sums for part in one.parts if may_lack(part))
    none = [f'{base}_groups[calc identifier {id} := "{part}", {FIGURE} := 0][keep {FIGURE}]' for part in may]
    filled = f"union({', '.join([f'{base}_figures', *none])})" if none else f"{base}_figures"
    steps += [
        (f"{base}_groups", f"count({base}_figures group except {id})", False),
        (f"{base}_filled", filled, False),
        (
            f"{base}_equal",
            f"check_hierarchy({base}_filled, {equal.id} rule {id} non_null dataset invalid)",
            True,
        ),
    ]
    return Said(rule.title, (within, equal), tuple(steps))


def _partitions(rule: Rule, component: SchemaComponent) -> Iterator[tuple[int, Partition]]:
    """The partitions by their number in the rule, without parts that only repeat others.

    They are those of the code list: the dataflows of a structure share a ruleset.
    """
    named = rule.value("wholes", ())
    for at, partition in enumerate(rule.partitions, 1):
        own = (part for part in partition.parts if part not in partition.alternatives)
        parts = tuple(part for part in own if part in component.codes)
        if partition.whole in component.codes and parts and (not named or partition.whole in named):
            yield at, Partition(partition.whole, parts, partition.alternatives)


def _is_equality(rule: Rule, partition: Partition) -> bool:
    """With alternatives a sum may hold in several ways; where no part has to be there it is open."""
    is_open = rule.check == "parts_exceed_whole" or rule.value("open", default=False)
    return not is_open and not partition.alternatives and not all(map(may_lack, partition.parts))


def _ruleset(rule: Rule, partitions: Sequence[tuple[int, Partition]], kind: str) -> Ruleset:
    id, sign = f"HR_{name(rule.id)}_{kind}", {"equal": "=", "within": ">="}[kind]
    lines = [
        f"  {name(rule.id)}_{at}: {item(one.whole)} {sign} {' + '.join(map(item, one.parts))} {ending(rule)}"
        for at, one in partitions
    ]
    head = f"define hierarchical ruleset {id} (variable rule {rule.component}) is\n"
    text = head + ";\n".join(lines) + "\nend hierarchical ruleset;"
    return Ruleset(
        id, names=_numbered(rule.title, sign), definition=text, ruleset_type="hierarchical", scope="variable"
    )


def _numbered(title: Text, which: str) -> Text:
    """The title of a rule for one of several artefacts that say it."""
    return {language: f"{text} ({which})" for language, text in title.items()}


SAID_BY = {
    "sum_of_parts": hierarchical,
    "parts_exceed_whole": hierarchical,
    **dict.fromkeys(
        ("negative_count", "not_whole", "outside_range", "bounds_inverted", "outside_bounds",
         "missing_without_status", "figure_missing_but_normal", "figure_despite_status"),
        datapoint,
    ),
}  # fmt: skip
"""The checks that VTL has words for."""


# --- artefacts --------------------------------------------------------------------------------------------


def artefacts(registry: Registry, book: RuleBook) -> Iterator[Maintainable]:
    flows: dict[Reference, list[tuple[Dataflow, list[Said]]]] = {}
    for flow in registry.of(Dataflow):
        schema = registry.schema(flow.reference)
        said = [
            found
            for rule in book.of_schema(schema)
            if rule.check in SAID_BY and (found := SAID_BY[rule.check](rule, schema, flow.id))
        ]
        if said:
            flows.setdefault(schema.dsd.reference, []).append((flow, said))
    mapped = [flow for entries in flows.values() for flow, _ in entries]
    names = _mapping(mapped)
    yield names
    for structure, entries in flows.items():
        dsd = registry.get(DataStructure, structure)
        rulesets = {made.id: made for _, said in entries for one in said for made in one.rulesets}
        scheme = RulesetScheme(
            f"RS_{dsd.id.removeprefix('DSD_')}", names=_titles("Rules in VTL", "Règles en VTL", dsd),
            agency=AGENCY, version=VERSION, annotations=NOTE, vtl_version=LANGUAGE,
            items=tuple(rulesets.values()), mapping_scheme=names.reference,
        )  # fmt: skip
        yield scheme
        for flow, said in entries:
            yield TransformationScheme(
                f"TS_{flow.id.removeprefix('DF_')}",
                names=_titles("Rules in VTL, applied", "Règles en VTL, appliquées", flow),
                agency=AGENCY, version=VERSION, annotations=NOTE, vtl_version=LANGUAGE,
                items=tuple(_transformations(said)), mapping_scheme=names.reference,
                ruleset_schemes=(scheme.reference,),
            )  # fmt: skip


def _titles(en: str, fr: str, of: Maintainable) -> dict[str, str]:
    return {"en": f"{en}: {of.name(('en',))}", "fr": f"{fr} : {of.name(('fr',))}"}


def _mapping(flows: Sequence[Dataflow]) -> VtlMappingScheme:
    items = tuple(
        VtlMapping(flow.id, names=flow.names, alias=flow.id, mapped=flow.reference) for flow in flows
    )
    names = {"en": "Names of the dataflows in VTL", "fr": "Noms des flux de données en VTL"}
    return VtlMappingScheme(
        "VMS_MIGDX", names=names, agency=AGENCY, version=VERSION, annotations=NOTE, items=items
    )


def _transformations(said: Iterable[Said]) -> Iterator[Transformation]:
    for one in said:
        for at, (result, expression, is_kept) in enumerate(one.steps, 1):
            names = _numbered(one.title, f"{at}/{len(one.steps)}")
            yield Transformation(
                result, names=names, expression=expression, result=result, is_persistent=is_kept
            )


def text(artefact: Maintainable) -> str:
    """A message with one artefact, as its file holds it."""
    header = Header(artefact.id, datetime(2026, 11, 21, tzinfo=UTC))
    root = etree.fromstring(b"".join(STRUCTURE_WRITERS[FORM]([artefact], header, ("en",))))
    etree.indent(root, space="  ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{etree.tostring(root, encoding="unicode")}\n'


def messages(registry: Registry, book: RuleBook) -> Iterator[tuple[Path, str]]:
    """(path below the checkout, content)."""
    for artefact in artefacts(registry, book):
        yield Path("dsd", AGENCY, f"{artefact.id}-{VERSION}.xml"), text(artefact)


def main() -> None:
    registry = load_structures()
    book = bound(read_rules(shipped_structures()), registry)
    made = dict(messages(registry, book))
    for path, content in made.items():
        (ROOT / path).write_text(content, encoding="utf-8")
    for prefix in ("RS_", "TS_", "VMS_"):
        for path in (ROOT / "dsd" / AGENCY).glob(f"{prefix}*.xml"):
            if path.relative_to(ROOT) not in made:
                path.unlink()
    print(f"{len(made)} messages, {sum(map(len, made.values())) // 1024} KB")


if __name__ == "__main__":
    main()
