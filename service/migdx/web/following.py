"""A check that is followed: what is found while the file still arrives, and as each check ends; NDJSON.

report.json of the schemas describes the lines, `event` of its $defs. The first rows of SDMX-CSV are looked at
by themselves as soon as they are there; what is found in them is provisional, for the rest may be no file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from io import BytesIO
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, cast

import orjson
from flask import Response, request, stream_with_context

from ..errors import Unavailable
from ..exchange import Exchange
from ..report import Finding, Report, as_dict, phrase
from ..sent import Sent
from . import faults, sending, uploads

FIRST, LAST, STEP = 1 << 16, 8 << 20, 8
"""Bytes after which the first rows are looked at: first, at most, and each time how many times as many."""

_SHARE, _LEAST = 64, 1 << 12
"""Of a smaller file, and of one whose size is not known, the first look comes earlier: after this share, but
not before so many bytes."""


def followed(exchange: Exchange, accept: str) -> Response:
    """Events as lines of JSON; the last is the report, or the fault that ended all."""
    languages = sending.asked_languages()
    if request.mimetype == "multipart/form-data":
        asked = cast(uploads.Uploading, request._get_current_object())  # type: ignore[attr-defined]
        asked.held, ending = True, asked.let_go
        events = _of_form(exchange, accept, languages)
    else:
        uploads.encoded()
        _ = request.stream  # what is announced as too large is refused before an event
        file = uploads.kept()
        ending = file.close
        events = _of_body(file, exchange, accept, languages)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    lines = stream_with_context(_lines(events, ending))
    answer = Response(lines, content_type="application/x-ndjson", headers=headers)
    answer.call_on_close(ending)  # where nobody takes even the first line
    return answer


_Event = dict[str, Any]


def _lines(events: Generator[_Event], ending: Callable[[], None]) -> Iterator[bytes]:
    """The events as lines, and where they break off one that says why."""
    with ExitStack() as last:
        last.callback(ending)
        last.enter_context(closing(events))
        try:
            for event in events:
                yield orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        except Exception as fault:  # noqa: BLE001  # the status is sent already: an event takes its place
            status, code, title, detail = faults.told(fault)
            told = {"event": "fault", "status": status, "code": code, "title": title, "detail": detail}
            yield orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _of_form(exchange: Exchange, accept: str, languages: tuple[str, ...]) -> Generator[_Event]:
    """A form is read as a whole before anything of it is known."""
    with sending.sent() as sent:
        yield {"event": "received", "bytes": sent.size}
        yield from _checked(exchange, sent, accept, languages)


def _of_body(
    file: BinaryIO, exchange: Exchange, accept: str, languages: tuple[str, ...]
) -> Generator[_Event]:
    given, name = request.content_type or "", sending.parameter("fileName")
    looks, size = _Looks(request.content_length or 0), 0
    told = set[str]()
    for size in uploads.arriving(file, lambda: looks.next):
        if size < looks.next:
            continue
        looks.take()
        yield {"event": "received", "bytes": size}
        found = _first_findings(exchange, file, size, given, name)
        if found is None:
            yield {"event": "waiting", "reason": "whole_file", "message": phrase("whole_file", languages)}
            looks.end()
        for finding in found or ():
            if finding.mark not in told:
                told.add(finding.mark)
                yield _finding(finding, languages, provisional=True)
    yield {"event": "received", "bytes": size}
    yield from _checked(exchange, sending.described(file, given, name), accept, languages)


class _Looks:
    """After how many bytes of a file of `size` (0: unknown) its first rows are looked at."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.next = min(FIRST, max(_LEAST, size // _SHARE))

    def take(self) -> None:
        """One look is taken; near its end a file is looked at as a whole."""
        self.next *= STEP
        if self.next > LAST or (self._size and self.next > self._size // 2):
            self.end()

    def end(self) -> None:
        """There are no more."""
        self.next = uploads.LARGEST << 10


def _first_findings(
    exchange: Exchange, file: BinaryIO, size: int, given: str, name: str
) -> tuple[Finding, ...] | None:
    """What is wrong with the complete lines so far; None where they say nothing before the whole is there."""
    file.seek(0)
    content = file.read(size)
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    if not end:
        return None
    sent = sending.described(BytesIO(content[:end]), given, name)
    try:
        return exchange.first_findings(sent)
    except Unavailable:
        return ()  # others are served first; the whole is checked later


def _checked(exchange: Exchange, sent: Sent, accept: str, languages: tuple[str, ...]) -> Iterator[_Event]:
    """The check of the whole, which waits for no slow reader: it runs by itself, and ends in any case."""
    heard: SimpleQueue[Finding | Report | Exception] = SimpleQueue()

    def check() -> None:
        try:
            heard.put(exchange.examined(sent, accept=accept, tell=heard.put).report)
        except Exception as fault:  # noqa: BLE001  # it is raised again where it is told
            heard.put(fault)

    checking = Thread(target=check, name="check")
    checking.start()
    try:
        while isinstance(one := heard.get(), Finding):
            yield _finding(one, languages, provisional=False)
    finally:
        checking.join()
    if isinstance(one, Exception):
        raise one
    yield {"event": "report", "report": one.as_dict(languages)}


def _finding(finding: Finding, languages: tuple[str, ...], *, provisional: bool) -> _Event:
    return {"event": "finding", "provisional": provisional, "finding": as_dict(finding, languages)}
