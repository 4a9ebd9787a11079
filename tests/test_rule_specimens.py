"""Every check that rules name has a specimen that it alone reports, and a corrected one without that finding.

tests/checks/<check>.csv is the fault, <check>.good.csv the same put right. What a check compares a file with
was sent before: <check>.previous.csv and <check>.related.csv by the file's own provider, <check>.partner.csv
by the providers of its areas, <check>.beside.csv by an organisation that may report for all. All of them are
released; then the file is submitted, so that its owner is told of all that is its own. <check>.rules.toml
holds thresholds that were agreed with the provider.
"""

import csv
import inspect
import io
from pathlib import Path

import pytest
from conftest import sent

from migdx import checks
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.registry import Registry
from migdx.structures import ProvisionAgreement

SPECIMENS = Path(__file__).parent / "checks"
BEFORE = ("previous", "related", "partner", "beside")
ORGANISATION = "DESA"

BESIDE: dict[str, set[str]] = {
    "core_incomplete": {"breakdown_missing"},
}
"""What a specimen reports for information beside its own fault, because the rows cannot be without it."""

EVERYWHERE = {"attribute_missing"}
"""What short specimens lack: attributes that whole files have. For information too."""

each_check = pytest.mark.parametrize("check", checks.BY_NAME)


@pytest.fixture(scope="module")
def providers():
    """The provider of each area, as the agreements' constraints say it."""
    registry = Registry.load(shipped_structures())
    found = {}
    for agreement in registry.of(ProvisionAgreement):
        flow = registry.find(agreement.dataflow)
        area = registry.schema(flow.reference, agreement).by_id.get("REF_AREA")
        if area and area.granted and len(area.granted) == 1:
            found[next(iter(area.granted))] = agreement.provider.item
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """One exchange in which nothing is ever kept: for checks that look at the file alone."""
    made = Exchange.open(tmp_path_factory.mktemp("empty"))
    yield made
    made.close()


@pytest.fixture
def judge(empty, providers, tmp_path):
    """The report on a specimen, after all that was sent before it."""

    def judge(check, name):
        """`name` is that of the file, `check` what goes before it."""
        content = (SPECIMENS / f"{name}.csv").read_bytes()
        (provider,) = by_provider(content, providers)
        before = [path for kind in BEFORE if (path := SPECIMENS / f"{check}.{kind}.csv").exists()]
        agreed = SPECIMENS / f"{check}.rules.toml"
        if not before and not agreed.exists():
            return empty.check(sent(content, provider, f"{name}.csv"))
        rules = tmp_path / "agreed"
        rules.mkdir(exist_ok=True)
        if agreed.exists():
            (rules / agreed.name).write_bytes(agreed.read_bytes())
        exchange = Exchange.open(tmp_path / name, (*shipped_structures(), rules))
        try:
            for path in before:
                whole = path.read_bytes()
                beside = path.stem.endswith(".beside")
                parts = {ORGANISATION: whole} if beside else by_provider(whole, providers)
                for other, rows in parts.items():
                    made, report = exchange.submit(sent(rows, other, path.name), by="test")
                    assert report.verdict == "accepted", (path.name, told(report))
                    exchange.release([one.id for one in made], by="test")
            return exchange.submit(sent(content, provider, f"{name}.csv"), by="test")[1]
        finally:
            exchange.close()

    return judge


def by_provider(content, providers):
    """The rows of a file by the provider of their REF_AREA, each with the header."""
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    found = {}
    for row in rows:
        found.setdefault(providers[row[header.index("REF_AREA")]], []).append(row)
    return {provider: written([header, *own]) for provider, own in found.items()}


def written(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def told(report):
    """What is found, as one reads it in a failing test."""
    body = report.as_dict()
    return [
        f"{group['code']} {group.get('rule', '')} x{group['count']}: {group['message']}"
        for group in body["groups"]
    ] + [str(entry) for entry in report.not_checked]


@each_check
def test_its_specimen_shows_its_fault_and_no_other(check, judge):
    assert (SPECIMENS / f"{check}.csv").exists(), f"tests/checks/{check}.csv is missing: what {check} finds"
    report = judge(check, check)
    found = {finding.code for finding in report.findings}
    assert check in found, told(report)
    assert found - EVERYWHERE == {check} - EVERYWHERE | BESIDE.get(check, set()), told(report)
    assert all(finding.severity == "information" for finding in report.findings if finding.code != check)


@each_check
def test_its_corrected_specimen_is_without_it(check, judge):
    """It is sound, or has nothing but what is for information."""
    assert (SPECIMENS / f"{check}.good.csv").exists(), f"tests/checks/{check}.good.csv is missing"
    report = judge(check, f"{check}.good")
    found = {finding.code for finding in report.findings}
    assert check not in found, told(report)
    assert all(finding.severity == "information" for finding in report.findings), told(report)


@each_check
def test_its_help_says_fault_why_fix_and_example(check):
    help_text = inspect.getdoc(checks.BY_NAME[check][0]) or ""
    assert all(word in help_text for word in ("Why:", "Fix:", "Example:"))


def test_no_file_is_of_no_check():
    """A specimen of a check that went or was renamed goes with it."""
    known = {*checks.BY_NAME, *(checks.name(check) for check in checks.ALWAYS), "sound"}
    kinds = {"", "good", *BEFORE}
    for path in SPECIMENS.glob("*.csv"):
        check, _, kind = path.stem.partition(".")
        assert check in known, f"{path.name}: there is no check {check}"
        assert kind in kinds, f"{path.name}: expected one of {sorted(kinds)}"
