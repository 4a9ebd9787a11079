"""What a browser says of a file before it is sent is what the service says of it: one corpus for both."""

import io
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import HEADER, ROOT, flow_row

from migdx.folders import shipped_structures
from migdx.intake import examine
from migdx.registry import Registry
from migdx.rule_pack import CODES, rule_pack
from migdx.sent import Sent

STATIC = ROOT / "service" / "migdx" / "web" / "static"
RUNNER = Path(__file__).with_name("run_check.mjs")

ROW = flow_row("250", "IMMIG", "276", 2019, 10)


def with_cells(**cells):
    """A row of the flows with some cells replaced, in the order of HEADER."""
    names = HEADER.split(",")
    given = dict(zip(names, f"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,A,{ROW}".split(","), strict=True))
    given.update({name: str(value) for name, value in cells.items()})
    return ",".join(given[name] for name in names)


def lines(*rows, header=HEADER, end="\n", last=True):
    return (end.join([header, *rows]) + (end if last else "")).encode()


def years(**cells):
    """One row for each of the texts of one cell, in years of their own."""
    ((name, texts),) = cells.items()
    keyed = name not in ("TIME_PERIOD", "FREQ")
    return [
        with_cells(**({"TIME_PERIOD": 1950 + at} if keyed else {}), **{name: t}) for at, t in enumerate(texts)
    ]


PERIODS = [
    "2020", "2020-01", "2020-13", "2020-00", "2020-Q1", "2020-Q4", "2020-Q5", "2020-Q0", "2020-S2", "2020-S3",
    "2020-T3", "2020-T4", "2020-A1", "2020-A2", "2020-M12", "2020-M13", "2020-W53", "2021-W53", "2020-W00",
    "2020-D366", "2021-D366", "2020-D000", "2020-02-29", "2020-02-30", "1900-02-29", "2000-02-29",
    "2020-04-31",
    "2020Z", "2020-01+02:00", "31.12.2023", "20200131", "2020/2021", "2020-01/P1Y", "2020-01-01/P", "0000",
    "0000-Q1", "0001", "9999", "2020 ", " 2020", "2020-1", "2020-Q1 ", "Q1-2020", "2015-W53",
    "2026-W53", "2009-W53",
    "0001-W01", "T2020", "x/P1Y", "NaN", "#N/A", "~", "",
]  # fmt: skip
NUMBERS = [
    "1", "1e3", "+5", "-3", " 7", "7 ", "1 234", "12,5", "n.a.", ".5", "5.", "1.5e-3", "0x10",
    "Infinity", "NaN",
    "nan", "#N/A", "", "1e400", "1_000", "--1", "1e", "1,234,567", "٣", "½", "-0", "1.234",
]  # fmt: skip
CODES_GIVEN = ["F", "M", "f", " F", "F ", "Female", "_T", "#N/A", "~", "", "_Z", "F,M", "\t"]


def semicolons(*values):
    """Rows with these figures; `#` in one becomes a comma."""
    return lines(*(with_cells(OBS_VALUE=v, TIME_PERIOD=1990 + n) for n, v in enumerate(values)))


def corpus():
    """Files by name; `~` before a name: sent without a provider."""
    rng = random.Random(5)
    base = [with_cells(TIME_PERIOD=2000 + at, OBS_VALUE=at) for at in range(8)]
    quoted = ['"' + with_cells(TIME_PERIOD=1999, COMMENT_OBS="").replace(",", '","') + '"']
    yield "sound", lines(*base)
    yield "no last line end", lines(*base, last=False)
    yield "mark of UTF-8", b"\xef\xbb\xbf" + lines(*base, with_cells(SEX="x"))
    yield "returns", lines(*base, with_cells(SEX="x"), end="\r\n")
    yield "old returns", lines(*base, with_cells(SEX="x"), end="\r")
    yield (
        "mixed ends",
        b"\r".join(lines(*base, with_cells(SEX="x")).split(b"\n", 4)[:4])
        + b"\r\n"
        + b"\n".join(lines(*base, with_cells(SEX="x")).split(b"\n")[4:]),
    )
    yield "blank lines", lines("", *base[:2], "", "", with_cells(SEX="x"), "", *base[2:], "")
    yield "blank lines first", b"\n\r\n" + lines(*base[:2], with_cells(SEX="x"))
    yield "line of blanks", lines(*base[:2], "   ", with_cells(SEX="x"))
    yield "header only", lines()
    yield "header without end", lines(last=False)
    yield (
        "quoted",
        lines(
            *base,
            *quoted,
            with_cells(SEX='"F"', TIME_PERIOD=1998),
            with_cells(SEX='"F""x"', TIME_PERIOD=1997),
        ),
    )
    yield (
        "quoted header",
        b",".join(b'"%s"' % name for name in HEADER.encode().split(b","))
        + b"\n"
        + lines(*base, with_cells(SEX="x")).split(b"\n", 1)[1],
    )
    yield (
        "line end in quotes",
        lines(
            with_cells(COMMENT_OBS='"two\nlines, and ""quotes"""', TIME_PERIOD=1990),
            with_cells(SEX="x"),
            *base,
        ),
    )
    yield (
        "returns in quotes",
        lines(
            with_cells(COMMENT_OBS='"a\r\nb\rc\nd"', TIME_PERIOD=1990), with_cells(SEX="x"), *base, end="\r\n"
        ),
    )
    yield (
        "quote inside",
        lines(
            with_cells(COMMENT_OBS='12" wide', TIME_PERIOD=1990),
            with_cells(COMMENT_OBS='a "b" c', TIME_PERIOD=1991),
            with_cells(SEX='F"'),
        ),
    )
    yield (
        "open quote",
        lines(with_cells(COMMENT_OBS='"never closed', TIME_PERIOD=1990), with_cells(SEX="x"), *base),
    )
    yield "open quote last", lines(*base, with_cells(COMMENT_OBS='"', TIME_PERIOD=1990), last=False)
    yield (
        "quote then text",
        lines(with_cells(COMMENT_OBS='"closed" and more', TIME_PERIOD=1990), with_cells(SEX="x"), *base),
    )
    yield (
        "two open quotes",
        lines(
            with_cells(COMMENT_OBS='"x" y', TIME_PERIOD=1990), with_cells(SEX='"x', TIME_PERIOD=1980), *base
        ),
    )
    yield (
        "ragged",
        lines(*base[:3], base[3] + ",more", base[4].rsplit(",", 2)[0], base[5] + ",,,", "x", *base[6:]),
    )
    yield "semicolons", lines(*base, with_cells(SEX="x")).replace(b",", b";")
    yield "tabs", lines(*base, with_cells(SEX="x")).replace(b",", b"\t")
    yield "pipes", lines(*base, with_cells(SEX="x")).replace(b",", b"|")
    yield "sep", b"sep=;\n" + lines(*base, with_cells(SEX="x")).replace(b",", b";")
    yield "decimal comma", semicolons("1#5", "12#25", "3").replace(b",", b";").replace(b"#", b",")
    yield "comma as thousands", semicolons("1#234", "3").replace(b",", b";").replace(b"#", b",")
    yield "comma and point", semicolons("1#5", "12.25", "3").replace(b",", b";").replace(b"#", b",")
    yield "decimal comma and a fault", semicolons("1#5", "12#25", "x").replace(b",", b";").replace(b"#", b",")
    yield "thousands by points", semicolons("1.234", "12.500", "7")
    yield "thousands and millions", semicolons("1.234", "1.234.567", "1.234", "7")
    yield "thousands and a fraction", semicolons("1.234", "12.5", "7", "1.234.567")
    yield "numbers", lines(*years(OBS_VALUE=[n if "," not in n else f'"{n}"' for n in NUMBERS]))
    yield (
        "whole numbers",
        lines(
            *(
                f"{row},{value}"
                for row, value in zip(years(SEX=["F"] * 6), ["1", "2.5", "-1", "x", "", "3.0"], strict=True)
            ),
            header=HEADER + ",SAMPLE_SIZE",
        ),
    )
    yield (
        "confidential",
        lines(
            *(
                with_cells(TIME_PERIOD=1990 + n, OBS_VALUE=v, CONF_STATUS=c)
                for n, (v, c) in enumerate(
                    [("12 345", "C"), ("12 345", "F"), ("1 2", ""), ("1 2", "C"), ("9", "N")]
                )
            )
        ),
    )
    yield "periods", lines(*years(TIME_PERIOD=PERIODS))
    for frequency in "AQMSTWD":
        yield (
            f"periods of {frequency}",
            lines(*(with_cells(FREQ=frequency, TIME_PERIOD=period) for period in PERIODS)),
        )
    yield (
        "dates",
        lines(
            *(f"{row},{value}" for row, value in zip(years(SEX=["F"] * len(PERIODS)), PERIODS, strict=True)),
            header=HEADER + ",REF_DATE",
        ),
    )
    yield (
        "instants",
        lines(
            *(
                f"{row},{value}"
                for row, value in zip(
                    years(SEX=["F"] * 5),
                    [
                        "2027-03-01T09:00:00+01:00",
                        "2027-02-30T09:00:00Z",
                        "2027-03-01",
                        "soon",
                        "2027-03-01T25:00",
                    ],
                    strict=True,
                )
            ),
            header=HEADER + ",EMBARGO_TIME",
        ),
    )
    yield "codes", lines(*years(SEX=[f'"{code}"' if "," in code else code for code in CODES_GIVEN]))
    yield "status codes", lines(*years(OBS_STATUS=CODES_GIVEN))
    yield (
        "many codes",
        lines(
            *(
                with_cells(SEX=f"x{at % 150}" if at >= 150 else f"x{at}", TIME_PERIOD=1900 + at % 120)
                for at in range(150 + 99)
            )
        ),
    )
    yield "outside", lines(*years(COMPONENT=["IMMIG", "ACQ_CIT", "ACQ_CIT", "nothing", "EMIG"]))
    yield "other areas", lines(*years(REF_AREA=["250", "276", "276", "380", "zzz", "001"]))
    yield "~no provider", lines(*years(REF_AREA=["250", "276", "276", "380", "zzz"]))
    yield "missing", lines(*years(COUNTERPART_AREA=["276", "", "  ", "~"]))
    yield (
        "missing column",
        lines(
            *(",".join(row.split(",")[:11] + row.split(",")[12:]) for row in base),
            header=HEADER.replace(",SEX", ""),
        ),
    )
    yield (
        "missing measure",
        lines(*(row.replace(",", ";") for row in []), header=HEADER.replace(",OBS_VALUE", "")),
    )
    yield "strange column", lines(*(row + ",x" for row in base), header=HEADER + ",OBS_STATSU")
    yield (
        "column twice",
        lines(*(row + ",F" for row in base), with_cells(SEX="x") + ",F", header=HEADER + ",SEX"),
    )
    yield "empty heading", lines(*(row + "," for row in base), with_cells(SEX="x") + ",", header=HEADER + ",")
    yield (
        "empty heading that says",
        lines(*(row + "," for row in base), with_cells(SEX="x") + ",5", header=HEADER + ","),
    )
    yield (
        "blanks in the header",
        lines(*base, header=HEADER.replace(",SEX", ", SEX ").replace(",AGE", ",AGE\t")),
    )
    same = with_cells(OBS_VALUE=5)
    yield "repeated", lines(same, *base, same, with_cells(OBS_VALUE="5.0"))
    yield (
        "duplicates",
        lines(same, *base, with_cells(OBS_VALUE=6), same, with_cells(TIME_PERIOD=2003, OBS_VALUE=77)),
    )
    yield "duplicates by attribute", lines(same, with_cells(OBS_VALUE=5, OBS_STATUS="P"), *base[:2])
    yield "duplicates by comment", lines(same, with_cells(OBS_VALUE=5, COMMENT_OBS="x"), *base[:2])
    yield "empty or on purpose", lines(with_cells(OBS_VALUE=""), with_cells(OBS_VALUE="NaN"), *base[:2])
    yield (
        "two actions",
        lines(
            same,
            with_cells(OBS_VALUE=6, ACTION="A"),
            with_cells(OBS_VALUE=6, ACTION="M"),
            with_cells(OBS_VALUE=7, ACTION="M"),
            with_cells(OBS_VALUE=7, ACTION=""),
        ),
    )
    yield (
        "series",
        lines(
            *(
                with_cells(TIME_PERIOD=2000 + at, SEX=sex, UNIT_MULT=mult)
                for sex, mults in (
                    ("F", "000"),
                    ("M", "030"),
                    ("_T", ["0", "", "0"]),
                    ("_O", ["0", "x", "0"]),
                    ("_U", ["", "3", "6"]),
                )
                for at, mult in enumerate(mults)
            )
        ),
    )
    yield (
        "1.0",
        lines(
            *(
                row.split(",", 1)[1].replace(",R,", ",", 1)
                for row in [*base, with_cells(SEX="x"), same, with_cells(OBS_VALUE=6)]
            ),
            header=HEADER.replace("STRUCTURE,STRUCTURE_ID,ACTION", "DATAFLOW"),
        ),
    )
    yield (
        "a sign of any language",
        lines(*years(COMMENT_OBS=["é", "中文", "🌍", "ا"]), with_cells(SEX="Féminin"), with_cells(SEX="女")),
    )
    for at in range(12):  # rows broken anywhere
        rows = [
            *base,
            with_cells(COMMENT_OBS='"a, b"', TIME_PERIOD=1990),
            with_cells(COMMENT_OBS='"a ""b"""', TIME_PERIOD=1991),
            same,
        ]
        text = bytearray(lines(*rows))
        for _ in range(at + 1):
            place = rng.randrange(len(HEADER) + 1, len(text))
            sign = rng.choice([b",", b'"', b"\n", b"\r", b"x", b" ", b"", b"9"])
            text[place : place + rng.choice([0, 1])] = sign
        yield f"broken {at}", bytes(text)


FILES = dict(corpus())
SPECIMENS = ("duplicate_key", "grouped_by_points", "invalid_period", "missing_component",
    "missing_value", "not_a_number",
    "not_your_area", "outside_constraint", "partial_key", "period_not_of_frequency", "repeated_row",
    "series_attribute_varies", "sound", "surrounding_blanks", "unknown_code",
    "unknown_component")  # fmt: skip
FILES |= {f"specimen {name}": (ROOT / "tests" / "checks" / f"{name}.csv").read_bytes() for name in SPECIMENS}


@pytest.fixture(scope="module")
def registry():
    return Registry.load(shipped_structures())


def node():
    """The program, or the reason why there is none."""
    found = shutil.which("node")
    if found is None:
        reason = "node is missing: apt-get install nodejs"
        if os.environ.get("CI", "").lower() in ("", "0", "false"):
            pytest.skip(reason)
        pytest.fail(reason)
    return found


@pytest.fixture(scope="module")
def told(registry, tmp_path_factory):
    """What the script finds in each file: read at once, and in pieces of seven characters."""
    program, folder = node(), tmp_path_factory.mktemp("corpus")
    files = []
    for at, (name, content) in enumerate(FILES.items()):
        path = folder / f"{at}.csv"
        path.write_bytes(content)
        pack = "" if name.startswith("~") else "FRA"
        files += [{"path": str(path), "pack": pack, "size": size} for size in (1 << 20, 7)]
    packs = {provider: rule_pack(registry, "DF_MIG_FLOW", provider) for provider in ("", "FRA")}
    for script in ("check.js", "records.js", "values.js"):
        shutil.copy(STATIC / script, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    job = {"script": str(folder / "check.js"), "files": files, "packs": packs}
    done = subprocess.run(
        [program, RUNNER], input=json.dumps(job), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    return dict(zip(FILES, zip(answers[::2], answers[1::2], strict=True), strict=True))


CAUSES = {"shifted_columns"}
"""Causes that the service sees by comparing columns, and then leaves their consequences out."""


def ours(registry, name, content):
    """(code, component, value, count, first line) of what the service finds, of the codes that a pack has."""
    provider = "" if name.startswith("~") else "FRA"
    found = examine(
        Sent(io.BytesIO(content), len(content), "text/csv", "file.csv", provider), registry, preview=True
    )
    together = False
    for one in found.faults:
        finding = one.finding
        together |= finding.code in CAUSES
        if finding.code in CODES:
            in_header = finding.code in ("unknown_component", "missing_component")
            rows = [] if in_header else [int(found.columns.places.rows[at]) for at in one.records]
            line = min([*rows, *(place.row for place in finding.places)], default=1)
            yield finding.code, finding.component, finding.value, finding.count, line
    yield together


@pytest.mark.parametrize("name", FILES)
def test_the_browser_says_what_the_service_says(name, told, registry):
    whole, pieces = told[name]
    assert whole == pieces
    theirs = {(f["code"], f["component"], f["value"], f["line"]): f["count"] for f in whole["findings"]}
    *found, together = ours(registry, name, FILES[name])
    mine = {(code, component, value, line): count for code, component, value, count, line in found}
    if not together:
        assert theirs == mine
    else:  # the service tells one cause (cells moved to a side) where the browser tells what follows from it
        assert sum(theirs.values()) >= sum(mine.values())
        assert {key[:3] for key in mine} <= {key[:3] for key in theirs}
