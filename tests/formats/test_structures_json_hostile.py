"""Whatever is sent as a SDMX-JSON structure message: it loads, or one fault says what is wrong and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structures_json import ALL, message
from structures_made import CL_SEX, CONSTRAINT, DSD, FLOW, FULL, HIERARCHY

from migdx.errors import StructureFault
from migdx.formats.json2_structures import read_structures
from migdx.structures import Maintainable

pytestmark = pytest.mark.faults

META = b'{"meta":{"id":"A","prepared":"2026-11-21T00:00:00Z","sender":{"id":"A"}},"data":'


def data(content: str) -> bytes:
    return META + content.encode() + b"}"


def codelist(inner: str) -> bytes:
    return data(f'{{"codelists":[{{"id":"CL","agencyID":"A","name":"x",{inner}}}]}}')


SOURCES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the message is not JSON"),
    "blank": (b"  \n ", "the message is not JSON"),
    "no JSON": (b"\n\n<Structure/>", "x:3: the message is not JSON"),
    "cut off": (b'{"data":{"codelists":[{"id":"C', "the message is not JSON"),
    "something after it": (data("{}") + b"}", "the message is not JSON"),
    "NaN": (codelist('"codes":[{"id":NaN}]'), "the message is not JSON"),
    "Infinity": (codelist('"version":Infinity'), "the message is not JSON"),
    "a comment": (b"/* x */" + data("{}"), "the message is not JSON"),
    "single quotes": (b"{'data':{}}", "the message is not JSON"),
    "UTF-16": (data("{}").decode().encode("utf-16"), "the message is not in UTF-8"),
    "UTF-16 without mark": (data("{}").decode().encode("utf-16-le"), "the message is not in UTF-8"),
    "UTF-32": (data("{}").decode().encode("utf-32"), "the message is not in UTF-8"),
    "Latin-1": (data("{}").replace(b'"A"', b'"\xe9"'), "the message is not JSON"),
    "half a surrogate": (codelist(r'"description":"\ud800"'), "the message is not JSON"),
    "an array": (b"[1]", "the message is an array; expected an object with meta and data"),
    "a number": (b"7", "the message is the number 7; expected an object"),
    "null": (b"null", "the message is null; expected an object"),
    "deep arrays": (b"[" * 100_000, "the message is not JSON"),
    "deep objects": (b'{"data":' * 5_000 + b"1" + b"}" * 5_000, "the message is not JSON"),
    "no data": (b'{"a":1}', "the message has no data"),
    "only errors": (b'{"meta":{},"errors":[{"code":404}]}', "the message has no data"),
    "a data message": (b'{"meta":{},"data":{"dataSets":[],"structures":[]}}', "this is a data message"),
    "an old data message": (b'{"header":{},"dataSets":[],"structure":{}}', "this is a data message"),
    "metadata": (b'{"meta":{},"data":{"metadataSets":[]}}', "this is a metadata message"),
    "1.0": (b'{"meta":{},"data":{"hierarchicalCodelists":[]}}', "this is a message of SDMX-JSON 1.0"),
    "data is an array": (data("[]"), "data is an array; expected an object"),
    "data is null": (data("null"), "data is null; expected an object"),
    "a list is an object": (data('{"codelists":{}}'), "data.codelists is an object; expected an array"),
    "a list is text": (data('{"codelists":"x"}'), "data.codelists is the text 'x'; expected an array"),
    "an artefact is null": (data('{"codelists":[null]}'), "data.codelists[0] is null; expected an object"),
    "an artefact is text": (data('{"dataflows":["x"]}'), "data.dataflows[0] is the text 'x'; expected"),
    "a number as id": (
        data('{"codelists":[{"id":7,"agencyID":"A"}]}'),
        "data.codelists[0].id is the number 7; expected an id",
    ),
    "a path as id": (
        data('{"codelists":[{"id":"../../x","agencyID":"A"}]}'),
        "data.codelists[0].id is the text '../../x'; expected",
    ),
    "no agency": (data('{"codelists":[{"id":"A"}]}'), "data.codelists[0] has no agencyID"),
    "a nulled id": (data('{"codelists":[{"id":null,"agencyID":"A"}]}'), "data.codelists[0] has no id"),
    "a number as version": (codelist('"version":1.0'), "version is the number 1.0; expected"),
    "a path as version": (codelist('"version":"1/../2"'), "version is the text '1/../2'; expected a version"),
    "text as flag": (codelist('"isPartial":"true"'), "isPartial is the text 'true'; expected true or false"),
    "names are an array": (codelist('"names":["x"]'), "data.codelists[0].names is an array; expected"),
    "a name is a number": (codelist('"names":{"en":1}'), "data.codelists[0].names.en is the number 1"),
    "texts as description": (codelist('"description":{"en":"x"}'), "description is an object; expected"),
    "a code is null": (codelist('"codes":[{"id":"A"},null]'), "data.codelists[0].codes[1] is null"),
    "an id in a code": (codelist('"codes":[{"id":"A"},{"id":{}}]'), "codes[1].id is an object"),
    "the same code": (
        codelist('"codes":[{"id":"A"},{"id":"B"},{"id":"A"}]'),
        "data.codelists[0].codes[2] has the id 'A', as has entry 0 of the same list",
    ),
    "the same list": (
        data('{"codelists":[{"id":"A","agencyID":"A"},{"id":"A","agencyID":"A","version":"1.0"}]}'),
        "data.codelists[1] is Codelist A:A(1.0), as is entry 0",
    ),
    "a key twice": (codelist('"codes":[],"codes":[{"id":"A"}]'), "codes is given twice in the object"),
    "an escaped key twice": (codelist(r'"co\u0064es":[],"codes":[{"id":"A"}]'), "codes is given twice"),
    "links are an object": (codelist('"links":{}'), "links is an object; expected an array"),
    "a link is text": (codelist('"links":["x"]'), "data.codelists[0].links[0] is the text 'x'; expected"),
    "an address is a number": (codelist('"links":[{"rel":"a","href":1}]'), "links[0].href is the number 1"),
    "no URN": (
        data('{"dataflows":[{"id":"A","agencyID":"A","structure":"x"}]}'),
        "data.dataflows[0].structure is not a URN: 'x' is not an SDMX URN",
    ),
    "another URN": (
        data('{"dataflows":[{"id":"A","agencyID":"A",'
             '"structure":"urn:sdmx:org.sdmx.infomodel.codelist.Codelist=A:B(1.0)"}]}'),
        "expected the URN of a DataStructure",
    ),
    "of 1.0": (
        data('{"dataStructures":[{"id":"A","agencyID":"A","dataStructureComponents":'
             '{"measureList":{"primaryMeasure":{}}}}]}'),
        "measureList has primaryMeasure, which is of SDMX-JSON 1.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_one_fault_that_says_what_and_where(name: str) -> None:
    source, reason = SOURCES[name]
    with pytest.raises(StructureFault) as found:
        read_structures(source, "x")
    assert reason in str(found.value)
    assert str(found.value).startswith("x:")
    assert len(str(found.value)) < 500


def test_what_is_odd_and_loads() -> None:
    marked = b"\xef\xbb\xbf" + codelist('"codes":[{"id":"A"}]')
    assert read_structures(marked)[0].id == "CL"
    assert read_structures(b'{"meta":{}}') == []
    assert read_structures(data('{"codelists":[],"apples":null,"dataflows":null}')) == []
    big = '{"id":"C","x":%s,"y":1e999999,"annotations":[]}' % ("9" * 5000)
    with pytest.raises(StructureFault, match=r"not JSON|number"):
        read_structures(codelist(f'"codes":[{big}],"version":{"9" * 4999}'))
    values = data('{"valueLists":[{"id":"A","agencyID":"A","valueItems":[{"id":"%"},{"id":"%"}]}]}')
    assert len(read_structures(values)[0].items) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(("depth", "fits"), [(60, True), (150, False), (400, False)])
def test_deep_trees(depth: int, fits: bool) -> None:
    tree: dict[str, Any] = {"id": "A"}
    for _ in range(depth):
        tree = {"id": "A", "categories": [tree]}
    told = orjson.dumps({"id": "S", "agencyID": "A", "categories": []}).replace(
        b"[]", b"[" + _dumped(tree) + b"]"
    )
    source = META + b'{"categorySchemes":[' + told + b"]}}"
    if fits:
        assert read_structures(source)[0].id == "S"
    else:
        with pytest.raises(StructureFault, match=r"nested deeper than|not JSON"):
            read_structures(source)


def _dumped(tree: dict[str, Any]) -> bytes:
    """Deeper than orjson writes."""
    opened = b""
    while "categories" in tree:
        opened += b'{"id":"A","categories":['
        (tree,) = tree["categories"]
    return opened + b'{"id":"A"}' + b"]}" * opened.count(b"[")


# --- any value in any place --------------------------------------------------------------------------------

WRONG: tuple[Any, ...] = (
    None,
    True,
    7,
    -1.5,
    "",
    "x",
    [],
    {},
    [None],
    ["x"],
    [[]],
    [{}],
    {"x": None},
    {"id": 1},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a message, once for alike entries of a list."""
    if isinstance(value, dict):
        for key in value:
            yield (*path, key)
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield (*path, 0)
        yield from places(value[0], (*path, 0))


def changed(told: bytes, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> bytes:
    whole = orjson.loads(told)
    holder = whole
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return orjson.dumps(whole)


@pytest.mark.parametrize("artefact", FULL, ids=lambda artefact: f"{artefact.kind}-{artefact.id}")
def test_any_wrong_value_anywhere_is_one_fault_or_none(artefact: Maintainable) -> None:
    told = orjson.dumps(message("2.1", artefact) | {"meta": {}})
    for path in places(orjson.loads(told)["data"], ("data",)):
        for wrong in WRONG:
            source = changed(told, path, lambda holder, key, wrong=wrong: holder.__setitem__(key, wrong))
            try:
                read_structures(source, "x", [])
            except StructureFault as fault:
                assert fault.path == "x"  # noqa: PT017 - most wrong values are faults, some are not
        try:
            read_structures(changed(told, path, lambda holder, key: holder.__delitem__(key)), "x", [])
        except StructureFault as fault:
            assert fault.path == "x"  # noqa: PT017


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "en", "x"]), inner),
    max_leaves=6,
)


@given(st.data())
def test_any_value_anywhere(draw: st.DataObject) -> None:
    artefact = draw.draw(st.sampled_from([CL_SEX, CONSTRAINT, DSD, FLOW, HIERARCHY, *ALL[-4:]]))
    told = orjson.dumps(message(draw.draw(st.sampled_from(["2.0", "2.1"])), artefact))
    path = draw.draw(st.sampled_from(list(places(orjson.loads(told)))))
    wrong = draw.draw(VALUES)
    source = changed(told, path, lambda holder, key: holder.__setitem__(key, wrong))
    try:
        read_structures(source, "x", [])
    except StructureFault as fault:
        assert fault.path == "x"  # noqa: PT017


@given(st.binary(max_size=200))
def test_any_bytes(source: bytes) -> None:
    for given_ in (source, META + source, data("{}")[:-2] + source):
        try:
            read_structures(given_, "x")
        except StructureFault as fault:
            assert fault.path == "x"  # noqa: PT017
