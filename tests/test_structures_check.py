"""`migdx structures`: what is wrong with folders, what a change breaks, and maintenance without HTTP."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from small_world import ML30, codelist, dsd, message, submitted, world

from migdx import inspection
from migdx.exchange import Exchange
from migdx.folders import packed, unpacked
from migdx.formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS
from migdx.registry import Registry
from migdx.structures import HierarchicalCode, Hierarchy, Item
from migdx.urn import Reference

CL_SEX = "T/CL_SEX-1.0.xml"


def write(folder: Path, *artefacts, form: str = ML30) -> Path:
    for artefact in artefacts:
        suffix = "json" if "json" in form else "xml"
        path = folder / artefact.agency / f"{artefact.id}-{artefact.version}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message(artefact, form=form))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "structures", *world())


def codes(run, folder, *more):
    """The status and the codes of what is found."""
    status, said, _ = run("structures", "check", folder, "--json", *more)
    told = json.loads(said)
    return status, {found["code"] for found in told["findings"]} | {
        f"breaks_{found['what']}" for found in told["breaks"]
    }


# --- findings -------------------------------------------------------------------------------------


def test_a_sound_folder_is_clean(run, folder):
    status, said, _ = run("structures", "check", folder)
    assert status == 0, said
    assert said.splitlines()[0] == "11 structures in 11 files"
    assert said.splitlines()[-1] == "0 errors, 0 warnings"


def test_the_shipped_structures_have_no_error(run):
    status, said, _ = run("structures", "check")
    assert status == 0, said


@pytest.mark.parametrize("arguments", [["nowhere"], ["--unknown"], ["--data", "nowhere"]])
def test_wrong_usage_is_2(run, arguments):
    assert run("structures", "check", *arguments)[0] == 2


def test_a_file_that_holds_something_else_than_its_name_says(run, folder):
    (folder / CL_SEX).rename(folder / "T/CL_OTHER-1.0.xml")
    status, said, _ = run("structures", "check", folder)
    assert status == 1
    assert re.search(r"CL_OTHER-1\.0\.xml: error unreadable: by its name the file holds T:CL_OTHER", said)
    assert re.search(r"DSD-1\.0\.xml:\d+: error unresolved: .*CL_SEX\(1\.0\), which is not there", said)


def test_every_file_that_is_broken_is_told(run, folder):
    (folder / CL_SEX).write_bytes(b"<x")
    (folder / "T/CL_FREQ-1.0.xml").write_bytes(b"")
    _, said, _ = run("structures", "check", folder)
    assert said.count("error unreadable") == 2


def test_what_the_official_schema_refuses(run, folder):
    path = folder / CL_SEX
    path.write_bytes(path.read_bytes().replace(b"<str:Codelist ", b'<str:Codelist unheard="of" '))
    status, found = codes(run, folder)
    assert (status, found) == (1, {"not_valid"})


def test_without_the_schemas_it_says_so(run, folder, monkeypatch):
    monkeypatch.setattr(inspection, "schemas_are_there", lambda: False)
    monkeypatch.setattr("migdx.cli_structures.schemas_are_there", lambda: False)
    status, said, _ = run("structures", "check", folder)
    assert status == 0
    assert "not checked: the official schemas" in said


def test_an_artefact_twice(run, folder):
    (folder / "bundle.xml").write_bytes((folder / CL_SEX).read_bytes())
    assert codes(run, folder) == (1, {"defined_twice"})


def test_a_dataflow_that_makes_no_schema(run, folder):
    write(folder, replace(dsd(), measures=(), dimensions=(), attributes=()))
    (folder / "T/DSD-1.0.xml").unlink()
    assert "unresolved" in codes(run, folder)[1]


def test_what_follows_from_a_broken_file_stands_after_it(run, folder):
    (folder / CL_SEX).write_bytes(b"<x")
    _, said, _ = run("structures", "check", folder)
    found = [line for line in said.splitlines() if ": error " in line]
    assert "error unreadable" in found[0]
    assert all("error unresolved" in line for line in found[1:])  # and no_schema, which follows, is not told


def test_of_many_findings_of_one_kind_some_are_shown(run, folder):
    for number in range(14):
        (folder / f"broken{number}.xml").write_bytes(b"<x")
    _, said, _ = run("structures", "check", folder)
    assert said.count("error unreadable") == 11
    assert "error unreadable: and 4 more; --json tells all" in said
    assert said.splitlines()[-1].startswith("14 errors")


def test_a_table_is_not_taken_for_a_code_list_in_silence(run, folder):
    (folder / "T/CL_OTHER-1.0.csv").write_text("id,name\nA,Apple\n")
    status, said, _ = run("structures", "check", folder)
    assert status == 0
    assert re.search(r"CL_OTHER-1\.0\.csv: warning not_read: .*\.json or \.xml", said)


def test_a_file_that_is_submitted_and_cannot_be_read_is_named(run, tmp_path):
    file = tmp_path / "none.xml"
    file.write_bytes(b"hello")
    status, said, told = run("structures", "submit", file)
    assert status != 0
    assert f"{file}:1: Not well-formed XML" in said + told


def test_the_codes_of_a_list_may_be_shared_by_hierarchies(run, folder):
    items = tuple(Item(id, names={"en": id}) for id in ("ALL", "Y", "M", "_Z"))
    ages = replace(codelist("CL_AGE"), items=items)
    one = Hierarchy("H1", "T", "1.0", names={"en": "H"}, codes=(node("ALL", node("Y")),))
    two = replace(one, id="H2", codes=(node("ALL", node("M")),))
    write(folder, ages, one, two)
    assert "not_placed" not in run("structures", "check", folder)[1]


def node(code, *children, id=""):
    reference = Reference("Code", "T", "CL_AGE", "1.0", code)
    return HierarchicalCode(id or code, code=reference, children=children)


def test_codes_that_a_hierarchy_leaves_out_or_places_twice(run, folder):
    items = tuple(
        Item(id, parent="" if id == "ALL" else "ALL", names={"en": id}) for id in ("ALL", "Y", "M", "O")
    )
    ages = replace(codelist("CL_AGE"), items=items)
    placed = node("ALL", node("Y"), node("M", node("Y", id="Y_2")))
    write(folder, ages, Hierarchy("H", "T", "1.0", names={"en": "H"}, codes=(placed,)))
    status, said, _ = run("structures", "check", folder)
    assert status == 0, said  # worth knowing, and no error
    assert "warning not_placed: Hierarchy T:H(1.0): 1 of 4 codes of T:CL_AGE(1.0) are not placed: O" in said
    assert "warning placed_twice: Hierarchy T:H(1.0): placed more than once: Y" in said
    assert "warning parts_missing: Hierarchy T:H(1.0): ALL is more than its parts: without O" in said


def test_names_that_lack_a_language_and_names_borne_twice(run, folder):
    for artefact in world():
        if artefact.agency == "T" and artefact.id != "CL_SEX":
            named = replace(artefact, names={"en": "x", "fr": "x"})
            if hasattr(named, "items"):
                both = tuple(replace(i, names={"en": i.id, "fr": i.id}) for i in named.items)
                named = replace(named, items=both)
            write(folder, named)
    same = tuple(Item(id, names={"en": "The same", "fr": f"Le {id}"}) for id in "AB")
    write(folder, replace(codelist("CL_TWINS"), items=same, names={"en": "x", "fr": "y"}))
    _, said, _ = run("structures", "check", folder)
    assert "not_translated: Codelist T:CL_SEX(1.0): 4 of 4 names are not in 'fr': CL_SEX, _T, F, M" in said
    assert "same_name: Codelist T:CL_TWINS(1.0): A, B are all named 'The same'" in said


def test_concepts_that_nobody_uses(run, folder):
    concepts = next(artefact for artefact in world() if artefact.id == "CS")
    idle = replace(concepts.items[0], id="IDLE", names={"en": "Idle"})
    write(folder, replace(concepts, items=(*concepts.items, idle)))
    assert "no structure uses IDLE" in run("structures", "check", folder)[1]


# --- what a change breaks -------------------------------------------------------------------------


@pytest.fixture
def data(folder, tmp_path):
    """An exchange that served the folder and holds data."""
    place = tmp_path / "exchange"
    exchange = Exchange.open(place, (folder,))
    submitted(exchange, "X,F,2020,1,A", "Y,F,2020,3,A", "X,M,2020,2,P")
    exchange.past.remember(exchange.ledger, exchange.folders, by="serve")
    exchange.close()
    return place


def test_nothing_changed_breaks_nothing(run, folder, data):
    status, said, _ = run("structures", "check", folder, "--data", data)
    assert status == 0
    assert "not compared" not in said


def test_a_code_that_stored_data_hold(run, folder, data):
    write(folder, codelist("CL_SEX", "_T", "M"))
    status, said, _ = run("structures", "check", folder, "--data", data)
    assert status == 1
    assert "error breaks_submission: Data of ONE for T:FLOW(1.0), revision 1: it holds SEX F" in said
    assert "observations held: F (2)" in said
    assert codes(run, folder, "--data", data) == (1, {"breaks_submission"})
    write(folder, codelist("CL_SEX", "_T", "F", "M"), codelist("CL_OBS_STATUS", "A"))
    assert "OBS_STATUS P" in run("structures", "check", folder, "--data", data)[1]


def test_an_exchange_knows_its_own_changes_too(run, folder, data):
    """What was put by maintenance counts as served, though no folder has it."""
    sent = folder.parent / "new.xml"
    sent.write_bytes(message(codelist("CL_SEX", "_T", "F", "M", "O")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    code = (
        "import sys; from pathlib import Path; from migdx.exchange import Exchange\n"
        "from migdx.maintenance import *; from migdx.folders import read_any\n"
        "x = Exchange.open(Path(sys.argv[1]), (Path(sys.argv[2]),))\n"
        "found = read_any(Path(sys.argv[3]).read_bytes())\n"
        "print(maintain(x, [Wish.of(a) for a in found], Maintainer('test'))[0].fault); x.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, data, folder, sent],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stdout == "None\n"
    assert run("structures", "check", folder, "--data", data)[0] == 0


def test_a_stable_version_that_changed_and_a_second_folder(run, folder, tmp_path):
    before = shutil.copytree(folder, tmp_path / "before")
    write(folder, codelist("CL_STABLE", "A", "C", version="1.0.0"))
    status, said, _ = run("structures", "check", folder, "--against", before)
    assert status == 1
    assert "breaks_version: Codelist T:CL_STABLE(1.0.0) is stable and was changed; a change needs" in said
    write(
        folder, codelist("CL_STABLE", "A", "B", version="1.0.0"), codelist("CL_STABLE", "A", version="2.0.0")
    )
    assert run("structures", "check", folder, "--against", before)[0] == 0


# --- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", sorted(STRUCTURE_READERS))
def test_folders_hold_every_generation_that_is_read(folder, form):
    if form not in STRUCTURE_WRITERS:
        pytest.skip("nothing here writes it")
    (folder / CL_SEX).unlink()
    write(folder, codelist("CL_SEX", "_T", "F", "M"), form=form)
    loaded = Registry.load([folder])
    found = loaded.find(codelist("CL_SEX").reference)
    assert [item.id for item in found.items] == ["_T", "F", "M"]
    assert len(loaded) == len(world())


def test_drafts_have_their_names_too(folder):
    write(folder, codelist("CL_NEW", "A", version="1.0.0-draft"))
    loaded = Registry.load([folder])
    assert loaded.public.digest != loaded.digest
    assert loaded.public.find(codelist("CL_NEW", version="1.0.0-draft").reference) is None
    (folder / "T/CL_NEW-1.0.0-draft.xml").rename(folder / "T/CL_NEW-1.0.0-other.xml")
    with pytest.raises(Exception, match=r"by its name the file holds T:CL_NEW\(1\.0\.0-other\)"):
        Registry.load([folder])


def test_folders_are_packed_alike(folder):
    (folder / "T.rules.toml").write_text("")
    assert packed([folder]).archive == packed([folder]).archive
    assert len(list(unpacked(packed([folder]).archive))) == len(world())
    before = packed([folder]).digest
    (folder / "T.rules.toml").rename(folder / "U.rules.toml")
    assert packed([folder]).digest != before


# --- without HTTP ---------------------------------------------------------------------------------


def test_a_maintainer_without_http(run, tmp_path):
    place = tmp_path / "x"
    sent = tmp_path / "new.xml"
    sent.write_bytes(message(codelist("CL_NEW", "A", "B")))
    assert run("--data", place, "structures", "submit", sent, "--dry-run") == (
        0, "Codelist T:CL_NEW(1.0) created\ndry run: nothing was done\n", "",
    )  # fmt: skip
    assert run("--data", place, "structures", "submit", sent) == (0, "Codelist T:CL_NEW(1.0) created\n", "")
    urn = codelist("CL_NEW").urn
    item = urn.replace(".Codelist=", ".Code=") + ".A"
    assert (
        run("--data", place, "structures", "delete", item)[1] == "Item A of Codelist T:CL_NEW(1.0) deleted\n"
    )
    assert run("--data", place, "structures", "delete", urn)[0] == 0
    status, said, _ = run("--data", place, "structures", "delete", urn)
    assert (status, said) == (1, "refused: There is no Codelist T:CL_NEW(1.0)\n")
    sound = ROOT / "tests" / "checks" / "sound.csv"
    # only what lies beside a file could have been another: an exchange may have figures to compare with
    there, shipped = (run(*at, "check", sound)[1].partition("not checked") for at in (["--data", place], []))
    assert there[0] == shipped[0]
    assert there[0].startswith("ACCEPTED")
    status, _, said = run("--data", place, "structures", "delete", "nothing")
    assert status == 1
    assert said.startswith("migdx: 'nothing' is not an SDMX URN")
