"""Control tables and two sources of one provider: a figure beside what others, or another source, say."""

import gzip

import pytest
from conftest import ROOT, sent

from migdx.errors import StructureFault
from migdx.exchange import Exchange
from migdx.rulebook import read_rules
from migdx.rules import RuleBook
from migdx.supply.others import parsed

CONTROLS = ROOT / "dsd" / "MIGDX" / "controls"
UN = "{} (UN DESA, World Population Prospects 2019)"
"""How an estimate of others is shown: with where it is from, for it is not the figure."""
STOCK = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SOURCE,BIRTHPLACE,CITIZENSHIP,SEX,AGE,DURATION_STAY,"
    "EDUCATION_LEV,LFS,URBANISATION,TIME_PERIOD,OBS_VALUE,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,SOURCE_TYPE"
)
FLOW = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,TIME_PERIOD,OBS_VALUE,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,COUNT_UNIT"
)


def _csv(header, flow, rows):
    return "\n".join([header, *(f"dataflow,MIGDX:{flow}(1.0.0),R,A,{row}" for row in rows), ""]).encode()


def stock(*rows):
    return _csv(STOCK, "DF_MIG_STOCK", rows)


def account(*rows):
    return _csv(FLOW, "DF_MIG_ACCOUNT", rows)


def resident(
    value, birth="_T", citizenship="_T", *, year=2015, source="OFF", kind="", conf="F", multiplier=0
):
    key = f"276,{source},{birth},{citizenship},_T,_T,_T,_T,_T,_T,{year}"
    return f"{key},{value},{conf},PS,{multiplier},{kind}"


def of_account(component, value, year=2019):
    return f"276,{component},OFF,_T,_T,_T,_T,_T,_T,{year},{value},F,PS,0,"


def moved(value, source, unit, year=2021):
    return f"276,IMMIG,{source},250,_T,_T,_T,_T,_T,{year},{value},F,PS,0,{unit}"


def found(report, rule):
    return next((finding for finding in report.findings if finding.rule == rule), None)


def unchecked(report, rule):
    return {one["reason"]: int(one.get("count", 0)) for one in report.not_checked if one.get("rule") == rule}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    made = Exchange.open(tmp_path_factory.mktemp("controls"))
    yield made
    made.close()


# --- the tables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(CONTROLS.glob("*.csv")), ids=lambda path: path.stem)
def test_a_table_says_where_it_is_from(path, empty):
    table, said = parsed(path.read_text(encoding="utf-8"))
    assert said["source"].startswith("UN DESA, ")
    assert "United Nations" in said["citation"]
    assert said["licence"].startswith("CC BY 3.0 IGO, https://")
    areas = empty.registry.schema(empty.registry.dataflow("DF_MIG_STOCK").reference).by_id["REF_AREA"]
    assert set(table.column("REF_AREA").to_pylist()) <= areas.codes
    key = table.drop_columns(["OBS_VALUE"])
    assert key.group_by(key.column_names).aggregate([]).num_rows == table.num_rows


def test_the_tables_are_small():
    assert sum(path.stat().st_size for path in CONTROLS.iterdir()) < 600_000


def test_the_stock_is_that_of_the_demonstration():
    """UN DESA counts 10,220,418 foreign-born in Germany in 2015, the table too."""
    table, _ = parsed((CONTROLS / "UN_IMS2019_STOCK.csv").read_text(encoding="utf-8"))
    rows = {tuple(row.values()) for row in table.to_pylist()}
    with gzip.open(ROOT / "demo" / "stock-DESA.csv.gz", "rt", encoding="utf-8") as file:
        shown = next(line.split(",") for line in file if ",276,MODEL,FB,_T,_T,_T,_T,_T,_T,_T,2015," in line)
    assert ("276", "2015", "FB", "_T", shown[15]) in rows


def test_the_tables_are_part_of_the_rule_book():
    """So that who keeps the book keeps what it was compared with."""
    book = read_rules((ROOT / "dsd",))
    assert set(book.controls) == {path.stem for path in CONTROLS.glob("*.csv")}
    again = RuleBook.read(book.text)
    assert (again.controls, again.digest) == (book.controls, book.digest)


def test_a_rule_that_names_no_table_is_told(tmp_path):
    (tmp_path / "a.rules.toml").write_text(
        '[[rule]]\nid = "X"\ncheck = "differs_from_control"\nlevel = 4\nseverity = "information"\n'
        'table = "ELSEWHERE"\non = ["REF_AREA"]\nshare = 0.1\ndifference = 1\n'
    )
    with pytest.raises(StructureFault, match="control table ELSEWHERE, which is not there"):
        read_rules((tmp_path,))


# --- beside a table ---------------------------------------------------------------------------------------


def test_residents_beside_the_estimate(empty):
    """81,787,411 by the United Nations in 2015: one per cent below is not told; four in 2019 are."""
    content = stock(resident(81_000_000, year=2015), resident(80_000_000, year=2019))
    told = found(empty.check(sent(content, "DEU")), "X01")
    assert (told.severity, told.blocking, told.count, told.level) == ("information", False, 1, 4)
    assert (told.places[0].period, told.places[0].expected) == ("2019", UN.format(83517045))
    assert told.values["table"] == "UN DESA, World Population Prospects 2019"
    assert told.values["pairs"] == 2


def test_thousands_without_their_multiplier_are_seen(empty):
    content = stock(resident(81_800, multiplier=3), resident(81_800, source="CENSUS"))
    told = found(empty.check(sent(content, "DEU")), "X01")
    assert told.count == 1
    assert (told.places[0].given, told.places[0].expected) == ("81800", UN.format(81787411))
    assert ".CENSUS." in told.places[0].key


def test_births_and_deaths_beside_the_estimate(empty):
    """2019 by the United Nations: 778,799 births, 946,642 deaths; the office has 778,090 and 939,520."""
    right = of_account("BIRTH", 778_090), of_account("DEATH", 939_520)
    swapped = of_account("BIRTH", 899_000, 2018), of_account("DEATH", 780_000, 2018)
    report = empty.check(sent(account(*right, *swapped, of_account("IMMIG", 5)), "DEU"))
    assert found(report, "X02").count == 2
    assert {place.period for place in found(report, "X02").places} == {"2018"}


def test_a_stock_is_compared_by_its_own_concept(empty):
    """The table counts Germany by birthplace: foreign citizens are not compared with the foreign-born."""
    content = stock(resident(7_000_000, "FB"), resident(7_500_000, "_T", "FOR"))
    report = empty.check(sent(content, "DEU"))
    assert found(report, "X04").count == 1
    assert found(report, "X04").places[0].key == "A.276.OFF.FB._T._T._T._T._T._T._T"
    assert unchecked(report, "X04") == {"not_in_control": 1}


def test_the_demonstration_agrees_with_the_table_that_it_is_from(empty):
    with gzip.open(ROOT / "demo" / "stock-DESA.csv.gz", "rt", encoding="utf-8") as file:
        lines = [line for line in file if ",276,MODEL," in line or line.startswith("STRUCTURE")]
    report = empty.check(sent("".join(lines).encode(), "DESA"))
    assert found(report, "X04") is None


def test_a_year_that_the_table_lacks_is_not_checked(empty):
    report = empty.check(sent(stock(resident(1, year=2016), resident(81_000_000)), "DEU"))
    assert unchecked(report, "X01") == {"not_in_control": 1}


def test_a_closed_figure_is_compared_with_nothing(empty):
    report = empty.check(sent(stock(resident(987_654, conf="C"), resident(81_000_000, year=2019)), "DEU"))
    assert found(report, "X01").count == 1
    assert unchecked(report, "X01") == {"closed_figure": 1}
    assert "987654" not in str(report.as_dict())


# --- two sources ------------------------------------------------------------------------------------------


def test_census_and_register_of_one_file(empty):
    """612,000 by the census, 655,000 by the official series that rests on a register; 620,000 is near."""
    census = [resident(612_000, "FB", source="CENSUS", year=year) for year in (2015, 2019)]
    register = resident(620_000, "FB", kind="REG_POP"), resident(655_000, "FB", kind="REG_POP", year=2019)
    told = found(empty.check(sent(stock(*census, *register), "DEU")), "X03")
    assert (told.code, told.severity, told.count) == ("sources_differ", "information", 1)
    assert (told.values["percent"], told.values["pairs"]) == ("5", 2)
    assert (told.places[0].given, told.places[0].expected) == ("612000", "655000 (OFF)")


def test_a_census_beside_the_register_sent_before(exchange):
    """What the provider sent last year is there for whoever may see it; a closed figure never is."""
    register = stock(
        resident(655_000, "FB", kind="REG_POP"), resident(987_654, "_T", "FOR", kind="REG_POP", conf="C")
    )
    census = stock(resident(612_000, "FB", source="CENSUS"), resident(300_000, "_T", "FOR", source="CENSUS"))
    (made,), _ = exchange.submit(sent(register, "DEU"), by="test")
    assert found(exchange.check(sent(census, "DEU")), "X03") is None  # not released: nobody's to tell
    exchange.release([made.id], by="test")
    told = found(exchange.check(sent(census, "DEU")), "X03")
    assert (told.count, told.places[0].expected) == (1, "655000 (OFF)")
    (_,), report = exchange.submit(sent(census, "DEU"), by="test")
    assert found(report, "X03").count == 1
    assert "987654" not in str(report.as_dict())


def test_a_transition_beside_the_registered_flow(empty):
    """Residence one year ago, as a census asks it, is less than the moves that a register counts."""
    asked = moved(41_000, "CENSUS", "TRANSITION"), moved(50_000, "CENSUS", "TRANSITION", 2011)
    moves = moved(58_000, "OFF", "EVENT"), moved(58_000, "OFF", "EVENT", 2011)
    told = found(empty.check(sent(_csv(FLOW, "DF_MIG_FLOW", (*asked, *moves)), "DEU")), "X05")
    assert (told.count, told.blocking) == (1, False)
    assert (told.places[0].period, told.places[0].expected) == ("2021", "58000 (OFF)")
