"""Which representation a client gets: by Accept as clients really write it, and by the parameters over it."""

import pytest

from migdx.errors import NotAcceptable, NotImplementedHere
from migdx.formats.tables import STRUCTURE_WRITERS, WRITERS
from migdx.web.address import Address
from migdx.web.negotiation import OFFERS, choose, encoding, error_syntax, languages

GENERIC, SPECIFIC = "genericdata+xml;version=2.1", "structurespecificdata+xml;version=2.1"
XML3, JSON2 = "data+xml;version=3.0.0", "data+json;version=2.0.0"
CSV1, CSV2, CSV21 = (f"data+csv;version={version}" for version in ("1.0.0", "2.0.0", "2.1.0"))
STRUCTURE21, STRUCTURE3, STRUCTURE31 = (f"structure+xml;version={v}" for v in ("2.1", "3.0.0", "3.1.0"))
STRUCTURE_JSON1, STRUCTURE_JSON2, STRUCTURE_JSON21 = (
    f"structure+json;version={v}" for v in ("1.0.0", "2.0.0", "2.1.0")
)

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


def chosen(generation, kind, accept="", **parameters):
    found = choose(OFFERS[generation, kind], accept, Address((), tuple(parameters.items())))
    return found.media_type.removeprefix("application/vnd.sdmx.")


def test_everything_offered_is_built_and_the_reverse():
    for (_, kind), offers in OFFERS.items():
        built = {"data": WRITERS, "structure": STRUCTURE_WRITERS, "availability": STRUCTURE_WRITERS}.get(kind)
        if built is not None:
            assert sorted(offers) == sorted(built)


@pytest.mark.parametrize(
    ("accept", "data1", "data2", "structure1", "structure2"),
    [
        ("", GENERIC, JSON2, STRUCTURE21, STRUCTURE_JSON21),
        ("*/*", GENERIC, JSON2, STRUCTURE21, STRUCTURE_JSON21),
        ("application/*", GENERIC, JSON2, STRUCTURE21, STRUCTURE_JSON21),
        ("text/html", GENERIC, JSON2, STRUCTURE21, STRUCTURE_JSON21),
        ("application/xml", GENERIC, XML3, STRUCTURE21, STRUCTURE3),
        ("text/xml; charset=utf-8", GENERIC, XML3, STRUCTURE21, STRUCTURE3),
        ("application/json", JSON2, JSON2, STRUCTURE_JSON1, STRUCTURE_JSON21),
        ("application/json, text/plain, */*", JSON2, JSON2, STRUCTURE_JSON1, STRUCTURE_JSON21),
        (FIREFOX, GENERIC, XML3, STRUCTURE21, STRUCTURE3),
        (CHROME, GENERIC, XML3, STRUCTURE21, STRUCTURE3),
        ("*/*, application/json", JSON2, JSON2, STRUCTURE_JSON1, STRUCTURE_JSON21),
        ("application/json;q=0.1, */*;q=0.9", GENERIC, XML3, STRUCTURE21, STRUCTURE3),
    ],
)
def test_general_types(accept, data1, data2, structure1, structure2):
    assert chosen("v1", "data", accept) == data1
    assert chosen("v2", "data", accept) == data2
    assert chosen("v1", "structure", accept) == structure1
    assert chosen("v2", "structure", accept) == structure2


@pytest.mark.parametrize("generation", ["v1", "v2"])
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/vnd.sdmx.data+csv;version=1.0.0", CSV1),
        ("application/vnd.sdmx.data+csv; version=2.0.0 ; ", CSV2),
        ("APPLICATION/VND.SDMX.DATA+CSV;VERSION=2.0", CSV2),
        ("application/vnd.sdmx.data+csv;version=1.0", CSV1),
        ("application/vnd.sdmx.data+csv;version=2.1.0", CSV21),
        ('application/vnd.sdmx.data+csv;version="2.0.0";labels=both', CSV2),
        ("application/vnd.sdmx.data+json;version=2.0.0-wd", JSON2),
        ("application/vnd.sdmx.data+json;version=1+.0.0", JSON2),
        ("application/vnd.sdmx.data+json;version=2+.0.0", JSON2),
        ("application/vnd.sdmx.data+csv;version=2+.0.1", CSV21),
        ("application/vnd.sdmx.data+xml;version=3.0.0;charset=utf-8;urn=true;file=true", XML3),
        ("application/vnd.sdmx.genericdata+xml;version=2.1", GENERIC),
        ("application/vnd.sdmx.genericdata+xml; version=2.1.0", GENERIC),
        ("application/vnd.sdmx.structurespecificdata+xml;version=2.1", SPECIFIC),
        (
            "application/vnd.sdmx.data+json;version=1.0.0, application/vnd.sdmx.data+csv;q=0.5;version=2.0.0",
            CSV2,
        ),
        ("application/vnd.sdmx.data+json;version=2.0.0;q=0.4, text/csv;q=0.5;version=1.0.0", CSV1),
        ("*/*;q=0.9, application/vnd.sdmx.data+xml;version=3.0.0;q=0.9", XML3),
        (
            "application/vnd.sdmx.data+json;version=2.0.0;q=0, application/json, text/csv;version=2.1;q=0.1",
            CSV21,
        ),
        ("json, application/vnd.sdmx.data+xml;version=3.0.0", XML3),
    ],
)
def test_types_of_either_generation_are_served_on_both(generation, accept, expected):
    assert chosen(generation, "data", accept) == expected


def test_a_family_without_a_version_is_what_most_clients_read():
    """The standard leaves it open; extend.md: "the Web Service may define the default version"."""
    assert chosen("v1", "data", "application/vnd.sdmx.data+csv") == CSV1
    assert chosen("v2", "data", "application/vnd.sdmx.data+csv") == CSV2
    assert chosen("v1", "data", "text/csv") == CSV1
    assert chosen("v2", "data", "text/csv") == CSV2
    assert chosen("v1", "structure", "application/vnd.sdmx.structure+xml") == STRUCTURE21
    assert chosen("v2", "structure", "application/vnd.sdmx.structure+xml") == STRUCTURE3


STRUCTURE = "application/vnd.sdmx.structure"


@pytest.mark.parametrize("generation", ["v1", "v2"])
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (f"{STRUCTURE}+xml;version=3.1.0", STRUCTURE31),
        (f"{STRUCTURE}+xml;version=3.0.0", STRUCTURE3),
        (f"{STRUCTURE}+xml;version=3.0.0+", STRUCTURE3),
        # a range is answered by the newest in it (doc/content_negotiation.md, doc/querying_versions.md)
        (f"{STRUCTURE}+xml;version=3.0+.0", STRUCTURE31),
        (f"{STRUCTURE}+xml;version=2+.0.0", STRUCTURE31),
        (f"{STRUCTURE}+xml;version=*", STRUCTURE31),
        (f"{STRUCTURE}+xml;version=3.0+.0;q=0.4, {STRUCTURE}+xml;version=2.1", STRUCTURE21),
        ("application/xml;version=3.0+.0", STRUCTURE31),
        (f"{STRUCTURE}+xml;version=2.1", STRUCTURE21),
        (f"{STRUCTURE}+json;version=2.0.0", STRUCTURE_JSON2),
        (f"{STRUCTURE}+json;version=2.0+.0", STRUCTURE_JSON21),
        (f"{STRUCTURE}+json;version=1+.0.0;urn=true", STRUCTURE_JSON21),
        (f"{STRUCTURE}+json;version=1.0", STRUCTURE_JSON1),
        (f"{STRUCTURE}+json;version=1.0.0;q=0.4, {STRUCTURE}+xml;version=3.1.0;q=0.5", STRUCTURE31),
    ],
)
def test_structures_of_every_generation(generation, accept, expected):
    assert chosen(generation, "structure", accept) == expected


@pytest.mark.parametrize(
    ("word", "version", "v1", "v2"),
    [
        ("structure", "", STRUCTURE21, STRUCTURE3),
        ("structure", "2.1", STRUCTURE21, STRUCTURE21),
        ("structure", "3.0.0", STRUCTURE3, STRUCTURE3),
        ("structure", "3.0+.0", STRUCTURE31, STRUCTURE31),
        ("jsonstructure", "", STRUCTURE_JSON1, STRUCTURE_JSON21),
        ("jsonstructure", "2.0.0", STRUCTURE_JSON2, STRUCTURE_JSON2),
        ("jsondata", "", STRUCTURE_JSON2, STRUCTURE_JSON2),
        ("sdmx-json", "", STRUCTURE_JSON1, STRUCTURE_JSON1),
        ("json", "", STRUCTURE_JSON1, STRUCTURE_JSON21),
        ("xml", "", STRUCTURE21, STRUCTURE3),
    ],
)
def test_formats_of_structures(word, version, v1, v2):
    more = {"formatVersion": version} if version else {}
    assert chosen("v1", "structure", "image/png", format=word, **more) == v1
    assert chosen("v2", "structure", "image/png", format=word, **more) == v2


@pytest.mark.parametrize(
    "accept",
    [
        "application/vnd.sdmx.genericdata+xml;version=2.0",
        "application/vnd.sdmx.data+json;version=1.0.0",
        "application/vnd.sdmx.data+json;version=1.+.3",
        "application/vnd.fusion.json",
        "application/vnd.sdmx.structure+xml;version=3.0.0",
        "image/png",
        "json",
        "application/json;q=0",
    ],
)
def test_nothing_else_is_acceptable(accept):
    with pytest.raises(NotAcceptable, match="genericdata"):
        chosen("v1", "data", accept)


@pytest.mark.parametrize(
    ("word", "more", "v1", "v2"),
    [
        ("csv", {}, CSV1, CSV2),
        ("csvdata", {"formatVersion": "2.1.0"}, CSV21, CSV21),
        ("csvfile", {"formatVersion": "1.0"}, CSV1, CSV1),
        ("csvfilewithlabels", {}, CSV1, CSV2),
        ("SDMX-CSV", {}, CSV1, CSV2),
        ("genericdata", {}, GENERIC, GENERIC),
        ("structurespecificdata", {}, SPECIFIC, XML3),
        ("structurespecificdata", {"formatVersion": "2.1"}, SPECIFIC, SPECIFIC),
        ("jsondata", {}, JSON2, JSON2),
        ("json", {}, JSON2, JSON2),
        ("xml", {}, GENERIC, XML3),
    ],
)
def test_format_wins_over_accept(word, more, v1, v2):
    assert chosen("v1", "data", "image/png", format=word, **more) == v1
    assert chosen("v2", "data", "image/png", format=word, **more) == v2


@pytest.mark.parametrize(
    "parameters", [{"format": "sdmx-json"}, {"format": "pdf"}, {"format": "csv", "labels": "x"}]
)
def test_formats_that_are_not_there(parameters):
    with pytest.raises(NotAcceptable):
        chosen("v2", "data", **parameters)


def test_parameters_of_the_type_reach_the_writer():
    accept = "application/vnd.sdmx.data+csv;version=2.0.0;labels=name;timeFormat=original;keys=obs"
    assert choose(OFFERS["v2", "data"], accept, Address(())).parameters == {
        "labels": "name", "timeFormat": "original", "keys": "obs",
    }  # fmt: skip
    over = Address((), (("labels", "id"),))
    assert choose(OFFERS["v2", "data"], accept, over).parameters["labels"] == "id"
    with_labels = Address((), (("format", "csvfilewithlabels"),))
    assert choose(OFFERS["v2", "data"], "", with_labels).parameters == {"labels": "both"}


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ("version=2.0.0;labels=bogus", "id, name, both"),
        ("version=1.0.0;labels=name", "id, both"),
        ("version=2.0.0;keys=all", "none, obs, series, both"),
        ("version=2.1.0;key=all", "none, obs, series, both"),
    ],
)
def test_what_parameters_of_the_type_cannot_say(parameters, says):
    with pytest.raises(NotAcceptable, match=f"expected one of {says}$"):
        chosen("v2", "data", f"application/vnd.sdmx.data+csv;{parameters}")


def test_other_formats_of_time_are_not_built():
    with pytest.raises(NotImplementedHere, match="timeFormat=normalized"):
        chosen("v2", "data", "application/vnd.sdmx.data+csv;version=1.0.0;timeFormat=normalized")


@pytest.mark.parametrize(
    ("header", "asked", "expected"),
    [
        ("", "", ("en",)),
        ("fr-CA, en;q=0.5", "", ("fr", "en")),
        ("de, *;q=0.1", "", ("en",)),
        ("en;q=0.1, es;q=0.9, fr;q=0", "", ("es", "en")),
        ("fr", "es", ("es",)),
        ("fr", "all", ("en", "es", "fr")),
    ],
)
def test_languages(header, asked, expected):
    assert languages(header, asked, {"en", "fr", "es"}) == expected


def test_a_language_that_was_asked_for_must_be_there():
    with pytest.raises(NotAcceptable, match="lang=de"):
        languages("", "de", {"en", "fr"})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ""),
        ("*", ""),
        ("identity", ""),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("gzip;q=0", ""),
        ("identity, gzip;q=0.5", ""),
        ("GZIP;q=1.0", "gzip"),
        ("gzip, br", "br"),
        ("deflate", "deflate"),
        ("compress, exi", ""),
    ],
)
def test_compression_only_when_asked(header, expected):
    assert encoding(header) == expected


def test_compression_by_parameter():
    assert encoding("zstd", "gzip") == "gzip"
    assert encoding("zstd", "br") == "br"
    with pytest.raises(NotAcceptable, match="compression=compress"):
        encoding("gzip", "compress")


@pytest.mark.parametrize(
    ("accept", "word", "missing", "expected"),
    [
        ("", "", "xml", "xml"),
        ("", "", "json", "json"),
        ("application/vnd.sdmx.data+json;version=2.0.0", "", "xml", "json"),
        ("application/vnd.sdmx.data+xml;version=3.0.0", "", "json", "xml"),
        ("application/vnd.sdmx.data+csv", "", "json", "json"),
        ("text/html,application/xhtml+xml,*/*", "", "json", "json"),
        ("application/xml;q=0.1, application/json", "", "xml", "json"),
        ("", "jsondata", "xml", "json"),
        ("application/json", "structurespecificdata", "json", "xml"),
        ("", "csv", "json", "json"),
    ],
)
def test_errors_come_in_the_syntax_that_was_asked_for(accept, word, missing, expected):
    assert error_syntax(accept, word, missing) == expected
