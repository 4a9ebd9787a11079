"""Structure answers: one that is kept beside a static file of its bytes, a new one beside pysdmx; and a code
list of 700,000 codes, loaded, looked into, searched and sent.

bare: the first answer of its kind in a process that has written nothing; first: the same in one that warmed
itself, as every worker does when it starts.
In process, through the whole WSGI application, without a socket; CPU seconds, medians of one run. pysdmx
writes what it has read from our own answer; reading is not counted.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import send_from_directory
from werkzeug.test import create_environ, run_wsgi_app

from migdx.exchange import Exchange
from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.web import create_app
from migdx.web.structures import warm

ASKED = "/sdmx/v2/structure/datastructure/MIGDX/DSD_MIG_FLOW/1.0.0?references=descendants"
XML30 = "application/vnd.sdmx.structure+xml;version=3.0.0"
XML21 = "application/vnd.sdmx.structure+xml;version=2.1"
LIST = "/sdmx/v2/structure/codelist/BENCH/CL_BENCH/1.0.0"
WARM, COLD = 2.0, 0.1
"""Targets: a kept answer against a static file, a new one against pysdmx."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, default=700_000)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--child", metavar="FOLDER", help="measures the list in FOLDER and prints JSON")
    parser.add_argument("--first", metavar="TYPE", help="measures the first answer of a media type")
    parser.add_argument("--warm", action="store_true", help="the first answer after warming up")
    asked = parser.parse_args()
    if asked.first:
        print(of_this_process(Path(asked.child), asked.first, warmed=asked.warm))
        return
    if asked.child:
        print(json.dumps(dict(long_list(Path(asked.child), asked.codes))))
        return
    with tempfile.TemporaryDirectory(prefix="migdx-bench-") as folder:
        answers(Path(folder), asked.times)
        told_of_list(Path(folder), asked.codes)


# --- answers ------------------------------------------------------------------------------------------------


def answers(folder: Path, times: int) -> None:
    exchange = Exchange.open(folder / "exchange")
    app = create_app(exchange, token="bench", demo=False)
    (folder / "static").mkdir()
    app.add_url_rule("/kept/<name>", "kept", lambda name: send_from_directory(folder / "static", name))
    first, _ = timed(lambda: call(app, ASKED, XML30))
    print(f"{ASKED}\nthe first answer of all, which finds all links of the registry: {first * 1000:.0f} ms\n")
    heads = ("bytes", "bare", "first", "pysdmx", "kept", "static", "known")
    print(
        f"{'format':<12}{''.join(f'{head:>10}' for head in heads)}   kept/static  bare/pysdmx  first/pysdmx"
    )
    for media_type in STRUCTURE_WRITERS:
        bare, first = (of_another_process(folder, media_type, *how) for how in ((), ("--warm",)))
        _, (headers, body) = timed(lambda kind=media_type: call(app, ASKED, kind))
        (folder / "static" / "answer").write_bytes(body)
        kept, static, known = [], [], []
        for _ in range(times):  # interleaved, so that both see the same machine
            kept.append(timed(lambda kind=media_type: call(app, ASKED, kind))[0])
            static.append(timed(lambda: call(app, "/kept/answer", ""))[0])
            known.append(timed(lambda kind=media_type, tag=headers["ETag"]: call(app, ASKED, kind, tag))[0])
        peer = written_by_pysdmx(body, media_type)
        name = media_type.removeprefix("application/vnd.sdmx.structure+").replace(";version=", " ")
        ours = [bare, first, peer, *(statistics.median(found) for found in (kept, static, known))]
        shown = "".join(f"{s * 1000:>7.2f} ms" if s is not None else f"{'-':>10}" for s in ours)
        ratios = f"{ours[3] / ours[4]:>13.2f}"
        ratios += f"{bare / peer:>13.3f}{first / peer:>14.3f}" if peer else f"{'-':>13}{'-':>14}"
        print(f"{name:<12}{len(body):>10,}{shown}{ratios}")
    print(f"\ntargets: kept/static at most {WARM}, first/pysdmx at most {COLD}\n")
    exchange.close()


def call(app: Any, url: str, accept: str, known: str = "") -> tuple[dict[str, str], bytes]:
    headers = {"Accept": accept} | ({"If-None-Match": known} if known else {})
    environ = create_environ(url, "http://localhost", headers=headers)
    pieces, status, given = run_wsgi_app(app, environ, buffered=True)
    assert status.startswith("304" if known else "200"), status
    return dict(given), b"".join(pieces)


def of_another_process(folder: Path, media_type: str, *how: str) -> float:
    """The time of the first answer of a format; the median of five processes."""
    child = [sys.executable, __file__, "--first", media_type, "--child", str(folder / "first"), *how]
    runs = (subprocess.run(child, check=True, capture_output=True, text=True) for _ in range(5))
    return statistics.median(float(run.stdout) for run in runs)


def of_this_process(folder: Path, media_type: str, *, warmed: bool) -> float:
    exchange = Exchange.open(folder)
    app = create_app(exchange, token="bench", demo=False)
    if warmed:
        warm(exchange.registry)
    # Flask's own first request, and the links of the registry
    call(app, ASKED.replace("references=descendants", "references=descendants&detail=allstubs"), media_type)
    taken, _ = timed(lambda: call(app, ASKED, media_type))
    exchange.close()
    return taken


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def written_by_pysdmx(body: bytes, media_type: str) -> float | None:
    """The median that pysdmx takes to write what is in our answer; None for what it cannot read or write."""
    from pysdmx.io import read_sdmx, write_sdmx
    from pysdmx.io.format import Format

    formats = {XML30: Format.STRUCTURE_SDMX_ML_3_0, XML21: Format.STRUCTURE_SDMX_ML_2_1}
    if media_type not in formats:
        return None
    try:
        structures = read_sdmx(body.decode(), validate=False).structures
        return statistics.median(
            timed(lambda: write_sdmx(structures, formats[media_type]))[0] for _ in range(3)
        )
    except Exception as fault:  # noqa: BLE001 (whatever a peer raises is told, beside the other figures)
        print(f"  pysdmx: {type(fault).__name__}: {str(fault)[:90]}")
        return None


# --- the long list ------------------------------------------------------------------------------------------


def told_of_list(folder: Path, codes: int) -> None:
    structures = folder / "structures"
    structures.mkdir()
    child = [sys.executable, __file__, "--child", str(structures), "--codes", str(codes)]
    found = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    size = sum(path.stat().st_size for path in structures.iterdir())
    print(f"a code list of {codes:,} codes, names in two languages, {size / 1e6:.0f} MB of SDMX-ML 3.0")
    for name, value in found.items():
        print(f"  {name:<58}{value:>10}")


def made_list(path: Path, codes: int) -> None:
    """A message with one list, in which every thousandth code has the others below it."""
    space = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0"
    with path.open("w", encoding="utf-8") as file:
        file.write(
            f'<?xml version="1.0" encoding="UTF-8"?><mes:Structure xmlns:com="{space}/common" '
            f'xmlns:mes="{space}/message" xmlns:str="{space}/structure"><mes:Header><mes:ID>L</mes:ID>'
            "<mes:Test>false</mes:Test><mes:Prepared>2026-11-21T00:00:00Z</mes:Prepared>"
            '<mes:Sender id="BENCH"/></mes:Header><mes:Structures><str:Codelists>'
            '<str:Codelist agencyID="BENCH" id="CL_BENCH" version="1.0.0">'
            '<com:Name xml:lang="en">L</com:Name>'
        )
        for number in range(codes):
            above = f"<str:Parent>C{number // 1000 * 1000:06d}</str:Parent>" if number % 1000 else ""
            file.write(
                f'<str:Code id="C{number:06d}"><com:Name xml:lang="en">Local unit number {number}</com:Name>'
                f'<com:Name xml:lang="fr">Unité locale numéro {number}</com:Name>{above}</str:Code>\n'
            )
        file.write("</str:Codelist></str:Codelists></mes:Structures></mes:Structure>")


def long_list(folder: Path, codes: int) -> Iterator[tuple[str, str]]:
    """What is measured, in the order in which it happens; each memory is above that of the start."""
    made_list(folder / "list.xml", codes)
    before = memory()
    with tempfile.TemporaryDirectory(prefix="migdx-bench-") as state:
        taken, exchange = timed(lambda: Exchange.open(Path(state), [folder]))
        yield "loaded", f"{taken:.1f} s"
        yield "memory grown by, once loaded", f"{memory() - before} MB"
        yield "memory grown by, at most so far", f"{peak() - before} MB"
        client = create_app(exchange, token="bench", demo=False).test_client()

        def asked(url: str, accept: str = XML30) -> str:
            def drained() -> int:
                with client.get(url, headers={"Accept": accept}) as answer:
                    assert answer.status_code == 200, (url, answer.status_code)
                    return sum(len(piece) for piece in answer.iter_encoded())

            taken, size = timed(drained)
            return f"{taken * 1000:.1f} ms" if size < 1 << 20 else f"{taken:.2f} s"

        yield "the first code, which sorts them by id once", asked(f"{LIST}/C000777")
        yield "a code, with its parent", asked(f"{LIST}/C{codes * 2 // 3:06d}")
        yield "a page of 50 in the middle", asked(f"{LIST}?offset={codes // 2}&limit=50")
        yield "the first search, which makes the index", asked(f"{LIST}?q=numero+{codes // 3}")
        yield "a search", asked(f"{LIST}?q=unite+{codes // 2 + 1}")
        yield "a search that all have, its first page", asked(f"{LIST}?q=local&limit=50")
        yield "its next page", asked(f"{LIST}?q=local&limit=50&offset=50")
        yield "memory grown by, with the index", f"{memory() - before} MB"
        for media_type in STRUCTURE_WRITERS:
            name = media_type.removeprefix("application/vnd.sdmx.structure+").replace(";version=", " ")
            yield f"all of it, {name}", asked(LIST, media_type)
        yield "memory grown by, at the end", f"{memory() - before} MB"
        yield "memory grown by, at most", f"{peak() - before} MB"
        exchange.close()


def memory() -> int:
    """Megabytes that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20


def peak() -> int:
    # not ru_maxrss, which a process inherits from the one that started it
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


if __name__ == "__main__":
    main()
