"""Receipts: what they say, who signs them, and that they are verified without this service."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from shutil import copyfile

import orjson
import pytest
import test_ledger
from conftest import FRANCE, TOKEN, flow_csv, flow_row, sent
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some
from small_world import data, small, submitted

from migdx import signing, verify_receipt
from migdx.errors import Conflict, ExchangeError, NotFound, SemanticFault, Unavailable
from migdx.receipt import receipt, told_keys
from migdx.settings import Settings
from migdx.signing_key import canonical
from migdx.web import create_app

pytestmark = pytest.mark.faults

url = test_ledger.url
"""A ledger's, on SQLite and on PostgreSQL."""

BEARER = {"Authorization": f"Bearer {TOKEN}"}
ROW = "X,F,2020,1,A"


@pytest.fixture
def world(tmp_path, url):
    made = small(tmp_path / "exchange", url)
    made.keys = tmp_path / "exchange" / "keys"
    signing.ready(made, by="test")
    yield made
    made.close()


@pytest.fixture
def verify(tmp_path):
    """Runs the script, alone in a folder, in a Python that knows nothing but it and the library."""
    script = tmp_path / "alone" / "verify_receipt.py"
    script.parent.mkdir()
    copyfile(verify_receipt.__file__, script)

    def run(receipt, keys, *words, file=None, ledger=None):
        for name, content in (("receipt.json", receipt), ("keys.json", keys)):
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            (script.parent / name).write_bytes(content)
        for name, content in (("--file", file), ("--ledger", ledger)):
            if content is not None:
                path = script.parent / name.strip("-")
                path.write_bytes(content)
                words = (*words, name, path)
        command = [sys.executable, "-I", script, "receipt.json", "keys.json", *words]
        done = subprocess.run(
            command, cwd=script.parent, capture_output=True, text=True, check=False, env={"PATH": ""}
        )
        return done.returncode, done.stdout + done.stderr

    return run


def lines(exchange):
    """What `migdx ledger show` prints."""
    return b"".join(
        orjson.dumps(
            {
                "seq": entry.seq, "stamp": entry.stamp.isoformat(timespec="microseconds"), "kind": entry.kind,
                "body": entry.text, "previous": entry.previous, "digest": entry.digest,
            }
        ) + b"\n"
        for entry in exchange.ledger.entries()
    )  # fmt: skip


def keys_of(exchange):
    return told_keys(exchange.ledger.history())


# --- what they say ------------------------------------------------------------------------------------------


def test_a_receipt_says_what_became_of_a_submission(world):
    submission = submitted(world, ROW, release=False)
    whole = orjson.loads(receipt(world, submission.id))
    said, report = whole["receipt"], world.report(submission.id)
    entry = next(entry for entry in world.ledger.entries() if entry.seq == said["ledger"]["seq"])
    assert (entry.body["id"], entry.digest) == (submission.id, said["ledger"]["entry"])
    assert said["received"] == entry.stamp.isoformat(timespec="microseconds")
    assert said["counts"] == {name: report["counts"][name] for name in said["counts"]}
    assert said["counts"]["accepted"] == 1
    assert (said["structures"], said["rules"], said["code"]) == tuple(
        report["rules"][name] for name in ("structures", "pack", "code")
    )
    assert (said["sha256"], said["content"]) == (submission.sha256, submission.content)
    assert (said["provider"], said["agreement"], said["dataflow"]) == ("ONE", "PA_ONE", "T:FLOW(1.0)")
    assert (said["verdict"], said["revision"], said["accept"], said["by"]) == ("accepted", 1, "all", "test")
    assert whole["key"] == keys_of(world)["keys"][-1]["fingerprint"]


def test_a_rejected_submission_has_one_too(world):
    body = data("X,NOPE,2020,1,A")
    (submission,), report = world.submit(sent(body, "ONE"), by="test")
    assert report.verdict == "rejected"
    said = orjson.loads(receipt(world, submission.id))["receipt"]
    assert (said["verdict"], said["revision"], said["content"]) == ("rejected", 0, "")
    assert said["counts"]["rejected"] == 1


def test_asked_again_it_is_the_same_and_nothing_is_written(world):
    submission = submitted(world, ROW)
    head = world.ledger.proof()
    first = receipt(world, submission.id)
    submitted(world, "X,M,2020,2,A")
    assert receipt(world, submission.id) == first
    assert world.ledger.proof().entries == head.entries + 2  # the submission and the release only
    with pytest.raises(NotFound, match="no submission nobody"):
        receipt(world, "nobody")
    assert world.ledger.proof().entries == head.entries + 2


def test_what_was_submitted_before_there_were_keys_has_a_receipt(tmp_path, verify):
    exchange = small(tmp_path / "exchange")
    exchange.keys = tmp_path / "keys"
    old = submitted(exchange, ROW)
    with pytest.raises(Unavailable, match="no signing key yet"):
        receipt(exchange, old.id)
    assert exchange.ledger.verify() == 2  # a read makes none
    signing.ready(exchange, by="test")
    status, told = verify(receipt(exchange, old.id), keys_of(exchange), ledger=lines(exchange))
    assert (status, told.splitlines()[-1]) == (0, "The receipt is valid.")
    exchange.close()


def test_a_report_that_was_changed_gets_no_signature(world):
    submission = submitted(world, ROW)
    path = next(world.blobs.depot.folder.rglob(submission.report))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"accepted"', b'"rejected"', 1))
    with pytest.raises(ExchangeError, match="is not the one that was given then"):
        receipt(world, submission.id)


texts = some.text(some.characters(exclude_categories=["Cs"]))
values = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | texts,
    lambda inner: some.lists(inner) | some.dictionaries(texts, inner),
    max_leaves=20,
)


@given(some.dictionaries(texts, values))
def test_both_write_the_same_canonical_bytes(value):
    assert canonical(value) == verify_receipt.canonical(value)


# --- verified elsewhere -------------------------------------------------------------------------------------


def test_a_receipt_is_verified_without_this_service(world, verify):
    submission = submitted(world, ROW)
    made, keys = receipt(world, submission.id), keys_of(world)
    proof = world.ledger.proof()
    head = f"{proof.entries}:{proof.digest}"
    status, told = verify(made, keys, "--head", head, file=data(ROW), ledger=lines(world))
    assert status == 0, told
    name = keys["keys"][0]["fingerprint"]
    assert told.splitlines() == [
        f"Key {name} signed it.",
        "It is for the file " + told.splitlines()[1].removeprefix("It is for the file "),
        "Entry 1 of the ledger names its key.",
        "Entries 1 to 3 of the ledger follow from one another.",
        "Entry 2 says what the receipt says.",
        f"Submission {submission.id} of ONE was accepted, received "
        f"{submission.stamp.isoformat(timespec='microseconds')}.",
        "The receipt is valid.",
    ]
    pretty = json.dumps(json.loads(made), indent=3, ensure_ascii=True).encode()
    assert verify(pretty, keys, "--trust", name)[0] == 0  # how it is written does not matter
    status, told = verify(made, keys, file=data("X,F,2020,2,A"))
    assert (status, f"NOT VALID: it is for a file with sha256 {submission.sha256}" in told) == (
        1,
        True,
    )


def changed(content, *path):
    """A receipt with one value of it changed."""
    whole = json.loads(content)
    *above, last = path
    part = whole
    for name in above:
        part = part[name]
    part[last] = part[last] + 1 if isinstance(part[last], int) else f"{part[last]}x"
    return whole


def test_no_word_of_a_receipt_can_be_changed(world, verify):
    made = receipt(world, submitted(world, ROW).id)
    keys, said = keys_of(world), json.loads(made)["receipt"]
    paths = [("receipt", name) for name in said if name not in ("counts", "ledger", "type")]
    paths += [("receipt", part, name) for part in ("counts", "ledger") for name in said[part]]
    (key,) = verify_receipt._keys(write(world, keys), "").values()
    for path in paths:
        forged = changed(made, *path)
        with pytest.raises(verify_receipt.NotValid, match="signature is not that of key"):
            verify_receipt._signed(
                key["public"], forged["signature"], verify_receipt.canonical(forged["receipt"]),
                "the signature is not that of key",
            )  # fmt: skip
    for path, why in (
        (("receipt", "verdict"), "signature is not that of key"),
        (("receipt", "type"), "is no receipt of type"),
        (("key",), "not among those that are trusted"),
        (("signature",), "a signature is not base64"),
    ):
        status, told = verify(changed(made, *path), keys)
        assert (status, why in told) == (1, True), told


def write(exchange, keys):
    path = exchange.keys.parent / "keys.json"
    path.write_bytes(orjson.dumps(keys))
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"null", b"7", b"\xff", b"[" * 100_000, b'{"receipt": {}, "receipt": {}}', b"{" * 9,
        b'{"receipt": {}, "signature": "", "key": "", "more": 1}',
        b'{"receipt": [], "signature": 1, "key": []}',
        b'{"receipt": {"type": "migdx-receipt-1", "a": "\\ud800"}, "signature": "", "key": ""}',
        b'{"receipt": {"type": "migdx-receipt-1"}, "signature": {}, "key": {"a": 1}}',
        b'{"receipt": {"a": NaN}, "signature": "", "key": ""}', b" " * (1 << 20) + b"{}",
        b'{"receipt": ' + b"9" * 5000 + b', "signature": "", "key": ""}',
    ],
)  # fmt: skip
def test_what_is_no_receipt_is_told_in_a_sentence(world, verify, content):
    submission = submitted(world, ROW)
    made, keys = receipt(world, submission.id), keys_of(world)
    for pair in ((content, keys), (made, content)):
        status, told = verify(*pair)
        assert (status, told.count("\n"), told.startswith("NOT VALID: ")) == (1, 1, True), told
    if content:
        status, told = verify(made, keys, ledger=content)
        assert status == 1
        assert "Traceback" not in told


def test_entries_that_are_not_those_of_the_ledger(world, verify):
    submission = submitted(world, ROW)
    made, keys, whole = receipt(world, submission.id), keys_of(world), lines(world).splitlines(True)
    for entries, why in (
        (whole[:1], "entry 2 is not among them"),
        (whole[:1] + whole[2:], "entry 3 .* does not follow"),
        ([whole[1], whole[0]], "entry 1 .* does not follow"),
        ([whole[0], whole[1].replace(b"accepted", b"rejected")], "entry 2 .* is not what was digested"),
        (whole[:1], "entry 2 is not among them"),
    ):
        status, told = verify(made, keys, ledger=b"".join(entries))
        assert status == 1
        assert re.search(why, told), told
    status, told = verify(made, keys, "--head", "3:" + "0" * 64, ledger=b"".join(whole))
    assert (status, "is no entry of" in told) == (1, True)
    assert verify(made, keys, ledger=b"".join(whole[1:]))[0] == 0  # some in a row


# --- keys ---------------------------------------------------------------------------------------------------


def test_a_new_key_signs_and_the_old_one_says_so(world, verify):
    submission = submitted(world, ROW)
    before, first = receipt(world, submission.id), keys_of(world)["keys"][0]["fingerprint"]
    second = signing.rotate(world, by="test")
    after, keys = receipt(world, submission.id), keys_of(world)
    assert json.loads(before)["receipt"] == json.loads(after)["receipt"]
    assert [json.loads(made)["key"] for made in (before, after)] == [first, second.fingerprint]
    assert keys["keys"][0]["until"] == keys["keys"][1]["from"]
    for made in (before, after):
        assert verify(made, keys, "--trust", first, ledger=lines(world))[0] == 0
    assert verify(before, keys, "--trust", second.fingerprint)[0] == 1  # trust goes forward only
    forged = json.loads(json.dumps(keys))
    forged["keys"][1]["succession"] = forged["keys"][0]["succession"] or b64encode(b"0" * 64).decode()
    status, told = verify(after, forged, "--trust", first)
    assert (status, "has not signed that" in told) == (1, True)


def test_somebody_elses_key_is_not_trusted_by_being_listed(world, verify):
    submission = submitted(world, ROW)
    keys, content = keys_of(world), json.loads(receipt(world, submission.id))["receipt"]
    private = Ed25519PrivateKey.generate()
    public, name = signing._public(private)
    content["verdict"] = "rejected"
    forged = {
        "receipt": content, "key": name, "signature": b64encode(private.sign(canonical(content))).decode(),
    }  # fmt: skip
    first = keys["keys"][0]["fingerprint"]
    keys["keys"].append({"public": public, "fingerprint": name, "replaces": first, "succession": ""})
    status, told = verify(forged, keys, "--trust", first)
    assert (status, "not among those that are trusted" in told) == (1, True)
    status, told = verify(forged, keys, ledger=lines(world))  # nor by the ledger
    assert (status, "says otherwise: verdict" in told) == (1, True)


def test_a_revoked_key(world, verify):
    old = submitted(world, ROW)
    made, name = receipt(world, old.id), keys_of(world)["keys"][0]["fingerprint"]
    with pytest.raises(Conflict, match="signs now; replace it first"):
        signing.revoke(world, name, datetime.now(UTC), by="test")
    for since, fault in (
        (datetime.fromisoformat("2026-01-01"), SemanticFault),
        (datetime.min.replace(tzinfo=EAST), SemanticFault),
    ):
        with pytest.raises(fault):
            signing.revoke(world, name, since, by="test")
    with pytest.raises(NotFound):
        signing.revoke(world, "x" * 999, datetime.now(UTC), by="test")
    signing.rotate(world, by="test")
    known = lines(world)
    after = old.stamp + timedelta(microseconds=1)
    assert signing.revoke(world, name, after, by="test").revoked == after
    keys = keys_of(world)
    status, told = verify(made, keys)
    assert (status, "--ledger must show its entry" in told) == (1, True)
    assert verify(made, keys, ledger=known)[0] == 0
    signing.revoke(world, name, old.stamp, by="test")
    signing.revoke(world, name, after, by="test")  # an earlier instant stays
    assert world.ledger.history().keys[0].revoked == old.stamp
    for listed in (keys_of(world), keys):  # the ledger itself says so too
        assert verify(made, listed, ledger=lines(world))[0] == 1
    assert verify(receipt(world, old.id), keys_of(world))[0] == 0


EAST = timezone(timedelta(hours=14))


def test_a_key_that_is_lost(world, verify):
    submission = submitted(world, ROW)
    first = world.ledger.history().keys[0].fingerprint
    (world.keys / f"{first}.pem").unlink()
    for call in (lambda: receipt(world, submission.id), lambda: signing.rotate(world, by="test")):
        with pytest.raises(Unavailable, match=f"signing key {first} is not here"):
            call()
    assert world.ledger.verify() == 3
    assert signing.ready(world, by="test").fingerprint == first  # nobody makes another one unasked
    signing.rotate(world, by="test", lost=True)
    made = receipt(world, submission.id)
    assert verify(made, keys_of(world))[0] == 0
    assert verify(made, keys_of(world), "--trust", first)[0] == 1


def test_private_keys_are_for_their_owner_and_shown_nowhere(world):
    submitted(world, ROW)
    signing.rotate(world, by="test")
    files = list(world.keys.iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(world.keys.stat().st_mode) == 0o700
    ledger = "".join(entry.text for entry in world.ledger.entries())
    for path in files:
        secret = "".join(path.read_text().splitlines()[1:-1])
        assert secret not in ledger
        assert secret[20:] not in ledger
        path.chmod(0o644)
    with pytest.raises(ExchangeError, match="may be read or changed by everyone: chmod 600"):
        signing.signature(world, b"")


@pytest.mark.parametrize(
    "content", [b"", b"SECRET", b"-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_not_the_key(world, content):
    path = world.keys / f"{world.ledger.history().keys[0].fingerprint}.pem"
    path.write_bytes(content)
    with pytest.raises(ExchangeError, match="does not hold that key") as fault:
        signing.signature(world, b"")
    assert "SECRET" not in str(fault.value)


def test_two_starts_at_once_make_one_key(tmp_path, url):
    first, second = small(tmp_path / "one", url), small(tmp_path / "two", url)
    first.keys = second.keys = tmp_path / "keys"
    made = []
    starts = [
        threading.Thread(target=lambda one=one: made.append(signing.ready(one, by="test").fingerprint))
        for one in (first, second) * 4
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join(60)
    assert len(made) == 8
    assert len(set(made)) == 1
    assert [path.stem for path in (tmp_path / "keys").iterdir()] == made[:1]
    assert first.ledger.verify() == 1
    first.close()
    second.close()


# --- over HTTP, on the command line -------------------------------------------------------------------------


def test_over_http(exchange, verify):
    client = create_app(exchange, token=TOKEN, demo=False).test_client()
    body = flow_csv(*FRANCE)
    answer = client.post("/submissions?provider=FRA", data=body, content_type="text/csv", headers=BEARER)
    address = answer.json["exports"]["receipt"]
    assert client.get(address).status_code == 401
    made = client.get(address, headers=BEARER)
    assert (made.status_code, made.headers["Cache-Control"]) == (200, "no-store")
    keys, script = client.get("/keys"), client.get("/verify_receipt.py")
    assert (keys.status_code, keys.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert script.data == Path(verify_receipt.__file__).read_bytes()
    assert verify(made.data, keys.data, file=body)[0] == 0
    head = exchange.ledger.verify()
    assert client.get(address, headers=BEARER).data == made.data
    page = client.get(f"{address.removesuffix('receipt')}report", headers={**BEARER, "Accept": "text/html"})
    assert f'href="{address}"' in page.text
    for path in ("/submissions/no/receipt", "/submissions/%00/receipt", f"/submissions/{'x' * 5000}/receipt"):
        assert client.get(path, headers=BEARER).status_code == 404
    assert exchange.ledger.verify() == head


def test_a_failed_submission_makes_no_key(exchange):
    client = create_app(exchange, token=TOKEN, demo=False).test_client()
    assert client.post("/submissions", data=b"", headers=BEARER).status_code >= 400
    assert client.get("/keys").json == {"keys": []}
    assert exchange.ledger.verify() == 0
    assert not exchange.keys.exists()


def test_without_a_folder_for_keys_submissions_are_taken(exchange, tmp_path, caplog):
    exchange.keys = tmp_path / "file" / "keys"
    exchange.keys.parent.touch()
    client = create_app(exchange, token=TOKEN, demo=False).test_client()
    answer = client.post(
        "/submissions?provider=FRA", data=flow_csv(*FRANCE), content_type="text/csv", headers=BEARER
    )
    assert answer.status_code == 201
    assert "No key for receipts could be made" in caplog.text
    assert client.get(answer.json["exports"]["receipt"], headers=BEARER).status_code == 503


def test_on_the_command_line(run, tmp_path, verify, monkeypatch):
    monkeypatch.setenv("MIGDX_SIGNING_KEYS", str(tmp_path / "secret"))
    (tmp_path / "sent.csv").write_bytes(flow_csv(flow_row("250", "IMMIG", "276", 2019, 7)))
    status, said, _ = run("--data", "here", "submit", "sent.csv", "--provider", "FRA")
    assert status == 0, said
    with closing(test_ledger.Ledger(Settings(tmp_path / "here").ledger_url)) as ledger:
        (id,) = ledger.history().submissions
    assert run("--data", "here", "receipt", "nobody")[::2] == (1, "migdx: There is no submission nobody\n")
    status, said, _ = run("--data", "here", "receipt", id)
    assert run("--data", "here", "receipt", id, "--output", "receipt.json")[0] == 0
    assert (tmp_path / "receipt.json").read_text() == said
    keys = run("--data", "here", "keys", "list", "--json")[1].encode()
    shown = run("--data", "here", "ledger", "show")[1].encode()
    head = run("--data", "here", "ledger", "head")[1].strip()
    sent = (tmp_path / "sent.csv").read_bytes()
    assert verify(said.encode(), keys, "--head", head, file=sent, ledger=shown)[0] == 0
    (path,) = (tmp_path / "secret").iterdir()
    assert run("--data", "here", "keys", "rotate")[0] == 0
    status, said, _ = run("--data", "here", "keys", "revoke", path.stem, "--from", "2026-01-01T00:00:00Z")
    assert (status, said) == (0, f"Key {path.stem} is revoked from 2026-01-01T00:00:00Z\n")
    assert path.stem in run("--data", "here", "keys", "list")[1]
    assert run("--data", "here", "keys", "revoke", path.stem, "--from", "soon")[0] == 2


def test_the_ledger_on_the_command_line(run, tmp_path):
    status, _, said = run("--data", "here", "ledger", "verify")
    assert (status, said) == (1, "migdx: There is no ledger in here\n")
    assert not (tmp_path / "here").exists()
    run("--data", "here", "keys", "rotate")
    run("--data", "here", "keys", "rotate")
    head = run("--data", "here", "ledger", "head")[1].strip()
    status, said, _ = run("--data", "here", "ledger", "verify", "--expect", head)
    assert (status, said.splitlines()[0], said.splitlines()[-1]) == (0, "entries  2", f"head     {head}")
    assert len(run("--data", "here", "ledger", "show", "--after", "1", "--limit", "5")[1].splitlines()) == 1
    assert run("--data", "here", "ledger", "verify", "--expect", f"3:{'0' * 64}")[::2] == (
        1, "migdx: The ledger ends with entry 2; entry 3 is missing, and what follows it\n",
    )  # fmt: skip
    for wrong in ("", "1", "x:y", "0:ab", ":", "-1:ab", "²:ab"):
        assert run("--data", "here", "ledger", "verify", "--expect", wrong)[0] == 2
    with closing(test_ledger.Ledger(f"sqlite:///{tmp_path / 'here' / 'ledger.sqlite'}")) as ledger:
        test_ledger.execute(ledger, "UPDATE ledger SET body = replace(body, 'succession', 'x') WHERE seq = 1")
    assert run("--data", "here", "ledger", "verify")[::2] == (
        1, "migdx: Ledger entry 1 is broken: its contents are not those that were digested\n",
    )  # fmt: skip


def test_a_ledger_by_its_address(run, tmp_path, monkeypatch, url):
    monkeypatch.setenv("MIGDX_LEDGER", "")
    (tmp_path / "sent.csv").write_bytes(flow_csv(flow_row("250", "IMMIG", "276", 2019, 7)))
    assert run("--data", "here", "--ledger", url, "submit", "sent.csv", "--provider", "FRA")[0] == 0
    with closing(test_ledger.Ledger(url)) as ledger:
        assert [entry.kind for entry in ledger.entries()] == ["structures_served", "submission"]
    monkeypatch.setenv("MIGDX_LEDGER", "postgresql://me:SECRET@127.0.0.1:1/test")
    for words in (("submissions",), ("ledger", "verify"), ("--help",)):
        _, said, fault = run("--data", "here", *words)
        assert "SECRET" not in said + fault
