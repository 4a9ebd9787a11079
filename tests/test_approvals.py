"""The focal point of a country approves what its other providers submit, before it is released."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from three_providers import DECLARED, FLOW, opened, shown, submitted

from migdx.approving import approve
from migdx.errors import Conflict, Forbidden, NotFound, SemanticFault
from migdx.exchange import Exchange
from migdx.releasing import Asked, release
from migdx.web import create_app

APPROVAL = '\n[[approval]]\nfocal_point = "OFFICE"\nproviders = ["MINISTRY", "BORDER"]\n'
TOKEN = "the-token"


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = opened(tmp_path, DECLARED + APPROVAL)
    yield made
    made.close()


def test_what_is_not_approved_is_not_released_and_the_refusal_says_who_approves(exchange):
    office, _ = submitted(exchange, "OFFICE", "X,IN,2019,1")
    ministry, _ = submitted(exchange, "MINISTRY", "X,ACQ,2019,2")
    with pytest.raises(Conflict) as fault:
        exchange.release([office.id, ministry.id], by="compiler")
    assert f"submission {ministry.id} (MINISTRY) awaits the approval of OFFICE" in str(fault.value)
    assert exchange.ledger.history().releases == ()
    approve(exchange, ministry.id, provider="OFFICE", by="clerk", reason="Seen.")
    exchange.release([office.id, ministry.id], by="compiler")
    assert len(shown(exchange)) == 2


def test_of_all_that_waits_only_what_is_approved_is_released(exchange):
    submitted(exchange, "OFFICE", "X,IN,2019,1")
    ministry = submitted(exchange, "MINISTRY", "X,ACQ,2019,2")[0]
    made = release(exchange.ledger, Asked(dataflow=FLOW), exchange.pinned(), by="compiler")
    assert made.left == ((ministry.id, "awaits the approval of OFFICE"),)
    assert set(shown(exchange)) == {"X.IN.2019"}


def test_only_the_focal_point_approves_and_only_what_needs_it(exchange):
    ministry, _ = submitted(exchange, "MINISTRY", "X,ACQ,2019,2")
    office, _ = submitted(exchange, "OFFICE", "X,IN,2019,1")
    for other in ("MINISTRY", "BORDER", "", "office", "OFFICE "):
        with pytest.raises(Forbidden, match="is approved by OFFICE"):
            approve(exchange, ministry.id, provider=other, by="clerk")
    with pytest.raises(Conflict, match="needs no approval"):
        approve(exchange, office.id, provider="OFFICE", by="clerk")
    with pytest.raises(NotFound):
        approve(exchange, "nothing", provider="OFFICE", by="clerk")
    with pytest.raises(SemanticFault, match="expected at most 2000"):
        approve(exchange, ministry.id, provider="OFFICE", by="clerk", reason="x" * 2001)
    assert dict(exchange.ledger.history().approvals) == {}


def test_an_approval_is_of_one_submission_and_can_be_taken_back_until_it_is_released(exchange):
    first = submitted(exchange, "MINISTRY", "X,ACQ,2019,2")[0]
    with pytest.raises(Conflict, match="is not approved"):
        approve(exchange, first.id, provider="OFFICE", by="clerk", granted=False)
    approve(exchange, first.id, provider="OFFICE", by="clerk")
    with pytest.raises(Conflict, match="approved already"):
        approve(exchange, first.id, provider="OFFICE", by="clerk")
    approve(exchange, first.id, provider="OFFICE", by="clerk", granted=False)
    with pytest.raises(Conflict, match="awaits the approval of OFFICE"):
        exchange.release([first.id], by="compiler")
    approve(exchange, first.id, provider="OFFICE", by="clerk")
    exchange.release([first.id], by="compiler")
    with pytest.raises(Conflict, match="was released"):
        approve(exchange, first.id, provider="OFFICE", by="clerk", granted=False)
    second = submitted(exchange, "MINISTRY", "X,ACQ,2020,3")[0]
    with pytest.raises(Conflict, match="awaits the approval of OFFICE"):
        exchange.release([second.id], by="compiler")


def test_an_approval_is_remembered_and_counts_for_the_focal_point_that_gave_it(tmp_path, exchange):
    ministry = submitted(exchange, "MINISTRY", "X,ACQ,2019,2")[0]
    approve(exchange, ministry.id, provider="OFFICE", by="clerk", reason="Seen.")
    again = opened(tmp_path, DECLARED + APPROVAL)
    told = again.ledger.history().approvals[ministry.id]
    assert (told.provider, told.by, told.reason, told.granted) == ("OFFICE", "clerk", "Seen.", True)
    assert told.stamp == again.ledger.history().stamp
    again.close()
    other = opened(tmp_path, '[[approval]]\nfocal_point = "BORDER"\nproviders = ["MINISTRY"]\n')
    with pytest.raises(Conflict, match="awaits the approval of BORDER"):
        other.release([ministry.id], by="compiler")
    other.close()


def test_over_http(exchange):
    ministry = submitted(exchange, "MINISTRY", "X,ACQ,2019,2")[0]
    client = create_app(exchange, token=TOKEN, demo=False).test_client()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    at = f"/submissions/{ministry.id}"
    assert client.get(at, headers=bearer).get_json()["awaitsApprovalOf"] == "OFFICE"
    answer = client.post("/releases", json={"submissions": [ministry.id]}, headers=bearer)
    assert answer.status_code == 409
    assert "awaits the approval of OFFICE" in answer.get_data(as_text=True)
    assert client.post(f"{at}/approval", json={"provider": "OFFICE"}).status_code == 401
    assert client.get(f"{at}/approval").status_code == 401
    for body, status in (
        ({"provider": "MINISTRY"}, 403),
        ({}, 400),
        ({"provider": 3}, 400),
        ({"provider": "OFFICE", "withdraw": "yes"}, 400),
        ({"provider": "OFFICE", "reason": ["x"]}, 400),
        ([1], 400),
    ):
        assert client.post(f"{at}/approval", json=body, headers=bearer).status_code == status, body
    unknown = client.post("/submissions/none/approval", json={"provider": "OFFICE"}, headers=bearer)
    assert unknown.status_code == 404
    made = client.post(f"{at}/approval", json={"provider": "OFFICE", "reason": "Seen."}, headers=bearer)
    assert (made.status_code, made.get_json()["granted"]) == (201, True)
    told = client.get(f"{at}/approval", headers=bearer).get_json()
    assert (told["awaits"], told["last"]["reason"]) == (None, "Seen.")
    assert client.get("/submissions", headers=bearer).get_json()["submissions"][0]["awaitsApprovalOf"] is None
    assert client.post("/releases", json={"submissions": [ministry.id]}, headers=bearer).status_code == 201
