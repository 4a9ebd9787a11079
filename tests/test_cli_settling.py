"""Answers, waivers and reruns on the command line; a check beside an exchange is compared with its data."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conftest import flow_csv, flow_row

SPECIMEN = Path(__file__).parent / "checks" / "sum_of_parts.csv"
WHY = "The census counts the two sexes by another method."
LATER = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()


def submitted(run, path=SPECIMEN, provider="FRA"):
    """The id of a submission, and the mark of its error."""
    _, said, _ = run("submit", path, "--provider", provider, "--json")
    report = json.loads(said)
    return report["subject"]["submission"], [g["mark"] for g in report["groups"] if g["blocking"]]


def test_a_waiver_from_its_mark_to_its_end(run):
    id, (mark,) = submitted(run)
    assert f"  mark {mark}\n" in run("check", SPECIMEN, "--provider", "FRA")[1]
    assert run("answer", id, mark, "--reason", WHY) == (0, "Answered sum_of_parts C01\n", "")
    status, said, _ = run("waive", id, mark, "--reason", WHY, "--expires", LATER, "--by", "A. Compiler")
    assert status == 0
    waiver, filed = re.fullmatch(
        rf"Waiver (\w+): sum_of_parts, 1 rows, until {LATER}\nSubmission (\w+), accepted, revision 1\n", said
    ).groups()
    status, said, _ = run("check", SPECIMEN, "--provider", "FRA")
    assert status == 0
    assert "0 errors, 0 warnings, 1 waived\n" in said
    assert f"  waived by A. Compiler until {LATER}: {WHY}\n" in said
    assert waiver in run("waivers")[1]
    assert waiver not in run("waivers", "--provider", "DEU")[1]
    for submission in (id, filed):
        status, said, _ = run("rerun", submission)
        assert status == 0
        assert said.endswith("the same report\n")
    assert run("waivers", "--revoke", waiver) == (0, f"Waiver {waiver} is revoked\n", "")
    assert waiver not in run("waivers")[1]
    assert waiver in run("waivers", "--all")[1]
    assert run("check", SPECIMEN, "--provider", "FRA")[0] == 1
    told = json.loads(run("rerun", filed, "--json")[1])
    assert (told["same"], told["verdict"]) == (True, {"then": "accepted", "now": "accepted"})


def test_what_cannot_be_done_is_one_sentence(run):
    id, (mark,) = submitted(run)
    for words, reason in {
        ("answer", id, mark, "--reason", " "): "The reason is empty",
        ("answer", id, mark, "--reason", WHY, "--provider", "DEU"): "not one of DEU",
        ("waive", id, "feed", "--reason", WHY, "--expires", LATER): "has no finding 'feed'",
        ("waive", id, mark, "--reason", WHY, "--expires", "2020-01-01"): "is past",
        ("waive", "nothing", mark, "--reason", WHY, "--expires", LATER): "no submission nothing",
        ("waivers", "--revoke", "nothing"): "no waiver nothing",
        ("rerun", "nothing"): "no submission nothing",
    }.items():
        status, said, errors = run(*words)
        assert (status, said) == (1, "")
        assert re.fullmatch(rf"migdx: .*{reason}.*\n", errors)


def test_a_check_beside_an_exchange_knows_what_is_in_it(run, tmp_path):
    """Without one there is nothing to compare with; with one, not even what is not released is left out."""
    years = [flow_row("250", "IMMIG", "276", year, 10_000 + year) for year in range(2010, 2020)]
    before, now = tmp_path / "before.csv", tmp_path / "now.csv"
    before.write_bytes(flow_csv(*years))
    now.write_bytes(flow_csv(flow_row("250", "IMMIG", "276", 2019, 90_000)))

    def unchecked():
        report = json.loads(run("check", now, "--provider", "FRA", "--json")[1])
        return {entry["reason"] for entry in report["counts"]["notChecked"]}, report

    assert "nothing_stored" in unchecked()[0]
    assert not (tmp_path / "var").exists()  # a check makes no exchange
    assert run("submit", before, "--provider", "FRA")[0] == 0
    ledger = tmp_path / "var" / "migdx" / "ledger.sqlite"
    blobs = sorted((tmp_path / "var" / "migdx" / "blobs").iterdir())
    reasons, report = unchecked()
    assert "nothing_stored" not in reasons
    assert {"unusual_change", "outlier"} & {group["code"] for group in report["groups"]}
    assert sorted((tmp_path / "var" / "migdx" / "blobs").iterdir()) == blobs  # and keeps nothing
    assert ledger.exists()
