"""The adapter against the sandbox over real sockets, through HubSpot's official client."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from pydantic import ValidationError

from adapters.hubspot import Adapter
from adapters.hubspot.client import Client
from adapters.hubspot.failures import failure
from adapters.hubspot.sandbox import Sandbox
from adapters.hubspot.sandbox.http_server import Server
from adapters.hubspot.sandbox.server import ACCESS_TOKEN
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import Context, RecordRef, WriteBack
from tests.adapters.connected_hubspot import FIELDS, connect, context, deal, settings, writes


@contextmanager
def always(body: bytes) -> Iterator[str]:
    """A host that answers everything with 200 and this body."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]

    server = Server(app)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def test_results_are_written_and_written_again(crm: Sandbox, hubspot: Adapter) -> None:
    ids = crm.create_deals(3)
    wanted = writes(ids, ai_call_status="answered", ai_call_summary="Booked for Tuesday")

    first = hubspot.write(wanted)
    stood = [crm.deal(id_) for id_ in ids]
    again = hubspot.write(wanted)

    assert first == again == {deal(id_): None for id_ in ids}
    assert [crm.deal(id_) for id_ in ids] == stood
    assert stood[0]["ai_call_summary"] == "Booked for Tuesday"
    assert hubspot.holds(wanted) == {deal(id_): True for id_ in ids}
    assert hubspot.holds(writes(ids[:1], ai_call_status="busy")) == {deal(ids[0]): False}


def test_an_empty_text_clears_a_property(crm: Sandbox, hubspot: Adapter) -> None:
    (one,) = crm.create_deals(1, deal={"ai_call_status": "calling"})

    assert hubspot.write(writes([one], ai_call_status="")) == {deal(one): None}
    assert (
        context(hubspot.read([deal(one)], {"deal": {"ai_call_status"}}), one).fields["deal"]["ai_call_status"]
        is None
    )


def test_an_answer_that_was_lost_is_made_good_by_writing_again(crm: Sandbox, hubspot: Adapter) -> None:
    (one,) = crm.create_deals(1)
    wanted = writes([one], ai_call_status="answered")
    crm.fail(None, after=True)

    with pytest.raises(TemporaryError, match="could not be reached"):
        hubspot.write(wanted)

    assert crm.deal(one)["ai_call_status"] == "answered"
    assert hubspot.holds(wanted) == {deal(one): True}
    assert hubspot.write(wanted) == {deal(one): None}


def test_one_bad_record_in_a_hundred_does_not_spoil_the_others(crm: Sandbox, hubspot: Adapter) -> None:
    ids = crm.create_deals(100)
    wanted = writes(ids, ai_call_status="answered")
    wanted[57] = WriteBack(deal(ids[57]), {"ai_call_status": "answered"}, stage="nowhere")

    done = hubspot.write(wanted)

    assert [record for record, error in done.items() if error] == [deal(ids[57])]
    assert isinstance(done[deal(ids[57])], PermanentError)
    assert "nowhere was not one of the allowed options" in str(done[deal(ids[57])])
    assert [crm.deal(id_).get("ai_call_status") for id_ in ids].count("answered") == 99
    assert len(crm.requests) < 20


def test_deals_that_are_gone_do_not_spoil_the_others(crm: Sandbox, hubspot: Adapter) -> None:
    ids = crm.create_deals(100)
    crm.delete_deal(ids[3])
    crm.delete_deal(ids[99])

    done = hubspot.write(writes(ids, ai_call_status="answered"))

    assert [record for record, error in done.items() if error] == [deal(ids[3]), deal(ids[99])]
    assert "may be deleted" in str(done[deal(ids[3])])


def test_a_property_that_is_missing_in_the_account_costs_one_request(crm: Sandbox, hubspot: Adapter) -> None:
    ids = crm.create_deals(100)

    done = hubspot.write(writes(ids, ai_call_mood="sunny"))

    assert all(isinstance(error, PermanentError) for error in done.values())
    assert 'Property "ai_call_mood" does not exist' in str(done[deal(ids[0])])
    assert len(crm.requests) == 1


def test_what_can_be_written_is_written_beside_what_cannot(crm: Sandbox, hubspot: Adapter) -> None:
    first, second, third = crm.create_deals(3)

    done = hubspot.write(
        [
            WriteBack(deal(first), {"ai_call_status": "busy"}),
            WriteBack(RecordRef("company", second), {"name": "Engines"}),
            WriteBack(deal("x"), {"ai_call_status": "busy"}),
            WriteBack(deal(third), {}),
        ]
    )

    assert done[deal(first)] is None
    assert "records are deals, and this is a company" in str(done[RecordRef("company", second)])
    assert isinstance(done[deal("x")], PermanentError)
    assert done[deal(third)] is None


def test_what_was_done_before_trouble_stays_done(crm: Sandbox, hubspot: Adapter) -> None:
    ids = crm.create_deals(150)
    wanted = writes(ids, ai_call_status="answered")
    crm.fail(429, retry_after=5, skip=1)

    done = hubspot.write(wanted)

    assert [done[deal(id_)] for id_ in ids[:100]] == [None] * 100
    for id_ in ids[100:]:
        trouble = done[deal(id_)]
        assert isinstance(trouble, TemporaryError)
        assert trouble.after == timedelta(seconds=5)
    assert set(hubspot.write(wanted).values()) == {None}


@pytest.mark.parametrize(
    ("trouble", "after", "words"),
    [
        ({"status": 429}, timedelta(seconds=10), "429"),
        ({"status": 429, "retry_after": 3}, timedelta(seconds=3), "429"),
        ({"status": 429, "policy": "DAILY"}, timedelta(hours=1), "DAILY"),
        ({"status": 429, "policy": "TEN_SECONDLY_ROLLING"}, timedelta(seconds=10), "TEN_SECONDLY_ROLLING"),
        ({"status": 401}, timedelta(seconds=60), "access_token"),
        ({"status": 403}, timedelta(seconds=60), "MISSING_SCOPES"),
        ({"status": 423}, timedelta(seconds=2), "423"),
        ({"status": 423, "retry_after": 1}, timedelta(seconds=2), "423"),
        ({"status": 477, "retry_after": 7200}, timedelta(hours=2), "moving the account"),
        ({"status": 500}, None, "500"),
        ({"status": 503}, None, "503"),
        ({"status": 503, "retry_after": 30}, timedelta(seconds=30), "503"),
        ({"status": 524}, None, "524"),
        ({"status": None}, None, "could not be reached"),
    ],
    ids=repr,
)
def test_trouble_that_passes_says_when_to_try_again(
    crm: Sandbox, hubspot: Adapter, trouble: dict[str, Any], after: timedelta | None, words: str
) -> None:
    (one,) = crm.create_deals(1)
    asks = (
        lambda: hubspot.read([deal(one)], FIELDS),
        lambda: hubspot.write(writes([one], ai_call_status="busy")),
        hubspot.catalog,
        lambda: hubspot.properties("deal"),
    )
    for ask in asks:
        asked = len(crm.requests)
        crm.fail(**trouble)
        with pytest.raises(TemporaryError, match=words) as caught:
            ask()
        assert caught.value.after == after
        assert len(crm.requests) == asked + 1, "the client tried again by itself"


@pytest.mark.parametrize("status", [400, 404, 409, 414, 405, 302])
def test_a_refusal_is_permanent(crm: Sandbox, hubspot: Adapter, status: int) -> None:
    crm.fail(status, message="no such thing")

    with pytest.raises(PermanentError, match="no such thing"):
        hubspot.catalog()


def test_a_missing_scope_is_named(crm: Sandbox, hubspot: Adapter) -> None:
    (one,) = crm.create_deals(1)
    crm.account.scopes.discard("crm.objects.deals.write")

    with pytest.raises(TemporaryError, match=r"scopes wanted: crm\.objects\.deals\.write"):
        hubspot.write(writes([one], ai_call_status="busy"))


def test_a_wrong_token_is_a_matter_for_a_person(crm: Sandbox) -> None:
    with pytest.raises(TemporaryError, match="Someone must give the connection a valid access_token"):
        connect(crm.url, access_token="pat-na1-wrong").catalog()


def test_an_answer_that_does_not_come_is_a_time_out(crm: Sandbox) -> None:
    impatient = Client(ACCESS_TOKEN, crm.url, timeout=(1.0, 0.1))
    crm.fail(503, delay=30)

    with pytest.raises(TemporaryError, match="timed out"):
        impatient.pipelines()


def test_a_host_that_is_not_there_is_temporary() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

    with pytest.raises(TemporaryError, match="could not be reached"):
        connect(url).catalog()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"results": 1}', b'{"results": [{}]}', b"\xff", b"[" * 99_999],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_an_answer_that_makes_no_sense_is_temporary(body: bytes) -> None:
    """A proxy in between, or HubSpot on a bad day."""
    with always(body) as url, pytest.raises(TemporaryError, match="could not be read"):
        connect(url).read([deal("1")], {})


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"message": 1, "errors": 2}', b'{"errors": [1, {}]}']
)
def test_an_error_body_that_makes_no_sense_is_still_that_error(body: bytes) -> None:
    with pytest.raises(ConnectorError, match="HubSpot answered 400 when asked to list"):
        raise failure("list", 400, {}, body)


def test_what_cannot_be_stored_is_left_out_of_what_is_read() -> None:
    body = b'{"results": [{"id": "1", "properties": {"dealname": "a\\u0000b\\ud800", "amount": null}}]}'
    with always(body) as url:
        found = context(connect(url).read([deal("1")], {}), "1")

    assert found.fields["deal"] == {"id": "1", "dealname": "ab?", "amount": None}


def test_many_threads_share_one_client(crm: Sandbox, hubspot: Adapter) -> None:
    ids = crm.create_deals(40)

    def work(id_: str) -> bool:
        wanted = writes([id_], ai_call_id=id_)
        return hubspot.write(wanted)[deal(id_)] is None and hubspot.holds(wanted)[deal(id_)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, ids)) == [True] * len(ids)
    assert [crm.deal(id_)["ai_call_id"] for id_ in ids] == ids


def test_the_vendors_client_is_imported_when_first_used() -> None:
    code = "import sys, adapters.hubspot; sys.exit('hubspot' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"client_secret": ""}, "is empty"),
        ({"client_secret": []}, "at least 1"),
        ({"client_secret": ["good", ""]}, "is empty"),
        ({"access_token": ""}, "is empty"),
        ({"access_token": "pat na1"}, "space"),
        ({"access_token": "pat\r\nX-Evil: 1"}, "line break"),
        ({"api_url": "api.hubapi.com"}, "pattern"),
        ({"api_url": "https://api.hubapi.com/crm"}, "pattern"),
        ({"portal_id": "my portal"}, "pattern"),
        ({"allow_signatures": ["v4"]}, "v3"),
        ({"acces_token": "x"}, "not permitted"),
    ],
    ids=repr,
)
def test_a_mistake_in_a_connection_is_told_without_its_secrets(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        settings(**wrong)

    assert ACCESS_TOKEN not in str(caught.value)
    assert "Evil" not in str(caught.value)


def test_a_connection_may_list_several_secrets_and_give_its_account_as_a_number() -> None:
    given = settings(client_secret=["old", "new"], portal_id=62515, api_url="https://api.hubapi.com/")

    assert [secret.get_secret_value() for secret in given.client_secret] == ["old", "new"]
    assert (given.portal_id, given.api_url) == ("62515", "https://api.hubapi.com")
    assert "old" not in repr(given)


def test_known_and_named_flags_forbid_a_call(crm: Sandbox) -> None:
    hubspot = connect(crm.url, do_not_call=("contact.hs_lead_status",))
    assert hubspot.watched() == {
        "contact": {"hs_do_not_call", "do_not_call", "hs_timezone", "hs_lead_status"}
    }
    ada = crm.create_contact(
        firstname="Ada", hs_lead_status="CONNECTED", hs_timezone="america_slash_new_york"
    )
    ref = deal(crm.create_deal("appointmentscheduled", [ada], announce=False))
    context = hubspot.read([ref], hubspot.watched())[ref]
    assert isinstance(context, Context), "a property that the account lacks is left out"
    said = hubspot.forbids_call(context.fields)
    assert said == 'contact.hs_lead_status is "CONNECTED" in HubSpot: this person must not be called'
    assert hubspot.zone_of(context.fields) == "america/new_york"


@pytest.mark.parametrize(
    ("value", "forbids"),
    [
        *((yes, True) for yes in ("true", "Yes", "1", "2026-11-01", True, "unsure")),
        *((no, False) for no in ("false", "No", "", None, "0", False)),
    ],
)
def test_a_flag_forbids_unless_it_is_a_clear_no(hubspot: Adapter, value: object, forbids: bool) -> None:
    assert bool(hubspot.forbids_call({"contact": {"do_not_call": value}})) is forbids


def test_a_person_without_flags_or_zone_may_be_called(hubspot: Adapter) -> None:
    assert hubspot.forbids_call({"contact": {"hs_email_optout": "true"}}) is None
    assert hubspot.zone_of({"contact": {}}) == hubspot.zone_of({}) == ""
