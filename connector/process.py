"""The story of a delivery, readable top to bottom: read it, send the calls, read their results, write back.

Every function here may run twice, from any point, and changes nothing the second time: what is true of a
call lives in its dispatch, and a change applies only to the state it was decided on.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from connector import jobs
from connector.adapter import Adapter
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.mapping.evaluate import Decision, Reason, concerns, decide, event_values, fields_needed
from connector.mapping.rules import Rule, RuleFile
from connector.model import Catalog, Context, DispatchState, News, RecordRef, StageEvent
from connector.parts import Parts
from connector.store import deliveries, dispatches
from connector.store.deliveries import Delivery
from connector.store.dispatches import Dispatch

log = logging.getLogger(__name__)

LOOK_AGAIN = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5))
"""A contact is often associated a moment after the deal: when to look for a number again."""
NO_NUMBER = frozenset({"no_phone_number", "not_a_phone_number"})
ELSEWHERE = frozenset({"other_stage", "other_pipeline", "unknown_stage", "own_write_back"})
UNDECIDED = Reason("undecided", "the rule gave neither a request nor a reason")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that may concern a rule, before the record has been read."""

    event: StageEvent
    rules: RuleFile
    rule: Rule


def read_delivery(parts: Parts, delivery_id: str, run: jobs.Run) -> None:
    """Make dispatches of one delivery: parse, read the records, ask the rules."""
    with parts.engine.connect() as conn:
        delivery = deliveries.get(conn, delivery_id)
    if delivery is None or delivery.state != "kept":
        return
    try:
        rows, report = _read(parts, delivery)
    except PermanentError as error:
        _bury(parts, delivery, str(error))
        return
    with parts.engine.begin() as conn:
        parts.rules.remember(conn, parts.clock())
        inserted = dispatches.insert_new(conn, rows)
        report |= {"dispatches": len(inserted), "known_already": len(rows) - len(inserted)}
        deliveries.mark_read(conn, {delivery.id: report}, parts.clock())
        if inserted:
            jobs.nudge(conn, "pace")


def _bury(parts: Parts, delivery: Delivery, why: str) -> None:
    log.error("delivery is dead", extra={"delivery": delivery.id, "why": why})
    with parts.engine.begin() as conn:
        deliveries.mark_dead(conn, [delivery.id], why, parts.clock())


def _read(parts: Parts, delivery: Delivery) -> tuple[list[Dispatch], dict[str, Any]]:
    adapter = parts.adapter(delivery.connection)
    news = adapter.parse(delivery.request)
    reasons: Counter[str] = Counter()
    candidates = _candidates(parts, delivery.connection, news, reasons)
    records = list(dict.fromkeys(each.event.record for each in candidates))
    contexts = read_records(adapter, records, [each.rule for each in candidates])
    catalog = parts.catalog(delivery.connection) if candidates else Catalog()
    rows = []
    for candidate in candidates:
        context = contexts[candidate.event.record]
        row = _dispatch(parts, delivery, candidate, context, catalog)
        if isinstance(row, Dispatch):
            rows.append(row)
        else:
            reasons[row] += 1
    return rows, _report(news, reasons)


def _report(news: News, reasons: Counter[str]) -> dict[str, Any]:
    return {
        "events": len(news.events),
        "no_call": dict(reasons),
        "ignored": dict(news.ignored),
        "unknown": dict(news.unknown),
        "malformed": list(news.malformed),
    }


def _candidates(parts: Parts, connection: str, news: News, reasons: Counter[str]) -> list[Candidate]:
    """The (event, rule) pairs that the event alone does not rule out."""
    rules = parts.rules.rules(connection)
    if not news.events or not rules:
        reasons["no rule for this connection"] += len(news.events)
        return []
    catalog = parts.catalog(connection)
    if any(not catalog.stage(event.stage) for event in news.events if event.stage is not None):
        catalog = parts.catalog(connection, fresh=True)
    found = []
    for event in news.events:
        for rule_file, rule in rules:
            refusal = concerns(rule, event, catalog)
            if refusal is None:
                found.append(Candidate(event, rule_file, rule))
            else:
                reasons[refusal.sentence] += 1
    return found


def read_records(
    adapter: Adapter, records: Sequence[RecordRef], rules: Iterable[Rule]
) -> Mapping[RecordRef, Context | ConnectorError]:
    """Every record with the fields that these rules name, in the CRM's batches."""
    if not records:
        return {}
    read = adapter.read(records, fields_needed(rules))
    gone = PermanentError("the CRM did not return the record")
    return {record: read.get(record, gone) for record in records}


def _dispatch(
    parts: Parts,
    delivery: Delivery,
    candidate: Candidate,
    context: Context | ConnectorError,
    catalog: Catalog,
) -> Dispatch | str:
    """The dispatch that a candidate makes, or why it makes none."""
    now = parts.clock()
    event = candidate.event
    row = Dispatch(
        id=str(uuid4()),
        connection=delivery.connection,
        rule=candidate.rule.name,
        rules_version=candidate.rules.version,
        delivery_id=delivery.id,
        event=event,
        stage=event.stage or "",
        state=DispatchState.SKIPPED,
        word="record_gone",
        reason="",
        due_at=now,
        created_at=now,
    )
    if isinstance(context, TemporaryError):
        raise context
    if not isinstance(context, Context):
        return replace(row, reason=str(context)) if event.stage else str(context)
    event = replace(event, stage=event.stage or context.stage)
    decision = decide_on(parts, delivery.connection, candidate.rule, event, context, catalog)
    row = replace(
        row,
        event=event,
        stage=event.stage or "",
        explanation=decision.explanation,
        values=values_of(event, context, catalog),
    )
    if decision.request is not None:
        return replace(
            row,
            state=DispatchState.WAITING,
            word="due",
            reason=f"{event.record} entered the stage; the call is due",
            phone_number=decision.request.phone_number,
        )
    reason = decision.reason or UNDECIDED
    if reason.word in ELSEWHERE:
        return reason.sentence
    if reason.word in NO_NUMBER:
        return replace(
            row,
            state=DispatchState.WAITING,
            word=reason.word,
            reason=f"{reason.sentence}; looking again in {LOOK_AGAIN[0].seconds} s",
            due_at=now + LOOK_AGAIN[0],
            looks=1,
        )
    return replace(row, word=reason.word, reason=reason.sentence)


def decide_on(
    parts: Parts, connection: str, rule: Rule, event: StageEvent, context: Context, catalog: Catalog
) -> Decision:
    """Ask the rule, with the connection's default region."""
    region = parts.adapter(connection).settings.default_region
    return decide(rule, event, context, catalog, default_region=region)


def values_of(event: StageEvent, context: Context, catalog: Catalog) -> dict[str, Any]:
    """What the write-backs of a dispatch may use later: the fields as read, and the event."""
    fields = {name: dict(values) for name, values in context.fields.items()}
    return {**fields, "event": event_values(event, catalog)}
