"""Write the demonstration data of `make demo` from the published tables.

    python tools/make_demo.py --data DIR [--out demo]

DIR holds the tables as their publishers lay them out: eurostat/mig_data.csv and countries/UNSD-M49-en.csv,
undesa/ims2019_origin_destination_{total,male,female}.csv, and for the codes and the type of data
undesa/ims2017_origin_destination_table1_both.csv.
The result is one plain SDMX-CSV 2.0 file per submission, gzipped without a timestamp, and manifest.json that
lists them. Running it twice gives the same bytes. The reconciliation with the sources is printed; a
difference that is not known ends the script.
"""

import argparse
import csv
import gzip
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FLOW = "MIGDX:DF_MIG_FLOW(1.0.0)"
STOCK = "MIGDX:DF_MIG_STOCK(1.0.0)"
LEAD = ["STRUCTURE", "STRUCTURE_ID", "ACTION"]
FLOW_DIMENSIONS = [
    *["FREQ", "REF_AREA", "COMPONENT", "SOURCE", "COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP"],
    *["SEX", "AGE", "REASON", "TIME_PERIOD"],
]
STOCK_DIMENSIONS = [
    *["FREQ", "REF_AREA", "SOURCE", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE"],
    *["DURATION_STAY", "EDUCATION_LEV", "LFS", "URBANISATION", "TIME_PERIOD"],
]
VALUE = ["OBS_VALUE", "OBS_STATUS", "CONF_STATUS"]
UNIT = ["UNIT_MEASURE", "UNIT_MULT", "COMMENT_OBS"]
FLOW_HEADER = [*LEAD, *FLOW_DIMENSIONS, *VALUE, *UNIT]
STOCK_HEADER = [*LEAD, *STOCK_DIMENSIONS, *VALUE, "REF_DATE", *UNIT]
FLOW_COMMENT = "Demonstration, as published by Eurostat; not sent by the country"
STOCK_COMMENT = (
    "UN DESA, International Migrant Stock 2019 (United Nations database, POP/DB/MIG/Stock/Rev.2019)"
)
SEXES = {"total": "_T", "male": "M", "female": "F"}
RESIDUALS = ("Other South", "Other North")
NO_FIGURE = {"", "..", "-"}
# The names of the 2019 tables whose codes stand under another name in the 2017 table.
NAMES_OF_2017 = {
    "Bonaire, Sint Eustatius and Saba": "Caribbean Netherlands",
    "Eswatini": "Swaziland",
    "Faroe Islands": "Faeroe Islands",
    "North Macedonia": "TFYR Macedonia",
}
# Published so: male + female differs from the total by one person.
KNOWN_SEX_DIFFERENCES = {
    ("2010", "516", "024"),
    ("2010", "516", "180"),
}

Row = list[str]
Table = dict[tuple[str, str], dict[str, str]]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the published tables")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "demo")
    options = parser.parse_args(argv)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.csv.gz"):
        old.unlink()
    countries = read_countries(options.data / "countries" / "UNSD-M49-en.csv")
    manifest = [*flows(options.data, out, countries), stock(options.data, out, countries)]
    (out / "manifest.json").write_text(
        json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    size = sum(path.stat().st_size for path in out.iterdir())
    print(f"\n{len(manifest)} submissions, {sum(entry['rows'] for entry in manifest):,} rows, {size:,} bytes")
    return 0


def read_countries(path: Path) -> dict[str, dict[str, str]]:
    """The M49 table by three-digit code, without the row that its maintainers added to the UN list."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["M49 Code"].zfill(3): row for row in csv.DictReader(file)}
    rows.pop("158", None)
    return rows


# -- Eurostat: each country with what it counted coming in and going out


def flows(data: Path, out: Path, countries: dict[str, dict[str, str]]) -> Iterator[dict[str, Any]]:
    m49 = {row["ISO-alpha3 Code"]: code for code, row in countries.items()}
    with (data / "eurostat" / "mig_data.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    rows: dict[str, list[Row]] = {iso3: [] for iso3 in sorted({line["Receiving_iso3"] for line in table})}
    names = {line["Receiving_iso3"]: line["Receiving"] for line in table}
    expected: Counter[str] = Counter()
    for line in table:
        sending, receiving = line["Sending_iso3"], line["Receiving_iso3"]
        for column, component, here, there in (
            ("Immi", "IMMIG", receiving, sending),
            ("Emig", "EMIG", sending, receiving),
        ):
            if line[column] in NO_FIGURE:
                continue
            sex, year, value = SEXES[line["SEX"].lower()], number(line["Year"]), number(line[column])
            expected[component] += int(value)
            key = ["A", m49[here], component, "OFF", m49[there], "_T", "_T", sex, "_T", "_T", year]
            rows[here].append(["dataflow", FLOW, "R", *key, value, "A", "F", "PS", "0", FLOW_COMMENT])
    print("Eurostat flows: rows and sums by country (immigration, emigration)")
    found: Counter[str] = Counter()
    for iso3, lines in rows.items():
        lines.sort(key=lambda row: key_of(row, FLOW_DIMENSIONS))
        sums: Counter[str] = Counter()
        for row in lines:
            sums[row[FLOW_HEADER.index("COMPONENT")]] += int(row[FLOW_HEADER.index("OBS_VALUE")])
        found += sums
        print(f"  {iso3} {len(lines):4} rows {sums['IMMIG']:9,} {sums['EMIG']:9,}")
        if not lines:  # an empty file would be refused, and rightly
            continue
        check_unique(lines, FLOW_DIMENSIONS)
        name = f"flow-{iso3}.csv.gz"
        write(out / name, FLOW_HEADER, lines)
        yield {
            "file": name,
            "provider": iso3,
            "agreement": f"MIG_FLOW_{iso3}",
            "dataflow": FLOW,
            "title": f"{names[iso3]}: immigration and emigration between EU countries, 2010-2019",
            "source": "Eurostat, CC BY 4.0. " + FLOW_COMMENT + ".",
            "rows": len(lines),
        }
    print(f"  all: {dict(found)}, in the table: {dict(expected)}")
    require(found == expected, "the flows do not add up to the table")


# -- UN DESA: the migrant stock by destination, origin and sex


def stock(data: Path, out: Path, countries: dict[str, dict[str, str]]) -> dict[str, Any]:
    codes, kinds = read_types(data / "undesa" / "ims2017_origin_destination_table1_both.csv")
    tables = {sex: read_stock(data / "undesa", sex) for sex in SEXES}
    left_out: Counter[str] = Counter()
    rows: list[Row] = []
    for sex, table in tables.items():
        for (year, destination), cells in table.items():
            code = code_of(destination, codes)
            if code is None:
                left_out[f"aggregate or heading: {destination}"] += 1
            elif code not in countries:
                left_out[f"not in UN M49: {destination} ({code})"] += 1
            else:
                rows.extend(stock_rows(year, code, SEXES[sex], kinds[code], cells, codes, left_out))
    rows.sort(key=lambda row: key_of(row, STOCK_DIMENSIONS))
    check_unique(rows, STOCK_DIMENSIONS)
    print("\nUN DESA stock: left out (rows of the three tables, or cells)")
    aggregates = {what for what in left_out if what.startswith("aggregate")}
    print(f"  {sum(left_out[what] for what in aggregates)} rows of {len(aggregates)} aggregates and headings")
    for what in sorted(left_out.keys() - aggregates):
        print(f"  {left_out[what]} {what}")
    reconcile(rows, tables["total"])
    name = "stock-DESA.csv.gz"
    write(out / name, STOCK_HEADER, rows)
    return {
        "file": name,
        "provider": "DESA",
        "agreement": "MIG_STOCK_DESA",
        "dataflow": STOCK,
        "title": "UN DESA: international migrant stock by origin, destination and sex, 1990-2019",
        "source": STOCK_COMMENT + ", CC BY 3.0 IGO.",
        "rows": len(rows),
    }


def read_types(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Code by name, and type of data by code (it is the same in every year of the table)."""
    codes: dict[str, str] = {}
    kinds: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            kind = line["Type of data (a)"].replace(" ", "")
            if not kind:
                continue
            code = line["Code"].strip().zfill(3)
            codes[line["Major area, region, country or area of destination"].strip()] = code
            require(kinds.setdefault(code, kind) == kind, f"the type of data of {code} changes")
    return codes, kinds


def read_stock(folder: Path, sex: str) -> Table:
    with (folder / f"ims2019_origin_destination_{sex}.csv").open(encoding="utf-8-sig", newline="") as file:
        return {(line.pop("Year"), line.pop("Destination").strip()): line for line in csv.DictReader(file)}


def code_of(name: str, codes: dict[str, str]) -> str | None:
    return codes.get(NAMES_OF_2017.get(name, name))


def stock_rows(
    year: str,
    area: str,
    sex: str,
    kind: str,
    cells: dict[str, str],
    codes: dict[str, str],
    left_out: Counter[str],
) -> Iterator[Row]:
    """One destination, year and sex. The first of B and C in `kind` decides; only imputed counts as birth."""
    by_citizenship = next((letter for letter in kind if letter in "BC"), "B") == "C"
    group = "FOR" if by_citizenship else "FB"
    values: dict[str, int] = {}
    for origin, text in cells.items():
        if text in NO_FIGURE:
            left_out[f"cells of countries without a figure ({text or 'empty'})"] += 1
            continue
        if origin == "Total":
            code = group
        elif origin in RESIDUALS:
            code = group + "_U"
        else:
            found = code_of(origin, codes)
            require(found is not None, f"no code for the origin {origin}")
            code = str(found)
        if code == area:
            left_out[f"cells whose origin is the destination {area}"] += 1
            continue
        values[code] = values.get(code, 0) + int(number(text))
    for code, value in values.items():
        pair = ["_T", code] if by_citizenship else [code, "_T"]
        key = ["A", area, "MODEL", *pair, sex, "_T", "_T", "_T", "_T", "_T", year]
        status = "I" if "I" in kind else "E"
        notes = [status, "F", f"{year}-07-01", "PS", "0", STOCK_COMMENT]
        yield ["dataflow", STOCK, "R", *key, str(value), *notes]


def reconcile(rows: list[Row], totals: Table) -> None:
    """Parts against totals, women and men against both, and all countries against the published world."""
    column = {name: STOCK_HEADER.index(name) for name in STOCK_HEADER}
    cells: dict[tuple[str, str, str, str], int] = {}
    kinds: Counter[str] = Counter()
    for row in rows:
        birth, citizenship = row[column["BIRTHPLACE"]], row[column["CITIZENSHIP"]]
        code = citizenship if birth == "_T" else birth
        kinds[row[column["OBS_STATUS"]] + (" citizenship" if birth == "_T" else " birth")] += 1
        key = (row[column["TIME_PERIOD"]], row[column["REF_AREA"]], code, row[column["SEX"]])
        cells[key] = int(row[column["OBS_VALUE"]])
    parts: Counter[tuple[str, str, str]] = Counter()
    for (year, area, code, sex), value in cells.items():
        if code not in {"FB", "FOR"}:
            parts[year, area, sex] += value
    wholes = {(year, area, sex): v for (year, area, code, sex), v in cells.items() if code in {"FB", "FOR"}}
    off = {key: (value, parts[key]) for key, value in wholes.items() if parts[key] != value}
    print(f"UN DESA stock: {len(rows):,} rows, {dict(sorted(kinds.items()))}")
    print(f"  zero values: {sum(1 for value in cells.values() if value == 0):,}")
    print(f"  origins + residual = total in {len(wholes) - len(off)} of {len(wholes)} totals")
    require(not off and parts.keys() == wholes.keys(), f"origins do not add up: {off}")
    sexes = {
        (year, area, code): (value, cells.get((year, area, code, "M")), cells.get((year, area, code, "F")))
        for (year, area, code, sex), value in cells.items()
        if sex == "_T"
    }
    one_missing = sum(1 for _, men, women in sexes.values() if men is None or women is None)
    differ = {key for key, (both, men, women) in sexes.items() if both != (men or 0) + (women or 0)}
    print(f"  men + women = both in {len(sexes) - len(differ):,} of {len(sexes):,}; known: {sorted(differ)}")
    print(f"  an empty cell for men or women beside a figure for both: {one_missing}")
    require(differ == KNOWN_SEX_DIFFERENCES, f"men and women do not add up: {differ}")
    for year in sorted({key[0] for key in wholes}):
        countries = sum(value for key, value in wholes.items() if key[0] == year and key[2] == "_T")
        outside = int(number(totals[year, "Channel Islands"]["Total"]))
        world = int(number(totals[year, "WORLD"]["Total"]))
        print(f"  {year}: countries {countries:,} + Channel Islands {outside:,} = world {world:,}")
        require(countries + outside == world, f"the countries do not add up to the world in {year}")


# -- both


def number(text: str) -> str:
    """Whole persons, as written in the tables with or without `.0` and the dust of floating point."""
    value = float(text)
    require(abs(value - round(value)) < 1e-6, f"not a whole number: {text}")
    return str(round(value))


def key_of(row: Row, dimensions: list[str]) -> Row:
    return row[len(LEAD) : len(LEAD) + len(dimensions)]


def check_unique(rows: Iterable[Row], dimensions: list[str]) -> None:
    counts = Counter(tuple(key_of(row, dimensions)) for row in rows)
    twice = [key for key, count in counts.items() if count > 1]
    require(not twice, f"keys occur more than once: {twice[:3]}")


def write(path: Path, header: Row, rows: list[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


def require(condition: bool, message: str) -> None:
    if not condition:
        sys.exit(f"make_demo: {message}")


if __name__ == "__main__":
    sys.exit(main())
