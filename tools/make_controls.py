"""Writes dsd/MIGDX/controls from published tables of the United Nations: what totals are compared with.

`python -m tools.make_controls --data DIR`, from the top of a checkout. A table never changes: what another
revision says gets another name. Figures are persons; areas that UN M49 does not list are left out.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
from collections.abc import Iterable
from pathlib import Path

from tools.make_demo import code_of, read_countries, read_types

ROOT = Path(__file__).resolve().parents[1]
LICENCE = "CC BY 3.0 IGO, https://creativecommons.org/licenses/by/3.0/igo/"
PUBLISHER = "United Nations, Department of Economic and Social Affairs, Population Division"
FIRST_YEAR = 1990

Row = tuple[str, ...]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the published tables")
    parser.add_argument("--out", type=Path, default=ROOT / "dsd" / "MIGDX" / "controls")
    options = parser.parse_args(argv)
    data: Path = options.data
    areas = set(read_countries(data / "countries" / "UNSD-M49-en.csv"))
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    write(
        out / "UN_WPP2024_VITAL.csv",
        "UN DESA, World Population Prospects 2024",
        f"{PUBLISHER} (2024). World Population Prospects 2024: births and deaths by year",
        ("REF_AREA", "TIME_PERIOD", "COMPONENT", "OBS_VALUE"),
        vital(data / "wpp2024", areas),
    )
    write(
        out / "UN_IMS2019_POPULATION.csv",
        "UN DESA, World Population Prospects 2019",
        f"{PUBLISHER} (2019). Total population at mid-year, as in International Migrant Stock 2019 "
        "(United Nations database, POP/DB/MIG/Stock/Rev.2019)",
        ("REF_AREA", "TIME_PERIOD", "OBS_VALUE"),
        population(data / "undesa", areas),
    )
    write(
        out / "UN_IMS2019_STOCK.csv",
        "UN DESA, International Migrant Stock 2019",
        f"{PUBLISHER} (2019). International Migrant Stock 2019 (United Nations database, "
        "POP/DB/MIG/Stock/Rev.2019): by country of birth (BIRTHPLACE FB) or, where that is not known, by "
        "citizenship (CITIZENSHIP FOR); refugees may have been added",
        ("REF_AREA", "TIME_PERIOD", "BIRTHPLACE", "CITIZENSHIP", "OBS_VALUE"),
        stock(ROOT / "demo" / "stock-DESA.csv.gz"),
    )


def vital(folder: Path, areas: set[str]) -> Iterable[Row]:
    """Births and deaths by area and year, from thousands."""
    for component, name in (("BIRTH", "births"), ("DEATH", "deaths")):
        with (folder / f"{name}.txt").open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file, delimiter="\t"):
                area = line["country_code"].zfill(3)
                if area in areas:
                    for year in (text for text in line if text.isdigit() and int(text) >= FIRST_YEAR):
                        yield area, year, component, str(round(float(line[year]) * 1000))


def population(folder: Path, areas: set[str]) -> Iterable[Row]:
    """Residents at 1 July by area and year, from thousands."""
    codes, _ = read_types(folder / "ims2017_origin_destination_table1_both.csv")
    with (folder / "ims2019_total_population_age_sex.csv").open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            area = code_of(line["Destination"].strip(), codes)
            if area in areas and line["Total_(mf)"] not in ("", ".."):
                yield str(area), str(round(float(line["Year"]))), str(round(float(line["Total_(mf)"]) * 1000))


def stock(demonstration: Path) -> Iterable[Row]:
    """The totals of the demonstration's stock, which tools/make_demo.py takes from the same revision."""
    with gzip.open(demonstration, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            pair = line["BIRTHPLACE"], line["CITIZENSHIP"]
            if pair in (("FB", "_T"), ("_T", "FOR")) and line["SEX"] == "_T":
                yield line["REF_AREA"], line["TIME_PERIOD"], *pair, line["OBS_VALUE"]


def write(path: Path, source: str, citation: str, header: Row, rows: Iterable[Row]) -> None:
    text = io.StringIO()
    text.write(f"# source: {source}\n# citation: {citation}\n# licence: {LICENCE}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    found = sorted(set(rows))
    writer.writerows(found)
    path.write_text(text.getvalue(), encoding="utf-8")
    print(f"{path.name}: {len(found):,} figures, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
