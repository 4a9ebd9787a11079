"""Two engines that agree: vtlengine runs the VTL that the structures carry, and says what our checks say.

`make test-vtl` makes an environment of vtlengine's own and runs this; nothing of it is imported here. Where
VTL says less than the checks, tools/make_vtl.py says so, and `decided` below is exactly that.
"""

import io
import json
import os
import random
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from migdx.checks import Given, judged
from migdx.dataset import Numbers
from migdx.folders import shipped_structures
from migdx.formats import csv_reader, sandbox
from migdx.intake import examine
from migdx.registry import Registry
from migdx.rulebook import bound, read_rules
from migdx.sent import Sent

pytestmark = pytest.mark.vtl

PYTHON = Path(os.environ.get("MIGDX_VTL_PYTHON", ROOT / "build" / "vtl" / "venv" / "bin" / "python"))
ROWS = ("negative_count", "not_whole", "outside_range", "bounds_inverted", "outside_bounds",
        "missing_without_status", "figure_missing_but_normal", "figure_despite_status")  # fmt: skip
SUMS = ("sum_of_parts", "parts_exceed_whole", "unexplained_remainder")
BY_DATAFLOW = {
    "DF_MIG_FLOW": ("SEX", "REASON", "CITIZENSHIP", "COUNTERPART_AREA"),
    "DF_MIG_STOCK": ("SEX", "BIRTHPLACE", "AGE", "EDUCATION_LEV"),
    "DF_MIG_IND_PA1": ("SEX", "BIRTHPLACE", "CITIZENSHIP"),
}
FIXED = {"FREQ": "A", "REF_AREA": "250", "SOURCE": "OFF", "COMPONENT": "IMMIG", "INDICATOR": None}


@pytest.fixture(scope="module")
def registry():
    return Registry.load(shipped_structures())


@pytest.fixture(scope="module")
def book(registry):
    return bound(read_rules(shipped_structures()), registry)


def sums_of(schema, book, id, *, open):
    """A whole and a few parts that the dataflow takes: all of a small sum, or some of an open one."""
    for rule in book.of_schema(schema):
        wholes = rule.value("wholes", ())
        for one in rule.partitions if rule.check == "sum_of_parts" and rule.component == id else ():
            parts = [part for part in one.parts if part in schema.by_id[id].valid]
            if open and rule.value("open", default=False) and one.whole in wholes and len(parts) > 2:
                return [one.whole, *parts[:3]]
            if not open and one.whole == "_T" and 1 < len(parts) < 9:
                return [one.whole, *parts]
    return ["_T", *sorted(schema.by_id[id].valid - {"_T"})[:3]]


def made_up(registry, book, dataflow, seed, *, plain):
    """A table of random figures, most of which add up: SDMX-CSV. `plain` ones have whole numbers alone."""
    rng = random.Random(seed)
    schema = registry.schema(registry.dataflow(dataflow).reference)
    split = BY_DATAFLOW[dataflow]
    more = [
        "OBS_STATUS",
        "OBS_STATUS_2",
        "LOWER_BOUND",
        "UPPER_BOUND",
        "UNIT_MEASURE",
        "UNIT_MULT",
        "ROUND_BASE",
    ]
    more = [id for id in more if id in schema.by_id and id not in schema.key]
    header = ["DATAFLOW", *schema.key, "OBS_VALUE", *more]
    codes = {id: sums_of(schema, book, id, open=seed == 2) for id in split}
    only = {c.id: sorted(c.valid)[0] for c in schema.series_dimensions if len(c.valid) == 1}
    lines, keys = [",".join(header)], set()
    for year in range(1990, 2015):
        component = rng.choice(["IMMIG", "NET"]) if dataflow == "DF_MIG_FLOW" else ""
        unit = rng.choice(["PS", "PS", "PT"])
        indicator = rng.choice(sorted(schema.by_id["INDICATOR"].valid)) if "INDICATOR" in schema.by_id else ""
        for id in split:
            parts = codes[id]
            values = {code: rng.randrange(0, 400) for code in parts[1:]}
            values[parts[0]] = sum(values.values()) + rng.choice([0, 0, 0, 1, -1, 50, -50])
            for code in parts:
                if rng.random() < 0.12:
                    continue
                key = {**dict.fromkeys(schema.key, "_T"), **FIXED, **only, id: code, "TIME_PERIOD": str(year)}
                key["COMPONENT"], key["INDICATOR"], key["UNIT_MEASURE"] = component, indicator, unit
                key["SOURCE"] = "OFF"
                row = tuple(key[d] for d in schema.key)
                if row in keys:
                    continue
                keys.add(row)
                value = "" if rng.random() < 0.05 else str(values[code] - (500 if rng.random() < 0.03 else 0))
                status = (
                    rng.choice(["A", "A", "A", "E", "M", "Q", "L", "", "K", "O"])
                    if rng.random() < 0.3
                    else "A"
                )
                lower, upper = (rng.choice(["", str(rng.randrange(0, 300))]) for _ in "lu")
                told = {"OBS_STATUS": status, "OBS_STATUS_2": rng.choice(["", "", "", "M", "W"]),
                        "LOWER_BOUND": lower if rng.random() < 0.2 else "",
                        "UPPER_BOUND": upper if rng.random() < 0.2 else "",
                        "UNIT_MEASURE": unit, "UNIT_MULT": "0", "ROUND_BASE": ""}  # fmt: skip
                if not plain:
                    value = f"{value}.5" if value and rng.random() < 0.1 else value
                    told |= {
                        "UNIT_MULT": rng.choice(["0", "0", "", "3"]),
                        "ROUND_BASE": rng.choice(["", "", "", "5"]),
                    }
                flow = f"MIGDX:{dataflow}(1.0.0)"
                lines.append(",".join([flow, *row, value, *(told[name] for name in more)]))
    return ("\n".join(lines) + "\n").encode()


def files(registry, book):
    """(name, dataflow, content): every specimen of a rule that VTL says, and tables made up."""
    for check in (*ROWS, *SUMS):
        for path in sorted((ROOT / "tests" / "checks").glob(f"{check}*.csv")):
            yield path.name, path.read_bytes()
    for dataflow in BY_DATAFLOW:
        for seed, plain in enumerate((True, False, True)):
            yield (
                f"{dataflow} {seed}{' plain' if plain else ''}",
                made_up(registry, book, dataflow, seed, plain=plain),
            )


class Ours:
    """What our checks find in a file, and the table that VTL is given."""

    def __init__(self, content, registry, book):
        sent = Sent(io.BytesIO(content), len(content), "text/csv", "file.csv")
        found = examine(sent, registry, book, preview=True)
        (share,) = found.shares
        self.dataset, self.schema = share.dataset, share.schema
        self.dataflow = self.schema.dataflow.id
        self.rules = {rule.id: rule for rule in book}
        self.found = set()
        # the checks themselves: a report leaves out what follows from another finding
        own = book.of_schema(self.schema)
        for one in judged(self.dataset, own, Given.nothing("nothing_stored")).located:
            if one.finding.code in (*ROWS, *SUMS):
                self.found |= {(one.finding.rule, self.key(int(row))) for row in one.records}

    def key(self, row):
        return tuple(self.dataset.coded(id).text(row) for id in self.schema.key)

    def job(self, folder, number):
        """The table as CSV with every component of the structure, and what vtlengine is to know of it."""
        components, columns = [], {}
        for one in self.schema.components:
            column = self.dataset.columns.get(one.id)
            role = {"dimension": "Identifier", "time": "Identifier", "measure": "Measure"}.get(
                one.role, "Attribute"
            )
            kind = "Number" if one.numeric else "String"
            components.append({"name": one.id, "type": kind, "role": role, "nullable": role != "Identifier"})
            if column is None:
                columns[one.id] = [""] * len(self.dataset)
            elif isinstance(column, Numbers):
                columns[one.id] = ["" if np.isnan(value) else repr(float(value)) for value in column.values]
            else:
                columns[one.id] = [column.text(row) for row in range(len(self.dataset))]
        path = folder / f"{number}.csv"
        lines = [
            ",".join(f'"{text}"' if "," in text else text for text in row)
            for row in zip(*columns.values(), strict=True)
        ]
        path.write_text("\n".join([",".join(columns), *lines]) + "\n", encoding="utf-8")
        dsd = self.schema.dsd.id.removeprefix("DSD_")
        several = {
            id for id in self.schema.key if len(set(columns[id])) > 1
        }  # else there is no whole with parts
        rules = [id for id, rule in self.rules.items() if rule.check in ROWS or rule.component in several]
        return {"dataflow": self.dataflow, "scheme": f"TS_{self.dataflow.removeprefix('DF_')}-1.0.xml",
                "rulesets": f"RS_{dsd}-1.0.xml", "rules": [re.sub(r"\W", "_", id) for id in rules],
                "components": components, "table": str(path)}  # fmt: skip

    def decided(self, rule, key):
        """Whether VTL decides it: of a sum, that no figure in it is scaled, rounded or a fraction.

        Nor has a part of it parts of its own, which our checks put in its place.
        """
        own = self.rules[rule]
        if own.check not in ("sum_of_parts", "parts_exceed_whole"):
            return self.text("UNIT_MULT", key) in ("", "0")
        at = self.schema.key.index(own.component)
        wholes = [one for one in own.partitions if one.whole == key[at]]
        several = {one.whole for one in own.partitions}
        nested = len(wholes) > 1 or any(part in several for one in wholes for part in one.parts)
        group = [k for k in self.rows if k[:at] + k[at + 1 :] == key[:at] + key[at + 1 :]]
        negative = float(self.text("OBS_VALUE", key) or 0) < 0  # told by itself
        return (
            not nested
            and not negative
            and all(
                self.text("UNIT_MULT", k) in ("", "0")
                and not self.text("ROUND_BASE", k)
                and float(self.text("OBS_VALUE", k) or 0) % 1 == 0
                for k in group
            )
        )

    @property
    def rows(self):
        if not hasattr(self, "_rows"):
            self._rows = {self.key(row): row for row in range(len(self.dataset))}
        return self._rows

    def text(self, component, key):
        column = self.dataset.columns.get(component)
        return "" if column is None else column.text(self.rows[key])


@pytest.fixture(scope="module")
def both(registry, book, tmp_path_factory):
    """(name, ours, what vtlengine finds) of every file."""
    if not PYTHON.is_file():
        pytest.fail(f"{PYTHON} is missing: make test-vtl")
    folder = tmp_path_factory.mktemp("vtl")
    with pytest.MonkeyPatch.context() as patch:  # the reader in this process: the files are ours
        patch.setattr(sandbox.default, "read", lambda file, size, **job: csv_reader.read(file, job))
        ours = {name: Ours(content, registry, book) for name, content in files(registry, book)}
    job = {
        "structures": str(ROOT / "dsd" / "MIGDX"),
        "files": [o.job(folder, at) for at, o in enumerate(ours.values())],
    }
    program = [PYTHON, ROOT / "tests" / "vtl" / "theirs.py"]
    done = subprocess.run(program, input=json.dumps(job), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = ({(code, tuple(key)) for code, key in one} for one in json.loads(done.stdout))
    return list(zip(ours, ours.values(), told, strict=True))


def test_what_vtl_finds_our_checks_find(both):
    """Everywhere: where it cannot decide it says nothing."""
    for name, ours, theirs in both:
        assert theirs - ours.found == set(), name


def test_what_our_checks_find_vtl_finds_where_it_decides(both):
    """Row by row; with the test above, the verdicts are the same there."""
    for name, ours, theirs in both:
        missed = {(rule, key) for rule, key in ours.found - theirs if ours.decided(rule, key)}
        assert missed == set(), name


def test_every_rule_is_tried_by_both(both):
    """Each kind of rule fails somewhere and holds somewhere, in both engines."""
    agreed = {(ours.rules[rule].check, rule) for _, ours, theirs in both for rule, key in theirs & ours.found}
    assert {check for check, _ in agreed} >= set(ROWS) | {"sum_of_parts"}
    assert {rule for _, rule in agreed} >= {
        "C01",
        "C02",
        "C03",
        "C04",
        "C06",
        "C07",
        "C15",
        "S06",
        "S07",
        "S07c",
        "Q01",
    }
    good = [name for name, ours, theirs in both if ".good." in name and (theirs or ours.found)]
    assert good == []
