"""`stagecall preview`: what rules would make of a delivery, or of a record that enters its stage now; nothing is done.

What becomes of it is decided by the functions that decide for real (process, permission), and told by those that
tell it for `stagecall explain`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from connector import explanation, listing, recorded
from connector.adapter import Adapter, adapter_names, find_adapter
from connector.afterwards import afterwards, unsaid
from connector.checking import load_rule_file
from connector.config import load_config
from connector.errors import ConfigError, ConnectorError, MalformedDelivery, PermanentError
from connector.looks import look, unread
from connector.mapping.evaluate import Reason, Situation, concerns, decide_in, situation, stopped_by
from connector.mapping.matching import conditions
from connector.mapping.policy_keys import Policy
from connector.mapping.rules import RuleFile
from connector.mapping.stages import index_of
from connector.mapping.steps import Part, Step
from connector.mapping.words import closest, listed
from connector.model import Catalog, Context, News, RecordRef, Request, Source, StageEvent
from connector.parts import build_adapters
from connector.permission import Asked, Register
from connector.policy.sentences import past
from connector.process import Candidate, as_judged, dispatch_of, read_records, undecided
from connector.record_files import RecordFile, read_record_file
from connector.store.deliveries import Delivery
from connector.store.dispatches import Dispatch

_IN_DATABASE = frozenset({"opt_outs", "once_per", "cool_down", "pauses", "caps"})
"""Policies that look at what happened before."""
UNREAD = Reason("unread", "give --record FILE with the record's fields to see the call")


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be previewed: a delivery, a record of a file, or one of the connected account; and when."""

    rules: Path
    at: datetime
    """The moment for which windows, cool-downs, caps and expiry are judged."""
    entered_at: datetime
    """When the stage is entered."""
    delivery: Path | None = None
    record: Path | None = None
    live: str | None = None
    """The id of a record."""
    stage: str | None = None
    """The label or id of the stage that the record is taken to stand in; None: the one it stands in."""
    changed_by: Source | None = None
    """Who is taken to have brought a record there; None: whom the rules are for, a person before others."""


@dataclass(frozen=True, slots=True)
class _Preview:
    """Everything that the events of one preview are judged with."""

    question: Question
    rules: RuleFile
    adapter: Adapter
    connected: bool
    record: RecordFile | None
    conn: sa.Connection | None

    def catalog(self, event: StageEvent) -> Catalog:
        """The account's stages; without an account the vendor's standard ones and those that rules and record name."""
        if self.record is None:
            return self.adapter.catalog() if self.connected else self.adapter.standard_catalog
        return self.record.catalog(self._known_stages(), self.rules, event)

    def _known_stages(self) -> Catalog:
        """For a record made up: it needs no account, and no network."""
        try:
            return self.adapter.catalog() if self.connected else self.adapter.standard_catalog
        except ConnectorError:
            return self.adapter.standard_catalog

    def read(self, event: StageEvent, catalog: Catalog) -> Context | ConnectorError:
        """The record of the file, else of the account."""
        if self.record is not None:
            return self.record.context(event, catalog)
        try:
            found = read_records(self.adapter, [event.record], self.rules.rules)[event.record]
        except ConnectorError as error:
            return PermanentError(f"the record cannot be read: {error}")
        if self.question.stage is None or not isinstance(found, Context):
            return found
        return _standing_in(self.question.stage, found, catalog)


def _standing_in(stage: str, context: Context, catalog: Catalog) -> Context:
    """The record as if it stood there: in its own pipeline, where that has such a stage."""
    meant = index_of(catalog).meant(None, (stage,))
    if meant.problems:
        raise PermanentError("; ".join(found for _, _, found in meant.problems))
    pipeline, id_ = min(meant.places, key=lambda place: (place[0] != context.pipeline, place))
    return replace(context, stage=id_, pipeline=pipeline)


def preview(
    config_file: Path, question: Question, *, environment: Mapping[str, str], conn: sa.Connection | None
) -> dict[str, Any]:
    """Return what would happen, as JSON: each event with what every rule makes of it.

    `conn` may only read; without it nothing is known of opt-outs, pauses, earlier calls and caps. Raises ConfigError
    for mistakes in files, PermanentError where there is nothing to preview.
    """
    adapters, aside = _connected(config_file, question, environment)
    rules = load_rule_file(question.rules, adapters)
    given = read_record_file(question.record, question.stage) if question.record else None
    adapter, news = _news(question, given, rules, adapters)
    if given is not None:
        given.check([adapter])
        aside += given.doubts(adapter, rules)
    aside += _of_source(question, news, rules)
    asked = _Preview(question, rules, adapter, rules.connection in adapters, given, conn)
    return {
        "warnings": [*aside, *(str(each) for each in rules.warnings)],
        "at": question.at.isoformat(),
        "events": [_event(asked, replace(each, occurred_at=question.entered_at)) for each in news.events],
        "left_alone": {**news.ignored, **news.unknown},
        "unreadable": list(news.malformed),
        "looked_up": conn is not None,
    }


def _connected(
    config_file: Path, question: Question, environment: Mapping[str, str]
) -> tuple[dict[str, Adapter], list[str]]:
    """The connections; a configuration that is not finished is left aside where only --live would need it."""
    if not config_file.exists():
        return {}, []
    try:
        return build_adapters(load_config(config_file, environment=environment, with_rules=False)), []
    except ConfigError as error:
        if question.live is not None:
            raise
        count = len(error.mistakes)
        found = f"{config_file} was left aside: it has {count} mistake{'' if count == 1 else 's'}"
        return {}, [f"{found}, which `stagecall check` names; the rules are looked at without it"]


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The same for a person to read."""
    yield from (f"warning: {each}" for each in found["warnings"])
    count = len(found["events"])
    at = past(datetime.fromisoformat(found["at"]))
    yield f"{count} stage event{'' if count == 1 else 's'}, judged as of {at}"
    for name, many in sorted(found["left_alone"].items()):
        yield f"  left alone: {name} ({many})"
    for sentence in found["unreadable"]:
        yield f"  unreadable: {sentence}"
    for event in found["events"]:
        yield event["event"]
        for shown in event["rules"]:
            yield from (f"  {line}" for line in explanation.lines(shown))
    if not found["looked_up"]:
        yield "no record of earlier calls is here: opt-outs, pauses, earlier calls and caps were not looked at"
    yield "nothing was sent or written"


def _news(
    question: Question, given: RecordFile | None, rules: RuleFile, adapters: Mapping[str, Adapter]
) -> tuple[Adapter, News]:
    """The adapter that understands it, and what happens, or is taken to happen."""
    connected = adapters.get(rules.connection)
    if question.live is not None:
        if connected is None:
            names = closest(rules.connection, adapters) or "; there are none"
            raise PermanentError(
                f'--live reads the record from the connection "{rules.connection}" of {question.rules}, which is'
                f" not in stagecall.yaml{names} (--config names another file)"
            )
        ref = RecordRef(connected.record, question.live)
        return connected, News((_entering(ref, None, question, connected, rules),))
    if question.delivery is not None:
        played = recorded.read(question.delivery)
        adapter = connected or _unconnected(played.adapter, question.delivery)
        request = played.request(f"http://127.0.0.1{played.path}", question.at)
        try:
            return adapter, adapter.parse(request)
        except MalformedDelivery as error:
            raise PermanentError(
                f"{question.delivery} is not a delivery of {adapter.title}: {error}"
            ) from None
    if given is None:
        raise PermanentError(
            "say what to preview: --live ID, a record of your CRM as it stands now; --record FILE, a record made up"
            " in YAML (such as examples/records/ada.yaml); or --delivery FILE, a recorded delivery"
        )
    given.check(find_adapter(name) for name in adapter_names())
    adapter = connected or _unconnected(given.adapter_name(), given.file)
    ref = RecordRef(adapter.record, given.record_id(adapter.record))
    return adapter, News((_entering(ref, given.stage(), question, adapter, rules),))


def _entering(
    record: RecordRef, stage: str | None, question: Question, adapter: Adapter, rules: RuleFile
) -> StageEvent:
    """As if somebody had just brought the record into the stage where it stands."""
    by = question.changed_by or _assumed(adapter, rules)
    if by not in adapter.sources:
        raise PermanentError(
            f"--changed-by {by.value}: {adapter.title} tells only: {listed(sorted(adapter.sources))};"
            " rules cannot tell others apart"
        )
    return StageEvent("preview", record, stage, question.entered_at, changed_by=by)


def _assumed(adapter: Adapter, rules: RuleFile) -> Source:
    """Who brought the record there: a person, unless no rule is for that, or the CRM does not tell of persons."""
    wanted = [each.when.only_source for each in rules.rules]
    usual = Source.PERSON if Source.PERSON in adapter.sources else Source.UNKNOWN
    if any(not each or usual in each for each in wanted):
        return usual
    return min(frozenset().union(*wanted) & adapter.sources, default=usual)


def _of_source(question: Question, news: News, rules: RuleFile) -> Iterator[str]:
    """Whom a rule that asks for it takes to have brought the record, where nobody said so."""
    asking = any(each.when.only_source or each.when.not_source for each in rules.rules)
    if asking and question.changed_by is None and question.delivery is None:
        by = listed(sorted({each.changed_by for each in news.events}))
        yield f"the record is taken to be brought there by: {by}; `--changed-by import` shows it for an import"


def _unconnected(name: str | None, file: Path) -> Adapter:
    """An adapter without an account: it can parse, not read."""
    names = adapter_names()
    if name not in names:
        name = names[0] if len(names) == 1 else None
    if name is None:
        raise PermanentError(
            f"{file} does not say which CRM it is of: a delivery says so by its start line (POST"
            f" /hooks/<adapter>/<connection>), a record file by its fields; there are: {listed(names)}"
        )
    found = find_adapter(name)
    settings = found.Settings.model_construct(adapter=name, default_region="US")
    return found("preview", settings, requests.Session())


def _event(asked: _Preview, event: StageEvent) -> dict[str, Any]:
    """What every rule of the file makes of an event."""
    catalog = asked.catalog(event)
    here: Situation | ConnectorError | None = None
    stopped: Reason | None = None
    rows: list[dict[str, Any]] = []
    entered = _entered(event, catalog)
    request = Request("", "", {}, b"", asked.question.at)
    delivery = Delivery("", asked.adapter.name, asked.rules.connection, request, "preview")
    if event.stage is None and (asked.connected or asked.record):
        here = _here(asked, event, catalog)
        entered = here.entered if isinstance(here, Situation) else entered
    for rule in asked.rules.rules:
        candidate = Candidate(delivery, event, asked.rules, rule)
        refusal = stopped or concerns(rule, event, catalog)
        if refusal is None and not (asked.connected or asked.record):
            refusal = UNREAD
        if refusal is not None:
            rows.append(
                _shown(_refused(asked, candidate, refusal, catalog)) | {"afterwards": unsaid(rule, refusal)}
            )
            continue
        here = here or _here(asked, event, catalog)
        row, took = _decided(asked, candidate, here)
        rows.append(_shown(row) | {"afterwards": afterwards(rule, row)})
        if took and rule.stop:
            stopped = stopped_by(rule)
    return {"event": entered, "rules": rows}


def _here(asked: _Preview, event: StageEvent, catalog: Catalog) -> Situation | ConnectorError:
    context = asked.read(event, catalog)
    if isinstance(context, Context):
        return situation(event, context, catalog)
    if asked.question.live is not None:
        raise context
    return PermanentError(str(context))


def _entered(event: StageEvent, catalog: Catalog) -> str:
    stage = catalog.stage(event.stage)
    place = f'"{stage.label}"' if stage else event.stage or "a stage the news does not name"
    return f"{event.record} entered {place}, {past(event.occurred_at)}"


def _refused(asked: _Preview, candidate: Candidate, refusal: Reason, catalog: Catalog) -> Dispatch:
    """A rule that the event alone rules out, or that a rule above has stopped."""
    steps = conditions(candidate.rule, candidate.event, catalog)
    if all(each.holds for each in steps):
        steps.append(Step(Part.WHEN, refusal.word, refusal.sentence, holds=False))
    return _without_call(asked, candidate, refusal.word, refusal.sentence, steps)


def _without_call(
    asked: _Preview, candidate: Candidate, word: str, sentence: str, steps: Sequence[Step]
) -> Dispatch:
    at = asked.question.at
    return replace(undecided(candidate, at), word=word, reason=sentence, explanation=[look(at, steps)])


def _decided(
    asked: _Preview, candidate: Candidate, here: Situation | ConnectorError
) -> tuple[Dispatch, bool]:
    """What the rule makes of the record, and the policies of the call."""
    row, took = dispatch_of(asked.adapter, candidate, here, asked.question.at)
    if isinstance(row, str):
        if not isinstance(here, Situation):
            return _without_call(asked, candidate, "record_gone", row, unread(row)), took
        steps = decide_in(
            candidate.rule, here, default_region=asked.adapter.settings.default_region
        ).explanation
        return _without_call(asked, candidate, "elsewhere", row, steps), took
    if row.word == "due":
        call = Asked(row, candidate.rule, asked.adapter, row.values)
        register = Register(asked.conn, [call], asked.question.at, counting=True)
        row = as_judged(row, register.judge(call))
        if asked.conn is None:
            unseen = [_unseen(each) for each in row.verdicts or ()]
            row = replace(row, verdicts=[*unseen, *_uncounted(candidate.rule.policy)])
    return row, took


def _uncounted(policy: Policy) -> Iterator[dict[str, Any]]:
    """What the caps of a rule would look at."""
    for most, span in ((policy.max_per_hour, "an hour"), (policy.max_per_day, "a day")):
        if most is not None:
            sentence = f"{most} {span} at most; not counted: no record of earlier calls is here"
            yield {
                "policy": "caps",
                "answer": "unknown",
                "word": "unknown",
                "sentence": sentence,
                "next_at": None,
            }


def _unseen(verdict: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a policy that looks into the database says where there is none."""
    if verdict["policy"] not in _IN_DATABASE:
        return verdict
    return {
        **verdict,
        "answer": "unknown",
        "sentence": "not looked at: no record of earlier calls is here",
    }


def _shown(row: Dispatch) -> dict[str, Any]:
    """As a dispatch that is kept would be shown; this one has no id, and no delivery brought it."""
    return explanation.explained({**listing.shown(None, row), "id": None, "delivery": None})
