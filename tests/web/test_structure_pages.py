"""The pages of the structures: every type has its page; search, pages of rows, languages, files."""

import pytest
from lxml import html

from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.web import v1, v2

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
    down, up = tree.xpath("//dl[@class='relations']")
    assert "/structures/datastructure/MIGDX/DSD_MIG_FLOW/1.0.0" in down.xpath(".//a/@href")
    assert "/structures/dataconstraint/MIGDX/CR_MIG_FLOW/1.0.0" in up.xpath(".//a/@href")
    assert "more" in up.text_content()  # of the agreements only some are shown
    assert "/dataflows/MIGDX/DF_MIG_FLOW" in tree.xpath("//a/@href")


def test_components_and_hierarchies(get):
    tree = page(get, "/structures/datastructure/MIGDX/DSD_MIG_FLOW/1.0.0", Accept_Language="fr")
    assert rows(tree)[1][:4] == ["REF_AREA", "Zone", "de", "référence"]
    assert page(get, "/structures/hierarchy/MIGDX/H_AREA/1.0.0").xpath("//ul[@class='tree']/li/code")


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
