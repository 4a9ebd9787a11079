"""Maintenance: entries of the ledger change structures, judged together; nothing that is stored breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_world import (
    agreement,
    codelist,
    dsd,
    flow,
    listed,
    small,
    submitted,
    world,
)
from test_ledger import url  # noqa: F401  # the ledger on SQLite and on PostgreSQL

from migdx.errors import Conflict, Forbidden, NotFound, SemanticFault
from migdx.keeping import Current
from migdx.maintenance import Maintainer, Wish, maintain
from migdx.registry import Registry
from migdx.structures import (
    Category,
    CategoryScheme,
    Codelist,
    CodelistExtension,
    CubeRegion,
    DataConstraint,
    HierarchicalCode,
    Hierarchy,
    Item,
    KeyValues,
    Mapping,
    RepresentationMap,
)
from migdx.urn import Reference

T = Maintainer("T", frozenset(("T",)))
SEX = Reference("Codelist", "T", "CL_SEX", "1.0")


@pytest.fixture
def exchange(tmp_path: Path):
    made = small(tmp_path)
    yield made
    made.close()


def put(exchange, *artefacts, who=T, **more):
    """The faults of the artefacts, None where it was done."""
    outcomes = maintain(exchange, [Wish.of(artefact) for artefact in artefacts], who, **more)
    return [outcome.fault for outcome in outcomes]


def delete(exchange, reference, item=""):
    [outcome] = maintain(exchange, [Wish("Delete", reference, item=item)], T)
    return outcome.fault


def ids(exchange, reference=SEX):
    return [item.id for item in exchange.whole.find(reference).items]


# --- the registry is the folders and the ledger ---------------------------------------------------


def test_what_is_put_is_there_at_once_and_changes_the_digest(exchange):
    before = exchange.registry
    new = codelist("CL_NEW", "A", "B")
    assert put(exchange, new) == [None]
    assert exchange.registry.find(new.reference) == new
    assert exchange.registry.digest != before.digest
    assert before.find(new.reference) is None  # a registry does not change
    assert exchange.registry is exchange.registry  # nothing new: the same value
    assert exchange.ledger.verify() == 1


def test_it_is_there_after_a_restart_and_digests_agree(exchange, tmp_path):
    put(exchange, codelist("CL_NEW", "A", "B"), replace(codelist("CL_SEX", "_T", "F", "M", "O")))
    delete(exchange, Reference("Codelist", "T", "CL_NEW", "1.0"))
    again = small(tmp_path)
    assert again.registry.digest == exchange.registry.digest
    assert ids(again) == ["_T", "F", "M", "O"]
    assert again.registry.find(Reference("Codelist", "T", "CL_NEW", "1.0")) is None
    again.close()


def test_the_ledger_says_who_did_what_and_keeps_what_was_sent(exchange):
    put(exchange, codelist("CL_NEW", "A"), message=b"as it was sent")
    [entry] = exchange.ledger.entries()
    assert entry.kind == "structures"
    [action] = entry.body["actions"]
    assert action == {"action": "put", "urn": codelist("CL_NEW").urn, "blob": 0}
    assert (entry.body["by"], entry.body["agency"]) == ("T", "T")
    with exchange.blobs.open(entry.body["message"]) as kept:
        assert kept.read() == b"as it was sent"
    with exchange.blobs.open(entry.body["blobs"][0]["sha256"]) as kept:
        assert b"CL_NEW" in kept.read()


def test_one_process_writes_and_another_sees_it(url, tmp_path):  # noqa: F811
    ours = small(tmp_path, url)
    assert ours.registry.find(codelist("CL_NEW").reference) is None
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[3])\n"
        "from small_world import *; from migdx.maintenance import *\n"
        "x = small(Path(sys.argv[1]), sys.argv[2])\n"
        "print(maintain(x, [Wish.of(codelist('CL_NEW', 'A'))], Maintainer('T'))[0].fault)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), url, str(Path(__file__).parent)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.stdout == "None\n", done.stderr
    assert ours.registry.find(codelist("CL_NEW").reference) is not None
    ours.close()


def test_who_is_overtaken_judges_again(tmp_path, monkeypatch):
    """Two writers at once: what the second wants would break what the first has just added."""
    first, second = small(tmp_path), small(tmp_path)
    writing = second.ledger.writing

    def overtaken():
        monkeypatch.setattr(second.ledger, "writing", writing)
        assert put(first, dsd("2.0", id="OTHER"), replace(codelist("CL_X", "A"))) == [None, None]
        extended = codelist("CL_Y", extensions=(CodelistExtension(codelist("CL_FREE").reference),))
        assert put(first, extended) == [None]
        return writing()

    assert put(first, codelist("CL_FREE", "A")) == [None]
    monkeypatch.setattr(second.ledger, "writing", overtaken)
    fault = delete(second, codelist("CL_FREE").reference)
    assert isinstance(fault, Conflict)
    assert "CL_Y" in str(fault)
    first.close()
    second.close()


def test_a_blob_without_an_entry_changes_nothing(exchange, tmp_path, monkeypatch):
    def killed():
        raise KeyboardInterrupt

    monkeypatch.setattr(exchange.ledger, "writing", killed)
    with pytest.raises(KeyboardInterrupt):
        put(exchange, codelist("CL_NEW", "A"))
    assert len(list(exchange.blobs.depot.folder.iterdir())) == 1
    again = small(tmp_path)
    assert again.registry.digest == Registry(world()).digest
    assert put(again, codelist("CL_NEW", "A")) == [None]
    again.close()


def test_an_earlier_moment_can_still_be_seen(exchange):
    history = exchange.ledger.history()
    put(exchange, codelist("CL_NEW", "A"))
    assert exchange.whole.find(codelist("CL_NEW").reference)
    assert exchange.structures_at(history).find(codelist("CL_NEW").reference) is None


def test_a_submission_is_checked_again_when_the_structures_changed_under_it(exchange, monkeypatch):
    writing = exchange.ledger.writing

    def overtaken():
        monkeypatch.setattr(exchange.ledger, "writing", writing)
        assert put(exchange, codelist("CL_SEX", "_T", "F")) == [None]
        return writing()

    monkeypatch.setattr(exchange.ledger, "writing", overtaken)
    with pytest.raises(AssertionError, match="unknown_code"):
        submitted(exchange, "X,M,2020,1,A")


def test_every_change_is_applied_to_the_last_registry(exchange):
    """The folders are read once: following n changes costs n steps, not a reload."""
    for number in range(3):
        put(exchange, codelist(f"CL_{number}", "A"))
    followed = Current(Registry(world()), exchange.blobs).at(exchange.ledger.history().structures)
    assert followed.digest == exchange.whole.digest
    assert {a.urn for a in followed} == {a.urn for a in exchange.whole}


# --- rules ----------------------------------------------------------------------------------------


def test_references_may_be_satisfied_within_the_message(exchange):
    new = dsd("2.0", sex="2.0"), codelist("CL_SEX", "_T", version="2.0"), flow("F2", structure="2.0")
    assert put(exchange, *new) == [None, None, None]
    assert len(list(exchange.ledger.entries())) == 1


def test_one_that_fails_takes_those_that_need_it_and_leaves_the_others(exchange):
    new = flow("F2", structure="2.0"), dsd("2.0", sex="9.9"), codelist("CL_NEW", "A")
    needing, missing, done = put(exchange, *new)
    assert "CL_SEX(9.9)" in str(missing)
    assert "DSD(2.0)" in str(needing)
    assert done is None
    assert exchange.whole.find(new[0].reference) is None


def test_a_stable_version_neither_changes_nor_goes(exchange):
    stable = codelist("CL_STABLE", "A", "B", version="1.0.0")
    assert put(exchange, stable) == [None]  # the same again is no change
    assert list(exchange.ledger.entries()) == []
    [fault] = put(exchange, codelist("CL_STABLE", "A", "B", "C", version="1.0.0"))
    assert isinstance(fault, Conflict)
    assert "1.0.1" in str(fault)
    assert isinstance(delete(exchange, stable.reference), Conflict)
    assert isinstance(delete(exchange, stable.reference, "A"), Conflict)
    partial = replace(codelist("CL_STABLE", "C", version="1.0.0"), is_partial=True)
    assert isinstance(put(exchange, partial)[0], Conflict)


def test_a_version_that_takes_away_needs_a_new_major_number(exchange):
    [fault] = put(exchange, codelist("CL_STABLE", "A", version="1.1.0"))
    assert "it lacks B of T:CL_STABLE(1.0.0); taking away needs version 2.0.0" in str(fault)
    assert put(exchange, codelist("CL_STABLE", "A", "B", "C", version="1.1.0")) == [None]
    assert put(exchange, codelist("CL_STABLE", "A", version="2.0.0")) == [None]


def test_what_is_referred_to_does_not_go_and_says_by_whom(exchange):
    fault = delete(exchange, SEX)
    assert isinstance(fault, Conflict)
    assert "DataStructure T:DSD(1.0) refers to Codelist T:CL_SEX(1.0)" in str(fault)
    assert isinstance(delete(exchange, codelist("CL_NONE").reference), NotFound)
    assert delete(exchange, agreement().reference) is None


def test_an_item_that_is_referred_to_does_not_go(exchange):
    concepts = Reference("ConceptScheme", "T", "CS", "1.0")
    assert "T:DSD(1.0) refers to Concept T:CS(1.0) SEX" in str(delete(exchange, concepts, "SEX"))
    assert isinstance(delete(exchange, concepts, "NONE"), NotFound)


def test_deleting_an_item_leaves_its_children_without_a_parent(exchange):
    tree = replace(codelist("CL_TREE"), items=(Item("A"), Item("B", parent="A"), Item("C", parent="B")))
    tree = replace(tree, items=tuple(replace(item, names={"en": item.id}) for item in tree.items))
    put(exchange, tree)
    assert delete(exchange, tree.reference, "A") is None
    assert [(i.id, i.parent) for i in exchange.whole.find(tree.reference).items] == [("B", ""), ("C", "B")]


def test_deleting_a_nested_item_takes_what_is_in_it(exchange):
    def category(id, *children):
        return Category(id, children=children, names={"en": id})

    scheme = CategoryScheme(
        "CAT",
        "T",
        "1.0",
        names={"en": "x"},
        items=(category("A", category("B", category("C")), category("D")),),
    )
    put(exchange, scheme)
    assert delete(exchange, scheme.reference, "A.B") is None
    [root] = exchange.whole.find(scheme.reference).items
    assert [child.id for child in root.children] == ["D"]
    assert isinstance(delete(exchange, scheme.reference, "A.B.C"), NotFound)
    partial = replace(scheme, items=(category("A", category("E")), category("Z")), is_partial=True)
    assert put(exchange, partial) == [None]
    root, new = exchange.whole.find(scheme.reference).items
    assert ([child.id for child in root.children], new.id) == (["E"], "Z")


def test_lists_that_extend_each_other_are_refused(exchange):
    def extends(id, other):
        return codelist(id, "A", extensions=(CodelistExtension(codelist(other).reference),))

    one, two = put(exchange, extends("CL_1", "CL_2"), extends("CL_2", "CL_1"))
    assert isinstance(one, Conflict)
    assert isinstance(two, Conflict)


@pytest.mark.parametrize(
    ("parents", "said"),
    [({"A": "Z"}, "has the parent Z, which is not there"), ({"A": "B", "B": "A"}, "stands below itself")],
)
def test_items_stand_below_one_that_is_there(exchange, parents, said):
    items = tuple(Item(id, parent=parents.get(id, ""), names={"en": id}) for id in "AB")
    [fault] = put(exchange, replace(codelist("CL_TREE"), items=items))
    assert said in str(fault)


def test_another_agency_s_structures_are_not_touched(exchange):
    other = codelist("CL_NEW", "A", agency="U")
    unit = codelist("CL_NEW", "A", agency="T.UNIT")
    assert [type(fault) for fault in put(exchange, other, unit)] == [Forbidden, type(None)]
    assert put(exchange, other, who=Maintainer("all")) == [None]


def test_twice_in_a_message_and_stubs_are_refused(exchange):
    first, second = put(exchange, codelist("CL_NEW", "A"), codelist("CL_NEW", "B"))
    assert first is None
    assert isinstance(second, SemanticFault)
    [stub] = put(exchange, codelist("CL_STUB").stub())
    assert isinstance(stub, SemanticFault)


def test_a_dry_run_says_it_and_does_nothing(exchange):
    assert put(exchange, codelist("CL_NEW", "A"), dry=True) == [None]
    assert list(exchange.ledger.entries()) == []
    assert list(exchange.blobs.depot.folder.iterdir()) == []


# --- in part --------------------------------------------------------------------------------------


def test_a_partial_list_replaces_in_place_and_adds(exchange):
    def partial(*codes, **more):
        return replace(codelist("CL_SEX", *codes), is_partial=True, **more)

    items = (Item("F", names={"en": "Women"}), Item("O", names={"en": "Other"}))
    assert put(exchange, replace(partial(), items=items, names={"fr": "Sexe"})) == [None]
    now = exchange.whole.find(SEX)
    assert [item.id for item in now.items] == ["_T", "F", "M", "O"]
    assert now.by_id["F"].names == {"en": "Women"}
    assert now.names == {"en": "CL_SEX", "fr": "Sexe"}
    assert not now.is_partial
    put(exchange, partial("NEW", "M"))  # before the one that follows it
    assert ids(exchange) == ["_T", "F", "NEW", "M", "O"]


def test_a_partial_language_changes_texts_only(exchange):
    items = (Item("F", names={"fr": "Femmes"}),)
    given = replace(codelist("CL_SEX"), items=items, names={"fr": "Sexe"}, is_partial_language=True)
    assert put(exchange, given) in ([None],)
    now = exchange.whole.find(SEX)
    assert now.names == {"en": "CL_SEX", "fr": "Sexe"}
    assert [(item.id, dict(item.names)) for item in now.items] == [
        ("_T", {"en": "The _T"}), ("F", {"en": "The F", "fr": "Femmes"}), ("M", {"en": "The M"}),
    ]  # fmt: skip
    [fault] = put(exchange, replace(given, items=(Item("NEW", names={"fr": "x"}),)))
    assert isinstance(fault, SemanticFault)


def test_there_must_be_something_to_update_in_part(exchange):
    [fault] = put(exchange, replace(codelist("CL_NEW", "A"), is_partial=True))
    assert isinstance(fault, NotFound)


# --- what is stored stays valid -------------------------------------------------------------------


def test_a_code_that_stored_data_hold_does_not_go(exchange):
    submitted(exchange, "X,F,2020,1,A", "X,M,2020,2,P")
    [fault] = put(exchange, codelist("CL_SEX", "_T", "M"))
    assert isinstance(fault, Conflict)
    assert "Data of ONE for T:FLOW(1.0), revision 1: it holds SEX F" in str(fault)
    assert "F" in str(delete(exchange, SEX, "F"))
    assert delete(exchange, SEX, "_T") is None  # nobody holds it
    assert put(exchange, codelist("CL_SEX", "F", version="2.0")) == [None]  # a new version is free
    guilty, innocent = put(exchange, codelist("CL_SEX", "_T", "M"), codelist("CL_AREA", "X", "Y", "Z"))
    assert isinstance(guilty, Conflict)
    assert innocent is None
    statuses = Reference("Codelist", "T", "CL_OBS_STATUS", "1.0")
    assert "OBS_STATUS P" in str(delete(exchange, statuses, "P"))  # of an attribute: read from the store


def test_a_dimension_does_not_go_from_under_stored_data(exchange):
    submitted(exchange, "X,F,2020,1,A")
    [fault] = put(exchange, replace(dsd(), dimensions=dsd().dimensions[:2] + dsd().dimensions[3:]))
    assert "its dimensions are FREQ, REF_AREA, SEX, TIME_PERIOD" in str(fault)
    assert "it holds OBS_STATUS" in str(put(exchange, replace(dsd(), attributes=()))[0])
    assert isinstance(delete(exchange, agreement().reference), Conflict)
    assert isinstance(delete(exchange, flow().reference), Conflict)


def test_a_constraint_that_forbids_stored_data_is_refused(exchange):
    submitted(exchange, "X,F,2020,1,A")

    def constraint(*codes):
        region = CubeRegion((KeyValues("SEX", codes),))
        return DataConstraint(
            "CR", "T", "1.0", names={"en": "x"}, attachment=(flow().reference,), regions=(region,)
        )

    assert "it holds SEX F" in str(put(exchange, constraint("M"))[0])
    assert put(exchange, constraint("F", "M")) == [None]
    assert "DataConstraint T:CR(1.0) names M of T:CL_SEX(1.0)" in str(delete(exchange, SEX, "M"))


def test_maps_and_hierarchies_that_name_a_code_keep_it(exchange):
    other = codelist("CL_OTHER", "1", "2")
    mapped = RepresentationMap(
        "RM", "T", "1.0", names={"en": "x"}, sources=(SEX,), targets=(other.reference,),
        mappings=(Mapping(("F",), ("1",)),),
    )  # fmt: skip
    node = HierarchicalCode("M", code=Reference("Code", "T", "CL_SEX", "1.0", "M"))
    ordered = Hierarchy("H", "T", "1.0", names={"en": "x"}, codes=(node,))
    assert put(exchange, other, mapped, ordered) == [None, None, None]
    assert "RepresentationMap T:RM(1.0) names F" in str(delete(exchange, SEX, "F"))
    assert "Hierarchy T:H(1.0) refers to Code T:CL_SEX(1.0) M" in str(delete(exchange, SEX, "M"))


def test_a_dataflow_that_makes_no_schema_is_refused(exchange):
    broken = replace(
        dsd("2.0"), dimensions=(replace(dsd().dimensions[0], representation=listed("CL_SEX", "7.0")),)
    )
    assert [type(fault) for fault in put(exchange, broken, flow("F2", structure="2.0"))] == [
        Conflict,
        Conflict,
    ]


# --- drafts ---------------------------------------------------------------------------------------


def test_a_draft_is_its_agency_s(exchange):
    public = exchange.registry.digest
    draft = codelist("CL_NEW", "A", version="1.0.0-draft")
    assert put(exchange, draft) == [None]
    assert exchange.registry.find(draft.reference) is None
    assert exchange.registry.digest == public
    assert exchange.seen_by(("U",)).registry.digest == public
    assert exchange.seen_by(("T",)).registry.find(draft.reference) == draft
    assert put(exchange, codelist("CL_NEW", "B", version="1.0.0-draft")) == [None]  # drafts may change
    assert delete(exchange, draft.reference) is None


def test_nothing_public_refers_to_a_draft(exchange):
    draft = codelist("CL_SEX", "_T", version="2.0.0-draft")
    put(exchange, draft)
    [fault] = put(exchange, dsd("2.0", sex="2.0.0-draft"))
    assert "drafts that not all see" in str(fault)
    assert put(exchange, dsd("2.0.0-draft", sex="2.0.0-draft")) == [None]
    other = replace(dsd("1.0.0-draft", sex="1.0", agency="U"), attributes=())
    foreign = replace(
        other,
        dimensions=tuple(
            replace(d, representation=listed("CL_SEX", "2.0.0-draft")) for d in other.dimensions[:1]
        ),
    )
    assert put(exchange, foreign, who=Maintainer("all"))[0] is not None


def test_a_draft_constraint_touches_nothing_public(exchange):
    submitted(exchange, "X,F,2020,1,A")
    draft = DataConstraint(
        "CR", "T", "1.0.0-draft", names={"en": "x"}, attachment=(flow().reference,),
        regions=(CubeRegion((KeyValues("SEX", ("M",)),)),),
    )  # fmt: skip
    assert put(exchange, draft) == [None]
    assert exchange.registry.schema(flow().reference).by_id["SEX"].allowed is None
    seen = exchange.seen_by(("T",)).registry
    assert seen.schema(flow().reference).by_id["SEX"].allowed == {"M"}
    submitted(exchange, "X,F,2021,1,A")


def test_releases_of_drafts_are_not_told(exchange):
    drafted = (
        flow("DRAFT", "1.0.0-draft"),
        agreement("PA_D", "1.0.0-draft", flow("DRAFT", "1.0.0-draft").reference),
    )
    assert put(exchange, *drafted) == [None, None]
    submitted(exchange, "X,F,2020,1,A")
    before = exchange.public()
    submitted(exchange.seen_by(("T",)), "X,F,2020,1,A", flow="T:DRAFT(1.0.0-draft)")
    after = exchange.public()
    assert (after.tag(), after.last_change) == (before.tag(), before.last_change)
    assert len(exchange.seen_by(("T",)).public().revisions) == 2
    [fault] = put(exchange, flow("DRAFT", "1.0.0-draft", structure="1.0", of="DSD"), replace(drafted[1]))[:1]
    assert fault is None  # the same again
    assert isinstance(delete(exchange, drafted[0].reference), Conflict)  # it has an agreement and data


def test_a_codelist_is_told_losslessly(exchange):
    assert isinstance(exchange.whole.find(SEX), Codelist)
    for artefact in world():
        renamed = replace(
            artefact, id=artefact.id, names={"en": "x & <y>", "fr": "é\n"}, agency=artefact.agency
        )
        if artefact.version == "1.0":
            assert put(exchange, renamed, who=Maintainer("all")) == [None]
            assert exchange.whole.find(renamed.reference) == renamed
