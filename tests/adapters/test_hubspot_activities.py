"""Notes, calls, stages and contacts in the sandbox, through HubSpot's official client: made once, and right."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hubspot.crm.objects import (
    ApiClient,
    AssociationSpec,
    BatchInputSimplePublicObjectBatchInputForCreate,
    PublicAssociationsForObject,
    PublicObjectId,
    SimplePublicObjectBatchInputForCreate,
)

from adapters.hubspot import Adapter, activities
from adapters.hubspot.sandbox import Sandbox
from adapters.hubspot.sandbox.account import QUALIFIED
from adapters.hubspot.sandbox.server import ACCESS_TOKEN
from connector.errors import PermanentError, TemporaryError
from connector.model import Activity, CallResult, Outcome, RecordRef, WriteBack
from tests.adapters.connected_hubspot import connect

AT = datetime(2026, 11, 24, 15, 0, 4, tzinfo=UTC)
CALL = CallResult(
    "c1",
    Outcome.ANSWERED,
    agent_name="Lead Qualifier",
    from_number="+12025550199",
    to_number="+12025550100",
    started_at=AT,
    duration_seconds=127.4,
    summary="Ada asked for <a demo> & a price.",
    transcript="Agent: Hello\nUser: Speaking.",
    sentiment="positive",
    recording_url="https://records.example.com/c1.mp3",
)


def deal_with_ada(crm: Sandbox) -> tuple[RecordRef, RecordRef]:
    ada = crm.create_contact(firstname="Ada")
    return RecordRef("deal", crm.create_deal(contacts=[ada])), RecordRef("contact", ada)


def note(deal: RecordRef, *related: RecordRef, key: str = "d1-ended-note", text: str = "Called") -> Activity:
    return Activity(key, deal, related, AT, text)


def call(deal: RecordRef, *related: RecordRef, key: str = "d1-ended-log_call", **other: Any) -> Activity:
    return Activity(key, deal, related, AT, call=CallResult(**{**_fields(CALL), **other}))


def _fields(result: CallResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in CallResult.__dataclass_fields__}


def test_a_note_stands_on_the_deal_and_its_contact(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)

    made = hubspot.log([note(deal, ada, text="No answer <twice>\n& no voicemail")])

    (on_deal,) = crm.timeline("notes", deal.id)
    assert crm.timeline("notes", ada.id, "contacts") == [on_deal]
    assert on_deal["hs_timestamp"] == "2026-11-24T15:00:04.000Z"
    assert on_deal["hs_note_body"] == (
        "No answer &lt;twice&gt;<br>&amp; no voicemail<br><br>Stagecall d1-ended-note"
    )
    assert list(made) == ["d1-ended-note"]
    assert hubspot.logged([note(deal, ada)]) == made


def test_a_call_is_logged_with_everything_known_of_it(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)

    assert list(hubspot.log([call(deal, ada)])) == ["d1-ended-log_call"]

    (logged,) = crm.timeline("calls", deal.id)
    assert crm.timeline("calls", ada.id, "contacts") == [logged]
    body = logged.pop("hs_call_body")
    assert logged == {
        "hs_timestamp": "2026-11-24T15:00:04.000Z",
        "hs_call_title": "AI call: Lead Qualifier",
        "hs_call_direction": "OUTBOUND",
        "hs_call_status": "COMPLETED",
        "hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
        "hs_call_duration": "127400",
        "hs_call_from_number": "+12025550199",
        "hs_call_to_number": "+12025550100",
        "hs_call_recording_url": "https://records.example.com/c1.mp3",
    }
    for part in (
        "Outcome: answered, 127 seconds",
        "Sentiment: positive",
        "Ada asked for &lt;a demo&gt; &amp; a",
    ):
        assert part in body
    assert "Transcript:<br>Agent: Hello<br>User: Speaking." in body


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_can_be_logged(crm: Sandbox, hubspot: Adapter, outcome: Outcome) -> None:
    deal, ada = deal_with_ada(crm)
    bare = Activity("k", deal, (ada,), AT, call=CallResult("c2", outcome, recording_url="http://plain"))

    (made,) = hubspot.log([bare]).values()

    assert isinstance(made, str), made
    (logged,) = crm.timeline("calls", deal.id)
    assert "hs_call_recording_url" not in logged, "HubSpot takes https only; the text has it"
    assert "http://plain" in logged["hs_call_body"]


def test_a_long_transcript_is_cut_and_its_mark_stays(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)
    long = call(deal, ada, transcript="<" * 70_000)

    made = hubspot.log([long])

    assert isinstance(made[long.key], str)
    assert hubspot.logged([long]) == made
    assert len(crm.timeline("calls", deal.id)[0]["hs_call_body"]) <= activities.MAX_TEXT


def test_a_hundred_cost_one_request(crm: Sandbox, hubspot: Adapter) -> None:
    deals = [RecordRef("deal", id_) for id_ in crm.create_deals(100)]
    before = len(crm.requests)

    made = hubspot.log([note(deal, key=f"k{deal.id}") for deal in deals])

    assert len(crm.requests) == before + 1
    assert all(isinstance(each, str) for each in made.values())
    assert [len(crm.timeline("notes", deal.id)) for deal in deals] == [1] * 100


def test_one_bad_activity_spoils_no_other_and_makes_nothing_twice(crm: Sandbox, hubspot: Adapter) -> None:
    deals = [RecordRef("deal", id_) for id_ in crm.create_deals(9)]
    gone = RecordRef("deal", crm.create_deal())
    crm.delete_deal(gone.id)
    todo = [note(deal, key=f"k{deal.id}") for deal in (*deals[:4], gone, *deals[4:])]

    made = hubspot.log([*todo, note(RecordRef("deal", "x"), key="kx")])

    assert isinstance(made[f"k{gone.id}"], PermanentError)
    assert "those are numbers" in str(made["kx"])
    assert [len(crm.timeline("notes", deal.id)) for deal in deals] == [1] * 9


def test_an_answer_that_was_lost_is_doubt_and_what_was_made_is_found(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)
    todo = [note(deal, ada), call(deal, ada)]
    crm.fail(None, path="notes/batch/create", after=True)
    crm.fail(503, path="calls/batch/create")

    made = hubspot.log(todo)

    assert all(isinstance(each, TemporaryError) for each in made.values())
    assert list(hubspot.logged(todo)) == ["d1-ended-note"]


def test_what_is_looked_for_is_not_what_somebody_else_wrote(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)
    hubspot.log(
        [note(deal, ada, key="d1-ended-note-2"), note(deal, key="other", text="Stagecall d1-ended-note")]
    )

    assert hubspot.logged([note(deal, ada)]) == {}


def test_a_contact_that_is_gone_costs_the_deal_no_note(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)
    crm.state.archive("contacts", ada.id, crm.account.app)

    (made,) = hubspot.log([note(deal, ada)]).values()

    assert isinstance(made, str)
    assert len(crm.timeline("notes", deal.id)) == 1


def test_a_missing_scope_waits_for_a_person_and_says_which(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)
    crm.account.scopes.discard("crm.objects.contacts.write")

    (trouble,) = hubspot.log([note(deal, ada)]).values()
    written = hubspot.write([WriteBack(deal, {"ai_call_status": "x"}), WriteBack(ada, {"city": "London"})])

    assert isinstance(trouble, TemporaryError)
    assert "crm.objects.contacts.write" in str(trouble)
    assert written[deal] is None
    assert "crm.objects.contacts.write" in str(written[ada])


def test_stage_and_values_of_the_deal_and_its_contact(crm: Sandbox, hubspot: Adapter) -> None:
    deal, ada = deal_with_ada(crm)

    done = hubspot.write(
        [WriteBack(deal, {"ai_call_status": "x"}, stage=QUALIFIED), WriteBack(ada, {"city": "Rome"})]
    )

    assert done == {deal: None, ada: None}
    assert crm.deal(deal.id)["dealstage"] == QUALIFIED
    assert crm.contact(ada.id)["city"] == "Rome"
    assert "no stage" not in str(hubspot.write([WriteBack(ada, stage=QUALIFIED)])[ada])
    assert isinstance(hubspot.write([WriteBack(ada, stage=QUALIFIED)])[ada], PermanentError)


def test_an_outcome_of_the_accounts_own_can_be_named(crm: Sandbox) -> None:
    left = "a4c4c377-d246-4b32-a13b-75a56a4cd0ff"
    deal, ada = deal_with_ada(crm)

    connect(crm.url, call_dispositions={"answered": left}).log([call(deal, ada)])

    assert crm.timeline("calls", deal.id)[0]["hs_call_disposition"] == left


def test_the_sandbox_refuses_what_hubspot_refuses(crm: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
    deal, _ = deal_with_ada(crm)

    def refused(kind: str, *inputs: dict[str, Any]) -> str:
        url = f"{crm.url}/crm/v3/objects/{kind}/batch/create"
        answer = requests.post(url, json={"inputs": list(inputs)}, headers=headers, timeout=5)
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["correlationId"]
        return str(answer.json()["message"])

    good = {"hs_timestamp": "2026-11-24T15:00:04.000Z"}
    wrong = {
        "to": {"id": deal.id},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 4}],
    }
    assert "hs_timestamp is required" in refused("notes", {"properties": {"hs_note_body": "x"}})
    assert "not an association" in refused("notes", {"properties": good, "associations": [wrong]})
    assert "allowed options" in refused("calls", {"properties": {**good, "hs_call_status": "answered"}})
    assert "https" in refused("calls", {"properties": {**good, "hs_call_recording_url": "http://x"}})
    assert "longer than" in refused("notes", {"properties": {**good, "hs_note_body": "x" * 65_537}})
    assert "does not exist" in refused(
        "notes", {"properties": good}, {"properties": {**good, "hs_call_title": "x"}}
    )
    assert "100" in refused("notes", *({"properties": good} for _ in range(101)))
    assert crm.state.objects["notes"] == {}, "one that is refused refuses the batch"


@pytest.mark.parametrize("kind", ["note", "call"])
def test_what_we_send_is_what_the_official_models_send(kind: str) -> None:
    """The oracle: the same input made of the official client's own models, which check words and types."""
    deal, ada = RecordRef("deal", "9001"), RecordRef("contact", "501")
    ours = activities.activity_input(kind, note(deal, ada) if kind == "note" else call(deal, ada), {})

    theirs = BatchInputSimplePublicObjectBatchInputForCreate(
        inputs=[
            SimplePublicObjectBatchInputForCreate(
                properties=ours["properties"],
                associations=[
                    PublicAssociationsForObject(
                        to=PublicObjectId(id=each["to"]["id"]),
                        types=[
                            AssociationSpec(
                                association_category=type_["associationCategory"],
                                association_type_id=type_["associationTypeId"],
                            )
                            for type_ in each["types"]
                        ],
                    )
                    for each in ours["associations"]
                ],
            )
        ]
    )

    assert ApiClient().sanitize_for_serialization(theirs) == {"inputs": [ours]}
