"""May these calls be placed now? The facts are looked up in our rows and in what was read of the records; the judge
in connector/policy says what follows. Used when an event is read, when calls are let go, and when they are sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from connector.adapter import Adapter
from connector.mapping.rules import Rule
from connector.model import DispatchState, RecordRef
from connector.policy.facts import DAY, HOUR, Cap, Facts, OptOut, Pause
from connector.policy.judging import judge
from connector.policy.terms import OncePer, Terms
from connector.policy.verdicts import HELD_WORDS, Answer, Judgement
from connector.store import let_go, opt_outs, pauses
from connector.store.dispatches import Change, Dispatch
from connector.store.let_go import LetGo
from connector.store.opt_outs import KeptOptOut

HELD: Final = "held: "
"""How the reason of a dispatch begins that a policy holds."""
RULE_NOT_IN_FORCE: Final = "rule_not_in_force"
"""The word of a call that waits because its rule was taken out; no policy's."""
HELD_UNDER: Final = HELD_WORDS | {RULE_NOT_IN_FORCE}
"""Every word under which a call is held."""
_STATES = {
    Answer.HOLD: DispatchState.WAITING,
    Answer.SKIP: DispatchState.SKIPPED,
    Answer.DRY_RUN: DispatchState.SKIPPED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that may be placed: its dispatch, its rule, and the record as it was read last."""

    dispatch: Dispatch
    rule: Rule
    adapter: Adapter
    values: Mapping[str, Any]
    """Fields by object, and `event`."""

    @property
    def terms(self) -> Terms:
        """What the rule says."""
        return self.rule.policy.terms

    @property
    def number(self) -> str:
        """The number to call, E.164."""
        return self.dispatch.phone_number or ""

    @property
    def key(self) -> tuple[str, RecordRef]:
        """The record, which is one of its connection."""
        return self.dispatch.connection, self.dispatch.record

    @property
    def people(self) -> frozenset[tuple[str, RecordRef]]:
        """That record, and those that it is read with: a contact may have been told apart from its deal."""
        ids = {name: self.values.get(name, {}).get("id") for name in self.adapter.objects}
        read = {RecordRef(name, str(id_)) for name, id_ in ids.items() if id_}
        return frozenset({self.key, *((self.dispatch.connection, record) for record in read)})


class Register:
    """What our rows say of some calls that are asked for together; read once, in the caller's transaction.

    With `counting`, the caps are counted too, and each call that is let go counts for the next: so whoever lets
    calls go must be the only one who does, and lets go no two calls to one person at a time. Without a connection
    there are no rows: no opt-outs, pauses, earlier calls or caps.
    """

    def __init__(
        self, conn: sa.Connection | None, asked: Sequence[Asked], now: datetime, *, counting: bool = False
    ) -> None:
        self._now = now
        self._pauses: Sequence[pauses.KeptPause] = ()
        self._opt_outs: Sequence[KeptOptOut] = ()
        self._calls: Sequence[LetGo] = ()
        self._caps: dict[_CapKey, list[Cap]] = {}
        if conn is None or not asked:
            return
        self._pauses = pauses.in_force(conn)
        numbers = {each.number for each in asked}
        records = frozenset().union(*(each.people for each in asked))
        self._opt_outs = opt_outs.find(conn, numbers, records)
        self._calls = _past_calls(conn, asked)
        if counting:
            self._caps = _caps(conn, asked, now)

    def facts(self, asked: Asked) -> Facts:
        """Everything that the policies of a call look at."""
        dispatch, fields = asked.dispatch, asked.values
        said = asked.rule.policy.zone_said(fields)
        to_record = [each for each in self._calls if (each.connection, each.record) == asked.key]
        to_number = [each for each in self._calls if each.phone_number == asked.number]
        return Facts(
            at=self._now,
            phone_number=asked.number,
            entered_at=dispatch.event.occurred_at,
            countries=asked.adapter.settings.allowed_countries,
            zone=said if said is not None else asked.adapter.zone_of(fields),
            do_not_call=asked.adapter.forbids_call(fields),
            opt_outs=[_opt_out(each) for each in self._opt_outs if _is_of(each, asked)],
            pauses=[
                Pause(str(each.scope), each.since, each.reason)
                for each in self._pauses
                if each.scope.covers(dispatch.connection, dispatch.rule)
            ],
            rule_called_record_at=_last(each for each in to_record if each.rule == dispatch.rule),
            rule_called_number_at=_last(
                each
                for each in to_number
                if (each.connection, each.rule) == (dispatch.connection, dispatch.rule)
            ),
            record_called_at=_last(to_record),
            number_called_at=_last(to_number),
            caps=[cap for key in _cap_keys(asked) for cap in self._caps.get(key, ())],
        )

    def judge(self, asked: Asked) -> Judgement:
        """Ask every policy of the rule."""
        found = judge(asked.terms, self.facts(asked))
        if found.answer is Answer.HOLD:
            self._queue(asked, found.decisive.word)
        elif found.answer is Answer.ALLOW:
            self._count(asked)
        return found

    def _count(self, asked: Asked) -> None:
        """A call that is let go counts for all that are asked for after it."""
        for key in _cap_keys(asked):
            self._caps[key] = [_with(cap, self._now) for cap in self._caps.get(key, ())]

    def _queue(self, asked: Asked, word: str) -> None:
        """A call that a cap holds stands in line before all that are asked for after it."""
        for key in _cap_keys(asked):
            self._caps[key] = [_behind(cap) if cap.word == word else cap for cap in self._caps.get(key, ())]


def change_of(dispatch: Dispatch, judgement: Judgement, now: datetime) -> Change:
    """What a judgement that is no yes makes of a dispatch."""
    columns: dict[str, Any] = {"verdicts": verdicts_of(judgement)}
    if judgement.answer is Answer.HOLD:
        columns["due_at"] = judgement.until or now
    decisive = judgement.decisive
    return Change(dispatch.id, state_after(judgement), decisive.word, reason_of(judgement), columns)


def state_after(judgement: Judgement) -> DispatchState:
    """Where a judgement that is no yes puts a dispatch."""
    return _STATES[judgement.answer]


def reason_of(judgement: Judgement) -> str:
    """Why a call is held or skipped, for a person."""
    held = judgement.answer is Answer.HOLD
    return f"{HELD if held else ''}{judgement.decisive.sentence}"


def verdicts_of(judgement: Judgement) -> list[dict[str, Any]]:
    """Every verdict, as it is kept with the dispatch."""
    return [each.as_json() for each in judgement.verdicts]


def _past_calls(conn: sa.Connection, asked: Sequence[Asked]) -> Sequence[LetGo]:
    """The last calls to the people of these calls, where a rule cares."""
    curious = [
        each
        for each in asked
        if each.terms.cool_down is not None or each.terms.once_per is not OncePer.STAGE_ENTRY
    ]
    if not curious:
        return ()
    return let_go.calls_to(
        conn,
        {each.number for each in curious},
        {each.key for each in curious},
        without=[each.dispatch.id for each in asked],
    )


_CapKey = tuple[str, str | None]
"""A connection, and a rule of it or the whole of it."""


def _cap_keys(asked: Asked) -> tuple[_CapKey, _CapKey]:
    dispatch = asked.dispatch
    return (dispatch.connection, dispatch.rule), (dispatch.connection, None)


def _caps(conn: sa.Connection, asked: Sequence[Asked], now: datetime) -> dict[_CapKey, list[Cap]]:
    """The caps of the rules and connections of these calls, with what counts for them."""
    found: dict[_CapKey, list[Cap]] = {}
    for each in asked:
        settings = each.adapter.settings
        of_rule, of_connection = _cap_keys(each)
        for key, hour, day in (
            (of_rule, each.terms.max_per_hour, each.terms.max_per_day),
            (of_connection, settings.max_per_hour, settings.max_per_day),
        ):
            if key not in found:
                limits = [("hourly", hour, HOUR), ("daily", day, DAY)]
                found[key] = [
                    _cap(conn, key, word, most, span, now) for word, most, span in limits if most is not None
                ]
    return found


def _cap(conn: sa.Connection, key: _CapKey, word: str, most: int, span: Any, now: datetime) -> Cap:
    connection, rule = key
    full_word = f"{'rule' if rule is not None else 'connection'}_{word}_cap"
    return Cap(
        full_word,
        f'the rule "{rule}"' if rule is not None else f"the connection {connection}",
        most,
        span,
        let_go.moments(conn, connection, rule, now - span, most=most),
        let_go.in_line(conn, connection, rule, full_word, now),
    )


def _with(cap: Cap, moment: datetime) -> Cap:
    return Cap(cap.word, cap.of, cap.most, cap.span, [*cap.let_go, moment], cap.in_line)


def _behind(cap: Cap) -> Cap:
    return Cap(cap.word, cap.of, cap.most, cap.span, cap.let_go, cap.in_line + 1)


def _last(calls: Any) -> datetime | None:
    return max((each.at for each in calls), default=None)


def _is_of(kept: KeptOptOut, asked: Asked) -> bool:
    if kept.whom.phone_number is not None:
        return kept.whom.phone_number == asked.number
    return (kept.whom.connection, kept.whom.record) in asked.people


def _opt_out(kept: KeptOptOut) -> OptOut:
    return OptOut(str(kept.whom), kept.since, kept.reason)
