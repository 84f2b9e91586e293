"""The story of a delivery, readable top to bottom: read it, send the calls, read their results, write back.

Every function here may run twice, from any point, and changes nothing the second time: what is true of a
call lives in its dispatch, and a change applies only to the state it was decided on.
"""

import logging
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from connector import jobs
from connector.adapter import Adapter
from connector.database import OUTAGES
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.looks import look, unread
from connector.mapping.evaluate import (
    ELSEWHERE,
    Decision,
    Reason,
    Situation,
    decide,
    decide_in,
    event_values,
    fields_needed,
    situation,
    stopped_by,
    verdicts,
)
from connector.mapping.matching import OWN, UNKNOWN_STAGE
from connector.mapping.rules import Rule, RuleFile
from connector.model import Catalog, Context, DispatchState, News, RecordRef, StageEvent
from connector.own_stages import set_by_us
from connector.parts import Parts
from connector.permission import Asked, Register, reason_of, state_after, verdicts_of
from connector.policy.verdicts import Answer, Judgement
from connector.results import queue_without_call
from connector.rulebook import RuleBook
from connector.store import deliveries, dispatches
from connector.store.deliveries import Delivery
from connector.store.dispatches import Dispatch

log = logging.getLogger(__name__)

BATCH = 100
LOOK_AGAIN = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5))
"""A contact is often associated a moment after the deal: when to look for a number again."""
NO_NUMBER = frozenset({"no_phone_number", "not_a_phone_number"})
UNDECIDED = Reason("undecided", "the rule gave neither a request nor a reason")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that may concern a rule, before the record has been read."""

    delivery: Delivery
    event: StageEvent
    rules: RuleFile
    rule: Rule


@dataclass(slots=True)
class _Reading:
    """One delivery while it is read: what it says, and why its events made no dispatch."""

    delivery: Delivery
    news: News
    reasons: Counter[str] = field(default_factory=Counter)
    unknown_stages: set[str] = field(default_factory=set)
    """What rules say of stages that the CRM does not have: no event could ever be for them."""
    dispatches: int = 0


def defer_reading(conn: sa.Connection, connection: str, delivery_id: str) -> None:
    """Queue the reading of a delivery, in the transaction that keeps it; one at a time for a connection.

    A run reads every unread delivery of the connection, so most runs of a burst find nothing left to do.
    """
    jobs.defer(
        conn, "read_deliveries", lock=f"read:{connection}", connection=connection, delivery_id=delivery_id
    )


def read_deliveries(parts: Parts, connection: str) -> None:
    """Make dispatches of every unread delivery of a connection, oldest first, many at a time.

    A delivery that is a defect is set aside as a dead letter; TemporaryError is for the job to try again.
    """
    while True:
        with parts.engine.connect() as conn:
            taken = deliveries.unread(conn, connection, BATCH)
        if not taken:
            return
        try:
            _read_together(parts, connection, taken)
        except TemporaryError as error:
            extra = {"connection": connection, "deliveries": len(taken), "why": str(error)}
            log.warning("deliveries cannot be read yet", extra=extra)
            raise
        except OUTAGES:
            raise
        except Exception:  # noqa: BLE001  # one of them is a defect: find it
            for delivery in taken:
                _read_alone(parts, connection, delivery)


def _read_alone(parts: Parts, connection: str, delivery: Delivery) -> None:
    try:
        _read_together(parts, connection, [delivery])
    except (TemporaryError, *OUTAGES):
        raise
    except PermanentError as error:
        _bury(parts, delivery, str(error))
    except Exception:  # noqa: BLE001  # a defect of ours: a dead letter that a person can see and replay
        _bury(parts, delivery, traceback.format_exc())


def _bury(parts: Parts, delivery: Delivery, why: str) -> None:
    log.error("delivery is dead", extra={"delivery": delivery.id, "why": why})
    with parts.engine.begin() as conn:
        deliveries.mark_dead(conn, [delivery.id], why, parts.clock())


def _read_together(parts: Parts, connection: str, taken: Sequence[Delivery]) -> None:
    """Parse, read the records of all events at once, ask the rules, keep what came of it."""
    adapter = parts.adapter(connection)
    book = parts.rules  # the same rules to the end, whatever comes in force meanwhile
    readings = _parsed(parts, adapter, taken)
    files = book.of(connection)
    candidates = [
        each for reading in readings.values() for each in _candidates(parts, connection, files, reading)
    ]
    records = list(dict.fromkeys(each.event.record for each in candidates))
    contexts = read_records(adapter, records, [each.rule for each in candidates])
    waiting = _waiting(candidates, contexts)
    candidates = [each for each in candidates if each.delivery.id not in waiting]
    catalog = parts.catalog(connection) if candidates else Catalog()
    rows: list[tuple[Dispatch, Candidate]] = []
    stopped: dict[tuple[str, str, str], Reason] = {}
    situations = _situations(candidates, contexts, catalog)
    known = [
        (each.event, here) for each in candidates if isinstance(here := situations[id(each.event)], Situation)
    ]
    ours = set_by_us(parts, connection, known)
    for candidate in candidates:
        asked = candidate.delivery.id, candidate.event.id, candidate.rules.file
        reasons = readings[candidate.delivery.id].reasons
        if id(candidate.event) in ours:
            reasons[OWN.sentence] += 1
            continue
        if asked in stopped:
            reasons[stopped[asked].sentence] += 1
            continue
        row, took = dispatch_of(adapter, candidate, situations[id(candidate.event)], parts.clock())
        if isinstance(row, Dispatch):
            rows.append((row, candidate))
        else:
            reasons[row] += 1
        if took and candidate.rule.stop:
            stopped[asked] = stopped_by(candidate.rule)
    _keep(parts, book, rows, {id_: each for id_, each in readings.items() if id_ not in waiting})
    for trouble in waiting.values():
        raise trouble


def _waiting(
    candidates: Sequence[Candidate], contexts: Mapping[RecordRef, Context | ConnectorError]
) -> dict[str, TemporaryError]:
    """By id the deliveries of which a record could not be read yet: they stay unread, and hold up no others."""
    found = ((each.delivery.id, contexts[each.event.record]) for each in candidates)
    return {id_: trouble for id_, trouble in found if isinstance(trouble, TemporaryError)}


def _situations(
    candidates: Sequence[Candidate], contexts: Mapping[RecordRef, Context | ConnectorError], catalog: Catalog
) -> dict[int, Situation | ConnectorError]:
    """What the rules look at, prepared once for each event (by its identity: ids repeat in other deliveries)."""
    found: dict[int, Situation | ConnectorError] = {}
    for each in candidates:
        if id(each.event) not in found:
            context = contexts[each.event.record]
            if isinstance(context, Context):
                found[id(each.event)] = situation(each.event, context, catalog)
            else:
                found[id(each.event)] = context
    return found


def _parsed(parts: Parts, adapter: Adapter, taken: Sequence[Delivery]) -> dict[str, _Reading]:
    readings = {}
    for delivery in taken:
        try:
            readings[delivery.id] = _Reading(delivery, adapter.parse(delivery.request))
        except PermanentError as error:
            _bury(parts, delivery, str(error))
    return readings


def _keep(
    parts: Parts,
    book: RuleBook,
    made: Sequence[tuple[Dispatch, Candidate]],
    readings: Mapping[str, _Reading],
) -> None:
    now = parts.clock()
    # news that comes again after the record has changed must not reach a rule that was stopped the first time
    above = {row.id: candidate.rules.stops_above(candidate.rule) for row, candidate in made}
    with parts.engine.begin() as conn:
        book.remember(conn, now)
        rows = _judged(parts, conn, made)
        inserted = set(dispatches.insert_new(conn, rows, above))
        for row in rows:
            readings[row.delivery_id].dispatches += row.id in inserted
            readings[row.delivery_id].reasons["this stage entry is known already"] += row.id not in inserted
        deliveries.mark_read(conn, {id_: _report(reading) for id_, reading in readings.items()}, now)
        if inserted:
            jobs.nudge(conn, "pace")
        queue_without_call(parts, conn, [row for row in rows if row.id in inserted])


def _judged(
    parts: Parts, conn: sa.Connection, made: Sequence[tuple[Dispatch, Candidate]]
) -> Sequence[Dispatch]:
    """The same dispatches; those that are due now judged by the policies: due, held or skipped."""
    due = {
        row.id: Asked(row, candidate.rule, parts.adapter(row.connection), row.values)
        for row, candidate in made
        if row.word == "due"
    }
    register = Register(conn, list(due.values()), parts.clock())
    return [as_judged(row, register.judge(due[row.id])) if row.id in due else row for row, _ in made]


def as_judged(row: Dispatch, judgement: Judgement) -> Dispatch:
    """The dispatch as the policies judge it."""
    row = replace(row, verdicts=verdicts_of(judgement))
    if judgement.answer is Answer.ALLOW:
        return row
    return replace(
        row,
        state=state_after(judgement),
        word=judgement.decisive.word,
        reason=reason_of(judgement),
        due_at=judgement.until or row.due_at,
    )


def _report(reading: _Reading) -> dict[str, Any]:
    news = reading.news
    return {
        "events": len(news.events),
        "dispatches": reading.dispatches,
        "no_call": {reason: count for reason, count in reading.reasons.items() if count},
        "unknown_stages": sorted(reading.unknown_stages),
        "ignored": dict(news.ignored),
        "unknown": dict(news.unknown),
        "malformed": list(news.malformed),
    }


def _candidates(
    parts: Parts, connection: str, files: Sequence[RuleFile], reading: _Reading
) -> list[Candidate]:
    """The (event, rule) pairs that the event alone does not rule out."""
    events = reading.news.events
    if not events or not files:
        reading.reasons["no rule for this connection"] += len(events)
        return []
    catalog = parts.catalog(connection)
    if not all(_is_known(event, catalog) for event in events):
        catalog = parts.catalog(connection, fresh=True)
    found = []
    for event in events:
        for rule_file in files:
            refusals = verdicts(rule_file.rules, event, catalog)
            for rule, refusal in zip(rule_file.rules, refusals, strict=True):
                if refusal is None:
                    found.append(Candidate(reading.delivery, event, rule_file, rule))
                else:
                    reading.reasons[refusal.sentence] += 1
                    if refusal.word == UNKNOWN_STAGE:
                        reading.unknown_stages.add(refusal.sentence)
    return found


def _is_known(event: StageEvent, catalog: Catalog) -> bool:
    """Does the catalog have the stage that an event names, if it names one?"""
    if event.stage is None:
        labels = (stage.label for pipeline in catalog.pipelines for stage in pipeline.stages)
        return event.stage_label is None or event.stage_label in labels
    return catalog.stage(event.stage) is not None


def read_records(
    adapter: Adapter, records: Sequence[RecordRef], rules: Iterable[Rule]
) -> Mapping[RecordRef, Context | ConnectorError]:
    """Every record with the fields that these rules name, and those by which the CRM forbids a call, in its batches."""
    if not records:
        return {}
    fields: dict[str, set[str]] = {}
    for needed in (fields_needed(rules), adapter.watched()):
        for name, keys in needed.items():
            fields.setdefault(name, set()).update(keys)
    read = adapter.read(records, fields)
    gone = PermanentError("the CRM did not return the record")
    return {record: read.get(record, gone) for record in records}


def dispatch_of(
    adapter: Adapter, candidate: Candidate, here: Situation | ConnectorError, now: datetime
) -> tuple[Dispatch | str, bool]:
    """The dispatch that a candidate makes, or why it makes none; and whether the rule took the event."""
    row = undecided(candidate, now)
    if not isinstance(here, Situation):
        looked = [look(now, unread(str(here)))]
        row = replace(row, reason=str(here), explanation=looked)
        return (row if candidate.event.stage else str(here)), False
    decision = decide_in(candidate.rule, here, default_region=adapter.settings.default_region)
    row = replace(
        row,
        event=here.event,
        stage=here.event.stage or "",
        explanation=[look(now, decision.explanation)],
        values={name: dict(values) for name, values in here.values.items()},
    )
    return _decided(row, decision), decision.took


def undecided(candidate: Candidate, now: datetime) -> Dispatch:
    """The dispatch of a candidate before anything is decided."""
    return Dispatch(
        id=str(uuid4()),
        connection=candidate.delivery.connection,
        rule=candidate.rule.name,
        rules_version=candidate.rules.version,
        delivery_id=candidate.delivery.id,
        event=candidate.event,
        stage=candidate.event.stage or "",
        state=DispatchState.SKIPPED,
        word="record_gone",
        reason="",
        due_at=now,
        created_at=now,
    )


def _decided(row: Dispatch, decision: Decision) -> Dispatch | str:
    """The dispatch as decided, or a sentence where the event is none of the rule's after all."""
    if decision.request is not None:
        return replace(
            row,
            state=DispatchState.WAITING,
            word="due",
            reason=f"{row.record} entered the stage; the call is due",
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
            reason=f"{reason.sentence}; read again in {LOOK_AGAIN[0].seconds} s, in case it is filled in late",
            due_at=row.created_at + LOOK_AGAIN[0],
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
    return {**fields, **event.fields, "event": event_values(event, catalog)}
