"""The sandbox is driven by HubSpot's official client, and its deliveries pass HubSpot's own signature check."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests
from hubspot import HubSpot
from hubspot.utils.signature import Signature

from adapters.hubspot import Adapter
from adapters.hubspot import sandbox as sandbox_package
from adapters.hubspot.sandbox import Sandbox
from adapters.hubspot.sandbox.account import DEMO_REQUESTED, QUALIFIED
from adapters.hubspot.sandbox.deliveries import GENERIC
from adapters.hubspot.sandbox.http_server import Server
from adapters.hubspot.sandbox.server import ACCESS_TOKEN, APP_ID, CLIENT_SECRET, PORTAL_ID
from connector.model import EventKind, RecordRef, Request, WriteBack, utc_now

WAIT = 10.0
FAST = (0.0, 0.01, 0.02, 0.05)


class Receiver:
    """Keeps what is posted to it, and answers with the next of `answers` (200 when there is none left)."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.got: list[Request] = []
        self._came = Condition()
        self._server = Server(self._app)
        self.url = f"{self._server.url}/hooks/hubspot/sales"

    def _app(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        body = environ["wsgi.input"].read()
        with self._came:
            self.got.append(Request("POST", self.url, headers, body, utc_now()))
            status = self.answers.pop(0) if self.answers else 200
            self._came.notify_all()
        start_response(f"{status} OK", [])
        return [b""]

    def wait(self, deliveries: int) -> list[Request]:
        with self._came:
            assert self._came.wait_for(lambda: len(self.got) >= deliveries, WAIT)
            return list(self.got)

    def events(self) -> list[Any]:
        return [event for request in self.got for event in json.loads(request.body)]

    def __enter__(self) -> "Receiver":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


@contextmanager
def sandbox_for(receiver: Receiver, **how: Any) -> Iterator[Sandbox]:
    with Sandbox(target=receiver.url, retry_delays=FAST, **how) as sandbox:
        yield sandbox


@pytest.fixture
def crm() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(crm: Sandbox) -> Any:
    return HubSpot(access_token=ACCESS_TOKEN, host=crm.url, base_url=crm.url, retry=False).crm


def adapter_for(crm: Sandbox) -> Adapter:
    settings = Adapter.Settings(
        adapter="hubspot",
        access_token=ACCESS_TOKEN,  # type: ignore[call-arg]
        client_secret=CLIENT_SECRET,
        portal_id=PORTAL_ID,
        api_url=crm.url,
    )
    return Adapter("sales", settings, requests.Session())


def test_the_official_client_creates_reads_and_updates_a_deal(client: Any) -> None:
    deals = client.objects.basic_api
    created = deals.create("deals", {"properties": {"dealname": "Engine", "dealstage": DEMO_REQUESTED}})
    read = deals.get_by_id("deals", created.id, properties=["dealname", "dealstage", "pipeline", "amount"])
    deals.update("0-3", created.id, {"properties": {"amount": "1200"}})
    updated = deals.get_by_id("deals", created.id, properties=["amount"])

    assert read.properties["dealname"] == "Engine"
    assert (read.properties["pipeline"], read.properties["amount"]) == ("default", None)
    assert updated.properties["amount"] == "1200"
    assert updated.updated_at > created.created_at


def test_the_official_client_reads_and_updates_batches(crm: Sandbox, client: Any) -> None:
    first, second = crm.create_deals(2)
    updated = client.objects.batch_api.update(
        "deals", {"inputs": [{"id": first, "properties": {"amount": "1"}}, {"id": "404", "properties": {}}]}
    )
    read = client.objects.batch_api.read(
        "deals",
        {
            "inputs": [{"id": first}, {"id": second}, {"id": "404"}],
            "properties": ["amount", "nothing_like_it"],
            "propertiesWithHistory": [],
        },
    )

    assert (updated.num_errors, updated.errors[0].context) == (1, {"ids": ["404"]})
    assert [(found.id, found.properties["amount"]) for found in read.results] == [
        (first, "1"),
        (second, None),
    ]
    assert "nothing_like_it" not in read.results[0].properties
    assert read.num_errors == 1


def test_the_official_client_searches_by_id(crm: Sandbox, client: Any) -> None:
    first, _, third = crm.create_deals(3)
    found = client.objects.search_api.do_search(
        "deals",
        {
            "filterGroups": [
                {"filters": [{"propertyName": "hs_object_id", "operator": "IN", "values": [first, third]}]}
            ],
            "properties": ["dealname"],
            "limit": 10,
        },
    )

    assert found.total == 2
    assert [each.id for each in found.results] == [first, third]


def test_the_official_client_associates(crm: Sandbox, client: Any) -> None:
    deal, contact, other = crm.create_deal(), crm.create_contact(), crm.create_contact()
    client.associations.v4.basic_api.create_default("deals", deal, "contacts", contact)
    client.associations.v4.batch_api.create_default(
        "deals", "contacts", {"inputs": [{"from": {"id": deal}, "to": {"id": other}}]}
    )
    crm.associate(deal, other, "Decision maker")

    page = client.associations.v4.basic_api.get_page("deals", deal, "contacts")
    batch = client.associations.v4.batch_api.get_page(
        "deals", "contacts", {"inputs": [{"id": deal}, {"id": crm.create_deal()}]}
    )
    back = client.associations.v4.basic_api.get_page("contacts", contact, "deals")

    assert [str(link.to_object_id) for link in page.results] == [contact, other]
    assert [type_.label for type_ in page.results[1].association_types] == [None, "Decision maker"]
    assert batch.results[0]._from.id == deal
    assert batch.num_errors == 1
    assert [str(link.to_object_id) for link in back.results] == [deal]


def test_the_official_client_logs_a_call_on_a_deal(crm: Sandbox, client: Any) -> None:
    deal = crm.create_deal()
    call = client.objects.basic_api.create(
        "calls",
        {
            "properties": {
                "hs_timestamp": "1790000000945",
                "hs_call_title": "Demo",
                "hs_call_duration": "93000",
            },
            "associations": [
                {
                    "to": {"id": deal},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 206}],
                }
            ],
        },
    )
    read = client.objects.basic_api.get_by_id("calls", call.id, associations=["deals"])

    assert [link.id for link in read.associations["deals"].results] == [deal]


def test_the_official_client_lists_pipelines_and_manages_properties(client: Any) -> None:
    pipelines = client.pipelines.pipelines_api.get_all("deals").results
    client.properties.groups_api.create("deals", {"name": "calls", "label": "Calls", "displayOrder": -1})
    create = {"groupName": "calls", "name": "ai_mood", "label": "Mood", "type": "string", "fieldType": "text"}
    client.properties.core_api.create("deals", create)

    assert [stage.label for stage in pipelines[0].stages if stage.id == DEMO_REQUESTED] == ["Demo requested"]
    assert client.properties.core_api.get_by_name("deals", "ai_mood").label == "Mood"
    assert "ai_mood" in [each.name for each in client.properties.core_api.get_all("deals").results]
    with pytest.raises(Exception, match="OBJECT_ALREADY_EXISTS") as caught:
        client.properties.core_api.create("deals", create)
    assert getattr(caught.value, "status", None) == 409


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"ai_call_mood": "sunny"}, "PROPERTY_DOESNT_EXIST"),
        ({"amount": 17}, "INVALID_TYPE"),
        ({"amount": "many"}, "INVALID_DOUBLE"),
        ({"dealstage": "nowhere"}, "INVALID_OPTION"),
        ({"dealstage": "1138327410"}, "INVALID_OPTION"),
        ({"dealstage": "1138327399"}, "INVALID_OPTION"),
        ({"pipeline": "nowhere"}, "INVALID_OPTION"),
        ({"dealtype": "other"}, "INVALID_OPTION"),
        ({"hs_is_closed": "true"}, "READ_ONLY_VALUE"),
        ({"description": "x" * 65_537}, "PROPERTY_VALUE_TOO_LONG"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_hubspot_refuses_is_refused_and_nothing_is_changed(
    crm: Sandbox, properties: dict[str, Any], code: str
) -> None:
    first, second = crm.create_deals(2)
    before = crm.deal(first)
    body = {
        "inputs": [{"id": first, "properties": {"dealname": "New"}}, {"id": second, "properties": properties}]
    }

    answer = ask(crm, "POST", "/crm/v3/objects/deals/batch/update", body)

    assert answer.status_code == 400
    assert (answer.json()["category"], answer.json()["errors"][0]["code"]) == ("VALIDATION_ERROR", code)
    assert crm.deal(first) == before


def ask(
    crm: Sandbox, method: str, path: str, body: Any = None, token: str = ACCESS_TOKEN
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, crm.url + path, json=body, headers=headers, timeout=WAIT)


def test_other_refusals_have_hubspots_shape(crm: Sandbox) -> None:
    (deal,) = crm.create_deals(1)
    many = {"inputs": [{"id": str(number)} for number in range(101)], "properties": []}
    crm.account.scopes.discard("crm.objects.contacts.write")

    for answer, status, category in (
        (ask(crm, "GET", f"/crm/v3/objects/deals/{deal}", token="bad"), 401, "INVALID_AUTHENTICATION"),
        (ask(crm, "POST", "/crm/v3/objects/contacts", {"properties": {}}), 403, "MISSING_SCOPES"),
        (ask(crm, "POST", "/crm/v3/objects/calls", {"properties": {}}), 403, "MISSING_SCOPES"),
        (ask(crm, "GET", "/crm/v3/objects/deals/404"), 404, "OBJECT_NOT_FOUND"),
        (ask(crm, "POST", "/crm/v3/objects/deals/batch/read", many), 400, "VALIDATION_ERROR"),
        (ask(crm, "POST", "/crm/v3/objects/deals/batch/read", {}), 400, "VALIDATION_ERROR"),
        (ask(crm, "POST", "/crm/v3/objects/deals/batch/read", []), 400, "VALIDATION_ERROR"),
        (ask(crm, "GET", "/crm/v3/objects/rockets/1"), 400, "VALIDATION_ERROR"),
    ):
        assert (answer.status_code, answer.json()["category"]) == (status, category)
        assert {"status", "message", "correlationId"} <= answer.json().keys()


def test_a_move_is_delivered_with_both_signatures() -> None:
    with Receiver() as receiver, sandbox_for(receiver) as crm:
        (deal,) = crm.create_deals(1)
        crm.move_deal(deal, "Demo requested")
        (request,) = receiver.wait(1)

        body = request.body.decode()
        v3 = request.headers["x-hubspot-signature-v3"]
        timestamp = request.headers["x-hubspot-request-timestamp"]
        assert Signature.is_valid(v3, CLIENT_SECRET, body, receiver.url, "POST", "v3", timestamp)
        v1 = request.headers["x-hubspot-signature"]
        assert Signature.is_valid(v1, CLIENT_SECRET, body, signature_version="v1")

        adapter = adapter_for(crm)
        adapter.verify(request)
        (event,) = adapter.parse(request).events
        assert (event.record, event.stage) == (RecordRef("deal", deal), DEMO_REQUESTED)
        assert (event.kind, event.source, event.own) == (EventKind.MOVED, "CRM_UI", False)
        assert crm.wait_idle()
        assert [(made.status, made.attempt) for made in crm.deliveries] == [(200, 0)]


@pytest.mark.parametrize("generic", [False, True])
def test_a_creation_is_one_event_in_its_stage(generic: bool) -> None:
    how = {"subscriptions": GENERIC} if generic else {}
    with Receiver() as receiver, sandbox_for(receiver, **how) as crm:
        deal = crm.create_deal("Demo requested")
        (request,) = receiver.wait(1)

        (event,) = adapter_for(crm).parse(request).events

    assert (event.record.id, event.stage, event.kind) == (deal, DEMO_REQUESTED, EventKind.CREATED)
    assert len(receiver.events()) == 2


def test_moves_of_many_deals_share_deliveries_of_a_hundred() -> None:
    with Receiver() as receiver, sandbox_for(receiver) as crm:
        ids = crm.create_deals(250)
        crm.move_deals(ids, "Demo requested")
        receiver.wait(3)
        assert crm.wait_idle(WAIT)

    assert sorted(len(json.loads(request.body)) for request in receiver.got) == [50, 100, 100]
    assert {str(event["objectId"]) for event in receiver.events()} == set(ids)


def test_an_own_write_comes_back_as_own() -> None:
    with Receiver() as receiver, sandbox_for(receiver) as crm:
        (deal,) = crm.create_deals(1)
        adapter = adapter_for(crm)
        adapter.write([WriteBack(RecordRef("deal", deal), {"ai_call_status": "answered"}, stage=QUALIFIED)])
        (request,) = receiver.wait(1)

        (event,) = adapter.parse(request).events

    assert (event.stage, event.source, event.own) == (QUALIFIED, "INTEGRATION", True)
    assert receiver.events()[0]["sourceId"] == str(APP_ID)


def test_what_does_not_change_is_no_news() -> None:
    with Receiver() as receiver, sandbox_for(receiver) as crm:
        (deal,) = crm.create_deals(1)
        crm.move_deal(deal, "appointmentscheduled")
        crm.set_deal(deal, amount="17")
        assert crm.wait_idle(WAIT)

    assert receiver.got == []


def test_a_delivery_that_fails_is_sent_again_as_the_same_event() -> None:
    with Receiver(500, 404) as receiver, sandbox_for(receiver) as crm:
        (deal,) = crm.create_deals(1)
        crm.move_deal(deal)
        requests_ = receiver.wait(3)

        adapter = adapter_for(crm)
        ids = {event.id for request in requests_ for event in adapter.parse(request).events}
        assert crm.wait_idle(WAIT)
        assert [made.status for made in crm.deliveries] == [500, 404, 200]

    assert [event["attemptNumber"] for event in receiver.events()] == [0, 1, 2]
    assert len(ids) == 1


def test_a_receiver_that_is_never_there_is_given_up() -> None:
    with Sandbox(target="http://127.0.0.1:9/hooks", retry_delays=(0.0, 0.0)) as crm:
        crm.move_deal(*crm.create_deals(1))

        assert crm.wait_idle(WAIT)
        assert [(made.status, made.attempt) for made in crm.deliveries] == [(None, 0), (None, 1), (None, 2)]


def test_moves_back_and_forth_never_share_an_instant(crm: Sandbox) -> None:
    with Receiver() as receiver:
        crm.target = receiver.url
        (deal,) = crm.create_deals(1)
        for stage in ("Demo requested", "Qualified", "Demo requested", "Qualified"):
            crm.move_deal(deal, stage)
        assert crm.wait_idle(WAIT)

    assert len({event["occurredAt"] for event in receiver.events()}) == 4


def test_the_ledger_holds_every_write_of_the_app(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with Sandbox(ledger_file=ledger) as crm:
        first, second = crm.create_deals(2)
        ref = RecordRef("deal", first)
        for status in ("calling", "answered"):
            adapter_for(crm).write([WriteBack(ref, {"ai_call_status": status})])
        crm.move_deal(second)

        written = [json.loads(line) for line in ledger.read_text().splitlines()]
        assert written == crm.writes() == crm.writes(first)
        assert crm.writes(second) == []

    assert [entry["properties"]["ai_call_status"] for entry in written] == ["calling", "answered"]


def test_another_process_can_work_in_it(crm: Sandbox) -> None:
    contact = control(crm, "POST", "/contacts", {"firstname": "Ada", "phone": "+12025550100"}).json()["id"]
    deal = control(crm, "POST", "/deals", {"contacts": [contact], "dealname": "Engine"}).json()["id"]
    many = control(crm, "POST", "/batch", {"count": 3, "stage": "Qualified", "deal": {"amount": "5"}}).json()[
        "ids"
    ]
    control(crm, "POST", f"/deals/{deal}/move", {"stage": "Demo requested"})
    control(crm, "POST", "/move", {"ids": many, "stage": "Demo requested"})
    control(crm, "POST", f"/deals/{deal}/set", {"amount": "12"})
    control(crm, "POST", f"/contacts/{contact}/set", {"lastname": "Lovelace"})
    control(crm, "POST", "/associate", {"deal": many[0], "contact": contact, "label": "Primary"})
    control(crm, "POST", "/target", {"url": "http://127.0.0.1:9/"})
    control(crm, "POST", "/fail", {"status": 429, "retry_after": 3, "times": 2})
    refused = ask(crm, "GET", f"/crm/v3/objects/deals/{deal}")
    control(crm, "DELETE", "/fail")
    control(crm, "DELETE", f"/deals/{many[2]}")

    shown = control(crm, "GET", f"/deals/{deal}").json()
    assert (shown["dealstage"], shown["amount"], shown["dealname"]) == (DEMO_REQUESTED, "12", "Engine")
    assert control(crm, "GET", f"/deals/{many[1]}").json()["dealstage"] == DEMO_REQUESTED
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert control(crm, "GET", "/ready").json() == {"url": crm.url, "target": "http://127.0.0.1:9/"}
    assert control(crm, "GET", "/ledger").json() == {"results": []}
    assert [each["path"] for each in control(crm, "GET", "/requests").json()["results"]] == [
        f"/crm/v3/objects/deals/{deal}"
    ]
    assert control(crm, "GET", "/deliveries").status_code == 200
    assert control(crm, "GET", f"/deals/{many[2]}", expected=404).json()["category"] == "OBJECT_NOT_FOUND"
    wrong = control(crm, "POST", "/move", {"deals": many}, expected=400)
    assert "unexpected keyword argument 'deals'" in wrong.json()["message"]


def control(crm: Sandbox, method: str, path: str, body: Any = None, expected: int = 0) -> requests.Response:
    answer = requests.request(method, f"{crm.url}/sandbox{path}", json=body, timeout=WAIT)
    assert answer.status_code == expected if expected else answer.ok, answer.text
    return answer


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    command = [sys.executable, "-m", "adapters.hubspot.sandbox", "--port", "0", "--ledger", str(ledger)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        ready = requests.get(f"{url}/sandbox/ready", timeout=WAIT)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(WAIT) == 0

    assert ready.json() == {"url": url, "target": None}
    assert ledger.exists()


def test_the_readme_names_every_control_route(crm: Sandbox) -> None:
    text = (Path(sandbox_package.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    routes = {re.sub(r"<\w+>", "ID", str(rule)) for rule in crm.app.url_map.iter_rules()}

    missing = {route for route in routes if route.startswith("/sandbox/") and f"{route}" not in text}
    assert missing == set()
