"""Templates: what is asked once, what can be filled, and that it is read back as it was meant."""

import io
import tomllib
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from small_world import world

from migdx.errors import NotFound, SemanticFault, SyntaxFault, TooLarge
from migdx.folders import shipped_structures
from migdx.formats.content import XLSX
from migdx.formats.workbook_writer import LIST_SHEET, write
from migdx.intake import examine
from migdx.registry import Registry, load_structures
from migdx.report import languages_of_messages
from migdx.report import told as phrases
from migdx.sent import Sent
from migdx.structures import (
    CubeRegion,
    DataConstraint,
    Dataflow,
    Hierarchy,
    Item,
    KeyValues,
    RepresentationMap,
)
from migdx.template import Asked, settings, template
from migdx.web.wording import LANGUAGES
from migdx.workbook_map import MAP_SHEET, WorkbookMap

FLOWS = [flow.id for flow in load_structures().of(Dataflow)]
TOLD = settings(shipped_structures())
PAIRS = "CL_MIG_STATUS"


@pytest.fixture(scope="module")
def known():
    return load_structures()


def made(known, flow, provider="FRA", language="en", periods=("2023",), told=TOLD):
    return template(known, told, Asked(flow, provider, language, tuple(periods)))


def opened(content):
    return load_workbook(io.BytesIO(content))


def saved(book):
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def inputs(form):
    """The cells for figures, as (row, column)."""
    block = form.block
    return [
        (row, column)
        for row in range(block.first_row, block.last_row + 1)
        for column in range(block.first_column, block.last_column + 1)
        if (row, column) not in block.closed
    ]


def tables(template):
    return [form for form in template.forms.sheets if form.block]


def examined(content, known, provider="FRA"):
    return examine(Sent(io.BytesIO(content), len(content), XLSX, "filled.xlsx", provider), known)


def observations(found):
    """Every observation that was taken, as a dict of what is not empty."""
    taken = (
        row for share in found.shares for _, table, _ in share.observations() for row in table.to_pylist()
    )
    return [{id: v for id, v in row.items() if v is not None and not id.startswith("_")} for row in taken]


def meanings(sheet, form, known):
    """By (row, column) what the codes beside and above say of a figure there, as a person reads them."""
    block, depth = form.block, (form.block.first_column - 1) // 2
    ids = [cell for cell in form.cells if cell.look == "code" and cell.row < block.first_row]
    heads = next(cell.row for cell in reversed(ids) if cell.column == 1)
    beside = {sheet.cell(heads, column).value: column for column in range(1, depth + 1)}
    above = {sheet.cell(row, 2 * depth).value: row for row in range(heads + 1, block.first_row)}
    pairs, found = paired(known), {}
    for row, column in inputs(form):
        codes = {id: sheet.cell(row, at).value for id, at in beside.items()}
        codes |= {id: sheet.cell(at, column).value for id, at in above.items()}
        pair = codes.pop(PAIRS, None)
        codes |= dict(zip(("BIRTHPLACE", "CITIZENSHIP"), pairs[pair], strict=True)) if pair else {}
        found[row, column] = codes
    return found


def paired(known):
    found = next(map for map in known.of(RepresentationMap) if map.id == "RM_MIG_STATUS")
    return {mapping.sources[0]: mapping.targets for mapping in found.mappings}


# --- filled and read again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", FLOWS)
def test_every_cell_is_read_back_as_what_stands_beside_and_above_it(flow, known):
    template = made(known, flow, language="fr")
    book, expected = opened(write(template.forms)), {}
    for form in tables(template):
        for (row, column), codes in meanings(book[form.name], form, known).items():
            value = len(expected) + 1
            book[form.name].cell(row, column).value = value
            expected[value] = codes
    found = examined(saved(book), known)
    assert not found.report.findings
    rows = observations(found)
    assert len(rows) == len(expected) == found.report.counts.accepted
    for row in rows:
        assert expected[row["OBS_VALUE"]].items() <= row.items()
        assert (row["REF_AREA"], row["TIME_PERIOD"], row["FREQ"]) == ("250", "2023", "A")
    assert found.report.subject["dataflow"] == template.dataflow.reference.short


def test_a_table_may_be_left_empty_deleted_or_copied_for_another_period(known):
    template = made(known, "DF_MIG_STOCK", periods=("2022",))
    book = opened(write(template.forms))
    first, second, _ = (form.name for form in tables(template))
    copied = book.copy_worksheet(book[first])
    copied.title = f"{first} (2)"
    (time,) = (c for row in copied.iter_rows(max_row=12) for c in row if c.value == "2022")
    time.value = 2021
    book[first]["E14"].value, copied["E14"].value = 100, 90
    del book[second]
    found = examined(saved(book), known)
    assert not found.report.findings
    assert sorted((row["TIME_PERIOD"], row["OBS_VALUE"]) for row in observations(found)) == [
        ("2021", 90),
        ("2022", 100),
    ]


def test_rows_may_be_sorted_and_attributes_chosen(known):
    template = made(known, "DF_MIG_STOCK")
    book = opened(write(template.forms))
    form = tables(template)[1]
    sheet, block = book[form.name], form.block
    germany = next(row for row in range(block.first_row, block.last_row) if sheet.cell(row, 1).value == "276")
    sheet.cell(germany, block.first_column).value = 7
    above = [sheet.cell(block.first_row, column).value for column in range(1, block.last_column + 1)]
    for column in range(1, block.last_column + 1):
        sheet.cell(block.first_row, column).value = sheet.cell(germany, column).value
        sheet.cell(germany, column).value = above[column - 1]
    criterion = next(
        c for row in sheet.iter_rows(max_row=14) for c in row if c.value == "Residence criterion"
    )
    sheet.cell(criterion.row, criterion.column + 3).value = "M12 – 12 months"
    found = examined(saved(book), known)
    assert not found.report.findings
    (row,) = observations(found)
    assert (row["BIRTHPLACE"], row["SEX"], row["OBS_VALUE"]) == ("276", "_T", 7)
    assert (row["RESIDENCE_CRIT"], row["SOURCE"], row["UNIT_MEASURE"]) == ("M12", "OFF", "PS")


LETTERS_AND_SIGNS = [
    (0, {"OBS_VALUE": 0}),
    ("1234 p", {"OBS_VALUE": 1234, "OBS_STATUS": "P"}),
    ("1234 P c", {"OBS_VALUE": 1234, "OBS_STATUS": "P", "CONF_STATUS": "C"}),
    ("1 234,5 e", {"OBS_VALUE": 1234.5, "OBS_STATUS": "E"}),
    ("..", {"OBS_STATUS": "O"}),
    (":", {"OBS_STATUS": "O"}),
    ("M", {"OBS_STATUS": "M"}),
    ("c", {"OBS_STATUS": "Q", "CONF_STATUS": "C"}),
    (".", {"OBS_STATUS": "Q", "CONF_STATUS": "C"}),
]


def test_letters_and_signs(known):
    template = made(known, "DF_MIG_ACCOUNT", language="fr")
    book = opened(write(template.forms))
    form = tables(template)[0]
    for column, (given, _) in enumerate(LETTERS_AND_SIGNS, start=form.block.first_column):
        book[form.name].cell(form.block.first_row, column).value = given
    found = examined(saved(book), known)
    assert not found.report.findings
    names = ("OBS_VALUE", "OBS_STATUS", "CONF_STATUS")
    rows = [{name: row[name] for name in names if name in row} for row in observations(found)]
    assert rows == [expected for _, expected in LETTERS_AND_SIGNS]


def test_a_wrong_text_is_told_with_its_cell(known):
    template = made(known, "DF_MIG_FLOW")
    book = opened(write(template.forms))
    form = tables(template)[2]
    cell = book[form.name].cell(form.block.first_row + 3, form.block.first_column + 1)
    cell.value = "about 100"
    report = examined(saved(book), known).report
    (finding,) = report.findings
    assert (finding.code, report.verdict) == ("not_a_number", "rejected")
    (place,) = finding.places
    assert (place.sheet, place.cell, place.given) == (form.name, cell.coordinate, "about 100")
    assert place.key.startswith("A.250.IMMIG.OFF.")


def test_a_choice_that_is_no_code_is_told_with_its_cell(known):
    template = made(known, "DF_MIG_ACCOUNT", periods=())
    book = opened(write(template.forms))
    sheet = book["1 Account"]
    (source,) = (c for row in sheet.iter_rows(max_row=10) for c in row if c.value == "OFF – Official series")
    source.value = "my own"
    sheet["E13"].value = 5
    found = {finding.component: finding for finding in examined(saved(book), known).report.findings}
    assert found.keys() == {"SOURCE", "TIME_PERIOD"}
    assert found["SOURCE"].places[0].cell == source.coordinate
    assert (found["TIME_PERIOD"].code, found["TIME_PERIOD"].places[0].sheet) == ("missing_value", "1 Account")


def test_what_was_moved_is_told(known):
    template = made(known, "DF_MIG_ACCOUNT")
    book = opened(write(template.forms))
    sheet = book[tables(template)[0].name]
    sheet["E13"].value = 5
    sheet.insert_rows(4)
    report = examined(saved(book), known).report
    assert report.verdict == "rejected"
    assert {finding.code for finding in report.findings} == {"layout_drifted"}


# --- what it looks like -------------------------------------------------------------------------------------


def test_only_what_is_to_be_filled_can_be_changed(known):
    template = made(known, "DF_MIG_ACCOUNT")
    book = opened(write(template.forms))
    (form,) = tables(template)
    sheet = book[form.name]
    open_cells = {(c.row, c.column) for row in sheet.iter_rows() for c in row if not c.protection.locked}
    fields = {(c.row, c.column + at) for c in form.cells if c.look == "field" for at in range(c.width)}
    assert open_cells == set(inputs(form)) | fields
    assert all(one.protection.sheet and not one.protection.password for one in (sheet, book["Notes"]))
    assert form.block.closed  # births of the foreign-born
    assert sheet.freeze_panes == sheet.cell(form.block.first_row, form.block.first_column).coordinate
    assert [one.title for one in book.worksheets if one.sheet_state == "visible"] == ["Notes", form.name]
    assert {book[name].sheet_state for name in (MAP_SHEET, LIST_SHEET)} == {"veryHidden"}


def test_choices_are_what_the_schema_takes(known):
    template = made(known, "DF_MIG_STOCK")
    book = opened(write(template.forms))
    sheet = book[tables(template)[0].name]
    rules = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
    assert all(len(rule.formula1 or "") <= 255 for rule in rules.values())
    schema = known.schema(template.dataflow.reference)
    for id in ("FREQ", "SOURCE", "UNIT_MEASURE", "RESIDENCE_CRIT"):
        (cell,) = (cell for cell in tables(template)[0].cells if cell.choices == id)
        rule = rules[sheet.cell(cell.row, cell.column).coordinate]
        place = rule.formula1.partition("!")[2].replace("$", "")
        listed = [row[0].value for row in book[LIST_SHEET][place]]
        assert {text.partition(" – ")[0] for text in listed} == schema.by_id[id].valid
    area = [cell.text for cell in tables(template)[0].cells if cell.text.startswith("250")]
    assert area == ["250 – France"]


def test_no_country_is_asked_of_itself(known):
    for flow in ("DF_MIG_STOCK", "DF_MIG_FLOW", "DF_MIG_EMIGRANT"):
        for form in tables(made(known, flow)):
            assert "250" not in {cell.text for cell in form.cells if cell.look == "code"}


def test_areas_of_residence_are_those_of_the_time(known):
    def codes(periods):
        (form,) = (one for one in tables(made(known, "DF_MIG_FLOW", periods=periods)) if one.name[0] == "3")
        return {cell.text for cell in form.cells if cell.look == "code"}

    assert "810" not in codes(("2023",))
    assert {"810", "276"} <= codes(("1985",))


def test_templates_speak_the_languages_of_the_pages():
    assert set(languages_of_messages()) == set(LANGUAGES)


@pytest.mark.parametrize("language", languages_of_messages())
def test_names_and_notes_are_in_the_language(language, known):
    template = made(known, "DF_MIG_STOCK", language=language)
    texts = {cell.text for form in template.forms.sheets for cell in form.cells}
    assert {"en": "Native-born citizens", "fr": "Nationaux nés dans le pays"}[language] in texts
    assert set(phrases(language, "template")["steps"]) <= texts
    assert phrases(language, "template").keys() == phrases("en", "template").keys()
    assert len(phrases(language, "template")["steps"]) == len(phrases("en", "template")["steps"])
    assert any("M49" in text for text in texts)
    assert all(len(form.name) <= 31 for form in template.forms.sheets)


def test_the_map_is_in_pieces_that_a_cell_takes(known):
    template = made(known, "DF_MIG_FLOW")
    long = replace(template.forms, map=replace(template.map, title="é" * 70_000))
    sheet = opened(write(long))[MAP_SHEET]
    pieces = [row[0].value for row in sheet.iter_rows(max_col=1)]
    assert len(pieces) > 2
    assert max(map(len, pieces)) <= 30_000
    assert "".join(pieces).count("é") == 70_000
    assert WorkbookMap.from_dict(template.map.as_dict()) == template.map


def test_codes_are_no_numbers_gone_wrong(known):
    template = made(known, "DF_MIG_FLOW")
    with ZipFile(io.BytesIO(write(template.forms))) as file:
        sheet = file.read("xl/worksheets/sheet4.xml").decode()
    assert sheet.index("<pageSetup") < sheet.index("<ignoredErrors>") < sheet.index("</worksheet>")


# --- what is told beside the structures ---------------------------------------------------------------------


def test_all_that_the_templates_name_is_there(known):
    ids = {f"{flow.agency}:{flow.id}" for flow in known.of(Dataflow)}
    named = {artefact.reference.short for cls in (Hierarchy, RepresentationMap) for artefact in known.of(cls)}
    for told in TOLD["templates"]:
        assert set(told["dataflows"]) <= ids
        for name in told["dataflows"]:
            flow = name.partition(":")[2]
            assert len(tables(made(known, flow))) == len(told["tables"])
            components = known.schema(made(known, flow).dataflow.reference).by_id
            assert {*told["top"], *told["attributes"], *told["defaults"]} <= components.keys()
        levels = [level for table in told["tables"] for level in (*table["rows"], *table["columns"])]
        assert {level[kind] for level in levels for kind in ("map", "hierarchy") if kind in level} <= named
        texts = [text for table in told["tables"] for text in (table["name"], table["title"])]
        assert all(text.keys() >= set(languages_of_messages()) for text in texts)


def test_the_file_travels_beside_the_structures():
    path = next(path for folder in shipped_structures() for path in folder.glob("*/templates.toml"))
    assert tomllib.loads(path.read_text(encoding="utf-8"))["templates"] == TOLD["templates"]


# --- a dataflow that nobody wrote tables for ----------------------------------------------------------------


def small(*more, names=None):
    """The registry of agency T, `names` in place of those of the codes of SEX."""
    artefacts = [*world(), *more]
    for at, artefact in enumerate(artefacts):
        if names and artefact.id == "CL_SEX":
            items = [Item(code, names={"en": name}) for code, name in names.items()]
            artefacts[at] = replace(artefact, items=tuple(items))
    return Registry(artefacts)


def test_a_general_template_has_the_largest_dimension_by_period():
    known = small()
    template = made(known, "FLOW", provider="ONE", periods=("2021", "2022"), told={})
    (form,) = tables(template)
    book = opened(write(template.forms))
    sheet, block = book[form.name], form.block
    assert [sheet.cell(row, 1).value for row in range(block.first_row, block.last_row + 1)] == [
        "_T",
        "F",
        "M",
    ]
    for at, (row, column) in enumerate(inputs(form)):
        sheet.cell(row, column).value = at
    (area,) = (cell for cell in form.cells if cell.choices == "REF_AREA")
    sheet.cell(area.row, area.column).value = "Y – The Y"
    found = examined(saved(book), known, "ONE")
    assert not found.report.findings
    rows = {(row["SEX"], row["TIME_PERIOD"]): row for row in observations(found)}
    assert rows["F", "2022"] == {
        "FREQ": "A", "REF_AREA": "Y", "SEX": "F", "TIME_PERIOD": "2022", "OBS_VALUE": 3
    }  # fmt: skip
    assert len(rows) == 6


def test_the_period_of_a_general_template_may_be_written_by_hand():
    known = small()
    template = made(known, "FLOW", provider="ONE", periods=(), told={})
    (form,) = tables(template)
    book = opened(write(template.forms))
    sheet, block = book[form.name], form.block
    sheet.cell(block.first_row - 1, block.first_column).value = 2020
    sheet.cell(block.first_row, block.first_column).value = 8
    (area,) = (cell for cell in form.cells if cell.choices == "REF_AREA")
    sheet.cell(area.row, area.column).value = "X"
    found = examined(saved(book), known, "ONE")
    assert not found.report.findings
    assert [(row["TIME_PERIOD"], row["OBS_VALUE"]) for row in observations(found)] == [("2020", 8)]


def test_what_a_constraint_does_not_take_together_is_closed():
    region = CubeRegion((KeyValues("SEX", ("F",)), KeyValues("TIME_PERIOD", ("2021",))), False)
    flow = next(artefact for artefact in world() if isinstance(artefact, Dataflow))
    limit = DataConstraint("CR", "T", "1.0", attachment=(flow.reference,), regions=(region,))
    (form,) = tables(made(small(limit), "FLOW", provider="", periods=("2021", "2022"), told={}))
    assert len(form.block.closed) == 1
    assert len(inputs(form)) == 5


HOSTILE = ['=HYPERLINK("http://x","y")', "+1+1", "-1", "@SUM(A1)", "#N/A", "bell\x07", "\t=1", "x" * 40_000]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:8])
def test_no_name_is_a_formula(name):
    known = small(names={"_T": name, "F": "Female", "M": "Male"})
    book = opened(write(made(known, "FLOW", provider="", periods=(), told={}).forms))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert any(str(cell.value).endswith(name[-4:].replace("\x07", " ")) for cell in cells)
    if name[0] in "=+-@":
        named = [cell for cell in cells if cell.value == name]
        assert named
        assert all(cell.quotePrefix for cell in named)


# --- what cannot be made ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "fault", "says"),
    [
        (Asked("DF_MIG_STOK"), NotFound, "DF_MIG_STOCK"),
        (Asked("MIGDX:DF_MIG_STOCK(9.0.0)"), NotFound, "9.0.0"),
        (Asked("not an id!"), SyntaxFault, "AGENCY:ID"),
        (Asked("DF_MIG_STOCK", "FR"), SemanticFault, "FRA"),
        (Asked("DF_MIG_STOCK", language="xx"), SemanticFault, "en, fr"),
        (Asked("DF_MIG_STOCK", periods=("last year",)), SyntaxFault, "2023"),
        (Asked("DF_MIG_STOCK", periods=("2023-W01",)), SemanticFault, "FREQ"),
        (Asked("DF_MIG_FLOW", periods=tuple(map(str, range(1950, 2020)))), TooLarge, "fewer"),
    ],
)
def test_what_cannot_be_made_is_told(asked, fault, says, known):
    with pytest.raises(fault, match=says):
        template(known, TOLD, asked)


# --- the command line ---------------------------------------------------------------------------------------


def test_the_command_writes_a_template_and_replaces_none(run, tmp_path):
    asked = ("template", "DF_MIG_ACCOUNT", "--provider", "FRA", "--time", "2022,2023", "--lang", "fr")
    status, told, _ = run(*asked)
    assert status == 0
    path = Path("DF_MIG_ACCOUNT_FRA_2022_2023_fr.xlsx")
    assert told.startswith(f"{path}: 2 tables")
    assert load_workbook(path).sheetnames[:2] == ["Notes", "1 Compte 2022"]
    path.write_bytes(b"mine")
    status, _, fault = run(*asked)
    assert (status, path.read_bytes()) == (1, b"mine")
    assert "--force" in fault
    assert run(*asked, "--force")[0] == 0
    assert path.read_bytes() != b"mine"
    status, _, fault = run(
        "template", "DF_MIG_ACCOUNT", "--provider", "NOBODY", "--output", tmp_path / "x.xlsx"
    )
    assert (status, "NOBODY" in fault, (tmp_path / "x.xlsx").exists()) == (1, True, False)
