"""The only place where calls are let go: in order of due time, as the policies allow, one at a time a person."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from connector import jobs
from connector.errors import ConfigError, PermanentError
from connector.model import DispatchState
from connector.parts import Parts
from connector.permission import HELD, RULE_NOT_IN_FORCE, Asked, Register, change_of
from connector.policy.sentences import moment
from connector.policy.verdicts import Answer
from connector.results import queue_without_call
from connector.store import dispatches
from connector.store.dispatches import Change, Dispatch
from connector.store.gate import pass_gate

CHUNK = 50
IN_FLIGHT = 400
"""How many dispatches may be in `sending` at once: no more than can be sent within their lease."""
ROUNDS = 10
"""How often a run takes more, where what it took was held or skipped."""
_LOCK = 7_242_003  # any number of our own: a run that was taken over and its successor never overlap
MINUTE = timedelta(minutes=1)


def pace(parts: Parts) -> None:
    """Let go what is due and allowed now; run by one job at a time over all processes."""
    with parts.engine.begin() as conn:
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        pass_gate(conn)
        _release(parts, conn)


def _release(parts: Parts, conn: sa.Connection) -> None:
    """Judge what is due; mark what may go as `sending` and defer its jobs; the rest is held or skipped."""
    now = parts.clock()
    for _ in range(ROUNDS):
        room = _room(parts, conn, now)
        if room <= 0 or dispatches.paused_until(conn, now) is not None:
            return
        due = dispatches.take_due(conn, now, room)
        withheld = _let_go(parts, conn, one_a_person(due), now)
        if len(due) < room or not withheld:
            return
    jobs.nudge(conn, "pace")  # more is due than is well judged in one transaction


def _let_go(parts: Parts, conn: sa.Connection, due: Sequence[Dispatch], now: datetime) -> int:
    """Let go what the policies allow; return how many they do not."""
    standing, withheld = _under_the_rules_in_force(parts, conn, due, now)
    asked = {each.id: found for each in standing if (found := _asked(parts, conn, each)) is not None}
    register = Register(conn, list(asked.values()), now, counting=True)
    going: list[Change] = []
    for each in standing:
        judgement = register.judge(asked[each.id]) if each.id in asked else None
        if judgement is None or judgement.answer is Answer.ALLOW:
            columns = {"sent_at": now, "claimed_at": None, "attempts": each.attempts + 1}
            change = Change(each.id, DispatchState.SENDING, "sending", "let go", columns)
            going.append(_with_version(change, each))
        else:
            withheld.append(_with_version(change_of(each, judgement, now), each))
    changed = dispatches.change(conn, [*going, *withheld], now, only_from=[DispatchState.WAITING])
    queue_without_call(parts, conn, [each for each in withheld if each.dispatch_id in changed])
    for start in range(0, len(going), CHUNK):
        ids = [each.dispatch_id for each in going[start : start + CHUNK]]
        jobs.defer(conn, "send", dispatch_ids=ids, let_go_at=now.isoformat())
    return len(withheld)


def _under_the_rules_in_force(
    parts: Parts, conn: sa.Connection, due: Sequence[Dispatch], now: datetime
) -> tuple[list[Dispatch], list[Change]]:
    """What waited, under the version of its rule that is in force now; and what becomes of it where none is."""
    standing: list[Dispatch] = []
    withheld: list[Change] = []
    for each in due:
        found = parts.rules.in_force(each.connection, each.rule)
        if found is not None:
            standing.append(replace(each, rules_version=found[1]))
        elif (change := _without_rule(parts, conn, each, now)) is not None:
            withheld.append(change)
        else:
            standing.append(each)
    if {each.rules_version for each in standing} - {each.rules_version for each in due}:
        parts.rules.remember(conn, now)  # so that a version that is new to them can be looked up
    return standing, withheld


def _without_rule(parts: Parts, conn: sa.Connection, dispatch: Dispatch, now: datetime) -> Change | None:
    """Its rule was taken out: it waits for it to come back, and expires by what it said. None: nobody can read that."""
    try:
        terms = parts.rules.rule(conn, dispatch.rules_version, dispatch.rule).policy.terms
    except (PermanentError, ConfigError):
        return None
    expires_at = dispatch.event.occurred_at + terms.expires
    gone = f'no rule "{dispatch.rule}" is in force any more'
    if expires_at <= now:
        return Change(dispatch.id, DispatchState.SKIPPED, "expired", f"{gone}, and the call has expired")
    reason = f"{HELD}{gone}; the call waits until {moment(expires_at)} for it to come back under that name"
    return Change(dispatch.id, DispatchState.WAITING, RULE_NOT_IN_FORCE, reason, {"due_at": expires_at})


def _with_version(change: Change, dispatch: Dispatch) -> Change:
    return replace(change, columns={**change.columns, "rules_version": dispatch.rules_version})


def _asked(parts: Parts, conn: sa.Connection, dispatch: Dispatch) -> Asked | None:
    """The call to judge; None where rule or connection is gone, or it has no number: sending then says so, and sends nothing."""
    if dispatch.phone_number is None:
        return None
    try:
        rule = parts.rules.rule(conn, dispatch.rules_version, dispatch.rule)
        return Asked(dispatch, rule, parts.adapter(dispatch.connection), dispatch.values)
    except (PermanentError, ConfigError):
        return None


def _room(parts: Parts, conn: sa.Connection, now: datetime) -> int:
    """How many may be let go now."""
    room = IN_FLIGHT - dispatches.count_sending(conn)
    limit = parts.config.calls.max_per_minute
    if limit is not None:
        room = min(room, limit - dispatches.sent_since(conn, now - MINUTE))
    return room


def one_a_person(due: Iterable[Dispatch]) -> list[Dispatch]:
    """The first dispatch for each record and each number; the others wait for their call to end."""
    seen: set[object] = set()
    chosen = []
    for each in due:
        keys = {(each.connection, each.record), each.phone_number or each.id}
        if not keys & seen:
            chosen.append(each)
        seen |= keys
    return chosen
