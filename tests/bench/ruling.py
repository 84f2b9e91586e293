"""Rules: what an event costs that is looked at by the rules of a file, on one core, without database or network.

What `connector.process` does with each event once its record is read: every rule is asked for its verdict, and
those that are concerned decide. The reference is reading such an event's JSON, measured in the same run. The numbers are the
hundred reserved ones, so what libphonenumber says of them is remembered, as it is for a person called before.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from connector.mapping.evaluate import decide_in, situation, verdicts
from connector.mapping.rules import RuleFile, Vocabulary, load_rules
from connector.model import Catalog, Context, Pipeline, RecordRef, Source, Stage, StageEvent
from tests.bench.report import Row, Section, against, share

RULES = 50
EVENTS = 1_000
TIMES = 5
AIM_EVENTS = 10_000.0
SIZES = (10, 50, 250)

CATALOG = Catalog(
    (Pipeline("p", "Sales Pipeline", tuple(Stage(str(1000 + n), f"Stage {n}") for n in range(max(SIZES)))),)
)
RULE = """\
  - name: Rule {number}
    when: {{pipeline: Sales Pipeline, enters: Stage {stage}, not_source: import, if: "{condition}"}}
    call:
      agent: "{{{{ deal.hubspot_owner_id | map('agents') | default('Lead Qualifier') }}}}"
      phone_number: [contact.mobilephone, contact.phone]
      name: "{{{{ contact.firstname | title }}}} {{{{ contact.lastname }}}}"
      metadata: {{deal_id: "{{{{ deal.id }}}}", amount: "{{{{ deal.amount | number }}}}"}}
"""
HEAD = "version: 1\nconnection: sales\ntables: {agents: {71: Senior Closer}}\nrules:\n"
RAW = json.dumps(
    {
        "eventId": 4101286121, "subscriptionId": 7562680, "portalId": 62515, "appId": 1160452,
        "occurredAt": 1790000000945, "subscriptionType": "deal.propertyChange", "attemptNumber": 0,
        "objectId": 9876543210, "propertyName": "dealstage", "propertyValue": "1000",
        "changeSource": "CRM_UI", "sourceId": "userId:75514748",
    }
)  # fmt: skip


def measure() -> list[Section]:
    """Events a second against 50 rules, and microseconds a rule at three sizes."""
    reference = _best(lambda events: [json.loads(RAW) for _ in events], _events(1))
    one = _best(_asked(_file(RULES, one_stage=False)), _events(RULES))
    every = _best(_asked(_file(RULES, one_stage=True)), _events(1))
    return [
        Section(
            f"Rules: {EVENTS:,} events against {RULES} rules, one core, best of {TIMES}",
            (
                _row("each for a stage of its own: one is concerned and calls", one, reference),
                _row("all for one stage: each `if` is decided, one calls", every, reference),
                Row("reference: reading the event's JSON", f"{reference * 1e6:.2f} µs"),
            ),
        ),
        _linear(),
    ]


def _linear() -> Section:
    """What one rule more costs must not depend on how many there are."""
    sections = []
    for what, one_stage in (("not concerned", False), ("decided by its `if`", True)):
        a_rule = {}
        for size in SIZES:
            stages = 1 if one_stage else size
            a_rule[size] = _best(_asked(_file(size, one_stage=one_stage)), _events(stages)) * 1e6 / size
        shown = ", ".join(f"{size}: {each:.2f}" for size, each in a_rule.items())
        ratio = f"{share(a_rule[SIZES[-1]], a_rule[SIZES[0]]):.2f} times as much a rule with {SIZES[-1]} as with {SIZES[0]}"
        sections.append(Row(f"µs a rule, most {what}", shown, ratio))
    return Section("Rules: microseconds a rule, by the number of rules", tuple(sections))


def _row(what: str, seconds: float, reference: float) -> Row:
    value = f"{1 / seconds:,.0f} events a second, {seconds * 1e6:.0f} µs each, {seconds * 1e6 / RULES:.2f} µs a rule"
    aim = against(1 / seconds, AIM_EVENTS, "events/s", least=True)
    return Row(what, f"{value}, {seconds / reference:.1f} times the reference", aim)


def _file(size: int, *, one_stage: bool) -> RuleFile:
    """Rules for a stage each, or all for one stage and an amount each; one of them makes the call."""
    rules = [
        RULE.format(
            number=number,
            stage=0 if one_stage else number,
            condition=f"deal.amount >= {1000 + number} and contact.country in ['US', 'CA']",
        )
        for number in range(size)
    ]
    return load_rules(HEAD + "".join(rules), "bench.yaml", Vocabulary(("deal", "contact"), ("deal",)))


def _events(stages: int) -> list[tuple[StageEvent, Context]]:
    """Events of many deals, going round through the stages; the amount is enough for the first rule only."""
    return [
        _event(number, str(1000 + number % stages), "1000" if stages == 1 else "5000")
        for number in range(EVENTS)
    ]


def _event(number: int, stage: str, amount: str) -> tuple[StageEvent, Context]:
    record = RecordRef("deal", str(9_000_000 + number))
    at = datetime(2026, 11, 2, 15, tzinfo=UTC)
    event = StageEvent(
        f"e{number}", record, stage, at, pipeline="p", source="CRM_UI", changed_by=Source.PERSON
    )
    fields: dict[str, dict[str, str | None]] = {
        "deal": {"id": record.id, "amount": amount, "hubspot_owner_id": "71"},
        "contact": {
            "firstname": "ada", "lastname": "Lovelace", "country": "US", "mobilephone": None,
            "phone": f"(202) 555-{100 + number % 100:04d}",
        },
    }  # fmt: skip
    return event, Context(record, stage, "p", fields)


def _asked(rules: RuleFile) -> Callable[[Sequence[tuple[StageEvent, Context]]], object]:
    def ask(events: Sequence[tuple[StageEvent, Context]]) -> int:
        calls = 0
        for event, context in events:
            refusals = verdicts(rules.rules, event, CATALOG)
            here = situation(event, context, CATALOG)
            for rule, refusal in zip(rules.rules, refusals, strict=True):
                if refusal is None:
                    decision = decide_in(rule, here, default_region="US")
                    calls += decision.request is not None
        if calls != len(events):
            raise RuntimeError(f"{calls} calls of {len(events)} events: the bench measures something else")
        return calls

    return ask


def _best(
    work: Callable[[Sequence[tuple[StageEvent, Context]]], object],
    events: Sequence[tuple[StageEvent, Context]],
) -> float:
    """Seconds of processor time an event: the least disturbed of a few runs, after one that is not counted."""
    work(events[:200])
    found = []
    for _ in range(TIMES):
        began = time.process_time()
        work(events)
        found.append((time.process_time() - began) / len(events))
    return min(found)
