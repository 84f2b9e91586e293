"""`stagecall preview`: what rules would make of a delivery, and why; nothing is done."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from connector import recorded
from connector.adapter import Adapter, adapter_names, find_adapter
from connector.checking import load_rule_file
from connector.config import load_config
from connector.errors import ConfigError, ConnectorError, MalformedDelivery, Mistake, PermanentError
from connector.mapping.evaluate import Decision, Reason, concerns, decide, event_values, stopped_by
from connector.mapping.language import ANY
from connector.mapping.rules import Rule, RuleFile
from connector.mapping.source import load_yaml
from connector.mapping.words import closest, folded
from connector.model import Catalog, Context, Pipeline, RecordRef, Stage, StageEvent, utc_now
from connector.parts import build_adapters
from connector.policy.facts import Facts
from connector.policy.judging import judge
from connector.policy.verdicts import Answer as Said
from connector.policy.verdicts import Judgement
from connector.process import read_records
from connector.recorded import Recorded


def preview(
    config_file: Path,
    rules: Path,
    delivery: Path,
    record: Path | None,
    *,
    at: datetime,
    environment: Mapping[str, str],
) -> Iterator[str]:
    """Yield what happens if the stage is entered at the moment `at`, line by line.

    Raises ConfigError for mistakes in files.
    """
    adapters: dict[str, Adapter] = {}
    if config_file.exists():
        adapters = build_adapters(load_config(config_file, environment=environment))
    rule_file = load_rule_file(rules, adapters)
    played = recorded.read(delivery)
    connected = adapters.get(rule_file.connection)
    adapter = connected or _unconnected(played)
    try:
        news = adapter.parse(played.request(f"http://127.0.0.1{played.path}", utc_now()))
    except MalformedDelivery as error:
        raise PermanentError(f"{delivery} is not a delivery of {adapter.title}: {error}") from None
    yield from (f"warning: {each}" for each in rule_file.warnings)
    yield f"{delivery}: {len(news.events)} stage event(s)"
    for name, count in sorted({**news.ignored, **news.unknown}.items()):
        yield f"  left alone: {name} ({count})"
    for sentence in news.malformed:
        yield f"  unreadable: {sentence}"
    values = _record_file(record, adapter) if record else None
    for event in news.events:
        entered = replace(event, occurred_at=at)
        yield from _preview_event(adapter, connected is not None, rule_file, entered, values)
    yield "opt-outs, pauses, earlier calls and caps are looked up when it happens"
    yield "nothing was sent or written"


def _unconnected(played: Recorded) -> Adapter:
    """An adapter without an account: it can parse, not read."""
    names = adapter_names()
    name = played.adapter if played.adapter in names else names[0] if len(names) == 1 else None
    if name is None:
        raise PermanentError(
            "the delivery's start line does not say which CRM it is from; write POST /hooks/<adapter>/<connection>"
        )
    found = find_adapter(name)
    settings = found.Settings.model_construct(adapter=name, default_region="US")
    return found("preview", settings, requests.Session())


def _preview_event(
    adapter: Adapter,
    connected: bool,
    rule_file: RuleFile,
    event: StageEvent,
    values: Mapping[str, Any] | None,
) -> Iterator[str]:
    catalog = _catalog(adapter, connected, rule_file, event, values)
    stage = catalog.stage(event.stage)
    place = f'"{stage.label}" ({event.stage})' if stage else event.stage or "a stage the news does not name"
    yield f"{event.record} entered {place} at {event.occurred_at.isoformat()}"
    stopped: Reason | None = None
    for rule in rule_file.rules:
        refusal = stopped or concerns(rule, event, catalog)
        if refusal is not None:
            yield f'  rule "{rule.name}": no call: {refusal.sentence}'
            continue
        context = _context(adapter, connected, rule, event, catalog, values)
        if isinstance(context, str):
            yield f'  rule "{rule.name}": {context}'
            continue
        region = adapter.settings.default_region
        decision = decide(rule, event, context, catalog, default_region=region)
        yield from _decision(adapter, rule, event, context, catalog, decision)
        if decision.took and rule.stop:
            stopped = stopped_by(rule)


def _decision(
    adapter: Adapter, rule: Rule, event: StageEvent, context: Context, catalog: Catalog, decision: Decision
) -> Iterator[str]:
    judgement: Judgement | None = None
    if decision.request is None:
        sentence = decision.reason.sentence if decision.reason else "no reason given"
        yield f'  rule "{rule.name}": no call: {sentence}'
    else:
        number = decision.request.phone_number
        judgement = judge(rule.policy.terms, _facts(adapter, rule, event, context, catalog, number))
        yield f'  rule "{rule.name}": {_VERBS[judgement.answer].format(number)}{_why(judgement)}'
        request = {
            "phone_number": decision.request.phone_number,
            "agent": decision.request.agent or "(the default agent)",
            "name": decision.request.name,
            "email": decision.request.email,
            "metadata": dict(decision.request.metadata),
        }
        for line in json.dumps(request, indent=2, ensure_ascii=False).splitlines():
            yield f"    {line}"
    for line in (*decision.explanation, *(judgement.lines if judgement else ())):
        yield f"    - {line}"


_VERBS = {
    Said.ALLOW: "calls {}",
    Said.HOLD: "holds the call to {}",
    Said.SKIP: "no call to {}",
    Said.DRY_RUN: "does not call {}",
}


def _why(judgement: Judgement) -> str:
    return "" if judgement.answer is Said.ALLOW else f": {judgement.decisive.sentence}"


def _facts(
    adapter: Adapter, rule: Rule, event: StageEvent, context: Context, catalog: Catalog, number: str
) -> Facts:
    """What is known without a database: opt-outs, pauses, earlier calls and caps are looked up when it happens."""
    values = {**context.fields, "event": event_values(event, catalog)}
    said = rule.policy.zone_said(values)
    return Facts(
        at=event.occurred_at,
        phone_number=number,
        entered_at=event.occurred_at,
        countries=adapter.settings.allowed_countries,
        zone=said if said is not None else adapter.zone_of(values),
        do_not_call=adapter.forbids_call(values),
    )


def _record_file(file: Path, adapter: Adapter) -> Mapping[str, Any]:
    """The fields by object, and where the record stands. Raises ConfigError for a key that means nothing."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise PermanentError(f"{file} cannot be read ({error.strerror})") from None
    document = load_yaml(text, str(file))
    possible = [*adapter.objects, "stage", "pipeline"]
    if not isinstance(document.value, dict):
        found = f"a record file has the record's fields by object: `{adapter.record}: {{amount: 1200}}`"
        raise ConfigError([Mistake(str(file), 1, 1, "", found)])
    wrong = [key for key in document.value if key not in possible]
    if wrong:
        raise ConfigError(
            document.mistake((key,), f"is not part of a record{closest(key, possible)}") for key in wrong
        )
    return document.value


def _catalog(
    adapter: Adapter, connected: bool, rules: RuleFile, event: StageEvent, values: Mapping[str, Any] | None
) -> Catalog:
    """The account's stages; without an account the vendor's standard ones and those that rules and record name."""
    known = adapter.catalog() if connected else adapter.standard_catalog
    if not values or not values.get("stage"):
        return known
    here = str(values["stage"])
    pipeline = str(
        values.get("pipeline") or next((r.when.pipeline for r in rules.rules if r.when.pipeline), here)
    )
    words = (word for rule in rules.rules for word in (*rule.when.enters, *rule.when.came_from))
    named = [here, *(word for word in words if folded(word) != ANY)]
    standard = [stage for each in known.pipelines for stage in each.stages if stage.label not in named]
    stages = [Stage(event.stage or here if label == here else label, label) for label in dict.fromkeys(named)]
    return Catalog((Pipeline(event.pipeline or pipeline, pipeline, (*stages, *standard)),))


def _context(
    adapter: Adapter,
    connected: bool,
    rule: Rule,
    event: StageEvent,
    catalog: Catalog,
    values: Mapping[str, Any] | None,
) -> Context | str:
    """The record of the file, else of the account, else a sentence that says what is missing."""
    if values is not None:
        return _given_context(adapter, event, catalog, values)
    if not connected:
        return "may call; give --record FILE with the record's fields to see the request"
    try:
        read = read_records(adapter, [event.record], [rule])[event.record]
    except ConnectorError as error:
        return f"the record cannot be read: {error}"
    return read if isinstance(read, Context) else f"no call: {read}"


def _given_context(
    adapter: Adapter, event: StageEvent, catalog: Catalog, values: Mapping[str, Any]
) -> Context:
    fields: dict[str, dict[str, Any]] = {}
    for name in adapter.objects:
        given = values.get(name)
        texts = {key: _text(value) for key, value in given.items()} if isinstance(given, dict) else {}
        fields[name] = texts
    fields[adapter.record].setdefault("id", event.record.id)
    pipeline = next((p for p in catalog.pipelines if any(s.id == event.stage for s in p.stages)), None)
    stage = event.stage or (pipeline or Pipeline("", "", (Stage("", ""),))).stages[0].id or None
    ref = RecordRef(event.record.type, event.record.id)
    return Context(ref, stage, pipeline.id if pipeline else event.pipeline, fields)


def _text(value: Any) -> Any:
    """CRM values are text: `amount: 1200` in a record file means "1200"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
