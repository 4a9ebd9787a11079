"""Which sign a CSV has before its decimals: the one that is declared, or the one that it plainly has.

`1,234` may be a thousand or a fraction; so a file says comma only if no number has a point, and one at least
cannot be a thousand.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..report import Finding, Place
from .csv_header import Header

_VALUE = "OBS_VALUE"
_COMMAS = r"\A\s*([+-]?\d+(,\d+)?|NaN|#N/A|)\s*\z"
_FRACTION = r"\A\s*[+-]?(\d+,(\d{1,2}|\d{4,})|(0|\d{4,}),\d{3})\s*\z"


def decimal_of(declared: str, header: Header, table: pa.Table) -> tuple[str, list[Finding]]:
    """The sign, and what is to be said of it."""
    if declared == ",":
        return ",", []
    if declared or header.separator == "," or _VALUE not in table.column_names:
        return ".", []
    texts = table.column(_VALUE)
    commas = texts.filter(pc.match_substring(texts, ","))
    if not len(commas) or not pc.any(pc.match_substring_regex(commas, _FRACTION)).as_py():
        return ".", []
    if not pc.all(pc.match_substring_regex(texts, _COMMAS)).as_py():
        return ".", []
    column = next(at for at, id in header.components.items() if id == _VALUE) + 1
    # no number is shown: it may be confidential
    places = (Place(row=header.row, column=column),)
    told = Finding("decimal_comma", "warning", _VALUE, count=len(commas), places=places, blocking=False)
    return ",", [told]
