"""Which events a rule is for, and the word and sentence of every no; which candidate's number is called."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.mapping.evaluate import ELSEWHERE, Decision, concerns, decide, stopped_by, verdicts
from connector.mapping.policy_keys import Policy
from connector.mapping.rules import Rule, RuleFile, Vocabulary, load_rules
from connector.model import Catalog, Context, EventKind, Pipeline, RecordRef, Source, Stage, StageEvent
from connector.policy.kinds import NumberType

CATALOG = Catalog(
    (
        Pipeline("default", "Sales Pipeline", (Stage("1001", "Demo requested"), Stage("1002", "Qualified"))),
        Pipeline("renewals", "Renewals", (Stage("2001", "Due"), Stage("2002", "Any"))),
    )
)
DEAL = RecordRef("deal", "9001")
EVENT = StageEvent(
    "e1",
    DEAL,
    "1001",
    datetime(2026, 11, 2, 15, tzinfo=UTC),
    pipeline="default",
    previous_stage="1002",
    source="CRM_UI",
    changed_by=Source.PERSON,
)
FIELDS: dict[str, dict[str, Any]] = {
    "deal": {"id": "9001", "amount": "1200"},
    "contact": {"id": "501", "phone": "(202) 555-0100", "mobilephone": None, "fax": "ask Ada"},
    "company": {},
}
CONTEXT = Context(DEAL, "1001", "default", FIELDS)


def rules(*whens: str, call: str = '{phone_number: "{{ contact.phone }}"}', stop: str = "false") -> RuleFile:
    text = "version: 1\nconnection: c\nrules:\n" + "".join(
        f"  - {{name: R{number}, when: {when}, call: {call}, stop: {stop}}}\n"
        for number, when in enumerate(whens, start=1)
    )
    return load_rules(text, "f", Vocabulary(("deal", "contact", "company"), ("deal",)))


def rule(when: str = "{enters: Demo requested}", call: str = '{phone_number: "{{ contact.phone }}"}') -> Rule:
    return rules(when, call=call).rules[0]


def decided(a_rule: Rule, fields: dict[str, dict[str, Any]] = FIELDS) -> Decision:
    return decide(a_rule, EVENT, replace(CONTEXT, fields=fields), CATALOG, default_region="US")


IMPORTED = replace(EVENT, source="IMPORT", changed_by=Source.IMPORT)
CREATED = replace(EVENT, kind=EventKind.CREATED, previous_stage=None)
UNKNOWN = replace(EVENT, source="NEW_WORD", changed_by=Source.UNKNOWN)


@pytest.mark.parametrize(
    ("when", "event", "word", "sentence"),
    [
        ("{enters: any}", EVENT, None, ""),
        ("{enters: [ANY]}", EVENT, None, ""),
        ("{pipeline: Sales Pipeline, enters: any}", EVENT, None, ""),
        ("{pipeline: Renewals, enters: any}", EVENT, "other_pipeline", 'pipeline "Sales Pipeline" is not "Renewals" of rule "R1"'),
        ("{enters: any}", replace(EVENT, stage="1999"), None, ""),
        ("{pipeline: default, enters: any}", replace(EVENT, stage="1999"), None, ""),
        ("{pipeline: renewals, enters: any}", replace(EVENT, stage="1999"), "other_pipeline", ""),
        ("{enters: any, from: Qualified}", EVENT, None, ""),
        ("{enters: any, from: [1002, Due]}", EVENT, None, ""),
        ("{enters: any, from: Due}", EVENT, "other_previous_stage", 'the record came from "Qualified", which is not "Due" of rule "R1"'),
        ("{enters: any, from: Qualified}", CREATED, "other_previous_stage", 'the record was created in the stage; rule "R1" is for records from "Qualified"'),
        ("{enters: any, from: Qualified}", replace(EVENT, previous_stage=None), "previous_stage_unknown", 'the CRM did not say where the record came from; rule "R1" is for "Qualified"'),
        ("{enters: any, from: '1777'}", replace(EVENT, previous_stage="1777"), None, ""),
        ("{enters: any, from: Nowhere}", EVENT, "unknown_stage", '"Nowhere" is not a stage of any pipeline'),
        ("{enters: any, how: moved}", EVENT, None, ""),
        ("{enters: any, how: created}", CREATED, None, ""),
        ("{enters: any, how: created}", EVENT, "other_how", 'the record was moved into the stage; rule "R1" is for created ones only'),
        ("{enters: any, how: moved}", CREATED, "other_how", 'the record was created in the stage; rule "R1" is for moved ones only'),
        ("{enters: any, how: moved}", replace(CREATED, stage=None), "other_how", ""),
        ("{enters: any, only_source: person}", EVENT, None, ""),
        ("{enters: any, only_source: [person, workflow]}", IMPORTED, "other_source", 'the record was changed by an import (the CRM says "IMPORT"); rule "R1" says only_source: person, workflow'),
        ("{enters: any, only_source: person}", UNKNOWN, "other_source", 'the record was changed nobody knows by whom (the CRM says "NEW_WORD"); rule "R1" says only_source: person'),
        ("{enters: any, not_source: [import, bulk_edit]}", EVENT, None, ""),
        ("{enters: any, not_source: import}", UNKNOWN, None, ""),
        ("{enters: any, not_source: [import, unknown]}", UNKNOWN, "other_source", ""),
        ("{enters: any, not_source: import}", replace(IMPORTED, source=None), "other_source", 'the record was changed by an import; rule "R1" says not_source: import'),
    ],
)  # fmt: skip
def test_every_no_has_its_word_and_sentence(
    when: str, event: StageEvent, word: str | None, sentence: str
) -> None:
    found = concerns(rule(when), event, CATALOG)
    assert (found.word if found else None) == word
    if found:
        assert found.word in ELSEWHERE
        assert sentence in found.sentence


def test_a_stage_that_is_called_any_goes_by_its_id() -> None:
    for word, wanted in (("any", None), ("2002", "other_stage")):
        found = concerns(rule(f"{{enters: {word}}}"), replace(EVENT, stage="2001", pipeline=None), CATALOG)
        assert (found.word if found else None) == wanted


def test_the_rules_of_a_file_are_asked_at_once_and_answer_as_each_alone() -> None:
    several = rules(
        "{enters: Demo requested}", "{enters: Qualified}", "{enters: any, only_source: import}", "{enters: x}"
    ).rules
    events = [EVENT, IMPORTED, CREATED, UNKNOWN, replace(EVENT, own=True), replace(EVENT, stage="9"),
              replace(EVENT, stage=None), replace(EVENT, previous_stage="9")]  # fmt: skip
    for event in [*events, *events]:
        assert list(verdicts(several, event, CATALOG)) == [concerns(each, event, CATALOG) for each in several]


def test_a_rule_file_that_is_loaded_again_is_asked_anew() -> None:
    for word, wanted in (
        ("Qualified", "other_stage"),
        ("Demo requested", None),
        ("Qualified", "other_stage"),
    ):
        (found,) = verdicts(rules(f"{{enters: {word}}}").rules, EVENT, CATALOG)
        assert (found.word if found else None) == wanted


def test_an_event_is_taken_when_the_whole_when_is_true_call_or_no_call() -> None:
    assert decided(rule()).took
    assert decided(rule(call='{phone_number: "{{ contact.none }}"}')).took
    assert decided(rule(call='{phone_number: "{{ contact.phone }}", agent: "{{ deal.none }}"}')).took
    assert not decided(rule("{enters: Demo requested, if: deal.amount > 5000}")).took
    assert not decided(rule("{enters: Qualified}")).took


def test_a_rule_that_stops_says_so_to_those_below() -> None:
    loaded = rules("{enters: any}", "{enters: any}", "{enters: any}", stop="true")
    one, two, three = loaded.rules
    assert one.stop
    assert stopped_by(one).word in ELSEWHERE
    assert stopped_by(one).sentence == 'rule "R1" above has taken the event, and says stop: true'
    assert [loaded.stops_above(each) for each in (one, two, three)] == [(), ("R1",), ("R1", "R2")]


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        ("[contact.mobilephone, contact.phone]", "+12025550100"),
        ("[contact.fax, contact.phone]", "+12025550100"),
        ("[company.phone, contact.mobilephone or contact.phone]", "+12025550100"),
        ("[contact.nothing | default('+44 20 7946 0000'), contact.phone]", "+442079460000"),
    ],
)
def test_the_first_number_that_can_be_dialled_is_called(candidates: str, wanted: str) -> None:
    decision = decided(rule(call=f"{{phone_number: {candidates}}}"))
    assert decision.request is not None
    assert decision.request.phone_number == wanted


def test_what_was_tried_before_is_told() -> None:
    decision = decided(rule(call="{phone_number: [contact.mobilephone, contact.fax, contact.phone]}"))
    tried = [(each.sentence, each.holds) for each in decision.explanation if each.part == "phone_number"]
    assert tried == [
        ("contact.mobilephone is empty", False),
        ('"ask Ada" (contact.fax) is not a phone number in US', False),
        ('phone number: +12025550100 (from "(202) 555-0100", region US)', True),
    ]


OFFICE = "+442079460000"
REFUSED = (
    f"{OFFICE} (contact.office) is a number of the type landline, which the rule does not call (number_types)"
)


@pytest.mark.parametrize(
    ("candidates", "types", "wanted", "tried"),
    [
        ("[contact.office, contact.phone]", ["mobile"], "+12025550100", [REFUSED]),
        ("[contact.office, contact.phone]", ["mobile", "landline"], OFFICE, []),
        ("[contact.office, contact.fax]", ["mobile"], OFFICE, [REFUSED]),
        ("[contact.fax, contact.office]", ["mobile"], OFFICE, [REFUSED]),
        ("[contact.office]", ["mobile"], OFFICE, []),
    ],
)
def test_a_number_of_a_type_that_is_not_called_gives_way(
    candidates: str, types: list[str], wanted: str, tried: list[str]
) -> None:
    """Where no other is left, it stays: the policy says why it is not called."""
    fields = {**FIELDS, "contact": {**FIELDS["contact"], "office": OFFICE}}
    policy = Policy(number_types=frozenset(map(NumberType, types)))
    decision = decided(replace(rule(call=f"{{phone_number: {candidates}}}"), policy=policy), fields)
    assert decision.request is not None
    assert decision.request.phone_number == wanted
    assert [each.sentence for each in decision.explanation if "does not call" in each.sentence] == tried


@pytest.mark.parametrize(
    ("candidates", "word", "sentence"),
    [
        ("[contact.mobilephone, contact.nothing]", "no_phone_number",
         "there is no phone number (contact.mobilephone, contact.nothing are empty)"),
        ("[contact.mobilephone, company.phone]", "no_phone_number",
         "there is no phone number (the record has no company, contact.mobilephone is empty)"),
        ("[company.phone]", "no_phone_number", "there is no phone number (the record has no company)"),
        ("[contact.fax, contact.mobilephone]", "not_a_phone_number",
         '"ask Ada" (contact.fax) is not a phone number in US; contact.mobilephone is empty'),
        ("[contact.fax, deal.id]", "not_a_phone_number",
         '"ask Ada" (contact.fax) is not a phone number in US; "9001" (deal.id) is not a phone number in US'),
    ],
)  # fmt: skip
def test_without_a_usable_number_everything_that_was_tried_is_told(
    candidates: str, word: str, sentence: str
) -> None:
    decision = decided(rule(call=f"{{phone_number: {candidates}}}"))
    assert decision.reason is not None
    assert (decision.reason.word, decision.reason.sentence) == (word, sentence)


def test_an_extension_is_dropped_and_the_region_may_be_a_field() -> None:
    call = '{phone_number: [contact.phone], region: "{{ contact.country }}"}'
    fields = {**FIELDS, "contact": {"phone": "020 7946 0000 ext. 12", "country": "gb"}}
    decision = decided(rule(call=call), fields)
    assert decision.request is not None
    assert decision.request.phone_number == "+442079460000"
