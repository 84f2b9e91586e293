"""Send trigger requests: read the records again, ask rules and policies again, POST once, write down what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector import jobs
from connector.call_client import Answer, Doubtful, Later, Placed, Refused
from connector.errors import ConfigError, ConnectorError, PermanentError, TemporaryError
from connector.looks import look_again, unread
from connector.mapping.rules import Rule
from connector.model import CallResult, Context, DispatchState, RecordRef, TriggerRequest
from connector.parts import Parts
from connector.permission import Asked, Register, change_of, verdicts_of
from connector.policy.deadlines import placed_by
from connector.policy.facts import Facts
from connector.policy.judging import judge
from connector.policy.verdicts import Answer as Said
from connector.policy.verdicts import Judgement
from connector.process import LOOK_AGAIN, NO_NUMBER, UNDECIDED, decide_on, read_records, values_of
from connector.results import Due, queue_without_call, queue_write_backs
from connector.store import dispatches
from connector.store.dispatches import Change, Dispatch
from connector.store.gate import pass_gate

LEASE = timedelta(seconds=10)
"""How long after it was let go a request may still be sent; later it goes back in line. A look-up may
trust an empty answer once the lease and the client's time-outs are over."""
RINGS_WITHIN = timedelta(seconds=15)
"""How long after it was sent a call may begin: it is sent only if it may still be placed then."""
THREADS = 8
GATHER = 0.02
"""Seconds: what is answered within it is committed together."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A dispatch whose record and rule were looked at again just now, and what is to be sent."""

    dispatch: Dispatch
    asked: Asked
    request: TriggerRequest
    explanation: Sequence[Mapping[str, Any]]
    """What was looked at when the event was read, and just now."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The fields as just read, and the event."""
        return self.asked.values

    @property
    def learnt(self) -> dict[str, Any]:
        """The columns that keep what was read and looked at just now."""
        return {"values": dict(self.values), "explanation": list(self.explanation)}


@dataclass(frozen=True, slots=True)
class Going(Ready):
    """What nothing speaks against, and the facts by which that was judged."""

    facts: Facts
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Withheld:
    """In place of an answer: at the instant of sending a policy said no, and nothing was sent."""

    judgement: Judgement


def send(parts: Parts, dispatch_ids: Sequence[str], let_go_at: datetime) -> None:
    """Send what pace let go at `let_go_at`; what was let go again since is another run's.

    The records are read and judged again; then each dispatch is claimed, in the same durable commit that looks at
    opt-outs and pauses a last time. Whatever the queue remembers of this job, a second run of it finds the claim and
    hands the dispatch to the look-up.
    """
    with parts.engine.connect() as conn:
        rows = _let_go_then(dispatches.get(conn, dispatch_ids, state=DispatchState.SENDING), let_go_at)
        rules = {each.id: _rule(parts, conn, each) for each in rows}
    ready, changes = _prepare(parts, rows, rules)
    going = _commit_to_sending(parts, ready, changes, let_go_at)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="send") as pool:
        futures = {pool.submit(_post, parts, each, let_go_at + LEASE): each for each in going}
        for done in _as_they_come(futures):
            _record(parts, done)
    with parts.engine.begin() as conn:
        jobs.nudge(conn, "pace")  # there is room for more


def _let_go_then(rows: Sequence[Dispatch], let_go_at: datetime) -> list[Dispatch]:
    return [each for each in rows if each.sent_at == let_go_at]


def _commit_to_sending(
    parts: Parts, ready: Sequence[Ready], changes: Sequence[Change], let_go_at: datetime
) -> list[Going]:
    """Claim what no run took before; of that, return what may be sent, and settle everything else."""
    known = {each.dispatch.id: each for each in ready}
    ids = [*known, *(each.dispatch_id for each in changes)]
    with parts.engine.begin() as conn:
        pass_gate(conn)
        rows = dispatches.get(conn, ids, state=DispatchState.SENDING, lock=True)
        rows = _let_go_then(rows, let_go_at)
        claimed = dispatches.claim(conn, [each.id for each in rows], let_go_at)
        _doubt(parts, conn, [each for each in rows if each.id not in claimed])
        mine = [known[each.id] for each in rows if each.id in claimed and each.id in known]
        now = parts.clock()
        register = Register(conn, [each.asked for each in mine], now)
        withheld = [each for each in changes if each.dispatch_id in claimed]
        going = []
        for each in mine:
            judgement = register.judge(each.asked)
            if judgement.answer is Said.ALLOW:
                facts = register.facts(each.asked)
                going.append(
                    Going(each.dispatch, each.asked, each.request, each.explanation, facts, judgement)
                )
            else:
                withheld.append(_withhold(each, judgement, now))
        _settle(parts, conn, withheld, known)
    return going


def _withhold(ready: Ready, judgement: Judgement, now: datetime) -> Change:
    change = change_of(ready.dispatch, judgement, now)
    return replace(change, columns={**change.columns, **ready.learnt})


def _doubt(parts: Parts, conn: sa.Connection, rows: Sequence[Dispatch]) -> None:
    """The worker that had these stopped: each may have been sent, so each is looked up first."""
    if not rows:
        return
    now = parts.clock()
    reason = "the worker stopped while the request was under way; looking it up"
    changes = [
        Change(each.id, DispatchState.UNKNOWN, "worker_stopped", reason, {"due_at": now}) for each in rows
    ]
    dispatches.change(conn, changes, now, only_from=[DispatchState.SENDING])
    jobs.nudge(conn, "look_up")


def _rule(parts: Parts, conn: sa.Connection, dispatch: Dispatch) -> Rule | PermanentError:
    try:
        return parts.rules.rule(conn, dispatch.rules_version, dispatch.rule)
    except PermanentError as error:
        return error
    except ConfigError as error:
        return PermanentError(f"the rules this ran under cannot be read any more: {error}")


def _prepare(
    parts: Parts, rows: Sequence[Dispatch], rules: Mapping[str, Rule | PermanentError]
) -> tuple[list[Ready], list[Change]]:
    """Read and decide again; what is not to be sent now becomes a change."""
    contexts: dict[tuple[str, RecordRef], Context | ConnectorError] = {}
    for connection in {each.connection for each in rows}:
        own = [each for each in rows if each.connection == connection]
        for record, context in _read_again(parts, connection, own, rules).items():
            contexts[connection, record] = context
    ready: list[Ready] = []
    changes: list[Change] = []
    for each in rows:
        outcome = _decide_again(parts, each, rules[each.id], contexts[each.connection, each.record])
        if isinstance(outcome, Ready):
            ready.append(outcome)
        else:
            changes.append(outcome)
    return ready, changes


def _read_again(
    parts: Parts, connection: str, rows: Sequence[Dispatch], rules: Mapping[str, Rule | PermanentError]
) -> Mapping[RecordRef, Context | ConnectorError]:
    records = list(dict.fromkeys(each.record for each in rows))
    known = [rule for each in rows if isinstance(rule := rules[each.id], Rule)]
    try:
        return read_records(parts.adapter(connection), records, known)
    except (TemporaryError, PermanentError) as error:
        return dict.fromkeys(records, error)


def _decide_again(
    parts: Parts, dispatch: Dispatch, rule: Rule | PermanentError, context: Context | ConnectorError
) -> Ready | Change:
    """Still in the stage? Still wanted? Still the same number?"""
    now = parts.clock()
    if isinstance(rule, PermanentError):
        return Change(dispatch.id, DispatchState.FAILED, "rule_gone", str(rule))
    if isinstance(context, TemporaryError):
        after = context.after or jobs.back_off(dispatch.attempts)
        return _again(dispatch, "crm_unavailable", str(context), now + after)
    if not isinstance(context, Context):
        columns = {"explanation": look_again(dispatch, now, unread(str(context)))}
        return Change(dispatch.id, DispatchState.SKIPPED, "record_gone", str(context), columns)
    try:
        catalog = parts.catalog(dispatch.connection)
    except ConnectorError as error:
        return _again(dispatch, "crm_unavailable", str(error), now + jobs.back_off(dispatch.attempts))
    decision = decide_on(parts, dispatch.connection, rule, dispatch.event, context, catalog)
    values = values_of(dispatch.event, context, catalog)
    looked = look_again(dispatch, now, decision.explanation)
    if decision.request is None:
        reason = decision.reason or UNDECIDED
        if reason.word in NO_NUMBER and dispatch.looks < len(LOOK_AGAIN):
            wait_for = LOOK_AGAIN[dispatch.looks]
            sentence = f"{reason.sentence}; read again in {wait_for.seconds} s, in case it is filled in late"
            due_at, looks = now + wait_for, dispatch.looks + 1
            return _again(dispatch, reason.word, sentence, due_at, looks=looks, explanation=looked)
        columns = {"explanation": looked}
        return Change(dispatch.id, DispatchState.SKIPPED, reason.word, reason.sentence, columns)
    if decision.request.phone_number != dispatch.phone_number:
        number = decision.request.phone_number
        learnt = {"phone_number": number, "values": values, "explanation": looked}
        return _again(dispatch, "number_changed", "the number was read again", now, **learnt)
    asked = Asked(dispatch, rule, parts.adapter(dispatch.connection), values)
    return Ready(dispatch, asked, decision.request, looked)


def _again(dispatch: Dispatch, word: str, reason: str, due_at: datetime, **columns: Any) -> Change:
    return Change(dispatch.id, DispatchState.WAITING, word, reason, {"due_at": due_at, **columns})


def _post(parts: Parts, going: Going, deadline: datetime) -> Answer | Withheld:
    now = parts.clock()
    if now > deadline:
        return Later("lease_over", "its turn to be sent was over; it waits for the next", timedelta(0))
    facts = replace(going.facts, at=now + RINGS_WITHIN)
    judgement = judge(going.asked.terms, facts)
    if judgement.answer is not Said.ALLOW:
        return Withheld(judgement)  # its window closes before the phone would ring
    request = replace(going.request, expires_at=placed_by(going.asked.terms, facts))
    return parts.calls.trigger(request, going.dispatch.id)


def _as_they_come(
    futures: Mapping[Future[Answer | Withheld], Going],
) -> Iterator[list[tuple[Going, Answer | Withheld]]]:
    """What is done, as soon as something is, with what is done a moment later: a commit for each group."""
    pending = set(futures)
    while pending:
        wait(pending, return_when=FIRST_COMPLETED)
        done, pending = wait(pending, timeout=GATHER)
        yield [(futures[each], each.result()) for each in done]


def _record(parts: Parts, answers: Sequence[tuple[Going, Answer | Withheld]]) -> None:
    now = parts.clock()
    changes = [_change(going, answer, now) for going, answer in answers]
    with parts.engine.begin() as conn:
        _settle(parts, conn, changes, {going.dispatch.id: going for going, _ in answers})


def _change(going: Going, answer: Answer | Withheld, now: datetime) -> Change:
    """What an answer of the call API makes of a dispatch."""
    dispatch = going.dispatch
    known = {**going.learnt, "verdicts": verdicts_of(going.judgement)}
    match answer:
        case Withheld(judgement):
            return _withhold(going, judgement, now)
        case Placed(call_id):
            columns = {"call_id": call_id, "due_at": now, **known}
            return Change(dispatch.id, DispatchState.PLACED, "placed", f"call {call_id} was placed", columns)
        case Refused(word, reason):
            return Change(dispatch.id, DispatchState.FAILED, word, reason, known)
        case Later(word, reason, after):
            wait_for = after if after is not None else jobs.back_off(dispatch.attempts)
            due_at = now + wait_for
            sentence = f"{reason}; trying again at {due_at:%H:%M:%S} UTC"
            return _again(dispatch, word, sentence, due_at, **known)
        case Doubtful(reason):
            columns = {"due_at": now, **known}
            return Change(dispatch.id, DispatchState.UNKNOWN, "no_answer", reason, columns)


def _settle(parts: Parts, conn: sa.Connection, changes: Sequence[Change], ready: Mapping[str, Ready]) -> None:
    """Apply changes of dispatches in `sending`, with the write-backs that follow from them."""
    if not changes:
        return
    now = parts.clock()
    changed = dispatches.change(conn, changes, now, only_from=[DispatchState.SENDING])
    done = [each for each in changes if each.dispatch_id in changed]
    moments: list[Due] = []
    for each in done:
        if each.state is DispatchState.PLACED:
            call = CallResult(call_id=each.columns["call_id"], status="initiated")
            moments.append((each.dispatch_id, "placed", call, ""))
        elif each.state is DispatchState.FAILED:
            moments.append((each.dispatch_id, "failed", None, each.reason))
    queue_write_backs(parts, conn, moments, {id_: (r.dispatch, r.values) for id_, r in ready.items()})
    queue_without_call(parts, conn, done)
    if any(each.state is DispatchState.UNKNOWN for each in done):
        jobs.nudge(conn, "look_up")
    if any(each.state is DispatchState.WAITING and each.columns["due_at"] <= now for each in done):
        jobs.nudge(conn, "pace")
