"""The receiver: a 200 means kept; everything else keeps nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from standardwebhooks import Webhook

from connector.app import create_app
from connector.database import create_engine
from connector.model import Request
from connector.parts import Parts, build
from connector.store.tables import deliveries, news_counts
from tests.flow.conftest import WEBHOOK_SECRET, World

CHANGE = {
    "portalId": 62515,
    "appId": 1160452,
    "occurredAt": 1790000000945,
    "subscriptionType": "deal.propertyChange",
    "objectId": 5,
    "propertyName": "dealstage",
    "propertyValue": "contractsent",
}


def _signed(parts: Parts, url: str, body: bytes, clock: Any) -> dict[str, str]:
    return dict(parts.adapter("sales").sign(Request("POST", url, {}, body, clock())))


def _post(world: World, body: bytes, path: str = "/hooks/hubspot/sales", **headers: str) -> requests.Response:
    url = world.url + path
    return requests.post(
        url, data=body, headers={**_signed(world.parts, url, body, world.clock), **headers}, timeout=10
    )


def _kept(world: World) -> list[Any]:
    with world.parts.engine.connect() as conn:
        return list(conn.execute(sa.select(deliveries)))


def test_a_genuine_delivery_is_kept_byte_for_byte_with_its_job(world: World) -> None:
    body = json.dumps([CHANGE], indent=3).encode() + b"\n "
    answer = _post(world, body)
    (row,) = _kept(world)
    assert answer.status_code == 200
    assert answer.json() == {"delivery": row.id}
    assert bytes(row.body) == body
    with world.parts.engine.connect() as conn:
        jobs = conn.execute(sa.text("SELECT task_name, args FROM jobs.procrastinate_jobs")).all()
    assert ("read_deliveries", {"connection": "sales", "delivery_id": row.id}) in [tuple(job) for job in jobs]


def test_the_public_url_with_its_query_is_what_is_signed(world: World) -> None:
    body = json.dumps([CHANGE]).encode()
    assert _post(world, body, "/hooks/hubspot/sales?tenant=7&x=%2Fa%20b").status_code == 200
    url = f"{world.url}/hooks/hubspot/sales?tenant=8"
    headers = _signed(world.parts, url, body, world.clock)
    other = requests.post(f"{world.url}/hooks/hubspot/sales?tenant=7", data=body, headers=headers, timeout=10)
    assert other.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-HubSpot-Signature-v3": "AAAA", "X-HubSpot-Request-Timestamp": "1790000000945"},
        {"X-HubSpot-Signature-v3": "é", "X-HubSpot-Request-Timestamp": "x"},
        {"X-HubSpot-Signature": "0" * 64, "X-HubSpot-Signature-Version": "v1"},
    ],
)
def test_without_a_proof_nothing_is_kept(world: World, headers: dict[str, str]) -> None:
    encoded = {name: value.encode("utf-8") for name, value in headers.items()}
    answer = requests.post(f"{world.url}/hooks/hubspot/sales", data=b"[]", headers=encoded, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]
    assert not _kept(world)


@pytest.mark.parametrize(
    "path", ["/hooks/hubspot/nobody", "/hooks/ghl/sales", "/hooks/calls/nobody", "/hooks/x", "/nothing"]
)
def test_an_unknown_address_is_404_in_json(world: World, path: str) -> None:
    answer = requests.post(world.url + path, data=b"[]", timeout=10)
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_a_delivery_over_a_mebibyte_is_413(world: World) -> None:
    assert _post(world, b"[" + b" " * (1024 * 1024) + b"]").status_code == 413
    assert not _kept(world)
    assert _post(world, b"[" + b" " * (1024 * 1024 - 2) + b"]").status_code == 200


def test_news_that_concerns_no_rule_is_counted_not_kept(world: World) -> None:
    other = {**CHANGE, "propertyName": "amount"}
    answer = _post(world, json.dumps([other, other]).encode())
    assert answer.status_code == 200
    assert answer.json()["counted"] == 2
    assert not _kept(world)
    with world.parts.engine.connect() as conn:
        counts = conn.execute(sa.select(news_counts.c.name, news_counts.c.count)).all()
    assert [row[1] for row in counts] == [2]


def test_genuine_nonsense_is_kept_and_becomes_a_dead_letter_that_can_be_replayed(world: World) -> None:
    assert _post(world, b"{nonsense").status_code == 200
    world.work()
    (row,) = _kept(world)
    assert row.state == "dead"
    assert row.error
    from connector.listing import replay

    with world.parts.engine.begin() as conn:
        assert "read again" in replay(conn, row.id)
    world.work()
    assert _kept(world)[0].state == "dead"


def test_get_is_405(world: World) -> None:
    assert requests.get(f"{world.url}/hooks/hubspot/sales", timeout=10).status_code == 405


def test_without_a_database_it_is_503_and_never_200(world: World) -> None:
    """A pool that leads nowhere: the receiver must not claim to have kept anything."""
    engine = create_engine("postgresql://postgres@/nowhere?host=/nonexistent", pool_size=1)
    parts = build(world.parts.config, engine, clock=world.clock)
    client = create_app(parts).test_client()
    body = json.dumps([CHANGE]).encode()
    url = f"{world.url}/hooks/hubspot/sales"
    answer = client.post("/hooks/hubspot/sales", data=body, headers=_signed(parts, url, body, world.clock))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    event = b'{"event": "call_ended", "call_id": "c"}'
    assert client.post("/hooks/calls/sales", data=event, headers=_call_proof(event)).status_code == 503
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    engine.dispose()


def _call_proof(body: bytes) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(WEBHOOK_SECRET).sign("msg_1", now, body.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


def test_a_call_event_without_a_proof_is_401(world: World) -> None:
    url = f"{world.url}/hooks/calls/sales"
    body = b'{"event": "call_ended", "call_id": "c"}'
    assert requests.post(url, data=body, timeout=10).status_code == 401
    assert not _kept(world)
    assert requests.post(url, data=body, headers=_call_proof(body), timeout=10).status_code == 200
    world.work()
    (row,) = _kept(world)
    assert row.state == "read"
    assert row.report["left_alone"] == "no dispatch of ours made this call"


def test_a_call_event_that_cannot_be_read_is_a_dead_letter(world: World) -> None:
    url = f"{world.url}/hooks/calls/sales"
    for body in (b"[]", b'{"event": "call_teleported", "call_id": "c"}'):
        assert requests.post(url, data=body, headers=_call_proof(body), timeout=10).status_code == 200
    world.work()
    assert [row.state for row in _kept(world)] == ["dead", "dead"]


def test_metrics_count_dispatches_and_jobs(world: World) -> None:
    world.hubspot.move_deal(world.deal(), "Demo requested")
    world.work()
    text = requests.get(f"{world.url}/metrics", timeout=10).text
    assert 'stagecall_dispatches{state="placed"} 1' in text


def test_every_fixture_of_the_adapter_is_answered_200_by_a_running_receiver(world: World) -> None:
    from connector import recorded

    folder = Path(__file__).resolve().parents[2] / "adapters/hubspot/fixtures"
    files = sorted(folder.glob("*.http"))
    assert files
    for file in files:
        assert _post(world, recorded.read(file).body).status_code == 200, file.name
    world.work()
    assert all(row.state == "read" for row in _kept(world))
