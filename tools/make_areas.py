"""Write the structures that follow from the UN M49 tables, in place, under codelists/ and dsd/.

    python tools/make_areas.py --m49 DIR      DIR holds UNSD-M49-{en,fr,es,ar,ru,cn}.csv

Written: CL_AREA, H_AREA, CL_AREA_ALL, the partitions of the lists that extend CL_AREA, the area codes of the
neighbours (CL_AREA_*) and their maps to ours (RM_*), DATA_PROVIDERS, METADATA_PROVIDERS, and one message of
agreements per provider. Read, and kept by hand: areas.toml beside this file, CL_AREA_EXT (its INCLUDES,
SUCCESSORS and MAY_BE_IN say how codes overlap), the extending lists (AREAS_UNDER names the code that the
areas add up to), the dataflows and the metadataflows.
"""

from __future__ import annotations

import argparse
import csv
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

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

M49 = "United Nations Statistics Division, Standard country or area codes for statistical use (M49)"
NOTICE = (
    "The designations used imply no opinion on the legal status of any country, territory, city or area, "
    "of its authorities, or on its frontiers or boundaries."
)
# as the files call the language: as BCP 47 does
LANGUAGES = {"en": "en", "fr": "fr", "es": "es", "ar": "ar", "ru": "ru", "cn": "zh"}
TOTAL = "_T"  # SDMX-ML cannot name it as a Parent: codes without a Parent are its parts
GIVEN = tomllib.loads(Path(__file__).with_name("areas.toml").read_text(encoding="utf-8"))
LEVELS: dict[str, Names] = GIVEN["m49"]["levels"]
COLUMNS = dict(zip(LEVELS, ("Global", "Region", "Sub-region", "Intermediate Region"), strict=False))


class System(NamedTuple):
    """The area codes of a neighbour: CL_AREA_<id>, told as ours by RM_AREA_<id>."""

    id: str
    names: Names
    source: str
    codes: dict[str, str]
    """Our code by theirs."""
    remarks: dict[str, dict[str, str]]
    """Annotations by their code."""
    columns: list[dict[str, Any]]


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


def annotate(element: ET.Element, notes: Names) -> None:
    """Annotations: id = type, title = value."""
    annotations = sub(element, COM + "Annotations") if notes else element
    for key, title in notes.items():
        annotation = sub(annotations, COM + "Annotation", id=key)
        sub(annotation, COM + "AnnotationTitle", title)
        sub(annotation, COM + "AnnotationType", key)


def named(parent: ET.Element, tag: str, names: Names, notes: Names, **attributes: str) -> ET.Element:
    """An element with annotations and names."""
    element = sub(parent, STR + tag, **attributes)
    annotate(element, notes)
    for language, text in names.items():
        sub(element, COM + "Name", text).set(LANG, language)
    return element


def node(parent: ET.Element, codelist: str, code: str, notes: Names | None = None) -> ET.Element:
    element = sub(parent, STR + "HierarchicalCode", id=code)
    annotate(element, notes or {})
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
                if row["M49 Code"] not in GIVEN["m49"]["left_out"]:
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
    area.names[language] = GIVEN["m49"]["names"].get(code, {}).get(language, row["Country or Area"])
    facts = {"ISO2": row["ISO-alpha2 Code"], "ISO3": row["ISO-alpha3 Code"]}
    facts |= {group: "true" if row[column] else "" for group, column in GIVEN["m49"]["groups"].items()}
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


def overlaps(met: Mapping[str, ET.Element]) -> dict[str, str]:
    """The areas that a former area may repeat: its successors, and such as became or lie in some of them."""
    successors = {code: set((note(element, "SUCCESSORS") or "").split()) for code, element in met.items()}
    former = {code: became for code, became in successors.items() if became}
    found: dict[str, str] = {}
    for code, became in former.items():
        between = {other for other, later in former.items() if later < became}
        inside = {other for other, element in met.items() if note(element, "MAY_BE_IN") in became}
        found[code] = " ".join(sorted(became | between | inside))
    return found


def partition(codelist: ET.Element, areas: Mapping[str, Area], met: Mapping[str, ET.Element]) -> Made:
    """What adds up in a list that extends CL_AREA: its own tree, and the areas (no regions) under a code."""
    list_id, areas_under = codelist.get("id", ""), note(codelist, "AREAS_UNDER")
    hierarchy_id = "H_" + list_id.removeprefix("CL_").removesuffix("_AREA")
    root, structures = message(hierarchy_id)
    whole = names_of(codelist)
    names = {"en": f"{whole['en']}: parts of the total", "fr": f"{whole['fr']} : parties du total"}
    notes = {
        "PROVENANCE": note(codelist, "PROVENANCE") or "",
        "PARTITION": "the children of a code add up to it; where a child has no value, its own children do",
        "ALTERNATIVE_OF": "at a former area: the areas that it may repeat. Beside them it is a part where it "
        "holds other persons than they do, and none where it holds the same: a sum may hold either way",
    }
    identity = {"hasFormalLevels": "false"} | own(hierarchy_id)
    hierarchy = named(sub(structures, STR + "Hierarchies"), "Hierarchy", names, notes, **identity)
    codes = codelist.findall(STR + "Code")
    parents = {code.get("id", ""): code.findtext(STR + "Parent", TOTAL) for code in codes}
    parts = {code: (note(element, "INCLUDES") or "").split() for code, element in met.items()}
    placed_below = {part for inside in parts.values() for part in inside}
    alternatives = overlaps(met)

    def place(under: ET.Element, code: str) -> None:
        repeats = {"ALTERNATIVE_OF": alternatives[code]} if code in alternatives else {}
        element = node(under, "CL_AREA_EXT" if code in met else "CL_AREA", code, repeats)
        for part in parts.get(code, ()):
            place(element, part)

    def grow(under: ET.Element, whole_code: str) -> None:
        for code, parent in parents.items():
            if parent == whole_code != code:
                grow(node(under, list_id, code), code)
        if whole_code == areas_under:
            countries = sorted(code for code, area in areas.items() if area.level == "AREA")
            for code in (*countries, *met):
                if code not in placed_below:
                    place(under, code)

    grow(node(hierarchy, list_id, TOTAL), TOTAL)
    return STRUCTURES / f"{hierarchy_id}-{VERSION}.xml", root


# The codes of the neighbours -----------------------------------------------------------------------------
def systems(areas: Mapping[str, Area]) -> Iterator[System]:
    for identity, given in GIVEN["systems"].items():
        codes: dict[str, str] = {}
        for ours, area in areas.items():
            iso = area.facts.get(given["base"])
            if iso and iso not in given.get("absent", ()):
                codes[given.get("renamed", {}).get(iso, iso)] = ours
        codes |= given.get("own", {})
        remarks = {code: {"LABEL": label} for code, label in given.get("labels", {}).items()}
        for status, further in given.get("also", {}).items():
            codes |= further
            remarks |= {code: {"STATUS": GIVEN["statuses"][status]} for code in further}
        columns = given.get("columns", [])
        yield System(identity, given["names"], given["source"], codes, remarks, columns)


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
        for column in system.columns:
            yield from column_of(column, system)


def column_of(column: Mapping[str, Any], system: System) -> Iterator[Made]:
    """A list of special codes that takes the areas too, and its map: one map tells the whole column."""
    source = "MIGDX proposal: the special codes as they are met in published tables"
    notes = {"PROVENANCE": source, "NOTICE": NOTICE}
    made, codelist = codelist_of(column["list"], column["names"], notes)
    specials = column["specials"]
    for code, _, english, french, remark in specials:
        named(codelist, "Code", {"en": english, "fr": french}, GIVEN["remarks"].get(remark, {}), id=code)
    extend(codelist, f"CL_AREA_{system.id}", [code for code, *_ in specials if code in system.codes])
    yield made
    told = {code: ours for code, ours, *_ in specials}
    told |= {code: ours for code, ours in sorted(system.codes.items()) if code not in told}
    equivalent = {code: ours for code, ours in told.items() if ours}
    yield representation(column["map"], column["list"], column["target"], column["names"], equivalent)


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
    for organisation, given in GIVEN["organisations"].items():
        assert organisation not in providers
        mandate = given.get("areas", [])
        notes = {"AREAS": " ".join(mandate)} if mandate else {"ALL_AREAS": "true"}
        limits = tuple(sorted(code for named_area in mandate for code in within(areas, named_area)))
        names = {language: given[language] for language in ("en", "fr")}
        providers[organisation] = Provider(names, notes, limits)
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
    beyond = artefact(ROOT / CODELISTS / f"CL_AREA_EXT-{VERSION}.xml")
    met = {code.get("id", ""): code for code in beyond.findall(STR + "Code")}
    yield from area_lists(areas)
    yield regions(areas)
    for codelist in artefacts(CODELISTS, "Codelist"):
        if note(codelist, "AREAS_UNDER"):
            yield partition(codelist, areas, met)
    names: dict[str, Names] = {code: area.names for code, area in areas.items()}
    names |= {code: names_of(element) for code, element in met.items()}
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
