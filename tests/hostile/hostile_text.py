"""Texts that attack who reads them (CSV, XML, JSON), and files that are something else; made when asked."""

from __future__ import annotations

import pickle
import random
import sqlite3
import tarfile
from io import BytesIO

MB = 1 << 20
HEAD = b"STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,TIME_PERIOD,OBS_VALUE\n"
ROW = b"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,A,250,2019,1\n"


# --- CSV ----------------------------------------------------------------------------------------------------


def quotes_unclosed() -> bytes:
    """Every row opens a quotation mark that nothing closes."""
    return HEAD + b'dataflow,"MIGDX:DF,R,A,250,2019,1\n' * 200_000


def quotes_broken() -> bytes:
    """Quotation marks within cells, in every row, by no rule."""
    return HEAD + b'X,5"" ,""x,",",""",a"b\n' * 300_000


def quote_swallows_all() -> bytes:
    """One quotation mark in front of everything."""
    return HEAD + b'"' + ROW * 400_000


def a_million_columns() -> bytes:
    return b"DATAFLOW," + b",".join(b"C%d" % n for n in range(1_000_000)) + b"\nX" + b"," * 1_000_000 + b"\n"


def a_million_columns_without_names() -> bytes:
    return b"DATAFLOW" + b"," * 1_000_000 + b"\n" + (b"X" + b"," * 1_000_000 + b"\n") * 8


def one_line() -> bytes:
    """One line of 90 MB."""
    return HEAD + b"x" * (90 * MB)


def one_header() -> bytes:
    return b"DATAFLOW" + b"x" * (90 * MB)


def nul() -> bytes:
    return b"\0" * (4 * MB)


def nul_within() -> bytes:
    return HEAD + ROW.replace(b"250", b"2\x0050") * 100_000


def separators() -> bytes:
    return b",;\t|" * (4 * MB)


def line_ends() -> bytes:
    return b"\r\n\r\r\n\n" * (8 * MB)


def byte_order_marks() -> bytes:
    return b"\xef\xbb\xbf" * (4 * MB) + HEAD + ROW


def another_dataflow_in_each_row() -> bytes:
    return HEAD + b"".join(b"dataflow,MIGDX:DF_%d(1.0.0),R,A,250,2019,1\n" % n for n in range(200_000))


def another_action_in_each_row() -> bytes:
    return HEAD + b"".join(b"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),%d,A,250,2019,1\n" % n for n in range(200_000))


def invalid_utf8() -> bytes:
    return HEAD + ROW.replace(b"250", b"\xc3\x28\xff\xc2") * 200_000


# --- XML ----------------------------------------------------------------------------------------------------

_NAMES = (
    'xmlns:mes="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message" '
    'xmlns:com="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common" '
    'xmlns:dat="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/data/structurespecific" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:ns1="urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=MIGDX:DF_MIG_FLOW(1.0.0):ObsLevelDim:TIME_PERIOD"'
)
_FLOW_21 = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=MIGDX:DF_MIG_FLOW(1.0.0)"
_HEADER = (
    "<mes:Header><mes:ID>x</mes:ID><mes:Test>false</mes:Test><mes:Prepared>2026-01-01T00:00:00Z</mes:Prepared>"
    f'<mes:Sender id="X"/><mes:Structure structureID="S" namespace="{_FLOW_21}:ObsLevelDim:TIME_PERIOD" '
    'dimensionAtObservation="TIME_PERIOD"><com:StructureUsage><Ref agencyID="MIGDX" id="DF_MIG_FLOW" '
    'version="1.0.0"/></com:StructureUsage></mes:Structure></mes:Header>'
)
_SET = (
    '<mes:DataSet dat:structureRef="S" xsi:type="ns1:DataSetType" dat:dataScope="DataStructure" '
    'dat:action="Replace">'
)
_SERIES = '<Series FREQ="A" REF_AREA="250"><Obs TIME_PERIOD="2019" OBS_VALUE="1"/></Series>'


def message(body: str = _SERIES, doctype: str = "", header: str = _HEADER, root: str = "") -> bytes:
    """A structure-specific data message of SDMX-ML 2.1 around a body."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<mes:StructureSpecificData {_NAMES} {root}>{header}'
        f"{_SET}{body}</mes:DataSet></mes:StructureSpecificData>"
    ).encode()


def external_file() -> bytes:
    return message("&e;", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>')


def external_address() -> bytes:
    return message("&e;", '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:9/x">]>')


def external_parameter() -> bytes:
    return message(doctype='<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>')


def external_type() -> bytes:
    return message(doctype='<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">')


def public_type() -> bytes:
    return message(doctype='<!DOCTYPE x PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "file:///dev/random">')


def inclusion() -> bytes:
    return message('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>')


_ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 11))
_LAUGHS = f'<!DOCTYPE x [<!ENTITY l0 "lol">{_ENTITIES}]>'


def billion_laughs() -> bytes:
    return message("&l10;", _LAUGHS)


def billion_laughs_in_an_attribute() -> bytes:
    return message('<Series FREQ="&l10;"/>', _LAUGHS)


def quadratic() -> bytes:
    return message("&a;" * 100_000, f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>')


def cyclic() -> bytes:
    return message("&a;", '<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>')


def doctype() -> bytes:
    return message(doctype="<!DOCTYPE x [<!ELEMENT x ANY>]>")


def doctype_with_defaults() -> bytes:
    """Attributes that stand in no element."""
    return message(doctype='<!DOCTYPE x [<!ATTLIST Obs OBS_VALUE CDATA "666">]>')


def deep_elements() -> bytes:
    return message("<a>" * 500_000 + "</a>" * 500_000)


def deep_header() -> bytes:
    return message(header="<mes:Header>" + "<a>" * 100_000 + "</a>" * 100_000 + "</mes:Header>")


def deep_without_end() -> bytes:
    return b"<a>" * 5_000_000


def huge_attribute() -> bytes:
    return message(f'<Series FREQ="{"A" * 40 * MB}"/>')


def huge_text() -> bytes:
    return message("A" * 40 * MB)


def huge_name() -> bytes:
    return message(f"<{'A' * 20 * MB}/>")


def huge_comment() -> bytes:
    return message(f"<!--{'A' * 40 * MB}-->")


def many_comments() -> bytes:
    return message("<!---->" * 3_000_000 + _SERIES)


def many_attributes() -> bytes:
    attributes = " ".join(f'A{n}="x"' for n in range(500_000))
    return message(f"<Series {attributes}/>")


def other_attributes_everywhere() -> bytes:
    """A component of its own in every series."""
    return message("".join(f'<Series A{n}="x"><Obs B{n}="1"/></Series>' for n in range(200_000)))


def many_namespaces() -> bytes:
    return message(root=" ".join(f'xmlns:n{n}="urn:{n}"' for n in range(200_000)))


def namespaces_within() -> bytes:
    return message("".join(f'<a xmlns="urn:{n}">' for n in range(200)) * 100)


def many_datasets() -> bytes:
    sets = f"</mes:DataSet>{_SET}" * 100_000
    return message(sets)


def many_structures() -> bytes:
    head, _, rest = _HEADER.partition("<mes:Structure ")
    one = ("<mes:Structure " + rest).removesuffix("</mes:Header>")
    return message(
        header=head + "".join(one.replace('"S"', f'"S{n}"') for n in range(30_000)) + "</mes:Header>"
    )


def empty_series() -> bytes:
    return message("<Series/>" * 2_000_000)


def unclosed_xml() -> bytes:
    return message(_SERIES * 1000)[:-40]


def unknown_encoding() -> bytes:
    return message().replace(b"UTF-8", b"UTF-7")


def utf16_that_says_utf8() -> bytes:
    return message().decode().encode("utf-16")


def xml_of_something_else() -> bytes:
    return b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>'


def only_a_declaration() -> bytes:
    return b'<?xml version="1.0"?>'


# --- JSON ---------------------------------------------------------------------------------------------------

_FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=MIGDX:DF_MIG_FLOW(1.0.0)"


def json_message(
    series: str, values: str = '{"id":"A"}', more: str = "", places: str = '[{"id":"2019"}]'
) -> bytes:
    """A data message of SDMX-JSON 2.0 around its series."""
    return (
        '{"meta":{"id":"x","schema":"https://json.sdmx.org/2.0.0/sdmx-json-data-schema.json",'
        f'"prepared":"2026-01-01T00:00:00Z"{more}}},"data":{{"structures":[{{"links":[{{"urn":"{_FLOW}",'
        f'"rel":"dataflow"}}],"dimensions":{{"series":[{{"id":"FREQ","values":[{values}]}}],"observation":'
        f'[{{"id":"TIME_PERIOD","values":{places}}}]}},"measures":{{"observation":[{{"id":"OBS_VALUE"}}]}}}}],'
        f'"dataSets":[{{"structure":0,"action":"Replace","series":{{{series}}}}}]}}}}'
    ).encode()


def deep_arrays() -> bytes:
    return b"[" * 5_000_000


def deep_objects() -> bytes:
    return b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000


def deep_within() -> bytes:
    return json_message('"0":{"observations":{"0":[1]}}', more=f',"x":{"[" * 100_000}{"]" * 100_000}')


def big_number() -> bytes:
    return json_message(f'"0":{{"observations":{{"0":[{"9" * 4 * MB}]}}}}')


def big_exponent() -> bytes:
    return json_message('"0":{"observations":{"0":[1e999999999]}}')


def big_index() -> bytes:
    return json_message('"99999999999999999999999":{"observations":{"99999999999999":[1]}}')


def negative_index() -> bytes:
    return json_message('"-1":{"observations":{"-1":[1]}}')


def big_key() -> bytes:
    return json_message(f'"{":".join("0" * 500_000)}":{{"observations":{{"0":[1]}}}}')


def big_string() -> bytes:
    return json_message('"0":{"observations":{"0":[1]}}', values=f'{{"id":"{"A" * 40 * MB}"}}')


def many_values() -> bytes:
    return json_message('"0":{"observations":{"0":[1]}}', values=",".join(['{"id":"A"}'] * 1_000_000))


def many_measures() -> bytes:
    return json_message(f'"0":{{"observations":{{"0":[{"1," * 5_000_000}1]}}}}')


def same_key_again() -> bytes:
    return json_message(",".join(['"0":{"observations":{"0":[1]}}'] * 300_000))


def lone_surrogates() -> bytes:
    return json_message('"0":{"observations":{"0":["\\ud800"]}}', values='{"id":"\\udfff"}')


def not_a_number_in_json() -> bytes:
    return json_message('"0":{"observations":{"0":[NaN]}}')


def cut_json() -> bytes:
    return json_message('"0":{"observations":{"0":[1]}}')[:-60]


def other_json() -> bytes:
    return b'{"type":"FeatureCollection","features":[]}'


def json_of_nothing() -> bytes:
    return b"{}"


def json_lines() -> bytes:
    return b'{"a":1}\n' * 500_000


# --- something else -----------------------------------------------------------------------------------------


def empty() -> bytes:
    return b""


def one_byte() -> bytes:
    return b"x"


def every_byte() -> bytes:
    return bytes(range(256)) * 1000


def noise() -> bytes:
    return random.Random(4).randbytes(8 * MB)


def noise_behind_a_header() -> bytes:
    return HEAD + random.Random(5).randbytes(8 * MB)


def pdf() -> bytes:
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" * 100


def png() -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(6).randbytes(5000)


def html_page() -> bytes:
    return b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"


def database() -> bytes:
    with sqlite3.connect(":memory:") as made:
        made.execute("create table person (id, name)")
        made.commit()
        whole = made.serialize()
    made.close()
    return whole


class _Order:
    def __reduce__(self):
        return print, ("a pickle was run",)


def pickled() -> bytes:
    return pickle.dumps(_Order())


def program() -> bytes:
    return b"\x7fELF\x02\x01\x01" + b"\0" * 5000


def tape() -> bytes:
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        about = tarfile.TarInfo("data.csv")
        about.size = len(HEAD)
        tar.addfile(about, BytesIO(HEAD))
    return made.getvalue()


def seven_zip() -> bytes:
    return b"7z\xbc\xaf\x27\x1c\0\x04" + random.Random(7).randbytes(5000)


def script() -> bytes:
    return b"#!/bin/sh\nrm -rf /\n"


def prose() -> bytes:
    return b"Dear colleagues, please find attached the figures, which we hope are right.\n" * 20


# --- microdata ----------------------------------------------------------------------------------------------


def persons() -> bytes:
    """A register of 100,000 persons instead of a table."""
    chance = random.Random(8)
    lines = ["person_id;first_name;surname;birth_date;sex;citizenship;address;arrived"]
    for n in range(100_000):
        date = f"{1940 + n % 70}-{1 + n % 12:02}-{1 + n % 28:02}"
        name = f"Quendrim{n % 977};Zyxwvut{n % 991}"
        place = f"{chance.randrange(900)};Mistletoe Lane {n % 300}"
        lines.append(f"{n + 10_000_000};{name};{date};{'MF'[n % 2]};{place};{2000 + n % 20}-05-0{1 + n % 9}")
    return "\n".join(lines).encode()


def persons_in_a_message() -> bytes:
    """The same with the heading of a message of data."""
    rows = persons().decode().replace(";", ",").split("\n")
    lines = [f"DATAFLOW,{rows[0]},OBS_VALUE", *(f"MIGDX:DF_MIG_FLOW(1.0.0),{row},1" for row in rows[1:])]
    return "\n".join(lines).encode()
