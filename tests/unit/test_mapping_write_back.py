"""What is written back, and what `call.*` and `event.*` hold."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.mapping.evaluate import event_values, fields_needed
from connector.mapping.promised import promised
from connector.mapping.rules import Rule, Vocabulary, load_rules
from connector.mapping.vocabulary import CALL_FIELDS, EVENT_FIELDS, Moment
from connector.mapping.wanted import About, Happened, call_values, write_back
from connector.model import CallResult, Catalog, Outcome, Pipeline, RecordRef, Stage, StageEvent, Wanted

CATALOG = Catalog(
    (
        Pipeline("default", "Sales Pipeline", (Stage("1001", "Demo requested"), Stage("1002", "Qualified"))),
        Pipeline("renewals", "Renewals", (Stage("2001", "Due"),)),
    )
)
NOW = datetime(2026, 11, 2, 16, tzinfo=UTC)
ADA = RecordRef("contact", "501")
DEAL = RecordRef("deal", "9001")
EVENT = StageEvent("e1", DEAL, "1001", datetime(2026, 11, 2, 15, tzinfo=UTC), pipeline="default")
FIELDS: dict[str, dict[str, Any]] = {"deal": {"id": "9001"}, "contact": {"id": "501"}}


WORDS = Vocabulary(
    ("deal", "contact"),
    ("deal", "contact"),
    catalog=CATALOG,
    crm="HubSpot",
    moves_stage=True,
    notes_on=("deal", "contact"),
    calls_on=("deal", "contact"),
    instead={"tags": "write a property instead"},
)
TAGGED = replace(WORDS, tags_on="contact", crm="GoHighLevel")


def rule(write: str = "{}", words: Vocabulary = WORDS) -> Rule:
    text = (
        "version: 1\nconnection: c\nrules:\n"
        "  - name: Demo\n    when: {pipeline: Sales Pipeline, enters: Demo requested}\n"
        f'    call: {{phone_number: "{{{{ contact.phone }}}}"}}\n    write_back: {write}\n'
    )
    return load_rules(text, "f", words).rules[0]


def mistakes(write: str, words: Vocabulary = WORDS) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        rule(write, words)
    return [str(each).split("  ")[-1] for each in caught.value.mistakes]


def wanted(
    write: str,
    moment: Moment = "ended",
    call: CallResult | None = None,
    reason: str = "",
    words: Vocabulary = WORDS,
    **fields: dict[str, Any],
) -> dict[str, Wanted]:
    """What a rule wants, by part."""
    about = About(DEAL, "1001", {**FIELDS, **fields, "event": event_values(EVENT, CATALOG)})
    parts = write_back(rule(write, words), Happened(moment, NOW, call, reason), about)
    json.dumps([each.content for each in parts])
    return {each.part: each for each in parts}


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
    ended = wanted(WRITE, call=RESULT)
    assert (ended["deal"].record, ended["contact"].record) == (DEAL, ADA)
    assert ended["deal"].content == {
        "outcome": "answered",
        "seconds": "127",
        "answered": "true",
        "sentiment": "",
        "next": "",
        "tries": "1",
        "flag": "true",
        "at": "Demo requested",
    }
    assert ended["contact"].content == {"last": "2026-11-02T15:02:11+00:00"}


def test_each_moment_has_its_own_write_back_or_none() -> None:
    assert wanted(WRITE, "placed")["deal"].content == {"ai_call_status": "calling", "ai_call_id": ""}
    failed = wanted(WRITE, "failed", reason="no credit")
    assert failed["deal"].content == {"ai_call_status": "not called: no credit"}
    assert wanted(WRITE, "skipped", reason="no number") == {}
    skipped = wanted('{skipped: {note: "No call: {{ reason }}"}}', "skipped", reason="no number")
    assert skipped["note"].content["text"] == "No call: no number"
    assert wanted("{}") == {}


def test_a_note_stands_on_the_record_and_on_whoever_was_called() -> None:
    note = wanted('{ended: {note: "{{ call.outcome }}: {{ call.summary }}"}}', call=RESULT)["note"]
    assert note.record == DEAL
    assert note.content == {
        "text": "answered: Ada asked for a demo.",
        "at": NOW.isoformat(),
        "related": [["contact", "501"]],
    }
    alone = wanted("{ended: {note: hello}}", call=RESULT, contact={})["note"]
    assert alone.content["related"] == []


def test_a_note_of_which_nothing_is_left_is_none() -> None:
    assert wanted('{ended: {note: " {{ call.summary }} "}}', call=CallResult("c1")) == {}


def test_a_call_is_logged_as_it_ended_and_when_it_began() -> None:
    logged = wanted("{ended: {log_call: true}}", call=RESULT)["log_call"]
    assert CallResult.from_json(logged.content["call"]) == RESULT
    assert logged.content["at"] == "2026-11-02T15:00:04+00:00"
    assert wanted("{ended: {log_call: false}}", call=RESULT) == {}


@pytest.mark.parametrize(
    ("outcome", "stage"),
    [(Outcome.ANSWERED, "Qualified"), (Outcome.NO_ANSWER, None), (Outcome.BUSY, None), (None, "1001")],
)
def test_the_stage_follows_the_outcome(outcome: Outcome | None, stage: str | None) -> None:
    write = "{ended: {stage: {answered: Qualified, no_answer: null, unknown: 1001}}}"
    found = wanted(write, call=CallResult("c1", outcome))
    assert found.get("stage") == (stage and Wanted("stage", DEAL, {"to": stage, "from": "1001"}))
    assert wanted("{placed: {stage: Qualified}}", "placed")["stage"].content["to"] == "Qualified"


def test_tags_stand_where_the_crm_has_them() -> None:
    write = '{ended: {tags: {add: ["called", "{{ call.outcome }}", "{{ call.summary }}"], remove: [to call, called]}}}'
    tags = wanted(write, call=CallResult("c1", Outcome.BUSY), words=TAGGED)["tags"]
    assert tags == Wanted("tags", ADA, {"add": ["called", "busy"], "remove": ["to call"]})


def test_what_has_nothing_to_stand_on_says_so() -> None:
    (part,) = wanted("{ended: {contact: {last: x}}}", call=RESULT, contact={}).values()
    assert part.impossible == "deal 9001 has no contact to write on"


def test_what_is_written_on_is_read() -> None:
    assert "id" in fields_needed([rule("{ended: {note: hello}}")])["contact"]
    assert "id" in fields_needed([rule("{ended: {contact: {last: x}}}")])["contact"]
    assert "firstname" in fields_needed([rule('{failed: {note: "{{ contact.firstname }}"}}')])["contact"]
    assert "id" not in fields_needed([rule("{ended: {stage: Qualified}}")])["contact"]


POSSIBLE = "possible here: deal, contact, note, log_call, stage"


@pytest.mark.parametrize(
    ("write", "found"),
    [
        ("{ended: {tags: {add: x}}}", f"`tags` is not possible with HubSpot; write a property instead; {POSSIBLE}"),
        ("{placed: {log_call: true}}", "a call is logged when it has ended, with its outcome; put log_call under `ended`"),
        ("{failed: {stage: {answered: Qualified}}}", "depends on the outcome, and only `ended` has one, of each call that was placed; write one stage here"),
        ("{ended: {stage: {anwsered: Qualified}}}", '"anwsered" is not an outcome; did you mean "answered"? There are: answered, busy, canceled, expired, failed, no_answer, unknown, voicemail'),
        ("{ended: {stage: {answered: Qualifed}}}", '"Qualifed" is not a stage of Sales Pipeline; did you mean "Qualified"? There are: Demo requested, Qualified'),
        ("{ended: {stage: Due}}", '"Due" is not a stage of Sales Pipeline (it is one of Renewals); there are: Demo requested, Qualified'),
        ("{held: {stage: Qualified}}", "would take the record out of the stage that the waiting call is for; write it under another moment"),
        ("{ended: {stage: any}}", '"any" is no stage to move to; write the label or id of one'),
        ('{ended: {stage: "{{ deal.next }}"}}', "is a merge field; a stage is written as its label or id, by outcome as stage: {answered: Qualified, no_answer: To call}"),
        ("{ended: {stage: [Qualified]}}", "must be text, a whole number or a mapping (key: value), and is a list; a record can be moved to one only: stage: Qualified"),
        ("{ended: {note: 5}}", "must be text, and is the number 5; put it in quotes"),
        ("{ended: {log_call: yes}}", 'must be true or false, and is the text "yes"; write true, without quotes'),
        ("{ended: {notte: x}}", '"notte" is not a key of "ended"; did you mean "note"? There are: contact, deal, log_call, note, stage'),
        ('{skipped: {note: "{{ call.id }}"}}', '"call" is known only in write_back, under placed, ended, failed'),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_where_it_stands(write: str, found: str) -> None:
    assert mistakes(write) == [found]


def test_a_mistake_says_where_it_stands_and_in_which_rule() -> None:
    with pytest.raises(ConfigError) as caught:
        rule("\n      ended:\n        note: hello\n        tags: {add: x}", replace(WORDS, notes_on=()))
    assert [str(each).split("`")[0].rstrip() for each in caught.value.mistakes] == [
        'f:9:9  rules[0].write_back.ended.note ("Demo")',
        'f:10:9  rules[0].write_back.ended.tags ("Demo")',
    ]


def test_tags_without_a_tag_are_a_mistake() -> None:
    assert mistakes("{ended: {tags: {}}}", TAGGED) == ["is empty; write add, remove, or both"]
    assert "did you mean" in mistakes("{ended: {tags: {ad: x}}}", TAGGED)[0]


def test_what_will_be_written_is_told_as_far_as_it_is_known() -> None:
    tagged = rule(
        '{skipped: {deal: {why: "{{ reason }}", at: null}, note: "no call: {{ reason }}", tags: {add: called, remove: to call}},'
        " ended: {stage: {answered: Qualified, busy: null}}, placed: {stage: Qualified}}",
        TAGGED,
    )
    known = {"reason": "a condition"}
    assert list(promised(tagged.write_back, ("skipped", "held", "ended", "placed"), known)) == [
        'skipped: deal.why = a condition, deal.at = empty, a note "no call: a condition", tag +called, tag -to call',
        "ended: moved to the stage Qualified where the outcome is answered, left where it is at voicemail, no_answer, busy,"
        " failed, canceled, expired, unknown",
        "placed: moved to the stage Qualified",
    ]
    logged = rule("{ended: {log_call: true}}")
    assert list(promised(logged.write_back, ("ended",), known)) == ["ended: the call, on the timeline"]


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
