"""Runs the rules as the structure files have them in VTL, with vtlengine: what it finds, as JSON.

For the environment of vtlengine (`make test-vtl`), which knows nothing of this service: pysdmx reads the
artefacts. The job comes on stdin:
{structures: folder, files: [{dataflow, scheme, rulesets, rules, components, table}]}.
"""

import json
import re
import sys
from pathlib import Path

import msgspec
import pandas as pd
import vtlengine
from pysdmx.io import read_sdmx
from pysdmx.model.vtl import TransformationScheme
from pysdmx.toolkit.vtl import generate_vtl_script
from pysdmx.toolkit.vtl.validation import model_validations


def schemes(folder: Path, scheme: str, rulesets: str) -> TransformationScheme:
    """The transformations with their rulesets, each validated by pysdmx and parsed by vtlengine."""
    (transformations,) = read_sdmx(folder / scheme, validate=False).structures
    (defined,) = read_sdmx(folder / rulesets, validate=False).structures
    told = [reference.id for reference in transformations.ruleset_schemes]
    assert told == [defined.id], told
    whole = msgspec.structs.replace(transformations, ruleset_schemes=[defined])
    model_validations(whole)
    return whole


def script(whole: TransformationScheme, dataflow: str, rules: list[str]) -> str:
    """What concerns some rules: they are independent of one another, and the engine is slow."""
    named = "|".join(map(re.escape, rules))
    steps = [one for one in whole.items if re.fullmatch(rf"{dataflow}_({named})(_[a-z]+)?", one.id)]
    used = " ".join(one.expression for one in steps)
    (defined,) = whole.ruleset_schemes
    rulesets = [one for one in defined.items if re.search(rf"\b{one.id}\b", used)]
    return str(generate_vtl_script(msgspec.structs.replace(
        whole, items=steps, ruleset_schemes=[msgspec.structs.replace(defined, items=rulesets)]
    )))  # fmt: skip


def found(job: dict, text: str) -> list:
    """[errorcode, key] of every row that a persistent result has."""
    name, components = job["dataflow"], job["components"]
    structure = {"datasets": [{"name": name, "DataStructure": components}]}
    types = {one["name"]: float if one["type"] == "Number" else str for one in components}
    table = pd.read_csv(job["table"], dtype=types, keep_default_na=False, na_values=[""])
    results = vtlengine.run(
        script=text, data_structures=structure, datapoints={name: table}, use_duckdb=True
    )  # its other engine, pandas, takes four times as long
    key = [one["name"] for one in components if one["role"] == "Identifier"]
    told = set()
    for result in results.values():
        rows = result.data
        if len(rows):
            told.update(zip(rows["errorcode"], zip(*(rows[id] for id in key), strict=True), strict=True))
    return sorted([code, list(values)] for code, values in told)


def main() -> None:
    job = json.load(sys.stdin)
    known: dict[str, TransformationScheme] = {}
    told = []
    for one in job["files"]:
        flow = one["dataflow"]
        if flow not in known:
            known[flow] = schemes(Path(job["structures"]), one["scheme"], one["rulesets"])
        told.append(found(one, script(known[flow], flow, one["rules"])))
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
