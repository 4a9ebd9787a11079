"""Every check has a specimen that it alone rejects, tests/checks/<name>.csv, and points at the right rows."""

import inspect
import io
from pathlib import Path

import pytest

from migdx import checks
from migdx.checks.nearest import nearest
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.sent import Sent

SPECIMENS = Path(__file__).parent / "checks"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """One for the module: a check changes nothing."""
    made = Exchange.open(tmp_path_factory.mktemp("checks"))
    yield made
    made.close()


def report_of(exchange, name, **more):
    path = SPECIMENS / f"{name}.csv"
    with path.open("rb") as file:
        return exchange.check(Sent(file, path.stat().st_size, "text/csv", path.name, "FRA"), **more)


def faults(report):
    """What the checks of every file find: a rule may say of a row or two that it is no whole table."""
    assert all(finding.severity == "information" for finding in report.findings if finding.rule)
    return tuple(finding for finding in report.findings if not finding.rule)


@pytest.mark.parametrize("check", checks.ALWAYS, ids=checks.name)
def test_its_specimen_shows_its_fault_and_no_other(exchange, check):
    report = report_of(exchange, checks.name(check))
    expected = {checks.name(check)}
    if checks.name(check) == "unknown_component":  # the misspelt column is missing too, but it is optional
        assert faults(report)[0].places[0].column == 19
    assert {finding.code for finding in faults(report)} == expected
    severity = checks.ALWAYS[check]
    assert {finding.severity for finding in faults(report)} == {severity}
    assert report.verdict == ("rejected" if severity == "error" else "accepted")


@pytest.mark.parametrize("check", checks.ALWAYS, ids=checks.name)
def test_its_help_says_fault_why_fix_and_example(check):
    help_text = inspect.getdoc(check) or ""
    assert all(word in help_text for word in ("Why:", "Fix:", "Example:"))


def test_a_point_beside_numbers_with_two_is_no_decimal_point(exchange):
    """`1.234` next to `1.234.567` is a thousand: not even with accept=valid is it taken as a fraction."""
    text = (SPECIMENS / "grouped_by_points.csv").read_text().replace("321", "1.234.567")
    content = (text + text.splitlines()[1].replace("2018,1.234", "2017,7") + "\n").encode()
    report = exchange.check(Sent(io.BytesIO(content), len(content), "", "", "FRA"), accept="valid")
    assert {finding.code for finding in faults(report)} == {"not_a_number"}
    assert (report.counts.accepted, report.counts.rejected) == (1, 3)


def test_a_sound_file_has_no_finding(exchange):
    report = report_of(exchange, "sound")
    assert report.verdict == "accepted"
    assert faults(report) == ()
    assert (report.counts.received, report.counts.accepted, report.counts.rejected) == (2, 2, 0)


@pytest.mark.parametrize(
    ("name", "row", "column", "given"),
    [
        ("unknown_code", 4, 11, "Female"),
        ("not_a_number", 4, 15, "1 234"),
        ("invalid_period", 4, 14, "31.12.2019"),
        ("not_your_area", 4, 5, "276"),
        ("outside_constraint", 4, 6, "POP_END"),
        ("missing_value", 4, 11, ""),
    ],
)
def test_a_finding_points_at_row_and_column(exchange, name, row, column, given):
    (finding,) = faults(report_of(exchange, name))
    (place,) = finding.places
    assert (place.row, place.column, place.given) == (row, column, given)
    assert place.key.startswith("A.")


def test_a_duplicate_shows_both_rows(exchange):
    (finding,) = faults(report_of(exchange, "duplicate_key"))
    assert [place.row for place in finding.places] == [3, 4]
    assert (finding.count, finding.values["keys"]) == (2, 1)


def test_the_nearest_codes_say_why(exchange):
    (finding,) = faults(report_of(exchange, "unknown_code"))
    assert finding.expected["nearest"][0] == {"code": "F", "name": "Female", "why": "name (en)"}


@pytest.mark.parametrize(
    ("given", "code", "why"),
    [
        ("DEU", "276", "Areas: ISO 3166-1 alpha-3, as codes of MIGDX"),
        ("DE", "276", "Areas: ISO 3166-1 alpha-2, as codes of MIGDX"),
        ("EL", "300", "Eurostat: country of previous or next residence (partner), as codes of MIGDX"),
        ("UK", "826", "Eurostat: country of previous or next residence (partner), as codes of MIGDX"),
        ("Allemagne", "276", "name (fr)"),
        ("Alemania", "276", "name (es)"),
        ("4", "004", "leading zeros"),
        ("2776", "276", "one character too many"),
        ("Germny", "276", "one character missing"),
        ("Gremany", "276", "two characters exchanged"),
    ],
)
def test_another_list_s_code_is_recognised(exchange, tmp_path, given, code, why):
    text = (SPECIMENS / "sound.csv").read_text().replace(",276,", f",{given},")
    path = tmp_path / "other.csv"
    path.write_text(text)
    with path.open("rb") as file:
        report = exchange.check(Sent(file, path.stat().st_size, "text/csv", "other.csv", "FRA"))
    (finding,) = faults(report)
    assert finding.count == 2
    nearest = finding.expected["nearest"][0]
    assert (nearest["code"], nearest["why"]) == (code, why)


def test_a_property_of_codes_is_no_name(exchange):
    """An annotation says of many areas that something is true."""
    flow = exchange.registry.dataflow("DF_MIG_FLOW")
    component = exchange.registry.schema(flow.reference).by_id["COUNTERPART_AREA"]
    items = component.codelist.items
    assert any("true" in (note.title, note.value) for item in items for note in item.annotations)
    assert nearest(component, "true") == []


def test_a_confidential_figure_is_never_echoed(exchange, tmp_path):
    text = (SPECIMENS / "not_a_number.csv").read_text().replace("1 234,A,F", "98 765,A,C")
    path = tmp_path / "confidential.csv"
    path.write_text(text)
    with path.open("rb") as file:
        report = exchange.check(Sent(file, path.stat().st_size, "text/csv", "c.csv", "FRA"))
    assert report.verdict == "rejected"
    assert [finding.code for finding in faults(report)] == ["not_a_number"]
    assert "98 765" not in str(report)
    assert "98 765" not in str(report.as_dict())


def test_accept_valid_takes_the_sound_rows(exchange):
    report = report_of(exchange, "unknown_code", accept="valid")
    assert report.verdict == "accepted"
    assert (report.counts.accepted, report.counts.rejected) == (2, 1)


def test_one_bad_row_among_many_is_named_exactly(exchange, tmp_path):
    lines = (SPECIMENS / "sound.csv").read_text().splitlines()
    years = [f"{year}" for year in range(1901, 2000)]
    rows = [
        lines[1].replace(",276,_T,_T,_T,_T,", f",276,_T,_T,{sex},{age},").replace("2018", year)
        for sex in ("F", "M", "_T")
        for age in [f"Y{n}" for n in range(100)]
        for year in years
    ]
    rows = [row.replace(",100,", ",200,") if ",_T,Y" in row else row for row in rows]
    rows[23_456] = rows[23_456].replace(",200,", ",two hundred,")
    path = tmp_path / "many.csv"
    path.write_text("\n".join([lines[0], *rows, ""]))
    with path.open("rb") as file:
        report = exchange.check(Sent(file, path.stat().st_size, "text/csv", "many.csv", "FRA"))
    (finding,) = faults(report)
    assert (finding.code, finding.count, finding.places[0].row) == ("not_a_number", 1, 23_458)
    assert (report.counts.received, report.counts.errors) == (len(rows), 1)


def test_a_cause_is_told_without_its_consequence(exchange, tmp_path):
    """A wrong unit in one row is a wrong code, and not a unit that varies within the series too."""
    text = (SPECIMENS / "sound.csv").read_text().replace("110,A,F,PS", "110,A,F,PX")
    path = tmp_path / "unit.csv"
    path.write_text(text)
    with path.open("rb") as file:
        report = exchange.check(Sent(file, path.stat().st_size, "text/csv", "unit.csv", "FRA"))
    assert [(finding.code, finding.count) for finding in faults(report)] == [("unknown_code", 1)]


def test_every_row_bad_is_one_group_with_its_count(exchange, tmp_path):
    text = (SPECIMENS / "sound.csv").read_text()
    lines = text.splitlines()
    rows = [lines[1].replace(",276,", f",{n:03}X,") for n in range(1000)]
    path = tmp_path / "bad.csv"
    path.write_text("\n".join([lines[0], *rows, ""]))
    with path.open("rb") as file:
        report = exchange.check(Sent(file, path.stat().st_size, "text/csv", "bad.csv", "FRA"))
    assert sum(finding.count for finding in faults(report)) == 1000
    assert len(faults(report)) == 101
    assert faults(report)[0].count == 900
    assert faults(report)[0].expected["distinctValues"] == 900


# --- keys: structures of their own, tests/checks/keys -------------------------------------------------------


@pytest.fixture(scope="module")
def with_keys(tmp_path_factory):
    """The shipped structures, and a constraint with key sets and an excluded region on the flows."""
    folders = (*shipped_structures(), SPECIMENS / "keys" / "structures")
    made = Exchange.open(tmp_path_factory.mktemp("keys"), folders)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("name", "rows", "combination"),
    [
        ("outside_key_set", [5, 6], "COMPONENT EMIG, COUNTERPART_AREA 276, SEX _T"),
        ("excluded_key", [5], "COMPONENT IMMIG, COUNTERPART_AREA 276, SEX M"),
        ("excluded_region", [5], "COMPONENT EMIG, TIME_PERIOD 2015"),
    ],
)
def test_a_key_that_the_constraint_does_not_take_is_named(with_keys, name, rows, combination):
    """Each value is allowed by itself; the file is sound where nothing limits combinations."""
    report = report_of(with_keys, f"keys/{name}")
    (finding,) = faults(report)
    assert (finding.code, finding.count, report.verdict) == ("outside_constraint", len(rows), "rejected")
    assert [place.row for place in finding.places] == rows
    assert finding.values["key"] == combination
    assert finding.expected == {"constraint": "MIGDX:CR_KEYS(1.0.0)"}
    told = report.as_dict()["groups"][0]["message"]
    assert told == f"The combination {combination} is not among those that MIGDX:CR_KEYS(1.0.0) takes."


def test_keys_that_the_constraint_takes_are_sound(with_keys):
    assert faults(report_of(with_keys, "keys/sound")) == ()


def test_a_value_outside_every_key_is_told_by_itself(with_keys, tmp_path):
    text = (SPECIMENS / "keys" / "sound.csv").read_text().replace(",EMIG,OFF,380,", ",NET,OFF,380,")
    path = tmp_path / "net.csv"
    path.write_text(text)
    with path.open("rb") as file:
        report = with_keys.check(Sent(file, path.stat().st_size, "text/csv", "net.csv", "FRA"))
    (finding,) = faults(report)
    assert (finding.code, finding.component, finding.value) == ("outside_constraint", "COMPONENT", "NET")
    assert finding.expected["allowed"] == ["EMIG", "IMMIG"]
