"""What is written back, and what `call.*` and `event.*` hold."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from connector.mapping.evaluate import call_values, event_values, write_back
from connector.mapping.rules import Rule, Vocabulary, load_rules
from connector.mapping.vocabulary import CALL_FIELDS, EVENT_FIELDS
from connector.model import CallResult, Catalog, Outcome, Pipeline, RecordRef, Stage, StageEvent

CATALOG = Catalog((Pipeline("default", "Sales Pipeline", (Stage("1001", "Demo requested"),)),))
DEAL = RecordRef("deal", "9001")
EVENT = StageEvent("e1", DEAL, "1001", datetime(2026, 11, 2, 15, tzinfo=UTC), pipeline="default")
FIELDS = {"deal": {"id": "9001"}, "contact": {"id": "501"}}


def rule(write: str = "{}") -> Rule:
    text = (
        "version: 1\nconnection: c\nrules:\n"
        '  - {name: Demo, when: {enters: Demo requested}, call: {phone_number: "{{ contact.phone }}"}, write_back: '
        f"{write}}}\n"
    )
    return load_rules(text, "f", Vocabulary(("deal", "contact"), ("deal", "contact"))).rules[0]


RESULT = CallResult(
    "c1",
    Outcome.ANSWERED,
    status="completed",
    agent_name="Lead Qualifier",
    from_number="+12025550199",
    to_number="+12025550100",
    started_at=datetime(2026, 11, 2, 15, 0, 4, tzinfo=UTC),
    ended_at=datetime(2026, 11, 2, 15, 2, 11, tzinfo=UTC),
    duration_seconds=127.0,
    summary="Ada asked for a demo.",
)
WRITE = """{
  placed: {deal: {ai_call_status: calling, ai_call_id: "{{ call.id }}"}},
  ended: {deal: {outcome: "{{ call.outcome }}", seconds: "{{ call.duration_seconds }}", answered: "{{ call.outcome == 'answered' }}",
                 sentiment: "{{ call.sentiment }}", next: null, tries: 1, flag: true, at: "{{ event.stage }}"},
          contact: {last: "{{ call.ended_at }}"}},
  failed: {deal: {ai_call_status: "not called: {{ reason }}"}}}"""


def test_write_backs_are_text_as_crms_want_it() -> None:
    a_rule = rule(WRITE)
    values = {**FIELDS, "event": event_values(EVENT, CATALOG), "call": call_values(RESULT)}
    ended = write_back(a_rule, "ended", DEAL, values)
    assert ended is not None
    assert ended.record == DEAL
    assert ended.properties == {
        "deal": {
            "outcome": "answered",
            "seconds": "127",
            "answered": "true",
            "sentiment": "",
            "next": "",
            "tries": "1",
            "flag": "true",
            "at": "Demo requested",
        },
        "contact": {"last": "2026-11-02T15:02:11+00:00"},
    }


def test_each_moment_has_its_own_write_back_or_none() -> None:
    values = {**FIELDS, "event": {}, "call": {}}
    a_rule = rule(WRITE)
    placed = write_back(a_rule, "placed", DEAL, values)
    failed = write_back(a_rule, "failed", DEAL, values, "no credit")
    assert placed is not None
    assert failed is not None
    assert placed.properties == {"deal": {"ai_call_status": "calling", "ai_call_id": ""}}
    assert failed.properties == {"deal": {"ai_call_status": "not called: no credit"}}
    assert write_back(rule(), "ended", DEAL, values) is None


def test_call_and_event_have_the_fields_that_rules_are_checked_against() -> None:
    assert set(call_values(RESULT)) == CALL_FIELDS
    assert set(event_values(EVENT, CATALOG)) == EVENT_FIELDS
    json.dumps([call_values(RESULT), call_values(CallResult("c2")), event_values(EVENT, CATALOG)])


def test_an_event_is_told_by_labels_else_by_ids() -> None:
    known = event_values(replace(EVENT, pipeline=None), CATALOG)
    assert (known["stage"], known["pipeline"]) == ("Demo requested", "Sales Pipeline")
    unknown = event_values(replace(EVENT, stage="7", pipeline="8"), CATALOG)
    assert (unknown["stage"], unknown["pipeline"]) == ("7", "8")
    assert event_values(replace(EVENT, stage=None, pipeline=None), CATALOG)["stage"] is None
