"""The pages of the structures: every type has its page; search, pages of rows, languages, files."""

import pytest
from lxml import html

from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.registry import Registry
from migdx.structures import (
    Codelist,
    ComponentMap,
    ConceptSchemeMap,
    CubeRegion,
    DataConstraint,
    DataKey,
    DataKeySet,
    FixedValueMap,
    HierarchicalCode,
    Hierarchy,
    Item,
    KeyValues,
    Mapping,
    ProvisionAgreement,
    StructureMap,
    TimeRange,
)
from migdx.urn import Reference, parse_short
from migdx.web import v1, v2
from migdx.web.mirror import settings
from migdx.web.structure_parts import Inside
from migdx.web.wording import Words

AREAS = "/structures/codelist/MIGDX/CL_AREA/1.0.0"


def page(get, url, **headers):
    answer = get(url, **headers)
    assert answer.status_code == 200, url
    return html.fromstring(answer.data)


def rows(tree):
    return [row.text_content().split() for row in tree.xpath("//table[contains(@class, 'stacks')]/tbody/tr")]


def test_the_types_and_how_many_there_are(get, published):
    tree = page(get, "/structures")
    told = {
        row.find("th").find("a").get("href").partition("type=")[2]: row.find("td").text_content()
        for row in tree.xpath("//section[@aria-labelledby='types']//tbody/tr")
    }
    registry = published.registry.public
    assert told.keys() == {artefact.kind.lower() for artefact in registry}
    assert told["codelist"] == str(sum(1 for artefact in registry if artefact.kind == "Codelist"))


def test_the_header_leads_there(get):
    tree = page(get, "/", Accept_Language="fr")
    (link,) = tree.xpath("//nav[@class='sections']/a[@href='/structures']")
    assert link.text == "Structures"


def test_structures_are_found_by_id_and_name(get):
    assert rows(page(get, "/structures?q=cl_sex"))[0][-1] == "MIGDX:CL_SEX(1.0.0)"
    found = rows(page(get, "/structures?q=fréquence&type=codelist"))
    assert [row[-1].partition("(")[0] for row in found] == ["MIGDX:CL_FREQ"]
    assert "Nothing has this text." in page(get, "/structures?q=no+such+thing").text_content()
    assert len(rows(page(get, "/structures?type=provisionagreement"))) == 100


def test_pages_of_rows(get):
    first = page(get, AREAS)
    assert len(rows(first)) == 100
    (following,) = first.xpath("//nav[@class='turn']/a[@rel='next']/@href")
    second = page(get, following)
    assert rows(second)[0] != rows(first)[0]
    (back,) = second.xpath("//nav[@class='turn']/a[@rel='prev']/@href")
    assert rows(page(get, back)) == rows(first)
    assert page(get, f"{AREAS}?offset=999999").xpath("//h1")


def test_items_are_found_in_any_language(get):
    (row,) = rows(page(get, f"{AREAS}?q=COTE+d"))
    assert row[0] == "384"
    assert "lang=fr" in page(get, f"{AREAS}?q=cote&lang=fr").xpath("//nav[@class='languages']/a/@href")[1]
    (kept,) = page(get, f"{AREAS}?q=cote&lang=fr").xpath("//form//input[@name='lang']/@value")
    assert kept == "fr"


def test_what_an_artefact_belongs_to(get):
    tree = page(get, "/structures/dataflow/MIGDX/DF_MIG_FLOW/1.0.0")
    assert facts(tree)["Structure"] == "International migration flows and population account"
    down, up = tree.xpath("//dl[@class='relations']")
    assert "/structures/datastructure/MIGDX/DSD_MIG_FLOW/1.0.0" in down.xpath(".//a/@href")
    assert "/structures/dataconstraint/MIGDX/CR_MIG_FLOW/1.0.0" in up.xpath(".//a/@href")
    assert "more" in up.text_content()  # of the agreements only some are shown
    (others,) = up.xpath(".//dd[@class='hint']/a/@href")
    assert get(others).status_code == 200
    assert "/dataflows/MIGDX/DF_MIG_FLOW" in tree.xpath("//a/@href")


def test_components_and_hierarchies(get):
    tree = page(get, "/structures/datastructure/MIGDX/DSD_MIG_FLOW/1.0.0", Accept_Language="fr")
    assert rows(tree)[1][:4] == ["REF_AREA", "Zone", "de", "référence"]
    assert "de chaque observation" in tree.text_content()
    assert "/structures/codelist/MIGDX/CL_SEX/1.0.0?lang=fr" not in tree.xpath("//a/@href")
    assert "/structures/codelist/MIGDX/CL_SEX/1.0.0" in tree.xpath("//td//a/@href")
    assert page(get, "/structures/hierarchy/MIGDX/H_AREA/1.0.0").xpath("//ul[@class='tree']/li/code")


def facts(tree):
    """What stands at the head of a page, by its label."""
    return {
        " ".join(one.find("dt").text_content().split()): " ".join(
            " ".join(told.text_content() for told in one.findall("dd")).split()
        )
        for one in tree.xpath("//dl[contains(@class, 'subject')]/div")
    }


def marks(tree, item):
    """The notes on an item, by their labels."""
    return {
        one.find("dt").text_content(): " ".join(told.text_content() for told in one.findall("dd"))
        for one in tree.xpath(f"//tr[@id='item-{item}']//dl[@class='marks']/div")
    }


INDICATORS = "/structures/codelist/MIGDX/CL_MIG_INDICATOR/1.0.0"


def test_the_notes_on_an_item_have_a_name_and_the_names_of_their_codes(get):
    tree = page(get, INDICATORS)
    quoted, placed = marks(tree, "MI_1_1"), marks(tree, "P_1_2")
    assert quoted["Policy area"].startswith("Improve the measurement of international migration")
    assert quoted["Level"] == "core"
    assert quoted["Unit"] == "Per cent · Persons"
    assert quoted["Primary topics"] == "Age · Sex · Country of birth · Country of citizenship"
    assert quoted["Secondary topics"].startswith("Duration of stay · Educational attainment")
    assert quoted["Provenance"].startswith("UNSD-TF1-SEED: quoted")
    assert placed["Provenance"].startswith("PLACEHOLDER of MIGDX")
    assert placed["Confidence"].startswith("M, medium")
    assert marks(page(get, f"{INDICATORS}?lang=fr"), "MI_1_1")["Niveau"] == "de base"


def test_a_note_that_says_only_yes_is_its_label(get):
    told = marks(page(get, AREAS), "004")
    assert told["Least developed country"] == ""
    assert told["ISO 3166 alpha-2"] == "AF"


def test_every_type_of_note_has_a_name_and_every_list_of_one_is_there(published):
    notes = settings(published.folders)["notes"]
    registry = published.registry.public
    held = set()
    for artefact in registry:
        for one in (artefact, *getattr(artefact, "items", ())):
            held |= {note.type or note.id for note in one.annotations}
    assert held - notes.keys() == set()
    for about in notes.values():
        assert about["name"].keys() == {"en", "fr"}
        assert "codes" not in about or registry.find(parse_short(about["codes"], "Codelist"))


def test_agreements_and_categorisations_say_what_they_bind(get):
    told = facts(page(get, "/structures/provisionagreement/MIGDX/MIG_FLOW_FRA/1.0.0"))
    assert told["Provider"] == "France"
    assert told["Dataflow"].startswith("Immigration, emigration and net migration")
    told = facts(page(get, "/structures/categorisation/MIGDX/CAT_MIG_STOCK_SUBJECT/1.0.0"))
    assert told["Under"] == "Population stocks"


def test_a_reference_to_an_item_leads_to_its_row(get):
    tree = page(get, "/structures/provisionagreement/MIGDX/MIG_FLOW_FRA/1.0.0")
    (link,) = [one for one in tree.xpath("//dl//a/@href") if "#item-" in one]
    address, _, anchor = link.partition("#")
    assert page(get, address).xpath(f"//tr[@id='{anchor}']")


def test_a_constraint_says_which_values_it_leaves(get):
    tree = page(get, "/structures/dataconstraint/MIGDX/CR_MIG_FLOW/1.0.0")
    assert "What may be reported" in tree.text_content()
    told = {row[0]: row[1:] for row in rows(tree)}
    assert told["COMPONENT"] == [
        "only",
        *["IMMIG", "Immigration", "EMIG", "Emigration", "NET", "Net", "migration"],
    ]
    assert "250 France" in " ".join(
        page(get, "/structures/dataconstraint/MIGDX/AREA_FRA/1.0.0").text_content().split()
    )


def test_a_map_is_a_table_of_codes_with_their_names(get):
    status = page(get, "/structures/representationmap/MIGDX/RM_MIG_STATUS/1.0.0")
    assert ["NBC", "Native-born", "citizens", "NB", "Native-born", "CIT", "Citizens"] in rows(status)
    areas = "/structures/representationmap/MIGDX/RM_AREA_ESTAT/1.0.0"
    tree = page(get, areas)
    assert len(rows(tree)) == 100
    assert facts(tree)["From"] == "Areas: codes of Eurostat"
    (following,) = tree.xpath("//nav[@class='turn']/a[@rel='next']/@href")
    assert rows(page(get, following))[0] != rows(tree)[0]


def test_a_metadata_structure_shows_its_attributes(get):
    told = {row[0]: " ".join(row[1:]) for row in rows(page(get, METADATA))}
    assert told["INST_MANDATE"] == "Institutional mandate attribute 0..1 String (in several languages)"


METADATA = "/structures/metadatastructure/MIGDX/MSD_MIGRATION/1.0.0"


@pytest.mark.parametrize("word", ["codelist", "hierarchy", "representationmap", "provisionagreement"])
def test_no_page_is_huge(get, published, word):
    for found in published.registry.public:
        if found.kind.lower() == word and not found.id.startswith("MIG_"):
            url = f"/structures/{word}/{found.agency}/{found.id}/{found.version}"
            assert len(get(url).data) < 100_000, url


def test_files_in_every_format(get):
    tree = page(get, AREAS)
    links = tree.xpath("//section[@aria-labelledby='downloads']//a/@href")
    given = set()
    for link in links:
        answer = get(link)
        assert answer.status_code == 200, link
        given.add(answer.content_type)
    assert given == set(STRUCTURE_WRITERS)


@pytest.mark.parametrize("kind", sorted(v2.KINDS.values()))
def test_every_type_has_a_page(get, published, kind):
    found = next((artefact for artefact in published.registry.public if artefact.kind == kind), None)
    if found is None:
        assert get(f"/structures/{kind.lower()}/MIGDX/NO/1.0.0").status_code == 404
        return
    tree = page(get, f"/structures/{kind.lower()}/{found.agency}/{found.id}/{found.version}")
    assert found.urn in tree.text_content()


def test_the_text_of_a_query_is_only_text(get):
    tree = page(get, "/structures?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert tree.xpath("//input[@name='q']/@value") == ["<script>alert(1)</script>"]
    assert not tree.xpath("//script")


def test_names_in_urls_are_words_of_the_api():
    assert "structureset" in v1.WORDS.values()
    assert v2.WORDS["GeographicCodelist"] == "codelist"


# --- kinds that the content has none of ---------------------------------------------------------------------


def inside(app, artefact, *others):
    with app.test_request_context("/"):
        return Inside(artefact, Registry([artefact, *others]), Words("en"))


def test_keys_and_periods_of_a_constraint(app):
    keys = DataKeySet(
        (DataKey((KeyValues("SEX", ("F",)),)), DataKey((KeyValues("SEX", ("M",)),), include=False)),
        include=True,
    )
    region = CubeRegion(
        (
            KeyValues("TIME_PERIOD", time_range=TimeRange("2010", None)),
            KeyValues("AREA", tuple(map(str, range(99))), include=False),
        ),
        include=False,
    )
    constraint = DataConstraint("C", "T", "1.0", regions=(region,), key_sets=(keys,))
    told = inside(app, constraint).limits()
    assert [heading for heading, _ in told] == [
        "What may not be reported", "What may be reported", "What may not be reported",
    ]  # fmt: skip
    (time, only, periods, _), (_, but, some, more) = told[0][1]
    assert (time, only, periods) == ("TIME_PERIOD", "only", [("2010 – ..", "")])
    assert (but, len(some), more) == ("all but", 30, 69)


def test_maps_of_components_and_of_items(app):
    components = (ComponentMap(("A", "B"), ("C",)),)
    fixed = (FixedValueMap("D", ("X",)), FixedValueMap("E", ("Y",), side="source"))
    one = StructureMap("SM", "T", "1.0", components=components, fixed_values=fixed)
    assert [(source, target, how.text) for source, target, how in inside(app, one).component_maps()] == [
        ("A, B", "C", "taken as they are"),
        ("", "D", "always X"),
        ("E", "", "always Y"),
    ]
    scheme = Codelist("CL", "T", "1.0", items=(Item("A", names={"en": "Apple"}),))
    items = ConceptSchemeMap(
        "M", "T", "1.0", source=scheme.reference, target=scheme.reference, mappings=(Mapping(("A",), ("B",)),)
    )
    with app.test_request_context("/"):
        heads, rows, _ = Inside(items, Registry([items, scheme]), Words("en")).mappings()
    assert [head.text for head in heads] == ["CL", "CL"]
    assert rows == [[("A", "Apple"), ("B", "")]]


def test_what_a_reference_leads_to_may_be_elsewhere(app):
    agreement = ProvisionAgreement("PA", "T", "1.0", dataflow=Reference("Dataflow", "X", "DF", "1.0"))
    ((label, (told,)),) = inside(app, agreement).facts()
    assert (label, told.text, told.of) == ("Dataflow", "X:DF(1.0)", None)


def test_a_long_hierarchy_has_pages(app):
    codes = tuple(
        HierarchicalCode(str(n), code=Reference("Code", "T", "CL", "1.0", str(n))) for n in range(700)
    )
    tree = Hierarchy("H", "T", "1.0", codes=codes)
    with app.test_request_context("/?offset=500"):
        shown, pages = Inside(tree, Registry([tree]), Words("en")).nodes()
    assert (len(shown), shown[0][1], pages.before, pages.after) == (200, "500", 0, None)
