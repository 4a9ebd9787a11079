"""Every benchmark of the README, one after the other: `make bench`, or `make bench ARGS=write` for one."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

EVERY = (
    "read_check",
    "read_ml",
    "read_json",
    "read_workbook",
    "write",
    "single_series",
    "stores",
    "rules",
    "rules_stored",
    "mutations",
    "first_finding",
)


def main() -> None:
    asked = sys.argv[1:] or EVERY
    unknown = [name for name in asked if name not in EVERY]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; expected {', '.join(EVERY)}")
    for name in asked:
        sys.argv = [name]
        runpy.run_path(str(Path(__file__).with_name(f"{name}.py")), run_name="__main__")
        print()


if __name__ == "__main__":
    main()
