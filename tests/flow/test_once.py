"""Nobody is called twice: redelivered, doubled, echoed and reordered news is harmless."""

import json
from typing import Any

import requests

from adapters.hubspot.sandbox.server import APP_ID, PORTAL_ID
from connector.adapter import Adapter
from connector.model import Request
from tests.flow.conftest import Start, World


def _event(deal: str, stage: str, at: int, **more: Any) -> dict[str, Any]:
    base = {"eventId": 1, "portalId": PORTAL_ID, "appId": APP_ID, "occurredAt": at, "attemptNumber": 0}
    change = {"subscriptionType": "deal.propertyChange", "objectId": int(deal), "propertyName": "dealstage"}
    return {**base, **change, "propertyValue": stage, "changeSource": "CRM_UI", **more}


def _post(world: World, *events: dict[str, Any]) -> requests.Response:
    """Post a batch as HubSpot would, signed at our clock's time."""
    url = f"{world.url}/hooks/hubspot/sales"
    body = json.dumps(list(events)).encode()
    adapter: Adapter = world.parts.adapter("sales")
    headers = adapter.sign(Request("POST", url, {}, body, world.clock()))
    return requests.post(url, data=body, headers=dict(headers), timeout=10)


def _in_stage(world: World, **contact: str) -> tuple[str, str, int]:
    """A deal that stands in the stage, of which no webhook was sent; with the stage's id and a moment."""
    stage = world.hubspot.state.stage_id("Demo requested")
    ada = world.hubspot.create_contact(firstname="Ada", **{"phone": "(202) 555-0123", **contact})
    deal = world.hubspot.create_deal("Demo requested", [ada], announce=False)
    return deal, stage, int(world.clock().timestamp() * 1000)


def test_the_same_batch_five_times_and_once_after_a_restart_is_one_call(start: Start) -> None:
    world = start()
    deal, stage, at = _in_stage(world)
    for attempt in range(5):
        answer = _post(world, _event(deal, stage, at, attemptNumber=attempt))
        assert answer.status_code == 200
        assert answer.json()["delivery"]
    world.work()
    again = start()
    assert _post(again, _event(deal, stage, at, attemptNumber=9)).status_code == 200
    again.work()
    again.clock.advance(seconds=60)
    again.work()
    assert len(again.calls()) == 1
    assert len(again.dispatches()) == 1


def test_the_generic_and_the_legacy_form_of_one_change_are_one_call(world: World) -> None:
    deal, stage, at = _in_stage(world)
    generic = {"subscriptionType": "object.propertyChange", "objectTypeId": "0-3", "eventId": 2}
    _post(world, _event(deal, stage, at), _event(deal, stage, at, **generic))
    world.work()
    assert len(world.calls()) == 1


def test_a_deal_dragged_there_and_back_within_seconds_is_called_once(world: World) -> None:
    deal, stage, at = _in_stage(world)
    other = "qualifiedtobuy"
    _post(world, _event(deal, stage, at), _event(deal, other, at + 900), _event(deal, stage, at + 2100))
    world.work()
    assert len(world.dispatches()) == 1


def test_a_batch_of_100_with_3_that_match_is_3_calls(world: World) -> None:
    rows = [_in_stage(world, phone=f"+1202555{100 + number:04d}") for number in range(3)]
    at = rows[0][2]
    others = [_event(str(900000 + n), "contractsent", at + n) for n in range(97)]
    _post(world, *others[:40], *[_event(deal, stage, at) for deal, stage, at in rows], *others[40:])
    world.work()
    assert len(world.calls()) == 3


def test_our_own_write_back_into_a_stage_starts_no_call(world: World) -> None:
    deal, stage, at = _in_stage(world)
    _post(world, _event(deal, stage, at, changeSource="INTEGRATION", sourceId=str(APP_ID)))
    world.work()
    assert not world.dispatches()


def test_a_deal_created_in_the_stage_is_one_call(world: World) -> None:
    grace = world.hubspot.create_contact(firstname="Grace", phone="+442079460958")
    world.hubspot.create_deal("Demo requested", [grace])
    world.work()
    (call,) = world.calls()
    assert call["to_number"] == "+442079460958"


def test_two_deals_of_one_person_are_called_one_after_the_other(world: World) -> None:
    deals = [world.deal(phone="+12025550123"), world.deal(phone="+1 (202) 555-0123")]
    world.hubspot.move_deals(deals, "Demo requested")
    world.work()
    assert sorted(each["state"] for each in world.dispatches()) == ["placed", "waiting"]
    world.clock.advance(seconds=30)
    world.work()
    assert sorted(each["state"] for each in world.dispatches()) == ["ended", "placed"]


def test_one_malformed_event_does_not_spoil_the_batch(world: World) -> None:
    deal, stage, at = _in_stage(world)
    _post(world, {"subscriptionType": "deal.propertyChange"}, _event(deal, stage, at), {"x": [1]})
    world.work()
    assert len(world.calls()) == 1


def test_a_late_doubled_call_event_changes_nothing(world: World) -> None:
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    world.clock.advance(seconds=30)
    world.work()
    writes = len(world.hubspot.writes(deal))
    with world.parts.engine.begin() as conn:
        from connector.store.tables import deliveries

        conn.execute(deliveries.update().where(deliveries.c.adapter == "calls").values(state="kept"))
    world.work()
    assert len(world.hubspot.writes(deal)) == writes
