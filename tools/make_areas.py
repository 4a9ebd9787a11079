"""Write the structures that follow from the UN M49 tables, in place, under codelists/ and dsd/.

    python tools/make_areas.py --m49 DIR      DIR holds UNSD-M49-{en,fr,es,ar,ru,cn}.csv

Written: CL_AREA, H_AREA, CL_AREA_ALL, the partitions of the lists that extend CL_AREA, the area codes of the
neighbours (CL_AREA_*) and their maps to ours (RM_*), DATA_PROVIDERS, METADATA_PROVIDERS, and one message of
agreements per provider. Read, and kept by hand: CL_AREA_EXT, the extending lists (annotation AREAS_UNDER
names the code that the areas add up to), the dataflows and the metadataflows.
"""

from __future__ import annotations

import argparse
import csv
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
AGENCY, VERSION = "MIGDX", "1.0.0"
CODELISTS, STRUCTURES = Path("codelists", AGENCY), Path("dsd", AGENCY)
V3 = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/"
MES, STR, COM = (f"{{{V3}{part}}}" for part in ("message", "structure", "common"))
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
for namespace in ("message", "structure", "common"):
    ET.register_namespace(namespace[:3], V3 + namespace)

Names = Mapping[str, str]
"""A text by language, or the value of an annotation by its type."""
Flows = Mapping[str, Names]
"""The names of flows by their id."""
Made = tuple[Path, ET.Element]
"""A message, and the path below the checkout where it belongs."""

# The areas -----------------------------------------------------------------------------------------------
M49 = "United Nations Statistics Division, Standard country or area codes for statistical use (M49)"
NOTICE = (
    "The designations used imply no opinion on the legal status of any country, territory, city or area, "
    "of its authorities, or on its frontiers or boundaries."
)
# as the files call the language: as BCP 47 does
LANGUAGES = {"en": "en", "fr": "fr", "es": "es", "ar": "ar", "ru": "ru", "cn": "zh"}
LEFT_OUT = {"158"}  # added to the tables by their maintainers
AS_THE_UN_HAS_IT = {  # otherwise in the tables than in the UN list
    ("238", "en"): "Falkland Islands (Malvinas)",
    ("384", "en"): "Côte d’Ivoire",
    ("528", "en"): "Netherlands (Kingdom of the)",
}
TOTAL = "_T"  # SDMX-ML cannot name it as a Parent: codes without a Parent are its parts
GROUPS = {
    "LDC": "Least Developed Countries (LDC)",
    "LLDC": "Land Locked Developing Countries (LLDC)",
    "SIDS": "Small Island Developing States (SIDS)",
}
LEVELS = {
    "WORLD": {"en": "World", "fr": "Monde"},
    "REGION": {"en": "Region", "fr": "Région"},
    "SUBREGION": {"en": "Sub-region", "fr": "Sous-région"},
    "INTERMEDIATE": {"en": "Intermediate region", "fr": "Région intermédiaire"},
    "AREA": {"en": "Country or area", "fr": "Pays ou zone"},
}
COLUMNS = dict(zip(LEVELS, ("Global", "Region", "Sub-region", "Intermediate Region"), strict=False))

# The codes of the neighbours -----------------------------------------------------------------------------
WITHDRAWN = {"STATUS": "withdrawn from ISO 3166-1 (ISO 3166-3)"}
USER_ASSIGNED = {"STATUS": "user-assigned: no code of ISO 3166-1, and in wide use"}
NOT_OF_THE_UN = {"STATUS": "in ISO 3166-1 and not in the UN M49 list"}
AS_MET = {"STATUS": "as met in tables of the OECD; no code of ISO 3166-1"}
LISTED_2022 = {"STATUS": "in UNHCR’s list of January 2022, not in that of its API"}


def rows(table: str) -> list[list[str]]:
    """The cells of a table, one row a line."""
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def pairs(table: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in table.split())


# CS is no row: it stood for Czechoslovakia, and later for Serbia and Montenegro
ISO2_WITHDRAWN = pairs("AN:530 DD:278 PC:582 SU:810 YD:720 YU:890")
ISO3_WITHDRAWN = pairs("ANT:530 CSK:200 DDR:278 PCI:582 SCG:891 SUN:810 YMD:720 YUG:890")
ESTAT_ABSENT = {"AX", "GB", "GF", "GP", "GR", "MQ", "RE"}
ESTAT_OWN = pairs("EL:300 UK:826 XK:412 TW:158 AN:530")
# what Eurostat calls an area where M49 has another English name: files with labels only are told by them
ESTAT_LABELS = """
    AN | Netherlands Antilles
    BO | Bolivia
    BQ | Bonaire, Saint Eustatius and Saba
    CN | China including Hong Kong
    FK | Falkland Islands
    FM | Federated States of Micronesia
    FO | Faroes
    GM | Gambia, The
    HK | Hong Kong
    IR | Iran
    KP | North Korea
    KR | South Korea
    LA | Laos
    MD | Moldova
    MF | Saint Martin (FR)
    MM | Myanmar/Burma
    MO | Macao
    NL | Netherlands
    PN | Pitcairn Islands
    PS | Palestine*
    RU | Russia
    SH | Saint Helena, Ascension and Tristan da Cunha
    SJ | Svalbard and Jan Mayen
    ST | São Tomé and Príncipe
    SX | Sint Maarten
    SY | Syria
    TF | French Southern and Antarctic Lands
    TW | Taiwan
    TZ | Tanzania
    UK | United Kingdom
    US | United States
    VE | Venezuela
    VI | US Virgin Islands
    WF | Wallis and Futuna
    XK | Kosovo*
    YT | Mayotte (FR - part of EU as of 01.01.2014)
"""
OECD_OWN = pairs("CSK:200 SCG:891 SUN:810 YUCS:890 W:001")
# ISO alpha-3: UNHCR's code, where the two differ
UNHCR_OWN = pairs("""
    AGO:ANG ARE:UAE ATG:ANT AUS:AUL AUT:AUS BFA:BKF BGR:BUL BHR:BAH BIH:BSN BLZ:BZE BMU:BER BRB:BAR BRN:BRU
    BTN:BHU BWA:BOT CAF:CAR CHE:SWI CHN:CHI CIV:ICO COG:COB COM:COI CPV:CVI CRI:COS CYM:CAY DEU:GFR DJI:DJB
    DNK:DEN DZA:ALG EGY:ARE ERI:ERT ESH:WSH ESP:SPA FJI:FIJ GIN:GUI GMB:GAM GNQ:EGU GRC:GRE GRD:GRN GTM:GUA
    GUF:FGU HND:HON HTI:HAI IDN:INS IRL:IRE ISL:ICE KHM:CAM KNA:STK KWT:KUW LBN:LEB LSO:LES MAR:MOR MDG:MAD
    MKD:MCD MLT:MTA MMR:MYA MRT:MAU MTQ:MAR MUS:MTS MWI:MLW MYS:MLS NCL:FNC NER:NGR NGA:NIG NLD:NET NPL:NEP
    PHL:PHI PRI:PUE PRK:KRN PRT:POR PRY:PAR PSE:GAZ PYF:FPO ROU:ROM SDN:SUD SGP:SIN SLB:SOL SLV:SAL SMR:SMA
    SWZ:SWA SYC:SEY TCA:TCI TCD:CHD TGO:TOG TLS:TMP TTO:TRT TZA:TAN URY:URU VGB:BVI VNM:SRV VUT:VAN WSM:WES
    ZAF:RSA ZMB:ZAM ZWE:ZIM
""")
UNHCR_ABSENT = {  # no code of UNHCR's was found
    "ALA", "ASM", "BLM", "CCK", "CXR", "GGY", "HMD", "IMN", "IOT", "JEY", "MYT", "NFK", "PCN", "SHN", "TKL",
    "UMI", "VIR", "WLF",
}  # fmt: skip
UNHCR_2022 = pairs("ATA:010 ATF:260 FLK:238 TWN:158")


class System(NamedTuple):
    """The area codes of a neighbour: CL_AREA_<id>, told as ours by RM_AREA_<id>."""

    id: str
    names: Names
    source: str
    codes: dict[str, str]
    """Our code by theirs."""
    remarks: dict[str, dict[str, str]]
    """Annotations by their code."""


class Column(NamedTuple):
    """A column of a neighbour's tables: its special codes beside the areas, told as one of our lists."""

    list: str
    map: str
    target: str
    names: Names
    specials: str
    """Their code | ours (none: no equivalent) | name in English | in French | annotation, if any."""


ANNOTATIONS = {
    "": {},
    "grouping": {"REMARK": "a grouping of areas: no equivalent"},
    "no response": {"REMARK": "a table may hold it beside UNK, which is _U: no equivalent"},
    "without stateless": {"REMARK": "FOR of CL_CITIZENSHIP holds the stateless too: no equivalent"},
    "older": {"READ_ONLY": "true", "REMARK": "in older tables: read as W is, and never written"},
    "analogy": {"REMARK": "MIGDX proposal: by analogy with the column for citizenship"},
}
OF_THE_EU = """
    EU27_2020_FOR | | EU27 countries (from 2020) except reporting country | Pays de l’UE27 (2020) sauf pays déclarant | grouping
    NEU27_2020_FOR | | Non-EU27 countries (from 2020) nor reporting country | Pays hors UE27 (2020) et hors pays déclarant | grouping
    NRP | | No response | Sans réponse | no response
"""  # noqa: E501
SPECIALS = {
    "ESTAT": (
        Column(
            "CL_AREA_ESTAT_CITIZEN",
            "RM_CITIZENSHIP_ESTAT",
            "CL_CITIZENSHIP",
            {"en": "Eurostat: country of citizenship", "fr": "Eurostat : pays de nationalité"},
            """
            TOTAL | _T | Total | Total |
            NAT | CIT | Reporting country | Pays déclarant |
            FOR | | Foreign country | Pays étranger | without stateless
            FOR_STLS | FOR | Foreign country and stateless | Pays étranger et apatrides |
            STLS | STLS | Stateless | Apatrides |
            RNC | RNC | Recognised non-citizens | Non-citoyens reconnus |
            UNK | _U | Unknown | Inconnu |"""
            + OF_THE_EU,
        ),
        Column(
            "CL_AREA_ESTAT_C_BIRTH",
            "RM_BIRTHPLACE_ESTAT",
            "CL_BIRTHPLACE",
            {"en": "Eurostat: country of birth", "fr": "Eurostat : pays de naissance"},
            """
            TOTAL | _T | Total | Total |
            NAT | NB | Reporting country | Pays déclarant |
            FOR | FB | Foreign country | Pays étranger |
            UNK | _U | Unknown | Inconnu |"""
            + OF_THE_EU,
        ),
        Column(
            "CL_AREA_ESTAT_PARTNER",
            "RM_COUNTERPART_ESTAT",
            "CL_COUNTERPART_AREA",
            {
                "en": "Eurostat: country of previous or next residence (partner)",
                "fr": "Eurostat : pays de résidence précédente ou suivante (partenaire)",
            },
            """
            TOTAL | _T | Total | Total | analogy
            UNK | _U | Unknown | Inconnu | analogy""",
        ),
    ),
    "OECD": (
        Column(
            "CL_AREA_OECD_CITIZENSHIP",
            "RM_CITIZENSHIP_OECD",
            "CL_CITIZENSHIP",
            {"en": "OECD: citizenship", "fr": "OCDE : nationalité"},
            """
            W | _T | World | Monde |
            TOT | _T | Total | Total | older
            YYY | STLS | Stateless | Apatrides |
            NS | _U | Not stated | Non déclarée |""",
        ),
        Column(
            "CL_AREA_OECD_BIRTH",
            "RM_BIRTHPLACE_OECD",
            "CL_BIRTHPLACE",
            {"en": "OECD: country or place of birth", "fr": "OCDE : pays ou lieu de naissance"},
            """
            W | _T | World | Monde | analogy
            TOT | _T | Total | Total | older
            NB | NB | Native-born | Nés dans le pays |
            FB | FB | Foreign-born | Nés à l’étranger |
            NS | _U | Not stated | Non déclaré |""",
        ),
    ),
}

# The organisations ---------------------------------------------------------------------------------------
# id | English | French | the areas that it may report for, where its mandate names them
ORGANISATIONS = """
    AU | African Union | Union africaine | 002
    CISSTAT | Interstate Statistical Committee of the Commonwealth of Independent States | Comité statistique inter-États de la Communauté d’États indépendants |
    DESA | United Nations, Department of Economic and Social Affairs, Population Division | Nations Unies, Département des affaires économiques et sociales, Division de la population |
    ECLAC | United Nations, Economic Commission for Latin America and the Caribbean | Nations Unies, Commission économique pour l’Amérique latine et les Caraïbes |
    ESCAP | United Nations, Economic and Social Commission for Asia and the Pacific | Nations Unies, Commission économique et sociale pour l’Asie et le Pacifique |
    ESCWA | United Nations, Economic and Social Commission for Western Asia | Nations Unies, Commission économique et sociale pour l’Asie occidentale |
    ESTAT | Eurostat, statistical office of the European Union | Eurostat, office statistique de l’Union européenne |
    EUAA | European Union Agency for Asylum | Agence de l’Union européenne pour l’asile |
    GCCSTAT | Statistical Centre for the Cooperation Council for the Arab Countries of the Gulf | Centre statistique du Conseil de coopération des États arabes du Golfe |
    ILO | International Labour Organization | Organisation internationale du Travail |
    IMF | International Monetary Fund | Fonds monétaire international |
    IOM | International Organization for Migration | Organisation internationale pour les migrations |
    OECD | Organisation for Economic Co-operation and Development | Organisation de coopération et de développement économiques |
    SPC | Pacific Community | Communauté du Pacifique |
    UIS | UNESCO Institute for Statistics | Institut de statistique de l’UNESCO |
    UNECA | United Nations, Economic Commission for Africa | Nations Unies, Commission économique pour l’Afrique | 002
    UNECE | United Nations, Economic Commission for Europe | Nations Unies, Commission économique pour l’Europe |
    UNFPA | United Nations Population Fund | Fonds des Nations Unies pour la population |
    UNHCR | Office of the United Nations High Commissioner for Refugees | Haut-Commissariat des Nations Unies pour les réfugiés |
    UNICEF | United Nations Children’s Fund | Fonds des Nations Unies pour l’enfance |
    UNODC | United Nations Office on Drugs and Crime | Office des Nations Unies contre la drogue et le crime |
    UNRWA | United Nations Relief and Works Agency for Palestine Refugees in the Near East | Office de secours et de travaux des Nations Unies pour les réfugiés de Palestine dans le Proche-Orient | 275 400 422 760
    UNSD | United Nations, Department of Economic and Social Affairs, Statistics Division | Nations Unies, Département des affaires économiques et sociales, Division de statistique |
    WB | World Bank | Banque mondiale |
    WHO | World Health Organization | Organisation mondiale de la Santé |
"""  # noqa: E501


class Provider(NamedTuple):
    """Who reports: its names, its annotations, and the areas that it may report for (none: any)."""

    names: Names
    notes: Names
    areas: tuple[str, ...]


class Area:
    """A code of M49: its names, what holds it, and what its row says when it is a country or area."""

    def __init__(self, level: str, parent: str | None) -> None:
        self.level, self.parent = level, parent
        self.names: dict[str, str] = {}
        self.facts: dict[str, str] = {}


# XML -----------------------------------------------------------------------------------------------------
def sub(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def named(parent: ET.Element, tag: str, names: Names, notes: Names, **attributes: str) -> ET.Element:
    """An element with annotations (id = type, title = value) and names."""
    element = sub(parent, STR + tag, **attributes)
    annotations = sub(element, COM + "Annotations") if notes else element
    for key, title in notes.items():
        annotation = sub(annotations, COM + "Annotation", id=key)
        sub(annotation, COM + "AnnotationTitle", title)
        sub(annotation, COM + "AnnotationType", key)
    for language, text in names.items():
        sub(element, COM + "Name", text).set(LANG, language)
    return element


def node(parent: ET.Element, codelist: str, code: str) -> ET.Element:
    element = sub(parent, STR + "HierarchicalCode", id=code)
    sub(element, STR + "Code", urn("codelist.Code", codelist) + "." + code)
    return element


def extend(codelist: ET.Element, other: str, without: Iterable[str] = ()) -> None:
    """Takes the codes of another list too, but those that stand in this list already."""
    extension = sub(codelist, STR + "CodelistExtension")
    sub(extension, STR + "Codelist", urn("codelist.Codelist", other))
    if without:
        selection = sub(extension, STR + "ExclusiveCodeSelection")
        for code in without:
            sub(selection, STR + "MemberValue", code)


def message(identity: str) -> tuple[ET.Element, ET.Element]:
    root = ET.Element(MES + "Structure")
    header = sub(root, MES + "Header")
    sub(header, MES + "ID", identity)
    sub(header, MES + "Test", "false")
    sub(header, MES + "Prepared", "2026-11-21T00:00:00Z")
    sub(header, MES + "Sender", id=AGENCY)
    return root, sub(root, MES + "Structures")


def text(root: ET.Element) -> str:
    """A message as its file holds it."""
    ET.indent(root, space="  ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def own(identity: str) -> dict[str, str]:
    return {"agencyID": AGENCY, "id": identity, "version": VERSION}


def urn(kind: str, identity: str, version: str = VERSION) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.{kind}={AGENCY}:{identity}({version})"


def codelist_of(identity: str, names: Names, notes: Names) -> tuple[Made, ET.Element]:
    """An empty list in its message."""
    root, structures = message(identity)
    codelist = named(sub(structures, STR + "Codelists"), "Codelist", names, notes, **own(identity))
    return (CODELISTS / f"{identity}-{VERSION}.xml", root), codelist


# Reading -------------------------------------------------------------------------------------------------
def artefact(path: Path) -> ET.Element:
    found = ET.parse(path).getroot().find(f"{MES}Structures/*/*")
    assert found is not None, path
    return found


def artefacts(folder: Path, tag: str) -> list[ET.Element]:
    """The artefacts of a class in the files of a folder that hold one each."""
    found = map(artefact, sorted((ROOT / folder).glob(f"*-{VERSION}.xml")))
    return [element for element in found if element.tag == STR + tag]


def names_of(element: ET.Element) -> dict[str, str]:
    return {name.get(LANG, "en"): name.text or "" for name in element.findall(COM + "Name")}


def note(element: ET.Element, key: str) -> str | None:
    return element.findtext(f"{COM}Annotations/{COM}Annotation[@id='{key}']/{COM}AnnotationTitle")


def read_m49(folder: Path) -> dict[str, Area]:
    """Every code of the tables, regions too."""
    areas: dict[str, Area] = {}
    for file_language, language in LANGUAGES.items():
        path = folder / f"UNSD-M49-{file_language}.csv"
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["M49 Code"] not in LEFT_OUT:
                    add_row(areas, row, language)
    return areas


def add_row(areas: dict[str, Area], row: Mapping[str, str], language: str) -> None:
    parent: str | None = None
    for level, column in COLUMNS.items():
        if code := row[column + " Code"]:
            areas.setdefault(code, Area(level, parent)).names.setdefault(language, row[column + " Name"])
            parent = code
    code = row["M49 Code"]
    area = areas.setdefault(code, Area("AREA", parent))
    area.names[language] = AS_THE_UN_HAS_IT.get((code, language), row["Country or Area"])
    facts = {"ISO2": row["ISO-alpha2 Code"], "ISO3": row["ISO-alpha3 Code"]}
    facts |= {group: "true" if row[column] else "" for group, column in GROUPS.items()}
    area.facts = {key: value for key, value in facts.items() if value}


# The areas -----------------------------------------------------------------------------------------------
def area_lists(areas: Mapping[str, Area]) -> Iterator[Made]:
    """CL_AREA, and the list of all areas that a code of a neighbour may stand for."""
    names = {"en": "Countries, areas and regions (UN M49)", "fr": "Pays, zones et régions (M49 de l’ONU)"}
    made, codelist = codelist_of("CL_AREA", names, {"PROVENANCE": M49, "NOTICE": NOTICE})
    for code, area in sorted(areas.items()):
        facts = area.facts if area.level == "AREA" else {"REGION": "true"}
        named(codelist, "Code", area.names, facts, id=code)
    yield made
    names = {
        "en": "All areas: UN M49 and those met in received data",
        "fr": "Toutes les zones : M49 de l’ONU et celles rencontrées dans les données reçues",
    }
    notes = {"PROVENANCE": "MIGDX proposal: what area codes of others are mapped to", "NOTICE": NOTICE}
    made, codelist = codelist_of("CL_AREA_ALL", names, notes)
    extend(codelist, "CL_AREA")
    extend(codelist, "CL_AREA_EXT")
    yield made


def regions(areas: Mapping[str, Area]) -> Made:
    root, structures = message("H_AREA")
    names = {
        "en": "World, regions, sub-regions and countries (UN M49)",
        "fr": "Monde, régions, sous-régions et pays (M49 de l’ONU)",
    }
    identity = {"hasFormalLevels": "true"} | own("H_AREA")
    notes = {"PROVENANCE": M49}
    hierarchy = named(sub(structures, STR + "Hierarchies"), "Hierarchy", names, notes, **identity)
    level = hierarchy
    for level_id, level_names in LEVELS.items():
        level = named(level, "Level", level_names, {}, id=level_id)

    def grow(under: ET.Element, parent: str | None) -> None:
        for code, area in sorted(areas.items()):
            if area.parent == parent:
                element = node(under, "CL_AREA", code)
                grow(element, code)
                sub(element, STR + "Level", area.level)

    grow(hierarchy, None)
    return STRUCTURES / f"H_AREA-{VERSION}.xml", root


def partition(codelist: ET.Element, areas: Mapping[str, Area], extra: Iterable[str]) -> Made:
    """What adds up in a list that extends CL_AREA: its own tree, and the areas (no regions) under a code."""
    list_id, areas_under = codelist.get("id", ""), note(codelist, "AREAS_UNDER")
    hierarchy_id = "H_" + list_id.removeprefix("CL_").removesuffix("_AREA")
    root, structures = message(hierarchy_id)
    whole = names_of(codelist)
    names = {"en": f"{whole['en']}: parts of the total", "fr": f"{whole['fr']} : parties du total"}
    notes = {
        "PROVENANCE": note(codelist, "PROVENANCE") or "",
        "PARTITION": "the children of a code add up to it",
    }
    identity = {"hasFormalLevels": "false"} | own(hierarchy_id)
    hierarchy = named(sub(structures, STR + "Hierarchies"), "Hierarchy", names, notes, **identity)
    codes = codelist.findall(STR + "Code")
    parents = {code.get("id", ""): code.findtext(STR + "Parent", TOTAL) for code in codes}

    def grow(under: ET.Element, whole_code: str) -> None:
        for code, parent in parents.items():
            if parent == whole_code != code:
                grow(node(under, list_id, code), code)
        if whole_code == areas_under:
            for code in sorted(code for code, area in areas.items() if area.level == "AREA"):
                node(under, "CL_AREA", code)
            for code in extra:
                node(under, "CL_AREA_EXT", code)

    grow(node(hierarchy, list_id, TOTAL), TOTAL)
    return STRUCTURES / f"{hierarchy_id}-{VERSION}.xml", root


# The codes of the neighbours -----------------------------------------------------------------------------
def systems(areas: Mapping[str, Area]) -> list[System]:
    iso2 = {area.facts["ISO2"]: code for code, area in areas.items() if "ISO2" in area.facts}
    iso3 = {area.facts["ISO3"]: code for code, area in areas.items() if "ISO3" in area.facts}
    estat = {code: area for code, area in iso2.items() if code not in ESTAT_ABSENT}
    unhcr = {UNHCR_OWN.get(code, code): area for code, area in iso3.items() if code not in UNHCR_ABSENT}
    table = "alpha-{} codes of ISO 3166-1 as the UN M49 table gives them; withdrawn codes of ISO 3166-3"
    return [
        System(
            "ISO2",
            {"en": "Areas: ISO 3166-1 alpha-2", "fr": "Zones : ISO 3166-1 alpha-2"},
            table.format(2),
            iso2 | ISO2_WITHDRAWN | {"TW": "158", "XK": "412"},
            dict.fromkeys(ISO2_WITHDRAWN, WITHDRAWN) | {"TW": NOT_OF_THE_UN, "XK": USER_ASSIGNED},
        ),
        System(
            "ISO3",
            {"en": "Areas: ISO 3166-1 alpha-3", "fr": "Zones : ISO 3166-1 alpha-3"},
            table.format(3),
            iso3 | ISO3_WITHDRAWN | {"TWN": "158", "XKX": "412"},
            dict.fromkeys(ISO3_WITHDRAWN, WITHDRAWN) | {"TWN": NOT_OF_THE_UN, "XKX": USER_ASSIGNED},
        ),
        System(
            "ESTAT",
            {"en": "Areas: codes of Eurostat", "fr": "Zones : codes d’Eurostat"},
            "Eurostat, code list ESTAT:GEO, codes of two letters, by way of github.com/vincentarelbundock/"
            "countrycode (dictionary/data_eurostat.csv)",
            estat | ESTAT_OWN,
            {code: {"LABEL": label} for code, label in rows(ESTAT_LABELS)},
        ),
        System(
            "OECD",
            {"en": "Areas: codes of the OECD", "fr": "Zones : codes de l’OCDE"},
            "ISO 3166-1 alpha-3, and codes met in the OECD’s International Migration Database; not the whole "
            "list of the OECD",
            iso3 | OECD_OWN | {"TWN": "158"},
            {"TWN": NOT_OF_THE_UN, "W": AS_MET, "YUCS": AS_MET}
            | dict.fromkeys(("CSK", "SCG", "SUN"), WITHDRAWN),
        ),
        System(
            "UNHCR",
            {"en": "Areas: codes of UNHCR", "fr": "Zones : codes du HCR"},
            "UNHCR Refugee Data Finder, list of countries of its API, by way of github.com/"
            "vincentarelbundock/countrycode (dictionary/data_unhcr.csv); ISO codes by way of github.com/"
            "Edouard-Legoupil/unhcrdatapackage (data-raw/reference.csv)",
            unhcr | UNHCR_2022 | {"KOS": "412"},
            dict.fromkeys(UNHCR_2022, LISTED_2022)
            | {"SRB": {"LABEL": "Serbia and Kosovo: S/RES/1244 (1999)"}},
        ),
    ]


def neighbours(systems: Iterable[System], names: Mapping[str, Names]) -> Iterator[Made]:
    """Their lists, and the maps from each to ours."""
    for system in systems:
        list_id = f"CL_AREA_{system.id}"
        notes = {"PROVENANCE": system.source, "NOTICE": NOTICE}
        made, codelist = codelist_of(list_id, system.names, notes)
        for code, ours in sorted(system.codes.items()):
            both = {language: names[ours][language] for language in ("en", "fr")}
            named(codelist, "Code", both, system.remarks.get(code, {}), id=code)
        yield made
        told = dict(sorted(system.codes.items()))
        yield representation(f"RM_AREA_{system.id}", list_id, "CL_AREA_ALL", system.names, told)
        for column in SPECIALS.get(system.id, ()):
            yield from column_of(column, system)


def column_of(column: Column, system: System) -> Iterator[Made]:
    """A list of special codes that takes the areas too, and its map: one map tells the whole column."""
    source = "MIGDX proposal: the special codes as they are met in published tables"
    notes = {"PROVENANCE": source, "NOTICE": NOTICE}
    made, codelist = codelist_of(column.list, column.names, notes)
    specials = rows(column.specials)
    for code, _, english, french, remark in specials:
        named(codelist, "Code", {"en": english, "fr": french}, ANNOTATIONS[remark], id=code)
    extend(codelist, f"CL_AREA_{system.id}", [code for code, *_ in specials if code in system.codes])
    yield made
    told = {code: ours for code, ours, *_ in specials}
    told |= {code: ours for code, ours in sorted(system.codes.items()) if code not in told}
    equivalent = {code: ours for code, ours in told.items() if ours}
    yield representation(column.map, column.list, column.target, column.names, equivalent)


def representation(identity: str, source: str, target: str, of: Names, told: Mapping[str, str]) -> Made:
    """A map from a list to a list, row by row; back, a code is that of the first row that has it."""
    root, structures = message(identity)
    names = {"en": f"{of['en']}, as codes of MIGDX", "fr": f"{of['fr']}, en codes de MIGDX"}
    notes = {
        "PROVENANCE": "MIGDX proposal: which code stands for which area; the code lists name the sources",
        "INVERSE": "read back, a code is that of the first row that has it; no other than one marked "
        "READ_ONLY in the code list is lost",
    }
    maps = sub(structures, STR + "RepresentationMaps")
    element = named(maps, "RepresentationMap", names, notes, **own(identity))
    sub(element, STR + "SourceCodelist", urn("codelist.Codelist", source))
    sub(element, STR + "TargetCodelist", urn("codelist.Codelist", target))
    for theirs, ours in told.items():
        row = sub(element, STR + "RepresentationMapping")
        sub(row, STR + "SourceValue", theirs)
        sub(row, STR + "TargetValue", ours)
    return STRUCTURES / f"{identity}-{VERSION}.xml", root


# The organisations ---------------------------------------------------------------------------------------
def providers_of(areas: Mapping[str, Area]) -> dict[str, Provider]:
    """Every country and area by its ISO alpha-3 code, then the organisations."""
    countries = {
        area.facts.get("ISO3", "M49_" + code): Provider(area.names, {"M49": code}, (code,))
        for code, area in areas.items()
        if area.level == "AREA"
    }
    providers = dict(sorted(countries.items()))
    for organisation, english, french, mandate in rows(ORGANISATIONS):
        assert organisation not in providers
        notes = {"AREAS": mandate} if mandate else {"ALL_AREAS": "true"}
        limits = tuple(sorted(code for given in mandate.split() for code in within(areas, given)))
        providers[organisation] = Provider({"en": english, "fr": french}, notes, limits)
    return providers


def within(areas: Mapping[str, Area], code: str) -> Iterator[str]:
    """The countries and areas of a region, and a country or area itself."""
    if areas[code].level == "AREA":
        yield code
    for child, area in areas.items():
        if area.parent == code:
            yield from within(areas, child)


def provider_scheme(kind: str, names: Names, providers: Mapping[str, Provider]) -> Made:
    """DATA_PROVIDERS of DataProvider, METADATA_PROVIDERS of MetadataProvider."""
    identity = SCHEMES[kind]
    root, structures = message(identity)
    notes = {"PROVENANCE": "MIGDX proposal: each country or area stands for the body that reports for it"}
    schemes = sub(structures, f"{STR}{kind}Schemes")
    scheme = named(schemes, f"{kind}Scheme", names, notes, agencyID=AGENCY, id=identity)
    for provider, who in providers.items():
        named(scheme, kind, who.names, who.notes, id=provider)
    return STRUCTURES / f"{identity}-1.0.xml", root


SCHEMES = {"DataProvider": "DATA_PROVIDERS", "MetadataProvider": "METADATA_PROVIDERS"}


def agreements(provider: str, who: Provider, flows: Flows, metadataflows: Flows) -> Made:
    """One agreement per flow; those for data bound to the provider's areas by one constraint."""
    root, structures = message(provider)
    constraints = sub(structures, STR + "DataConstraints") if who.areas else None
    if metadataflows:
        holder = sub(structures, STR + "MetadataProvisionAgreements")
        for flow, names in metadataflows.items():
            agree(holder, "Metadata", provider, who, flow, names)
    holder = sub(structures, STR + "ProvisionAgreements")
    made = [agree(holder, "Data", provider, who, flow, names) for flow, names in flows.items()]
    if constraints is not None:
        alone = len(who.areas) == 1
        titles = {
            "en": f"{who.names['en']}: its own {'area' if alone else 'areas'} only",
            "fr": f"{who.names['fr']} : {'sa seule zone' if alone else 'ses seules zones'}",
        }
        role = {"role": "Allowed"} | own("AREA_" + provider)
        constraint = named(constraints, "DataConstraint", titles, {}, **role)
        attachment = sub(constraint, STR + "ConstraintAttachment")
        for identity in made:
            sub(attachment, STR + "ProvisionAgreement", urn("registry.ProvisionAgreement", identity))
        key = sub(sub(constraint, STR + "CubeRegion", include="true"), STR + "KeyValue", id="REF_AREA")
        for code in who.areas:
            sub(key, STR + "Value", code)
    return STRUCTURES / f"provision/{provider}.xml", root


def agree(holder: ET.Element, what: str, provider: str, who: Provider, flow: str, names: Names) -> str:
    """An agreement for a dataflow (`what` is Data) or a metadataflow (Metadata); its id is returned."""
    identity = f"{flow.partition('_')[2]}_{provider}"
    titles = {"en": f"{who.names['en']}: {names['en']}", "fr": f"{who.names['fr']} : {names['fr']}"}
    notes = {} if who.areas else {"ALL_AREAS": "true"}
    tag = "ProvisionAgreement" if what == "Data" else "MetadataProvisionAgreement"
    agreement = named(holder, tag, titles, notes, **own(identity))
    package = "datastructure" if what == "Data" else "metadatastructure"
    sub(agreement, f"{STR}{what}flow", urn(f"{package}.{what}flow", flow))
    scheme = urn(f"base.{what}Provider", SCHEMES[what + "Provider"], "1.0")
    sub(agreement, f"{STR}{what}Provider", f"{scheme}.{provider}")
    return identity


# All of it -----------------------------------------------------------------------------------------------
def messages(m49: Path) -> Iterator[Made]:
    areas = read_m49(m49)
    met = artefact(ROOT / CODELISTS / f"CL_AREA_EXT-{VERSION}.xml").findall(STR + "Code")
    extra = {code.get("id", ""): names_of(code) for code in met}
    yield from area_lists(areas)
    yield regions(areas)
    for codelist in artefacts(CODELISTS, "Codelist"):
        if note(codelist, "AREAS_UNDER"):
            yield partition(codelist, areas, extra)
    names = {code: area.names for code, area in areas.items()} | extra
    yield from neighbours(systems(areas), names)
    providers = providers_of(areas)
    data = {
        "en": "Data providers: countries, areas and international organisations",
        "fr": "Fournisseurs de données : pays, zones et organisations internationales",
    }
    yield provider_scheme("DataProvider", data, providers)
    metadata = {
        "en": "Metadata providers: countries, areas and international organisations",
        "fr": "Fournisseurs de métadonnées : pays, zones et organisations internationales",
    }
    yield provider_scheme("MetadataProvider", metadata, providers)
    flows = {flow.get("id", ""): names_of(flow) for flow in artefacts(STRUCTURES, "Dataflow")}
    metadataflows = {flow.get("id", ""): names_of(flow) for flow in artefacts(STRUCTURES, "Metadataflow")}
    for provider, who in providers.items():
        yield agreements(provider, who, flows, metadataflows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the structures that follow from the UN M49 tables.")
    parser.add_argument("--m49", type=Path, required=True, help="folder of UNSD-M49-{en,fr,es,ar,ru,cn}.csv")
    for path, root in messages(parser.parse_args().m49):
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text(root), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
