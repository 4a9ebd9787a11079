"""The peer of bench/stores.py: a row for each observation in PostgreSQL, in a schema of its own that is
dropped afterwards; and what a mirror is in SQL.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import duckdb
import psycopg
import store_cube

URL = "host=127.0.0.1 port=5432 dbname=test user=postgres"
COLUMNS = (*store_cube.KEY, "TIME_PERIOD", "OBS_VALUE", "_text_OBS_VALUE", *store_cube.ATTRIBUTES)
_SAME = ("CITIZENSHIP", "BIRTH", "SEX", "AGE", "TIME_PERIOD")


def mirror(table: str) -> str:
    """What one area says of those who came from another, beside what that one says of those who left."""
    arrived, left = store_cube.FLOWS
    same = " AND ".join(f"a.{id} = b.{id}" for id in _SAME)
    return (
        f"SELECT a.REF_AREA, a.PARTNER, {', '.join(f'a.{id}' for id in _SAME)}, a.OBS_VALUE AS arrived,"
        f" b.OBS_VALUE AS departed FROM {table} a JOIN {table} b ON a.REF_AREA = b.PARTNER"
        f" AND a.PARTNER = b.REF_AREA AND {same} WHERE a.INDICATOR = '{arrived}' AND b.INDICATOR = '{left}'"
        f" AND {_free('a')} AND {_free('b')}"
    )


def _free(side: str) -> str:
    """That a figure is there for everyone."""
    return f"({side}.CONF_STATUS IS NULL OR {side}.CONF_STATUS = 'F') AND {side}.OBS_VALUE IS NOT NULL"


class Peer:
    """The rows of some Parquet files, in order, with an index of the key and one of indicator and partner."""

    def __init__(self, files: list[str]) -> None:
        self._schema = f"migdx_bench_{token_hex(4)}"
        self._connection = psycopg.connect(URL, autocommit=True)
        run = self._connection.execute
        run(f"CREATE SCHEMA {self._schema}")
        run(f"SET search_path = {self._schema}")
        listed = ", ".join(f"{id} {'float8' if id == 'OBS_VALUE' else 'text'}" for id in COLUMNS)
        run(f"CREATE UNLOGGED TABLE obs ({listed})")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.csv"
            duckdb.connect().execute(
                f"COPY (SELECT {', '.join(COLUMNS)} FROM read_parquet($files)) TO '{path}' (HEADER false)",
                {"files": files},
            )
            copied = f"COPY obs ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
            with path.open("rb") as rows, self._connection.cursor().copy(copied) as copy:
                while part := rows.read(1 << 20):
                    copy.write(part)
        run(f"CREATE INDEX ON obs ({', '.join((*store_cube.KEY, 'TIME_PERIOD'))})")
        run("CREATE INDEX ON obs (INDICATOR, PARTNER)")
        run("ANALYZE obs")

    def close(self) -> None:
        self._connection.execute(f"DROP SCHEMA {self._schema} CASCADE")
        self._connection.close()

    def read(self, question: Any) -> Callable[[], tuple[int, int]]:
        where = " AND ".join(f"{id} = '{code}'" for id, code in question.key.items())
        series = ", ".join(store_cube.KEY)
        text = f"SELECT {', '.join(COLUMNS)} FROM obs WHERE {where}"
        if question.last:
            text = text.replace("SELECT", f"SELECT DISTINCT ON ({series})", 1)
            text += f" ORDER BY {series}, TIME_PERIOD DESC"
        if question.counted:
            sets = ", ".join(f"({id})" for id in (*store_cube.KEY, "TIME_PERIOD"))
            listed = ", ".join((*store_cube.KEY, "TIME_PERIOD"))
            free = "AND (CONF_STATUS IS NULL OR CONF_STATUS = 'F')"
            text = f"SELECT {listed}, count(*) FROM obs WHERE {where} {free}"
            text += f" GROUP BY GROUPING SETS ({sets}, ())"
            return lambda: self._counted(text)
        return lambda: self._summed(text)

    def mirrored(self) -> tuple[int, int]:
        return self._summed(mirror("obs"))

    def _counted(self, text: str) -> tuple[int, int]:
        rows = self._rows(text)
        partner = COLUMNS.index("PARTNER")
        return max(row[-1] for row in rows), sum(row[partner] is not None for row in rows)

    def _summed(self, text: str) -> tuple[int, int]:
        rows = self._rows(text)
        figures = (value for row in rows for value in row if isinstance(value, float))
        return len(rows), int(sum(figures))

    def _rows(self, text: str) -> list[Any]:
        return self._connection.execute(text).fetchall()
