"""What a person asks of the store: which calls were placed, which were not, and why."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from connector import jobs
from connector.errors import PermanentError
from connector.process import defer_reading
from connector.store import dispatches as store
from connector.store import write_backs
from connector.store.deliveries import CALLS
from connector.store.dispatches import Dispatch
from connector.store.tables import deliveries
from connector.store.tables import dispatches as table

_MOST = 10
"""How many dispatches are named where one was asked for."""


def dispatches(
    conn: sa.Connection, *, state: str | None, record_id: str | None, limit: int
) -> list[dict[str, Any]]:
    """Dispatches as JSON, newest first, each with its history and its write-backs."""
    query = sa.select(table).order_by(table.c.number.desc()).limit(limit)
    if state:
        query = query.where(table.c.state == state)
    if record_id:
        query = query.where(table.c.record_id == record_id)
    return [shown(conn, store.from_row(row)) for row in conn.execute(query)]


def find(conn: sa.Connection, beginning: str) -> dict[str, Any]:
    """The dispatch whose id begins so, as JSON; raises PermanentError where there is none, or more than one."""
    begins = beginning.strip().lower()
    ids = sa.cast(table.c.id, sa.Text)
    query = sa.select(table).where(ids.startswith(begins, autoescape=True)).order_by(table.c.number.desc())
    found = [store.from_row(row) for row in conn.execute(query.limit(_MOST))] if begins else []
    if len(found) == 1:
        return shown(conn, found[0])
    if found:
        raise PermanentError(f'the ids of several dispatches begin with "{beginning}":{_choices(found)}')
    of_record = sa.select(table).where(table.c.record_id == beginning).order_by(table.c.number.desc())
    found = [store.from_row(row) for row in conn.execute(of_record.limit(_MOST))]
    if found:
        raise PermanentError(
            f'no id of a dispatch begins with "{beginning}"; it is the id of a record, whose dispatches are:'
            f"{_choices(found)}"
        )
    raise PermanentError(
        f'no id of a dispatch begins with "{beginning}"; `stagecall dispatches` lists them, and'
        f" `stagecall dispatches --record {beginning}` says what became of news about a record"
    )


def _choices(found: Sequence[Dispatch]) -> str:
    return "".join(
        f"\n  {each.id}  {each.state:<8} {each.record}, entered {each.event.occurred_at:%Y-%m-%d %H:%M} UTC,"
        f' rule "{each.rule}"'
        for each in found
    )


def shown(conn: sa.Connection | None, row: Dispatch) -> dict[str, Any]:
    """A dispatch as JSON; one that is kept with its history and its write-backs."""
    return {
        "id": row.id,
        "rule": row.rule,
        "rules_version": row.rules_version,
        "record": str(row.record),
        "stage": row.stage,
        "state": row.state,
        "why": row.word,
        "reason": row.reason,
        "phone_number": row.phone_number,
        "call_id": row.call_id,
        "delivery": row.delivery_id,
        "due_at": row.due_at.isoformat(),
        "explanation": list(row.explanation),
        "verdicts": list(row.verdicts),
        "history": [
            {"at": at.isoformat(), "state": state, "reason": reason}
            for at, state, reason in (store.history(conn, row.id) if conn else ())
        ],
        "write_backs": [
            {name: each[name] for name in ("moment", "part", "state", "content", "made_id", "error")}
            for each in (write_backs.for_dispatch(conn, row.id) if conn else ())
        ],
    }


def unread(conn: sa.Connection, record_id: str | None) -> list[str]:
    """What a list of dispatches does not show: deliveries not read, and news of a record that made no call."""
    notes = []
    query = sa.select(deliveries.c.connection, deliveries.c.state, sa.func.count()).where(
        deliveries.c.state.in_(("kept", "dead"))
    )
    for connection, state, count in conn.execute(query.group_by(deliveries.c.connection, deliveries.c.state)):
        what = "are not read yet; the log says why" if state == "kept" else "are dead letters"
        notes.append(f"{count} deliveries of {connection} {what}")
    if record_id:
        about = sa.select(deliveries).where(
            deliveries.c.adapter != CALLS,
            sa.func.strpos(sa.func.encode(deliveries.c.body, "escape"), record_id) > 0,
        )
        for row in conn.execute(about.order_by(deliveries.c.received_at.desc()).limit(5)):
            why = "; ".join((row.report or {}).get("no_call") or {}) or row.error or row.state
            notes.append(f"a delivery of {row.received_at:%Y-%m-%d %H:%M} UTC names {record_id}: {why}")
        notes = notes or [f"no delivery that names {record_id} was kept"]
    return notes


def lines(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The same for a person to read."""
    if not found:
        yield "no dispatches"
    for each in found:
        yield f"{each['id'][:8]}  {each['state']:<8} {each['record']}  {each['rule']}: {each['reason']}"
        for verdict in each["verdicts"]:
            if verdict["answer"] != "allow":
                yield f"         {verdict['policy']}: {verdict['answer']}: {verdict['sentence']}"
        for step in each["history"]:
            yield f"         {step['at'][:19]}  {step['state']}: {step['reason']}"
        for write in each["write_backs"]:
            what = f"{write['moment']}, {write['part']}"
            yield f"         write-back {what}: {write['state']} {write['error'] or ''}".rstrip()


def replay(conn: sa.Connection, delivery_id: str) -> str:
    """Read a delivery again; raises PermanentError where there is none of that id."""
    try:
        UUID(delivery_id)
    except ValueError:
        raise PermanentError(f'"{delivery_id}" is not the id of a delivery') from None
    query = deliveries.update().where(deliveries.c.id == delivery_id).values(state="kept", error=None)
    row = conn.execute(query.returning(deliveries.c.adapter, deliveries.c.connection)).first()
    if row is None:
        raise PermanentError(f"no delivery {delivery_id} is kept")
    if row.adapter == CALLS:
        jobs.nudge(conn, "read_results")
    else:
        defer_reading(conn, row.connection, delivery_id)
    return f"delivery {delivery_id} is read again"
