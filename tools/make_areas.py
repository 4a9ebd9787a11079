"""Write the structures that follow from the UN M49 tables, in place, under codelists/ and dsd/.

    python tools/make_areas.py --m49 DIR      DIR holds UNSD-M49-{en,fr,es,ar,ru,cn}.csv

Written: CL_AREA, H_AREA, the partitions of the lists that extend CL_AREA, DATA_PROVIDERS, and one message of
provision agreements per provider. Read, and kept by hand: CL_AREA_EXT, the extending lists (annotation
AREAS_UNDER names the code that the areas add up to), the dataflows, and those providers in DATA_PROVIDERS
that are no area (annotation ALL_AREAS).
"""

from __future__ import annotations

import argparse
import csv
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AGENCY, VERSION = "MIGDX", "1.0.0"
V3 = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/"
MES, STR, COM = (f"{{{V3}{part}}}" for part in ("message", "structure", "common"))
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
for namespace in ("message", "structure", "common"):
    ET.register_namespace(namespace[:3], V3 + namespace)

M49 = "United Nations Statistics Division, Standard country or area codes for statistical use (M49)"
NOTICE = (
    "The designations used imply no opinion on the legal status of any country, territory, city or area, "
    "of its authorities, or on its frontiers or boundaries."
)
# as the files call the language: as BCP 47 does
LANGUAGES = {"en": "en", "fr": "fr", "es": "es", "ar": "ar", "ru": "ru", "cn": "zh"}
LEFT_OUT = {"158"}  # added to the tables by their maintainers
AS_THE_UN_HAS_IT = {("384", "en"): "Côte d’Ivoire"}  # changed in the tables by their maintainers
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

Names = Mapping[str, str]


class Area:
    """A code of M49: its names, what holds it, and what its row says when it is a country or area."""

    def __init__(self, level: str, parent: str | None) -> None:
        self.level, self.parent = level, parent
        self.names: dict[str, str] = {}
        self.facts: dict[str, str] = {}


# XML ---------------------------------------------------------------------------------------------------
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


def message(identity: str) -> tuple[ET.Element, ET.Element]:
    root = ET.Element(MES + "Structure")
    header = sub(root, MES + "Header")
    sub(header, MES + "ID", identity)
    sub(header, MES + "Test", "false")
    sub(header, MES + "Prepared", "2026-11-21T00:00:00Z")
    sub(header, MES + "Sender", id=AGENCY)
    return root, sub(root, MES + "Structures")


def save(root: ET.Element, path: Path) -> None:
    ET.indent(root, space="  ")
    path.parent.mkdir(parents=True, exist_ok=True)
    body = ET.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n', encoding="utf-8", newline="\n")


def own(identity: str) -> dict[str, str]:
    return {"agencyID": AGENCY, "id": identity, "version": VERSION}


def urn(kind: str, identity: str, version: str = VERSION) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.{kind}={AGENCY}:{identity}({version})"


# Reading -----------------------------------------------------------------------------------------------
def artefact(path: Path) -> ET.Element:
    found = ET.parse(path).getroot().find(f"{MES}Structures/*/*")
    assert found is not None, path
    return found


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


# Writing -----------------------------------------------------------------------------------------------
def write_codelist(areas: Mapping[str, Area]) -> None:
    root, structures = message("CL_AREA")
    names = {"en": "Countries, areas and regions (UN M49)", "fr": "Pays, zones et régions (M49 de l’ONU)"}
    notes = {"PROVENANCE": M49, "NOTICE": NOTICE}
    codelist = named(sub(structures, STR + "Codelists"), "Codelist", names, notes, **own("CL_AREA"))
    for code, area in sorted(areas.items()):
        facts = area.facts if area.level == "AREA" else {"REGION": "true"}
        named(codelist, "Code", area.names, facts, id=code)
    save(root, ROOT / f"codelists/{AGENCY}/CL_AREA-{VERSION}.xml")


def write_regions(areas: Mapping[str, Area]) -> None:
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
    save(root, ROOT / f"dsd/{AGENCY}/H_AREA-{VERSION}.xml")


def write_partition(codelist: ET.Element, areas: Mapping[str, Area], extra: list[str]) -> None:
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
    save(root, ROOT / f"dsd/{AGENCY}/{hierarchy_id}-{VERSION}.xml")


def write_providers(areas: Mapping[str, Area]) -> dict[str, tuple[dict[str, str], str | None]]:
    """The scheme; returned as id: (names, M49 code or None for an organisation that has no area)."""
    path = ROOT / f"dsd/{AGENCY}/DATA_PROVIDERS-1.0.xml"
    before = artefact(path).findall(STR + "DataProvider") if path.exists() else []
    organisations = [provider for provider in before if note(provider, "ALL_AREAS")]
    providers: dict[str, tuple[dict[str, str], str | None]] = {}
    root, structures = message("DATA_PROVIDERS")
    names = {
        "en": "Data providers: countries, areas and international organisations",
        "fr": "Fournisseurs de données : pays, zones et organisations internationales",
    }
    notes = {"PROVENANCE": "MIGDX proposal: each country or area stands for the body that reports for it"}
    schemes = sub(structures, STR + "DataProviderSchemes")
    scheme = named(schemes, "DataProviderScheme", names, notes, agencyID=AGENCY, id="DATA_PROVIDERS")
    countries = {
        area.facts.get("ISO3", "M49_" + code): code for code, area in areas.items() if area.level == "AREA"
    }
    for provider, code in sorted(countries.items()):
        named(scheme, "DataProvider", areas[code].names, {"M49": code}, id=provider)
        providers[provider] = (areas[code].names, code)
    for organisation in organisations:
        scheme.append(organisation)
        providers[organisation.get("id", "")] = (names_of(organisation), None)
    save(root, path)
    return providers


def write_agreements(provider: str, names: Names, m49: str | None, dataflows: Mapping[str, Names]) -> None:
    """One agreement per dataflow, all bound to the provider's area by one constraint."""
    root, structures = message(provider)
    constraints = sub(structures, STR + "DataConstraints") if m49 else None
    agreements = sub(structures, STR + "ProvisionAgreements")
    scheme = urn("base.DataProvider", "DATA_PROVIDERS", "1.0")
    urns = []
    for dataflow, flow in dataflows.items():
        identity = f"{dataflow.removeprefix('DF_')}_{provider}"
        titles = {"en": f"{names['en']}: {flow['en']}", "fr": f"{names['fr']} : {flow['fr']}"}
        notes = {} if m49 else {"ALL_AREAS": "true"}
        agreement = named(agreements, "ProvisionAgreement", titles, notes, **own(identity))
        sub(agreement, STR + "Dataflow", urn("datastructure.Dataflow", dataflow))
        sub(agreement, STR + "DataProvider", f"{scheme}.{provider}")
        urns.append(urn("registry.ProvisionAgreement", identity))
    if constraints is not None:
        titles = {"en": f"{names['en']}: its own area only", "fr": f"{names['fr']} : sa seule zone"}
        role = {"role": "Allowed"} | own("AREA_" + provider)
        constraint = named(constraints, "DataConstraint", titles, {}, **role)
        attachment = sub(constraint, STR + "ConstraintAttachment")
        for agreement_urn in urns:
            sub(attachment, STR + "ProvisionAgreement", agreement_urn)
        region = sub(constraint, STR + "CubeRegion", include="true")
        sub(sub(region, STR + "KeyValue", id="REF_AREA"), STR + "Value", m49)
    save(root, ROOT / f"dsd/{AGENCY}/provision/{provider}.xml")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the structures that follow from the UN M49 tables.")
    parser.add_argument("--m49", type=Path, required=True, help="folder of UNSD-M49-{en,fr,es,ar,ru,cn}.csv")
    areas = read_m49(parser.parse_args().m49)
    write_codelist(areas)
    write_regions(areas)
    codelists = ROOT / "codelists" / AGENCY
    met = artefact(codelists / f"CL_AREA_EXT-{VERSION}.xml").findall(STR + "Code")
    extra = [code.get("id", "") for code in met]
    for codelist in map(artefact, sorted(codelists.glob(f"*-{VERSION}.xml"))):
        if note(codelist, "AREAS_UNDER"):
            write_partition(codelist, areas, extra)
    flows = [artefact(path) for path in sorted((ROOT / "dsd" / AGENCY).glob(f"DF_*-{VERSION}.xml"))]
    dataflows = {flow.get("id", ""): names_of(flow) for flow in flows}
    for provider, (names, m49) in write_providers(areas).items():
        write_agreements(provider, names, m49, dataflows)


if __name__ == "__main__":
    main()
