"""What a rule makes of an event: a request or a reason, an explanation, and what is written back."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mapping.evaluate import (
    Decision,
    concerns,
    decide,
    fields_needed,
)
from connector.mapping.rules import Rule, Vocabulary, load_rules
from connector.mapping.wanted import About, Happened, write_back
from connector.model import (
    CallResult,
    Catalog,
    Context,
    EventKind,
    Pipeline,
    RecordRef,
    Stage,
    StageEvent,
)

CATALOG = Catalog(
    (
        Pipeline(
            "default",
            "Sales Pipeline",
            (Stage("1001", "Demo requested"), Stage("1002", "Qualified"), Stage("1003", "Closed won")),
        ),
        Pipeline("renewals", "Renewals", (Stage("2001", "Due"), Stage("2002", "Closed won"))),
    )
)
DEAL = RecordRef("deal", "9001")
EVENT = StageEvent(
    "e1", DEAL, "1001", datetime(2026, 11, 2, 15, tzinfo=UTC), pipeline="default", source="CRM_UI"
)
FIELDS: dict[str, dict[str, Any]] = {
    "deal": {"id": "9001", "amount": "1200.00", "dealname": "Analytical engine", "do_not_call": "false"},
    "contact": {
        "id": "501",
        "firstname": "Ada",
        "lastname": "Lovelace",
        "email": "ada@example.com",
        "phone": "(202) 555-0100",
        "mobilephone": None,
        "country": "United States",
    },
}
CONTEXT = Context(DEAL, "1001", "default", FIELDS)
WHEN = "{enters: Demo requested}"
CALL = '{phone_number: "{{ contact.mobilephone or contact.phone }}"}'


def rule(when: str = WHEN, call: str = CALL, write: str = "{}") -> Rule:
    text = (
        "version: 1\nconnection: c\nrules:\n"
        f"  - name: Demo\n    when: {when}\n    call: {call}\n    write_back: {write}\n"
    )
    return load_rules(text, "f", Vocabulary(("deal", "contact"), ("deal", "contact"))).rules[0]


def decided(
    a_rule: Rule,
    event: StageEvent = EVENT,
    context: Context = CONTEXT,
    catalog: Catalog = CATALOG,
    region: str = "US",
) -> Decision:
    decision = decide(a_rule, event, context, catalog, default_region=region)
    assert (decision.request is None) == (decision.reason is not None)
    assert json.loads(json.dumps([step.as_json() for step in decision.explanation])), "it is kept as JSON"
    assert json.dumps(decision.request and asdict(decision.request))
    return decision


def word(decision: Decision) -> str:
    assert decision.reason is not None
    assert not all(step.holds for step in decision.explanation), "what speaks against it is one of the steps"
    return decision.reason.word


def with_fields(**objects: dict[str, Any]) -> Context:
    return replace(CONTEXT, fields={name: {**FIELDS[name], **changes} for name, changes in objects.items()} | {
        name: FIELDS[name] for name in FIELDS.keys() - objects.keys()
    })  # fmt: skip


def test_a_deal_that_enters_the_stage_becomes_a_request() -> None:
    decision = decided(
        rule(
            "{pipeline: Sales Pipeline, enters: Demo requested, if: deal.amount >= 1000 and not deal.do_not_call}",
            """{agent: Lead Qualifier, phone_number: "{{ contact.mobilephone or contact.phone }}",
                name: "{{ contact.firstname }} {{ contact.lastname }}", email: "{{ contact.email }}",
                metadata: {deal_id: "{{ deal.id }}", amount: "{{ deal.amount | number }}", stage: "{{ event.stage }}",
                           fixed: 12, nested: {list: ["{{ deal.dealname }}", true, null]}}}""",
        )
    )
    assert decision.request is not None
    assert asdict(decision.request) == {
        "phone_number": "+12025550100",
        "agent": "Lead Qualifier",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "metadata": {
            "deal_id": "9001",
            "amount": 1200.0,
            "stage": "Demo requested",
            "fixed": 12,
            "nested": {"list": ["Analytical engine", True, None]},
        },
        "expires_at": None,
    }
    assert [(step.part, step.key, step.sentence) for step in decision.explanation] == [
        ("entered", "event",
         'deal 9001 entered "Demo requested" of "Sales Pipeline", Mon 2026-11-02 15:00 UTC'),
        ("when", "enters", 'deal 9001 entered "Demo requested"'),
        ("when", "still_there", "deal 9001 still stands in the stage"),
        ("when", "if", 'deal.amount >= 1000: true (deal.amount is "1200.00")'),
        ("when", "if", 'not deal.do_not_call: true (deal.do_not_call is "false")'),
        ("phone_number", "phone_number", 'phone number: +12025550100 (from "(202) 555-0100", region US)'),
        ("call", "agent", "agent: Lead Qualifier"),
        ("call", "name", "name: Ada Lovelace"),
        ("call", "email", "email: ada@example.com"),
        ("call", "metadata.deal_id", "deal_id: 9001"),
        ("call", "metadata.amount", "amount: 1200"),
        ("call", "metadata.stage", "stage: Demo requested"),
        ("call", "metadata.fixed", "fixed: 12"),
        ("call", "metadata.nested", 'nested: {"list": ["Analytical engine", true, null]}'),
    ]  # fmt: skip
    found = {step.key: step.found for step in decision.explanation if step.found}
    assert found["phone_number"] == {"contact.mobilephone": None, "contact.phone": "(202) 555-0100"}
    assert found["name"] == {"contact.firstname": "Ada", "contact.lastname": "Lovelace"}
    assert found["metadata.stage"] == {"event.stage": "Demo requested"}
    assert all(step.holds for step in decision.explanation)


def test_what_is_empty_is_left_out_of_the_request_and_told() -> None:
    decision = decided(
        rule(
            call='{phone_number: "{{ contact.phone }}", name: "{{ contact.nick }} {{ contact.x }}", email: " "}'
        )
    )
    assert decision.request is not None
    assert (decision.request.name, decision.request.email, decision.request.agent) == (None, None, None)
    agent, name, email = decision.explanation[-3:]
    assert agent.sentence == "agent: the default agent"
    assert (name.sentence, name.found) == (
        "name: empty, left out", {"contact.nick": None, "contact.x": None}
    )  # fmt: skip
    assert email.sentence == "email: empty, left out"


@pytest.mark.parametrize(
    ("name", "shown", "remark"),
    [
        ("{{ contact.nick | default('there') }}", "name: there", 'the default "there" is used'),
        ("{{ contact.firstname | default('there') }}", "name: Ada", None),
        ("{{ contact.firstname | truncate(2) }}", "name: A…", "a text was cut to 2 characters"),
        ("{{ contact.firstname | number }}", "name: empty, left out", '"Ada" is not a number'),
    ],
)
def test_a_default_and_a_cut_are_told(name: str, shown: str, remark: str | None) -> None:
    decision = decided(rule(call=f'{{phone_number: "{{{{ contact.phone }}}}", name: "{name}"}}'))
    step = decision.explanation[-1]
    assert step.sentence == shown
    assert step.remarks == ((remark,) if remark else ())
    assert json.loads(json.dumps(step.as_json()))["part"] == "call", "it is kept as JSON"


@pytest.mark.parametrize(
    ("when", "verdict"),
    [
        ("{enters: Demo requested}", None),
        ("{enters: '  demo  REQUESTED '}", None),
        ("{enters: 1001}", None),
        ("{enters: [Qualified, Demo requested]}", None),
        ("{pipeline: sales pipeline, enters: Demo requested}", None),
        ("{pipeline: default, enters: 1001}", None),
        ("{enters: [Demo requested, Nonsense]}", None),
        ("{enters: Qualified}", "other_stage"),
        ("{pipeline: Renewals, enters: [Due, Closed won]}", "other_pipeline"),
        ("{pipeline: Renewals, enters: Demo requested}", "unknown_stage"),
        ("{pipeline: Nonsense, enters: Demo requested}", "unknown_stage"),
        ("{enters: Demo requestd}", "unknown_stage"),
    ],
)
def test_the_event_alone_says_whether_a_rule_is_concerned(when: str, verdict: str | None) -> None:
    for event in (EVENT, replace(EVENT, pipeline=None)):
        found = concerns(rule(when), event, CATALOG)
        assert (found.word if found else None) == verdict


def test_a_verdict_is_a_sentence_for_people() -> None:
    def sentence(when: str) -> str:
        found = concerns(rule(when), EVENT, CATALOG)
        assert found
        return found.sentence

    assert sentence("{enters: Qualified}") == 'stage "Demo requested" is not "Qualified" of rule "Demo"'
    assert (
        sentence("{pipeline: Renewals, enters: Due}")
        == 'pipeline "Sales Pipeline" is not "Renewals" of rule "Demo"'
    )
    assert sentence("{pipeline: default, enters: Demo requestd}") == (
        'rule "Demo": "Demo requestd" is not a stage of Sales Pipeline; did you mean "Demo requested"? '
        "There are: Closed won, Demo requested, Qualified"
    )


def test_a_stage_of_two_pipelines_is_told_apart_by_the_pipeline() -> None:
    won = rule("{pipeline: Renewals, enters: Closed won}")
    assert concerns(won, replace(EVENT, stage="2002", pipeline="renewals"), CATALOG) is None
    assert concerns(won, replace(EVENT, stage="2002", pipeline=None), CATALOG) is None
    assert concerns(won, replace(EVENT, stage="1003", pipeline=None), CATALOG) is not None
    for stage in ("1003", "2002"):
        assert (
            concerns(rule("{enters: Closed won}"), replace(EVENT, stage=stage, pipeline=None), CATALOG)
            is None
        )


def test_an_id_counts_even_before_the_catalog_knows_it() -> None:
    new = replace(EVENT, stage="1999")
    assert concerns(rule("{enters: 1999}"), new, CATALOG) is None
    assert concerns(rule("{enters: 1999}"), new, Catalog()) is None
    assert concerns(rule("{enters: Demo requested}"), new, CATALOG) is not None
    assert concerns(rule("{enters: Demo requested}"), new, Catalog()) is not None


def test_our_own_write_back_never_starts_a_call() -> None:
    own = replace(EVENT, own=True)
    found = concerns(rule(), own, CATALOG)
    assert found is not None
    assert found.word == "own_write_back"
    assert word(decided(rule(), own)) == "own_write_back"


def test_a_created_record_enters_the_stage_it_is_found_in() -> None:
    created = replace(EVENT, stage=None, pipeline=None, kind=EventKind.CREATED)
    assert concerns(rule(), created, CATALOG) is None
    assert decided(rule(), created).request is not None
    assert word(decided(rule("{enters: Qualified}"), created)) == "other_stage"
    assert word(decided(rule(), created, replace(CONTEXT, stage=None))) == "left_stage"


@pytest.mark.parametrize(
    "context",
    [replace(CONTEXT, stage="1002"), replace(CONTEXT, stage=None), replace(CONTEXT, pipeline="renewals")],
)
def test_a_record_that_has_moved_on_is_not_called(context: Context) -> None:
    assert word(decided(rule(), EVENT, context)) == "left_stage"


def test_a_record_that_moved_to_another_pipeline_has_left_the_stage() -> None:
    quiet = replace(EVENT, pipeline=None)
    moved = replace(CONTEXT, stage="2001", pipeline="renewals")
    assert (
        word(decided(rule("{pipeline: Sales Pipeline, enters: Demo requested}"), quiet, moved))
        == "left_stage"
    )


def test_a_false_condition_says_with_which_values() -> None:
    decision = decided(rule("{enters: Demo requested, if: deal.amount > 5000 and contact.missing != 'x'}"))
    assert word(decision) == "condition_false"
    clauses = [(each.sentence, each.holds) for each in decision.explanation if each.key == "if"]
    assert clauses == [
        ('deal.amount > 5000: false (deal.amount is "1200.00")', False),
        ("contact.missing != 'x': true (contact.missing is empty)", True),
    ]


@pytest.mark.parametrize(
    "condition",
    [
        "deal.amount > 1 or deal.score > 2 and deal.dealname",
        "(deal.amount > 1 and deal.score > 2) or deal.dealname",
        "deal.amount > 1 and deal.score > 2 if deal.dealname else deal.amount",
        "deal.and > 1",
        "not (deal.amount > 1 and deal.score > 2)",
    ],
)
def test_what_is_not_joined_by_and_is_judged_whole(condition: str) -> None:
    decision = decided(rule(f"{{enters: Demo requested, if: {condition}}}"))
    (clause,) = [each for each in decision.explanation if each.key == "if"]
    assert clause.sentence.startswith(f"{condition}: ")
    assert clause.holds is (decision.reason is None)


def test_a_comparison_with_nothing_is_false_and_told() -> None:
    decision = decided(rule("{enters: Demo requested, if: deal.score > 5}"))
    assert word(decision) == "condition_false"
    assert decision.explanation[-1].remarks == ("deal.score > 5 is false: deal.score is empty",)


@pytest.mark.parametrize(
    ("phone", "expected", "sentence"),
    [
        (None, "no_phone_number", "there is no phone number (contact.mobilephone, contact.phone are empty)"),
        ("  ", "no_phone_number", "there is no phone number (contact.mobilephone, contact.phone are empty)"),
        ("ask Ada", "not_a_phone_number", '"ask Ada" is not a phone number in US'),
        ("123", "not_a_phone_number", '"123" is not a phone number in US'),
    ],
)
def test_without_a_usable_number_there_is_no_call(phone: str | None, expected: str, sentence: str) -> None:
    decision = decided(rule(), context=with_fields(contact={"phone": phone}))
    assert word(decision) == expected
    assert decision.reason is not None
    assert decision.reason.sentence == sentence


@pytest.mark.parametrize(
    ("region", "phone", "wanted"),
    [
        ("GB", "020 7946 0000", "+442079460000"),
        ("'{{ contact.country }}'", "+44 20 7946 0000", "+442079460000"),
        ("'{{ contact.country }}'", "020 7946 0000", None),
        ("'{{ contact.none }}'", "(202) 555-0100", "+12025550100"),
        ("\"{{ contact.none | default('GB') }}\"", "020 7946 0000", "+442079460000"),
    ],
)
def test_a_region_decides_about_national_numbers_only(region: str, phone: str, wanted: str | None) -> None:
    a_rule = rule(call=f'{{phone_number: "{{{{ contact.phone }}}}", region: {region}}}')
    decision = decided(a_rule, context=with_fields(contact={"phone": phone}))
    assert (decision.request.phone_number if decision.request else None) == wanted
    if wanted is None:
        assert decision.reason is not None
        assert '"United States" is not the two letters of a country' in decision.reason.sentence


def test_a_number_that_the_call_api_would_refuse_is_not_sent() -> None:
    decision = decided(rule(), context=with_fields(contact={"phone": "00819012345678"}), region="JP")
    assert word(decision) == "not_a_phone_number"


def test_a_choice_may_give_the_default_agent() -> None:
    agent = "{{ 'Ada' if deal.amount > 5000 else 'default' }}"
    decision = decided(rule(call=f'{{agent: "{agent}", phone_number: "{{{{ contact.phone }}}}"}}'))
    assert decision.request is not None
    assert decision.request.agent is None
    assert "agent: the default agent" in [each.sentence for each in decision.explanation]
    assert [each.key for each in decision.explanation].count("agent") == 1


def test_an_agent_that_is_given_and_empty_is_never_replaced_by_the_default_one() -> None:
    a_rule = rule(call='{agent: "{{ deal.agent }}", phone_number: "{{ contact.phone }}"}')
    assert word(decided(a_rule)) == "no_agent"


def test_fields_needed_are_those_of_every_part_and_only_of_the_crm() -> None:
    one = rule(
        "{enters: x, if: deal.amount > 1 and event.source != 'IMPORT'}",
        '{agent: "{{ deal.agent }}", phone_number: "{{ contact.phone }}", region: "{{ contact.country }}",'
        ' name: "{{ contact.firstname }}", email: "{{ contact.email }}", metadata: {a: [{b: "{{ deal.x.y }}"}]}}',
        '{ended: {deal: {p: "{{ deal.before }} {{ call.outcome }}"}}, failed: {contact: {q: "{{ reason }}"}}}',
    )
    two = rule(call='{phone_number: "{{ contact.mobilephone }}"}')
    assert fields_needed([one, two]) == {
        "deal": frozenset({"amount", "agent", "x", "before"}),
        "contact": frozenset({"id", "phone", "country", "firstname", "email", "mobilephone"}),
    }
    assert fields_needed([]) == {}


FULL = rule(
    "{pipeline: Sales Pipeline, enters: [Demo requested, Qualified], if: deal.amount >= 1 or deal.x in contact.y}",
    '{phone_number: "{{ contact.phone }}", region: "{{ contact.country }}", agent: "{{ deal.agent or \'A\' }}",'
    ' name: "{{ contact.firstname | title }}", metadata: {a: "{{ deal.amount | number }}", b: "{{ deal.x | json }}"}}',
    '{ended: {deal: {p: "{{ deal.x }}", q: "{{ call.summary | truncate(5) }}"}}}',
)
ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=15)
    | st.lists(st.text(max_size=3))
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["amount", "x", "agent"]), ANY),
    st.dictionaries(st.sampled_from(["phone", "country", "y", "firstname"]), ANY),
    st.sampled_from([None, "1001", "1002", "2001", "9"]),
    st.sampled_from([None, "default", "renewals", "9"]),
)
def test_deciding_never_raises_and_is_repeatable(
    deal: dict[str, Any], contact: dict[str, Any], stage: str | None, pipeline: str | None
) -> None:
    context = Context(DEAL, stage, pipeline, {"deal": deal, "contact": contact})
    event = replace(EVENT, stage=stage, pipeline=pipeline)
    first = decided(FULL, event, context)
    again = decided(FULL, event, context)
    assert (first, first.explanation) == (again, again.explanation)
    happened = Happened("ended", EVENT.occurred_at, CallResult("c1"))
    (written,) = write_back(FULL, happened, About(DEAL, "1001", {**context.fields, "event": {}}))
    assert all(isinstance(value, str) for value in written.content.values())
