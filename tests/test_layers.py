"""The layers of service/migdx: each unit imports only what stands before it; the code knows no subject."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "service" / "migdx"

VALUES = [
    "errors",
    "urn",
    "periods",
    "structures",
    "amend",
    "versioning",
    "items",
    "restriction",
    "schema",
    "report",
    "rules",
    "query",
    "release",
    "signing_key",
    "precedence",
    "waivers",
    "workbook_map",
]
BOUND = ["columns", "grid", "dataset", "stored", "plan", "fold", "changes", "region", "removals", "effect"]
FILES = ["durable", "depots", "settings", "blobs"]
PLUGS = ["formats", "checks", "stores"]
REMEMBERED = [
    "submission",
    "structure_change",
    "folders",
    "resolve",
    "links",
    "registry",
    "mappings",
    "history",
    "ledger_database",
    "ledger",
    "keeping",
    "public",
    "releasing",
    "impact",
    "arranged",
    "inspection",
    "remembered",
    "rulebook",
    "consolidated",
    "supply",
]
USE_CASES = [
    "search",
    "selection",
    "template",
    "proposal",
    "combined",
    "rule_pack",
    "sent",
    "targets",
    "waiving",
    "examined",
    "intake",
    "basis",
    "workbooks",
    "turns",
    "filing",
    "exchange",
    "disseminated",
    "preview",
    "snapshot",
    "trial",
    "settling",
    "approving",
    "rerun",
    "signing",
    "receipt",
    "forgetting",
    "sweeping",
    "inventory",
    "verifying",
    "saved",
    "backup",
    "restoring",
    "holdings",
    "packing",
    "maintenance",
]
DOORS = [
    "verify_receipt",
    "demo",
    "web",
    "console",
    "cli_structures",
    "cli_workbooks",
    "cli_settling",
    "cli_approving",
    "cli_ledger",
    "cli_checking",
    "cli_releases",
    "cli_files",
    "cli_packs",
    "cli",
]
ORDER = [*VALUES, *BOUND, *FILES, *PLUGS, *REMEMBERED, *USE_CASES, *DOORS]

NOT_FOR_VALUES = {"flask", "werkzeug", "pyarrow", "numpy", "duckdb", "sqlalchemy", "pandas", "lxml"}
SAYS_NOTHING = {"utils", "core", "common", "base", "helpers", "manager"}
LONGEST_MODULE = 450
SUBJECT = re.compile(
    r"(?i:migrat|migrant|immig|emig|citizen|birthplace|refugee|asylum|foreign.born|native.born)|\bDF_|\bDSD_"
    r"|\bCL_(?!FREQ|CONF_STATUS|OBS_STATUS)[A-Z]"  # which are lists of SDMX itself
)
MAY_NAME_THE_SUBJECT = {"demo.py"}

MODULES = sorted(PACKAGE.rglob("*.py"))
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def unit_of(path: Path) -> str:
    """The file or the folder directly under the package that a module belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Every module that is imported, at the top or inside a function, with its full name."""
    package = ["migdx", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def units_imported(path: Path) -> set[str]:
    """Units of the package; `from migdx import __version__` names none."""
    names = (name.split(".") for name in imported(path))
    return {parts[1] for parts in names if parts[0] == "migdx" and len(parts) > 1 and parts[1] in ORDER}


def test_the_order_names_what_is_there() -> None:
    assert {unit_of(path) for path in MODULES} == {"__init__", *ORDER}


@each_module
def test_every_name_says_something(path: Path) -> None:
    assert path.stem not in SAYS_NOTHING


@each_module
def test_imports_only_what_stands_before(path: Path) -> None:
    unit = unit_of(path)
    below = set() if unit == "__init__" else set(ORDER[: ORDER.index(unit)]) | {unit}
    if unit in PLUGS:
        below -= set(PLUGS) - {unit}
    assert units_imported(path) <= below


@each_module
def test_libraries_stay_in_their_layer(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(path)}
    if unit_of(path) in VALUES:
        assert not libraries & NOT_FOR_VALUES
    if unit_of(path) != "web":
        assert not libraries & {"flask", "werkzeug"}


@each_module
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@each_module
def test_the_code_knows_no_subject(path: Path) -> None:
    """dsd/ and codelists/ know migration; the code knows SDMX. No word of the subject, no country's code."""
    if path.name in MAY_NAME_THE_SUBJECT:
        pytest.skip("loads the demonstration data")
    text = path.read_text(encoding="utf-8")
    assert not {word.lower() for word in SUBJECT.findall(text)}
    manifest = json.loads((ROOT / "demo" / "manifest.json").read_text(encoding="utf-8"))
    countries = {entry["provider"] for entry in manifest}
    strings = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    assert not countries & strings
