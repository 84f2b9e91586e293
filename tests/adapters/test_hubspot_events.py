"""HubSpot's events, table by table, and bodies that nobody should send."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hubspot.events import KNOWN, parse
from connector.errors import MalformedDelivery
from connector.model import EventKind, News, RecordRef, Request, Source

SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="shared/ not here")
NOW = datetime(2026, 9, 21, 14, 13, tzinfo=UTC)

MOVED: dict[str, Any] = {
    "eventId": 4101286121,
    "subscriptionId": 7562680,
    "portalId": 62515,
    "appId": 1160452,
    "occurredAt": 1790000000945,
    "subscriptionType": "deal.propertyChange",
    "attemptNumber": 0,
    "objectId": 9876543210,
    "propertyName": "dealstage",
    "propertyValue": "appointmentscheduled",
    "changeSource": "CRM_UI",
    "sourceId": "userId:75514748",
}
GENERIC = {
    **MOVED,
    "eventId": 2326225553,
    "subscriptionId": 3849713,
    "subscriptionType": "object.propertyChange",
    "objectTypeId": "0-3",
    "isSensitive": False,
}
CREATED = {
    **{name: value for name, value in MOVED.items() if not name.startswith("property")},
    "eventId": 2145459286,
    "subscriptionType": "deal.creation",
    "changeFlag": "CREATED",
}


def delivery(body: bytes) -> Request:
    return Request("POST", "https://connector.example.com/hooks/hubspot/sales", {}, body, NOW)


def read(*events: Any, portal_id: str | None = None) -> News:
    return parse(delivery(json.dumps(events).encode()), portal_id)


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


def test_a_stage_change_is_an_event() -> None:
    (event,) = read(MOVED).events

    assert event.id == "62515:deal:9876543210:dealstage=appointmentscheduled@1790000000945"
    assert event.record == RecordRef("deal", "9876543210")
    assert event.stage == "appointmentscheduled"
    assert event.occurred_at == datetime(2026, 9, 21, 14, 13, 20, 945000, tzinfo=UTC)
    assert event.kind is EventKind.MOVED
    assert (event.source, event.changed_by, event.own) == ("CRM_UI", Source.PERSON, False)
    assert event.raw == MOVED


def test_the_legacy_and_the_generic_form_of_a_change_are_one_event() -> None:
    assert read(MOVED).events[0].id == read(GENERIC).events[0].id
    assert len(read(MOVED, GENERIC).events) == 1


def test_a_redelivery_has_the_same_id() -> None:
    again = {**MOVED, "attemptNumber": 6, "eventId": 1, "subscriptionId": 2}

    assert read(again).events[0].id == read(MOVED).events[0].id


@pytest.mark.parametrize(
    "other",
    [
        {"portalId": 1},
        {"objectId": 1},
        {"propertyValue": "closedwon"},
        {"occurredAt": 1790000000946},
        {"subscriptionType": "deal.creation"},
    ],
)
def test_another_change_has_another_id(other: dict[str, Any]) -> None:
    assert read({**MOVED, **other}).events[0].id != read(MOVED).events[0].id


def test_a_creation_without_its_stage_leaves_the_stage_to_the_context() -> None:
    for created in (CREATED, {**CREATED, "subscriptionType": "object.creation", "objectTypeId": "0-3"}):
        (event,) = read(created).events

        assert (event.kind, event.stage) == (EventKind.CREATED, None)
        assert event.id == "62515:deal:9876543210:creation@1790000000945"


@pytest.mark.parametrize("events", [(MOVED, CREATED), (CREATED, MOVED), (CREATED, GENERIC, MOVED)])
def test_a_creation_and_its_stage_are_one_event(events: tuple[Any, ...]) -> None:
    (event,) = read(*events).events

    assert (event.kind, event.stage) == (EventKind.CREATED, "appointmentscheduled")
    assert event.id == read(MOVED).events[0].id


def test_a_move_after_the_creation_is_an_event_of_its_own() -> None:
    later = {**MOVED, "occurredAt": MOVED["occurredAt"] + 1, "propertyValue": "closedwon"}
    neighbour = {**CREATED, "objectId": 9876543211}

    kinds = {
        (event.record.id, event.stage, event.kind) for event in read(later, neighbour, CREATED, MOVED).events
    }

    assert kinds == {
        ("9876543210", "appointmentscheduled", EventKind.CREATED),
        ("9876543210", "closedwon", EventKind.MOVED),
        ("9876543211", None, EventKind.CREATED),
    }


@pytest.mark.parametrize(
    ("source", "own"),
    [
        ({"changeSource": "INTEGRATION", "sourceId": "1160452"}, True),
        ({"changeSource": "INTEGRATION", "sourceId": 1160452}, True),
        ({"changeSource": "INTEGRATION", "sourceId": "2000001"}, False),
        ({"changeSource": "INTEGRATION", "sourceId": None}, False),
        ({"changeSource": "INTEGRATION", "sourceId": None, "appId": None}, False),
        ({"changeSource": "CRM_UI", "sourceId": "1160452"}, False),
        ({"changeSource": "AUTOMATION_PLATFORM", "sourceId": "enrollmentId:7"}, False),
    ],
)
def test_our_own_writes_are_known(source: dict[str, Any], own: bool) -> None:
    assert read({**MOVED, **source}).events[0].own is own


@pytest.mark.parametrize("value", ["", None])
def test_a_cleared_stage_is_ignored(value: str | None) -> None:
    for news in (read({**MOVED, "propertyValue": value}), read(without(MOVED, "propertyValue"))):
        assert news == News(ignored={"deal.propertyChange dealstage (cleared)": 1})


@pytest.mark.parametrize(
    ("other", "counted"),
    [
        ({"propertyName": "amount"}, "deal.propertyChange amount"),
        ({"subscriptionType": "contact.propertyChange"}, "contact.propertyChange dealstage"),
        ({"subscriptionType": "deal.merge", "objectId": None}, "deal.merge"),
        ({"subscriptionType": "contact.privacyDeletion"}, "contact.privacyDeletion"),
        ({**GENERIC, "objectTypeId": "0-5"}, "object.propertyChange 0-5 dealstage"),
        ({"subscriptionType": "object.creation", "objectTypeId": "2-77"}, "object.creation 2-77"),
    ],
)
def test_what_is_not_ours_is_counted_by_its_name(other: dict[str, Any], counted: str) -> None:
    news = read({**MOVED, **other})

    assert news == News(ignored={counted: 1})


def test_a_generic_event_without_its_type_is_ignored() -> None:
    assert read(without(GENERIC, "objectTypeId")).ignored == {"object.propertyChange dealstage": 1}


def test_every_word_of_hubspot_is_known() -> None:
    names = [f"{noun}.{verb}" for noun, verbs in KNOWN.items() for verb in verbs]
    news = read(*[{**without(MOVED, "propertyName"), "subscriptionType": name} for name in names])

    assert news.unknown == {}
    assert news.malformed == ()


@pytest.mark.parametrize(
    "name", ["deal.stageChange", "invoice.creation", "deal", "deal.", ".creation", "x" * 200]
)
def test_a_word_never_seen_is_unknown(name: str) -> None:
    assert read({**MOVED, "subscriptionType": name}) == News(unknown={name: 1})


def test_news_of_another_account_is_ignored_where_the_account_is_configured() -> None:
    assert read(MOVED, portal_id="62515").events
    assert read(MOVED, portal_id="1") == News(ignored={"other portal": 1})
    assert read({**MOVED, "portalId": "62515"}, portal_id="62515").events


@pytest.mark.parametrize(
    "other",
    [
        {"objectId": None},
        {"objectId": 1.0},
        {"objectId": True},
        {"objectId": -1},
        {"objectId": 2**63},
        {"objectId": 10**400},
        {"objectId": "12a"},
        {"objectId": "١٢"},
        {"objectId": [1]},
        {"portalId": None},
        {"portalId": "x"},
        {"occurredAt": None},
        {"occurredAt": 1790000000945.5},
        {"occurredAt": "2026-09-21T14:13:20Z"},
        {"occurredAt": 2**62},
        {"propertyValue": 17},
        {"propertyValue": {"a": 1}},
        {"propertyValue": "stage\x00"},
        {"propertyValue": "stage\ud800"},
        {"propertyValue": "s" * 201},
        {"changeSource": 17},
        {"changeSource": "CRM\x00UI"},
        {"sourceId": "\udfff"},
        {"extra": {"deep": ["NUL \x00"]}},
        {"extra\x00": 1},
        {"occurredAt": float("nan")},
        {"objectId": float("inf")},
        {"subscriptionType": None},
        {"subscriptionType": 17},
        {"subscriptionType": ""},
        {"subscriptionType": "deal.\x00"},
        {"subscriptionType": "deal\ud800.creation"},
        {"subscriptionType": "x" * 201},
    ],
    ids=repr,
)
def test_one_event_that_cannot_be_read_does_not_spoil_the_others(other: dict[str, Any]) -> None:
    good = {**MOVED, "objectId": 7}
    news = read({**MOVED, **other}, good)

    assert [event.record.id for event in news.events] == ["7"]
    (sentence,) = news.malformed
    assert sentence.startswith("event 1: ")
    assert len(sentence) < 200
    json.dumps(sentence, ensure_ascii=False).encode()


@pytest.mark.parametrize("item", [None, 1, "x", [], True, 1.5])
def test_an_event_that_is_no_object_is_malformed(item: Any) -> None:
    news = read(item, MOVED)

    assert len(news.events) == 1
    assert len(news.malformed) == 1


def test_an_empty_delivery_is_no_news() -> None:
    assert read() == News()


@pytest.mark.parametrize("body", [b"{}", b'{"events": []}', b"\xef\xbb\xbf[]", b"[1,]", b"[] []", b'"\x01"'])
def test_a_body_that_is_no_array_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedDelivery, match="body"):
        parse(delivery(body))


@needs_shared
def test_no_shared_json_raises_anything_else_and_none_takes_long(counted: Callable[[str, str], None]) -> None:
    paths = sorted((SHARED / "corpora/json").glob("*.jsonl"))
    documents = [document_of(json.loads(line)) for path in paths for line in path.read_text().splitlines()]
    around = json.dumps([{**MOVED, "extra": "HERE"}]).encode()

    for document in documents:
        began = perf_counter()
        for body in (document, b"[" + document + b"]", around.replace(b'"HERE"', document)):
            with suppress(MalformedDelivery):
                parse(delivery(body))
        assert perf_counter() - began < 2
    counted("json, as deliveries of HubSpot", f"{len(documents)} rows: read or malformed within 2 s")
    assert len(documents) == 151 + 9 + 11 + 50


def document_of(row: Any) -> bytes:
    """The bytes that one row of a corpus stands for."""
    if "body_b64" in row:
        return base64.b64decode(row["body_b64"])
    if "input" in row:
        return str(row["input"]).encode("utf-8", "surrogatepass")
    if "literal" in row:
        return str(row["literal"]).encode("utf-8", "surrogatepass")
    gen = {"prefix": "", "mid": "", "closer": "", **row["gen"]}
    if "kind" in gen:
        return json.dumps({"metadata": {f"k{number}": number for number in range(gen["n"])}}).encode()
    middle = gen["unit"] * gen["n"] + gen["mid"] + gen["closer"] * gen["n"]
    return f"{gen['prefix']}{middle}{gen['suffix']}".encode()


@needs_shared
def test_naughty_strings_are_stages_or_malformed(counted: Callable[[str, str], None]) -> None:
    strings = [
        json.loads(line) for line in (SHARED / "corpora/strings/naughty.jsonl").read_text().splitlines()
    ]
    texts = [
        next(value for name, value in row.items() if name in ("s", "string", "text", "value"))
        for row in strings
    ]

    for text in texts:
        for body in (json.dumps([{**MOVED, "propertyValue": text}]), json.dumps([{**MOVED, "extra": text}])):
            news = parse(delivery(body.encode()))
            assert len(news.events) + len(news.malformed) + sum(news.ignored.values()) == 1
            for event in news.events:
                f"{event.id}{event.raw}".encode()
    counted("strings/naughty, as stages of HubSpot", f"{len(texts)} of {len(texts)}")
    assert len(texts) == 296


words = st.sampled_from([*MOVED, "objectTypeId", "eventType"])
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.sampled_from(
        ["deal.propertyChange", "deal.creation", "object.creation", "dealstage", "0-3", "INTEGRATION"]
    ),
    st.lists(st.integers(), max_size=2),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.dictionaries(words, values), max_size=4))
def test_any_json_is_read_or_malformed(changes: list[dict[str, Any]]) -> None:
    events = [{**MOVED, **change} for change in changes]
    news = read(*events)

    counted = len(news.events) + sum(news.ignored.values()) + sum(news.unknown.values()) + len(news.malformed)
    assert counted <= len(events)
    for text in [*news.ignored, *news.unknown, *news.malformed, *(event.id for event in news.events)]:
        assert "\x00" not in text
        text.encode()


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_malformed(body: bytes) -> None:
    with suppress(MalformedDelivery):
        parse(delivery(body))


def test_a_full_delivery_is_read_in_about_a_millisecond() -> None:
    events = [{**MOVED, "objectId": 9876543210 + number} for number in range(100)]
    request = delivery(json.dumps(events).encode())
    times = []
    for _ in range(20):
        began = perf_counter()
        assert len(parse(request).events) == 100
        times.append(perf_counter() - began)

    # measured 0.9 ms; the bound is loose, for a busy machine
    assert min(times) < 0.01


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("CRM_UI", Source.PERSON),
        ("CRM_UI_BULK_ACTION", Source.BULK_EDIT),
        ("IMPORT", Source.IMPORT),
        ("API", Source.INTEGRATION),
        ("AUTOMATION_PLATFORM", Source.WORKFLOW),
        ("SOMETHING_NEW", Source.UNKNOWN),
        (None, Source.UNKNOWN),
    ],
)
def test_who_changed_a_deal_is_told_in_our_words(theirs: str | None, ours: Source) -> None:
    event = {**MOVED, "changeSource": theirs}
    (found,) = read(event).events
    assert (found.source, found.changed_by) == (theirs, ours)
