"""kill -9 while a waiver files what was rejected: both are there, or neither, and it can be done again."""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import flow_csv, flow_row, sent
from settled import ruled

from migdx import settling
from migdx.exchange import Exchange

pytestmark = pytest.mark.faults

ROUNDS = 8
WHY = "The census counts the two sexes by another method."
LATER = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()
WRONG = flow_csv(
    flow_row("250", "IMMIG", "276", 2019, 120),
    flow_row("250", "IMMIG", "276", 2019, 60, sex="F"),
    flow_row("250", "IMMIG", "276", 2019, 40, sex="M"),
)
WAIVES = """
import sys
from pathlib import Path
from settled import ruled
from migdx import settling
from migdx.exchange import Exchange

exchange = ruled(Exchange.open(Path(sys.argv[1])))
print("ready", flush=True)
settling.waive(exchange, *sys.argv[2:], by="x")
print("done", flush=True)
"""


def test_killed_while_a_waiver_files(tmp_path):
    chance = random.Random(2026)
    took, seen = 0.5, set()
    for round in range(ROUNDS):
        folder = tmp_path / str(round)
        exchange = ruled(Exchange.open(folder))
        (submission,), report = exchange.submit(sent(WRONG, "FRA"), by="x")
        mark = next(one.mark for one in report.findings if one.code == "sum_of_parts")
        exchange.close()
        command = [sys.executable, "-c", WAIVES, folder, submission.id, mark, WHY, LATER]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
        ) as running:
            assert running.stdout.readline() == "ready\n"
            began = time.monotonic()
            if round:  # the first one says how long it takes
                time.sleep(chance.uniform(0.2, 1.1) * took)
                running.kill()
            told = running.stdout.read()
            took = took if round else time.monotonic() - began
        exchange = ruled(Exchange.open(folder))
        history = exchange.ledger.history()
        exchange.ledger.verify()
        filed = [one for one in history.submissions.values() if one.verdict == "accepted"]
        assert len(filed) == len(history.waivers) <= 1
        assert filed or "done" not in told
        seen.add(bool(filed))
        if not filed:
            made = settling.waive(exchange, submission.id, mark, WHY, LATER, by="x")
            assert made.submissions[0].verdict == "accepted"
        exchange.close()
    assert seen == {True, False}
