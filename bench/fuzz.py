"""Every reader against bytes that a coverage-guided fuzzer (atheris, libFuzzer) makes: `make fuzz`.

    python bench/fuzz.py [--seconds 60] [READER ...]

Each reader has a process of its own and its seconds of the clock, one after the other. What is asked of it
is what tests/hostile/laws.py says. What ends the process is tried in the sandbox of the
service. What breaks a law, or takes more than SLOW seconds, is written to
build/fuzz/found/READER and named at the end; mended, it belongs in tests/hostile/found.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "fuzz"
SLOW = 2.0
MEMORY = 2048
"""Megabytes of a fuzzer's process: those of the libraries, of its corpus, and 512 for a file."""

sys.path[:0] = [str(ROOT / "service"), *(str(ROOT / "tests" / name) for name in ("", "formats", "hostile"))]

Target = Callable[[bytes], None]
SEPARATOR = b"\0--\0"


def readers() -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """A module and a job by the name of a reader; `any` takes the way of every file, archives too."""
    return {
        "csv": ("csv_reader", {"media_type": "text/csv"}),
        "xml": ("ml_data_reader", {"media_type": "application/xml"}),
        "json": ("json_data_reader", {"media_type": "application/json"}),
        "xlsx": ("workbook_reader", {"file_name": "f.xlsx"}),
        "ods": ("workbook_reader", {"file_name": "f.ods"}),
        "xls": ("workbook_reader", {"file_name": "f.xls"}),
        "any": ("child", {}),
    }


def main() -> None:
    known = readers()
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seconds", type=int, default=60, help="for each reader")
    asked.add_argument("--target", choices=known, help=argparse.SUPPRESS)
    asked.add_argument("readers", nargs="*", metavar="READER", help=", ".join(known))
    given = asked.parse_args()
    if given.target:
        fuzz(given.target, given.seconds)
    unknown = [name for name in given.readers if name not in known]
    if unknown:
        sys.exit(f"There is no reader {', '.join(unknown)}; expected {', '.join(known)}")
    broken = [name for name in given.readers or known if not run(name, given.seconds)]
    sys.exit(f"Laws were broken: {', '.join(broken)}; see {KEPT / 'found'}" if broken else 0)


# --- one reader in a process of its own ---------------------------------------------------------------------


def run(name: str, seconds: int) -> bool:
    """Fuzzes a reader, and again after every input that ended the process; whether no law was broken."""
    found = KEPT / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    prepare(name)
    ends = time.monotonic() + seconds
    executions = coverage = 0
    while (left := ends - time.monotonic()) > 1:
        command = [sys.executable, __file__, "--target", name, "--seconds", str(int(left) + 1)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=left + 60
            )
            log = done.stderr + done.stdout
        except subprocess.TimeoutExpired as late:
            log = (late.stderr or b"").decode(errors="replace")
        (found.parent / f"{name}.log").write_text(log)
        counts = [int(count) for count in re.findall(r"^#(\d+)", log, re.MULTILINE)]
        if not counts:
            print(f"{name:6} did not start; {found.parent / name}.log says why")
            return False
        executions += counts[-1]
        coverage = max([coverage, *(int(cov) for cov in re.findall(r"cov: (\d+)", log))])
    ended = [path for path in set(found.iterdir()) - before if path.name.startswith(_ENDED)]
    for path in ended:
        if bounded(workbook(path.read_bytes()) if name in _ZIPS else path.read_bytes()):
            path.unlink()
    new = sorted(path.name for path in set(found.iterdir()) - before)
    print(f"{name:6} {executions:>10,} executions, {coverage:>6,} branches reached, {len(new)} found", *new)
    return not new


_ENDED = ("crash-", "oom-", "timeout-")
_ZIPS = ("xlsx", "ods")


def bounded(content: bytes) -> bool:
    """Whether the service survives what ended this process, which has other limits, and tells of it."""
    import laws

    from migdx.formats.sandbox import Sandbox

    box = Sandbox(keeps_spare=False)
    try:
        laws.holds(box.read(io.BytesIO(content), len(content)))
    except AssertionError:
        return False
    return True


def prepare(name: str) -> None:
    """Writes what the fuzzer begins with: small files, and the words that stand in them."""
    import seeds

    for kind in ("corpus", "seeds"):
        (KEPT / kind / name).mkdir(parents=True, exist_ok=True)
    words: set[bytes] = set()
    for content in seeds.of(name):
        try:
            start = parts(content) if name in _ZIPS else content
        except BadZipFile:
            continue
        (KEPT / "seeds" / name / sha256(start).hexdigest()[:16]).write_bytes(start)
        words.update(re.findall(rb"[A-Za-z][A-Za-z:_]{3,30}", start))
    lines = (f'"{word.decode()}"\n' for word in sorted(words)[:2000])
    (KEPT / f"{name}.dict").write_text("".join(lines))


def fuzz(name: str, seconds: int) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["migdx"]):
        # what is instrumented has to be imported here, first
        import importlib

        module, job = readers()[name]
        reader = importlib.import_module(f"migdx.formats.{module}")
        import laws

    corpus, found, start = (KEPT / kind / name for kind in ("corpus", "found", "seeds"))
    words = KEPT / f"{name}.dict"
    options = [
        f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY}", "-timeout=20", f"-artifact_prefix={found}/",
        f"-dict={words}", "-max_len=20000", "-print_final_stats=1", str(corpus), str(start),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], target(name, reader, dict(job), found, laws))
    atheris.Fuzz()


def target(name: str, reader: ModuleType, job: dict[str, Any], found: Path, laws: ModuleType) -> Target:
    """Reads bytes and asks for the laws; what breaks one is kept, once for each line that raised."""
    known: set[str] = set()

    def keep(why: str, content: bytes, about: str) -> None:
        if why not in known:
            known.add(why)
            path = found / f"{re.sub(r'[^A-Za-z0-9_.]+', '-', why)[:80]}.{name if name != 'any' else 'bin'}"
            path.write_bytes(content)
            print(f"FOUND {path.name}\n{about}", file=sys.stderr)

    def one(data: bytes) -> None:
        content = workbook(data) if name in _ZIPS else data
        started = time.process_time()
        try:
            laws.holds(
                reader.read(io.BytesIO(content), {**job, "scratch": io.BytesIO(), "unpacked": 8 << 20})
            )
        except Exception as fault:  # noqa: BLE001  # that is what is looked for
            *_, last = traceback.extract_tb(fault.__traceback__)
            keep(
                f"{type(fault).__name__}-{Path(last.filename).stem}-{last.lineno}",
                content,
                traceback.format_exc(),
            )
        if (took := time.process_time() - started) > SLOW:
            keep(f"slow-{int(took)}", content, f"{took:.1f} s for {len(content)} bytes")

    return one


# --- workbooks: their parts are what is changed, not how they are compressed --------------------------------


def parts(content: bytes) -> bytes:
    """The files of a workbook one after the other: path, line end, bytes."""
    with ZipFile(io.BytesIO(content)) as archive:
        return SEPARATOR.join(one.filename.encode() + b"\n" + archive.read(one) for one in archive.infolist())


def workbook(data: bytes) -> bytes:
    """A zip of such files."""
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_STORED) as archive:
        for path, content in _files(data):
            archive.writestr(path, content)
    return made.getvalue()


def _files(data: bytes) -> Iterator[tuple[str, bytes]]:
    met = set()
    for part in data.split(SEPARATOR):
        path, _, content = part.partition(b"\n")
        name = path.decode("ascii", "ignore").replace("\0", "")[:100] or "x"
        if name not in met:  # zipfile warns of a name that stands twice
            met.add(name)
            yield name, content


if __name__ == "__main__":
    main()
