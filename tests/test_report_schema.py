"""The published JSON Schema of a report: every kind of report is valid by it, and read back equal."""

import json
from importlib.resources import files
from pathlib import Path

import orjson
import pytest
from conftest import FRANCE, flow_csv, flow_row, publish, sent
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from migdx.folders import shipped_specimens
from migdx.report import SCHEMA, Counts, Finding, Place, Report, Waived, catalogue

SHIPPED = json.loads(files("migdx").joinpath("schemas", "report.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SHIPPED)
SPECIMENS = sorted(path.name for path in shipped_specimens().glob("*.csv"))[::12]
WORKBOOKS = Path(__file__).parent / "formats" / "workbooks"

BALANCE = {
    "rule": "X1", "key": "A.1", "period": "2020", "given": "5", "expected": "6", "difference": "-1",
    "terms": [
        {"name": {"en": "start"}, "sign": "+", "value": "4"}, {"name": "END", "sign": "=", "value": "5"}
    ],
}  # fmt: skip
MIRROR = {
    "rule": "X2", "key": "A.1", "period": "2020", "ratio": None, "difference": "5",
    "sides": [
        {"provider": "AAA", "value": "10", "definitions": {"X": "Y"}}, {"provider": "BBB", "value": ""}
    ],
}  # fmt: skip
CHANGE = {
    "counts": {"added": 1, "notSentAgain": 0},
    "largest": [{"key": "A.1", "period": "2020", "before": None, "after": None, "hidden": True}],
}
MADE = Report(
    "rejected",
    {"sha256": "0" * 64, "bytes": 1, "fileName": "x", "mediaType": "", "format": "SDMX-CSV 2.0",
     "accept": "all", "dataflow": None, "provider": None, "agreement": None},
    {"checks": "0" * 64, "code": "1", "structures": "s", "pack": "0" * 64, "titles": {"X1": {"en": "One"}}},
    Counts(3, 0, rejected=3, errors=2, warnings=1),
    (
        Finding("sum_of_parts", "error", "SEX", "_T", count=2, rule="X1", level=1, impossible=True,
                places=(Place(row=2, given="120", expected="115"),)),
        Finding("unknown_code", value="", expected={"nearest": [{"code": "F", "why": "similar"}]}),
        Finding("outlier", "warning", rule="X9", level=2, blocking=False,
                waived=Waived("it was so", "A. Person", "2027-01-31")),
    ),
    (
        {"check": "outlier", "rule": "X1", "reason": "no_previous", "count": 3},
        {"check": "a", "reason": "not_bound"},
    ),
    {"readMs": 1.5},
    {"balances": [BALANCE], "mirrors": [{"rule": "X2", "counts": {"pairs": 1}}, MIRROR], "changes": [CHANGE]},
)  # fmt: skip


def valid(report, *languages):
    """As JSON it is by the schema, and what is read back from its bytes is equal."""
    told = orjson.loads(orjson.dumps(report.as_dict(languages or ("en",))))
    VALIDATOR.validate(told)
    assert Report.from_dict(told).as_dict(("en",)) == report.as_dict(("en",))
    return told


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SHIPPED)
    assert SHIPPED["$id"] == SCHEMA


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everything_that_a_report_may_hold(language):
    told = valid(MADE, language)
    assert told["$schema"] == SCHEMA
    assert Report.from_dict(told) == MADE


def test_titles_and_reasons_are_in_the_asked_language():
    english, french = MADE.as_dict(("en",)), MADE.as_dict(("fr",))
    assert english["groups"][0]["title"] == french["groups"][0]["title"] == "One"
    assert "title" not in english["groups"][1]
    reasons = [told["counts"]["notChecked"][0]["message"] for told in (english, french)]
    assert reasons == [catalogue(language)["not_checked.no_previous"] for language in ("en", "fr")]


def test_rows_are_counted_by_level_and_severity():
    assert MADE.levels() == [
        {"level": 0, "error": 1, "warning": 0, "information": 0},
        {"level": 1, "error": 2, "warning": 0, "information": 0},
        {"level": 2, "error": 0, "warning": 0, "information": 0},  # what is waived is not counted
    ]


def test_what_is_no_report_is_refused():
    told = MADE.as_dict()
    for wrong in (
        {**told, "verdict": "perhaps"},
        {**told, "groups": [{**told["groups"][0], "level": 6}]},
        {**told, "groups": [{**told["groups"][0], "sample": [{"line": 5}]}]},
        {**told, "counts": {**told["counts"], "notChecked": [{"check": "a", "reason": "a sentence"}]}},
    ):
        with pytest.raises(ValidationError):
            VALIDATOR.validate(wrong)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    from migdx.exchange import Exchange

    made = Exchange.open(tmp_path_factory.mktemp("reports"))
    publish(made, "FRA", FRANCE)
    yield made
    made.close()


def test_reports_on_the_specimens(exchange):
    for name in SPECIMENS:
        valid(exchange.check(sent((shipped_specimens() / name).read_bytes(), "FRA")), "fr")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x01", b"no header\n1,2\n", b"<a/>", b"{}", b"PK\x03\x04",
     flow_csv(flow_row("250", "IMMIG", "276", 2018, "=1+1", sex="x" * 1000))],
)  # fmt: skip
def test_reports_on_what_cannot_be_read(exchange, content):
    assert valid(exchange.check(sent(content, "FRA")))["verdict"] == "rejected"


def test_reports_on_workbooks(exchange):
    for path in sorted(WORKBOOKS.glob("*.xls*"))[:6]:
        valid(exchange.check(sent(path.read_bytes(), "FRA", path.name, "")))


def test_the_report_of_a_submission_is_kept_as_it_was_given(exchange):
    rows = [flow_row("250", "IMMIG", "276", 2018, 1850), flow_row("250", "IMMIG", "724", 2018, 30)]
    (submission,), report = exchange.submit(sent(flow_csv(*rows), "FRA"), by="test")
    told = valid(report)
    kept = exchange.report(submission.id)
    assert Report.from_dict(kept).as_dict(("en",)) == told
    VALIDATOR.validate(kept)
