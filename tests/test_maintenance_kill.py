"""kill -9 in the middle of maintenance, twenty times: what was acknowledged is there, and nothing is half."""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_world import codelist, message, small

pytestmark = pytest.mark.faults

ROUNDS = 20
CODES = 40
WRITERS = 3

# all is imported once; each service is a fork made before there is a thread
SERVICES = """
import os, sys
from pathlib import Path
from werkzeug.serving import make_server
from small_world import small
from migdx.web import create_app
from migdx.web.maintainers import Maintainers

for line in sys.stdin:
    if os.fork() == 0:
        tokens = Maintainers.parse("T=t")
        app = create_app(small(Path(sys.argv[1])), token="x", demo=False, maintained_by=tokens)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        print(os.getpid(), server.server_port, flush=True)
        server.serve_forever()
"""


def numbered(id: str, number: int):
    """A list all of whose names tell the number."""
    return codelist(id, *(f"C{at}_{number}" for at in range(CODES)))


def write(port: int, id: str, numbers, sent: dict[str, int], done: dict[str, int]) -> None:
    """Replaces a list again and again, until nobody answers."""
    headers = {"Authorization": "Bearer t", "Content-Type": "application/xml"}
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        while True:
            number = sent[id] = next(numbers)
            connection.request("POST", "/sdmx/v2/structure", message(numbered(id, number)), headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 201)
            done[id] = number
    except (OSError, http.client.HTTPException):
        return


def test_killed_again_and_again(tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    chance = random.Random(2026)
    sent: dict[str, int] = {}
    done: dict[str, int] = {}
    numbers = iter(range(1, 1 << 30))
    small(tmp_path).close()
    with subprocess.Popen(
        [sys.executable, "-c", SERVICES, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    ) as services:  # fmt: skip
        for _ in range(ROUNDS):
            services.stdin.write("\n")
            services.stdin.flush()
            pid, port = map(int, services.stdout.readline().split())
            writers = [
                threading.Thread(target=write, args=(port, f"CL_W{at}", numbers, sent, done))
                for at in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.03, 0.2))
            os.kill(pid, signal.SIGKILL)
            for writer in writers:
                writer.join(30)
            _sound(tmp_path, sent, done)
        services.stdin.close()
    assert len(done) == WRITERS


def _sound(folder: Path, sent: dict[str, int], done: dict[str, int]) -> None:
    exchange = small(folder)
    assert exchange.ledger.verify() == exchange.ledger.history().seq
    for id in sent:
        found = exchange.registry.find(codelist(id).reference)
        if found is None:
            assert id not in done
            continue
        numbers = {int(item.id.partition("_")[2]) for item in found.items}
        assert len(found.items) == CODES
        assert len(numbers) == 1, "half of one and half of another"
        assert done.get(id, 0) <= numbers.pop() <= sent[id]
    exchange.close()
