"""Read call events: the result onto its dispatch, and the write-backs that follow."""

import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector import call_events, jobs
from connector.call_events import CallEvent
from connector.database import OUTAGES
from connector.errors import MalformedDelivery, PermanentError
from connector.mapping.vocabulary import Moment
from connector.mapping.wanted import About, Happened, write_back
from connector.model import CallResult, DispatchState, Outcome, Wanted
from connector.opting_out import opt_out
from connector.parts import Parts
from connector.permission import HELD
from connector.policy.numbers import normalise
from connector.store import deliveries, dispatches, write_backs
from connector.store.deliveries import CALLS, Delivery
from connector.store.dispatches import Change, Dispatch
from connector.store.gate import close_gate
from connector.store.opt_outs import Whom

log = logging.getLogger(__name__)

BATCH = 200
OPEN = (DispatchState.SENDING, DispatchState.PLACED, DispatchState.UNKNOWN, DispatchState.WAITING)
"""The states that a call event may change. WAITING: the request had been sent after all."""

Due = tuple[str, Moment, CallResult | None, str]
"""A write-back that is due: (dispatch id, the moment, the call, the reason)."""


@dataclass(frozen=True, slots=True)
class _Read:
    delivery: Delivery
    event: CallEvent


def read_results(parts: Parts) -> None:
    """Read every kept call event, a batch a commit; one that is a defect is set aside, never the others."""
    while True:
        taken: list[Delivery] = []
        try:
            with parts.engine.begin() as conn:
                taken = deliveries.take_unread(conn, CALLS, BATCH)
                _read_batch(parts, conn, taken)
        except OUTAGES:
            raise
        except Exception:  # noqa: BLE001  # one of them is a defect: find it
            _read_singly(parts, [each.id for each in taken])
        if len(taken) < BATCH:
            return


def _read_singly(parts: Parts, ids: Sequence[str]) -> None:
    """The batch failed: find the one that spoils it and make it a dead letter with its traceback."""
    for delivery_id in ids:
        try:
            with parts.engine.begin() as conn:
                delivery = deliveries.get(conn, delivery_id)
                if delivery is not None and delivery.state == "kept":
                    _read_batch(parts, conn, [delivery])
        except OUTAGES:
            raise
        except Exception:
            log.exception("call event is dead", extra={"delivery": delivery_id})
            with parts.engine.begin() as conn:
                deliveries.mark_dead(conn, [delivery_id], traceback.format_exc(), parts.clock())


def _read_batch(parts: Parts, conn: sa.Connection, taken: Sequence[Delivery]) -> None:
    now = parts.clock()
    events: list[_Read] = []
    for delivery in taken:
        try:
            events.append(_Read(delivery, call_events.parse(delivery.request.body)))
        except MalformedDelivery as error:
            deliveries.mark_dead(conn, [delivery.id], str(error), now)
    if any(each.event.result.opt_out for each in events):
        close_gate(conn)  # before any row is locked: who sends goes through the gate first, too
    found = _dispatches(conn, events)
    reports: dict[str, dict[str, str]] = {}
    ended: dict[str, tuple[Dispatch, CallResult]] = {}
    started: dict[str, tuple[Dispatch, CallResult]] = {}
    for each in events:
        dispatch, why_not = _match(each, found)
        reports[each.delivery.id] = {"event": each.event.name}
        if dispatch is None:
            reports[each.delivery.id]["left_alone"] = why_not
            continue
        reports[each.delivery.id]["dispatch"] = dispatch.id
        (ended if each.event.ended else started)[dispatch.id] = (dispatch, each.event.result)
    keep_wishes(conn, [each.event.result for each in events if not each.event.test], found, now)
    apply_started(parts, conn, [v for k, v in started.items() if k not in ended], now)
    apply_ended(parts, conn, list(ended.values()), now)
    deliveries.mark_read(conn, reports, now)


def _dispatches(conn: sa.Connection, events: Sequence[_Read]) -> Mapping[str, Dispatch]:
    """The dispatches the events speak of, by dispatch id and by call id."""
    ids = {each.event.dispatch_id for each in events if _is_uuid(each.event.dispatch_id)}
    calls = {each.event.result.call_id for each in events}
    found: dict[str, Dispatch] = {}
    for dispatch in dispatches.find_for_calls(conn, [str(id_) for id_ in ids], calls):
        found[dispatch.id] = dispatch
        if dispatch.call_id:
            found[dispatch.call_id] = dispatch
    return found


def _is_uuid(text: str | None) -> bool:
    return text is not None and len(text) == 36 and set(text) <= set("0123456789abcdef-")


def _match(read: _Read, found: Mapping[str, Dispatch]) -> tuple[Dispatch | None, str]:
    """The dispatch of a call event, or why it has none here."""
    event = read.event
    if event.test:
        return None, "a test"
    dispatch = found.get(event.dispatch_id or "") or found.get(event.result.call_id)
    if dispatch is None:
        return None, "no dispatch of ours made this call"
    if dispatch.connection != read.delivery.connection:
        return None, f"the call belongs to the connection {dispatch.connection}"
    return dispatch, ""


def keep_wishes(
    conn: sa.Connection, results: Sequence[CallResult], found: Mapping[str, Dispatch], now: datetime
) -> None:
    """Put people who said in a call that they want no more of them on the opt-out list: number and record.

    Also after a call that no dispatch of ours made: a wish is a wish.
    """
    for result in results:
        if result.opt_out is None:
            continue
        dispatch = found.get(str(result.metadata.get("dispatch_id"))) or found.get(result.call_id)
        number = (dispatch.phone_number if dispatch else None) or result.to_number
        whom = [Whom(number)] if number and normalise(number, None) else []
        if dispatch is not None:
            whom.append(Whom(None, dispatch.connection, dispatch.record))
        reason = f"said so in call {result.call_id} ({result.opt_out})"
        opt_out(conn, whom, source="call", reason=reason, at=now)


def apply_started(
    parts: Parts, conn: sa.Connection, started: Sequence[tuple[Dispatch, CallResult]], now: datetime
) -> None:
    """The call began: certainly placed, also where no answer had come."""
    changes = [
        Change(
            dispatch.id,
            DispatchState.PLACED,
            "started",
            f"call {result.call_id} began",
            {"call_id": result.call_id},
        )
        for dispatch, result in started
    ]
    changed = dispatches.change(conn, changes, now, only_from=OPEN)
    moments: list[Due] = [
        (dispatch.id, "placed", result, "") for dispatch, result in started if dispatch.id in changed
    ]
    queue_write_backs(parts, conn, moments, {each.id: (each, each.values) for each, _ in started})


def apply_ended(
    parts: Parts, conn: sa.Connection, ended: Sequence[tuple[Dispatch, CallResult]], now: datetime
) -> None:
    """The call ended: keep its result, once, and queue the write-back of the outcome."""
    changes = [
        Change(
            dispatch.id,
            DispatchState.ENDED,
            (result.outcome or Outcome.UNKNOWN).value,
            f"call {result.call_id} ended: {(result.outcome or Outcome.UNKNOWN).value}",
            {"call_id": result.call_id, "result": result.as_json()},
        )
        for dispatch, result in ended
    ]
    changed = dispatches.change(conn, changes, now, only_from=OPEN)
    moments: list[Due] = [
        (dispatch.id, "ended", result, "") for dispatch, result in ended if dispatch.id in changed
    ]
    queue_write_backs(parts, conn, moments, {each.id: (each, each.values) for each, _ in ended})
    if changed:
        jobs.nudge(conn, "pace")  # another call to the same person may have waited for this one


def queue_without_call(parts: Parts, conn: sa.Connection, told: Iterable[Change | Dispatch]) -> None:
    """Queue what the rules want written of dispatches that are held or skipped; others are passed over.

    A dispatch that is held again and again is told of once.
    """
    moments: list[Due] = []
    known: dict[str, tuple[Dispatch, Mapping[str, Any]]] = {}
    for each in told:
        moment = _without_call(each)
        if moment is None:
            continue
        id_ = each.id if isinstance(each, Dispatch) else each.dispatch_id
        moments.append((id_, moment, None, each.reason.removeprefix(HELD)))
        if isinstance(each, Dispatch):
            known[id_] = (each, each.values)
    queue_write_backs(parts, conn, moments, known)


def _without_call(told: Change | Dispatch) -> Moment | None:
    """The moment that this is; none for a record that is gone, which has nothing to write on."""
    if told.state is DispatchState.WAITING and told.reason.startswith(HELD):
        return "held"
    return (
        "skipped"
        if told.state is DispatchState.SKIPPED and told.word not in ("record_gone", "dry_run")
        else None
    )


def queue_write_backs(
    parts: Parts,
    conn: sa.Connection,
    moments: Sequence[Due],
    known: Mapping[str, tuple[Dispatch, Mapping[str, Any]]],
) -> None:
    """Render and queue what the rules want written at these moments."""
    queued: dict[str, list[tuple[str, str, Wanted]]] = {}
    missing = [each[0] for each in moments if each[0] not in known]
    fetched = {each.id: (each, each.values) for each in dispatches.get(conn, missing)} if missing else {}
    for dispatch_id, moment, call, reason in moments:
        dispatch, values = known.get(dispatch_id) or fetched[dispatch_id]
        try:
            rule = parts.rules.rule(conn, dispatch.rules_version, dispatch.rule)
        except PermanentError as error:
            log.error("no write-back", extra={"dispatch": dispatch_id, "why": str(error)})
            continue
        if rule.policy.dry_run:
            continue  # it changes nothing anywhere
        happened = Happened(moment, parts.clock(), call, reason)
        about = About(dispatch.record, dispatch.stage, values)
        wanted = [(dispatch_id, moment, each) for each in write_back(rule, happened, about)]
        queued.setdefault(dispatch.connection, []).extend(wanted)
    for connection, rows in sorted(queued.items(), key=lambda each: each[0]):
        if not rows:
            continue
        write_backs.queue(conn, connection, rows, parts.clock())
        jobs.nudge(conn, "write_back", connection=connection)
