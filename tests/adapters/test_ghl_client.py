"""HighLevel's API against the sandbox: contexts, write-backs, refusals, limits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from adapters.ghl.adapter import Adapter
from adapters.ghl.client import Client
from adapters.ghl.sandbox import Sandbox
from adapters.ghl.sandbox.account import ACCESS_TOKEN, LOCATION_ID
from adapters.ghl.settings import Settings
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import Activity, Context, RecordRef, WriteBack

WANTED = {
    "opportunity": {"name", "ai_call_status"},
    "contact": {"phone", "preferred_language"},
    "custom": {"agent"},
}


@pytest.fixture
def highlevel() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def adapter(highlevel: Sandbox, **settings: Any) -> Adapter:
    said = {"access_token": ACCESS_TOKEN, "location_id": LOCATION_ID, "api_url": highlevel.url, **settings}
    return Adapter("sales", Settings(adapter="ghl", **said), requests.Session())


def ref(highlevel: Sandbox, **contact: Any) -> RecordRef:
    ada = highlevel.create_contact(firstName="Ada", phone="+12025550143", **contact)
    return RecordRef("opportunity", highlevel.create_opportunity("AI Call", ada, name="Engine"))


def read(crm: Adapter, record: RecordRef) -> Context | ConnectorError:
    return crm.read([record], WANTED)[record]


def test_a_context_has_the_wanted_fields_custom_ones_by_their_key(highlevel: Sandbox) -> None:
    crm, record = adapter(highlevel), ref(highlevel)
    crm.write([WriteBack(record, {"ai_call_status": "calling"})])
    context = read(crm, record)
    assert isinstance(context, Context)
    assert context.fields["opportunity"] == {"id": record.id, "name": "Engine", "ai_call_status": "calling"}
    contact = context.fields["contact"]
    assert (contact["phone"], contact["preferred_language"], set(contact)) == (
        "+12025550143",
        None,
        {"id", "phone", "preferred_language"},
    )
    stage = crm.catalog().stage(context.stage)
    assert stage is not None
    assert stage.label == "AI Call"


def test_a_write_sets_fields_of_the_opportunity_and_its_contact_and_may_run_twice(highlevel: Sandbox) -> None:
    crm, record = adapter(highlevel), ref(highlevel)
    ada = RecordRef("contact", highlevel.opportunity(record.id)["contactId"])
    values = {"status": "won", "monetaryValue": "12.5", "ai_call_id": "c1", "products": "a, b"}
    for _ in range(2):
        writes = [WriteBack(record, values), WriteBack(ada, {"last_ai_call": "today"})]
        assert crm.write(writes) == {record: None, ada: None}
    now = highlevel.opportunity(record.id)
    assert [now[key] for key in ("status", "monetaryValue", "ai_call_id", "products")] == [
        "won",
        12.5,
        "c1",
        ["a", "b"],
    ]
    assert highlevel.contact(now["contactId"])["last_ai_call"] == "today"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"ai_call_statsu": "x"},
            'no custom field "ai_call_statsu" of opportunity; there are: ai_call',
        ),
        ({"monetaryValue": "much"}, 'monetaryValue is a number, and "much" is none'),
        ({"pipelineStageId": "x"}, "cannot be written"),
        ({"status": "closed"}, "422"),
    ],
)
def test_what_cannot_be_written_fails_that_record_only_and_says_why(
    highlevel: Sandbox, values: dict[str, str], told: str
) -> None:
    crm, bad, good = adapter(highlevel), ref(highlevel), ref(highlevel)
    done = crm.write([WriteBack(bad, values), WriteBack(good, {"ai_call_id": "c"})])
    assert isinstance(done[bad], PermanentError)
    assert told in str(done[bad])
    assert done[good] is None
    assert highlevel.opportunity(good.id)["ai_call_id"] == "c"


def test_a_record_that_is_gone_does_not_spoil_the_others(highlevel: Sandbox) -> None:
    crm, here, gone = adapter(highlevel), ref(highlevel), RecordRef("opportunity", "../gone")
    found = crm.read([gone, here], WANTED)
    assert isinstance(found[gone], PermanentError)
    assert isinstance(found[here], Context)


def test_an_opportunity_without_a_contact_has_no_fields_of_one(highlevel: Sandbox) -> None:
    context = read(adapter(highlevel), RecordRef("opportunity", highlevel.create_opportunity("AI Call")))
    assert isinstance(context, Context)
    assert context.fields["contact"] == {}


@pytest.mark.parametrize(
    ("status", "message", "told", "after"),
    [
        (401, "Invalid JWT", "valid access_token", 60),
        (401, "The token is not authorized for this scope.", "scopes", 60),
        (401, "Token's user type mismatch!", "token of the sub-account", 60),
        (401, "version header is invalid", "api_version", 60),
        (403, "The token does not have access to this location.", "token of its own location", 60),
        (400, "Location is not active", "make the location active", 3600),
        (503, "x", "answered 503", None),
        (500, "x", "answered 500", None),
    ],
)
def test_trouble_is_temporary_and_says_what_a_person_must_do(
    highlevel: Sandbox, status: int, message: str, told: str, after: int | None
) -> None:
    highlevel.fail(status, message=message)
    with pytest.raises(TemporaryError, match=told) as caught:
        read(adapter(highlevel), ref(highlevel))
    assert caught.value.after == (None if after is None else timedelta(seconds=after))


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({}, 10),
        ({"Retry-After": "7"}, 7),
        ({"X-RateLimit-Interval-Milliseconds": "10000"}, 10),
        ({"X-RateLimit-Daily-Remaining": "0"}, 3600),
    ],
)
def test_after_a_429_nothing_is_asked_until_the_interval_is_over(
    highlevel: Sandbox, headers: dict[str, str], after: int
) -> None:
    now = [1000.0]
    client = Client(
        requests.Session(), ACCESS_TOKEN, LOCATION_ID, highlevel.url, "2021-07-28", monotonic=lambda: now[0]
    )
    highlevel.fail(429, headers=headers)
    with pytest.raises(TemporaryError) as caught:
        client.pipelines()
    assert caught.value.after == timedelta(seconds=after)
    asked = len(highlevel.requests)
    now[0] += after - 1
    with pytest.raises(TemporaryError, match="used up"):
        client.pipelines()
    assert len(highlevel.requests) == asked
    now[0] += 1
    assert client.pipelines()


def test_of_a_burst_what_could_be_read_is_read_and_the_rest_waits(highlevel: Sandbox) -> None:
    crm = adapter(highlevel)
    records = [ref(highlevel) for _ in range(12)]
    read(crm, records[0])
    highlevel.fail(429, path=f"/opportunities/{records[11].id}")
    found = crm.read(records, WANTED)
    assert isinstance(found[records[11]], TemporaryError)
    assert any(isinstance(each, Context) for each in found.values())


def test_nobody_there_and_nonsense_are_temporary(highlevel: Sandbox) -> None:
    crm = adapter(highlevel, api_url="http://127.0.0.1:9")
    with pytest.raises(TemporaryError, match="could not be reached"):
        crm.catalog()


def test_all_fields_of_the_location_are_known(highlevel: Sandbox) -> None:
    crm = adapter(highlevel)
    own = crm.properties("opportunity")
    assert own is not None
    assert {"ai_call_status", "monetaryValue", "id"} <= own
    assert crm.properties("custom") is None


def test_a_field_that_was_just_created_is_found(highlevel: Sandbox) -> None:
    now = [1000.0]
    client = Client(
        requests.Session(), ACCESS_TOKEN, LOCATION_ID, highlevel.url, "2021-07-28", monotonic=lambda: now[0]
    )
    assert "fresh" not in client.custom_fields("contact", "fresh")
    highlevel.state.fields["contact"].append({"id": "f9", "fieldKey": "contact.fresh", "dataType": "TEXT"})
    assert "fresh" not in client.custom_fields("contact", "fresh")
    now[0] += 11
    assert "fresh" in client.custom_fields("contact", "fresh")


def test_a_write_moves_the_stage_and_changes_tags_without_losing_others(highlevel: Sandbox) -> None:
    crm, record = adapter(highlevel), ref(highlevel, tags=["vip", "new"])
    ada = RecordRef("contact", highlevel.opportunity(record.id)["contactId"])
    (qualified,) = [stage.id for stage in crm.catalog().pipelines[0].stages if stage.label == "Qualified"]
    for _ in range(2):
        tags = WriteBack(ada, add_tags=("called",), remove_tags=("new",))
        assert crm.write([WriteBack(record, stage=qualified), tags]) == {record: None, ada: None}
    assert highlevel.opportunity(record.id)["pipelineStageId"] == qualified
    assert highlevel.contact(ada.id)["tags"] == ["vip", "called"]


def test_neither_a_phone_nor_do_not_disturb_can_be_written(highlevel: Sandbox) -> None:
    crm, record = adapter(highlevel), ref(highlevel)
    ada = RecordRef("contact", highlevel.opportunity(record.id)["contactId"])
    for name in ("phone", "dnd", "tags", "dndSettings"):
        answer = crm.write([WriteBack(ada, {name: "x"})])[ada]
        assert isinstance(answer, PermanentError)
        assert "cannot be written" in str(answer)


def test_a_note_whose_answer_was_lost_is_found_again(highlevel: Sandbox) -> None:
    crm, record = adapter(highlevel), ref(highlevel)
    ada = highlevel.opportunity(record.id)["contactId"]
    at = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    note = Activity("d1-ended-note", record, (RecordRef("contact", ada),), at, "Answered: wants a demo")
    alone = Activity("d1-ended-note-2", record, (), at, "Without the contact's name")
    assert crm.logged([note, alone]) == {}
    highlevel.fail(503, path="/notes", after=True)
    lost = crm.log([note])[note.key]
    assert isinstance(lost, TemporaryError)
    assert set(crm.logged([note, alone])) == {note.key}
    made = crm.log([alone])[alone.key]
    assert crm.logged([note, alone])[alone.key] == made
    assert highlevel.notes(ada)[0] == "Answered: wants a demo\n\nStagecall d1-ended-note"
