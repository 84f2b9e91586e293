"""`stagecall status`: what runs under which rules, what waits, what needs a person."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from connector import jobs
from connector.listing import unread
from connector.store import dispatches, pauses, rule_files
from connector.store.tables import deliveries

_LOOKED_AT = 20
"""So many of a connection's last deliveries."""


def status(conn: sa.Connection) -> dict[str, Any]:
    """Everything at once, as JSON can say it."""
    return {
        "rules": [_file(each) for each in rule_files.states(conn)],
        "dispatches": dispatches.counts(conn),
        "paused": [
            f"{each.scope} since {each.since:%Y-%m-%d %H:%M:%S} UTC" for each in pauses.in_force(conn)
        ],
        "jobs": dict(jobs.backlog(conn)),
        "needs_a_person": [*unread(conn, None), *_unknown(conn), *_unknown_stages(conn)],
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for a person to read."""
    if not found["rules"]:
        yield "rules: none in force yet; `stagecall serve` or `stagecall work` puts them in force"
    for each in found["rules"]:
        yield f"rules: {each['file']}  version {each['version'][:12]} in force since {each['in_force_at'][:19]} UTC"
        if each["mistakes"]:
            yield f"  a newer text was refused at {each['refused_at'][:19]} UTC; the one above stays in force:"
            yield from (f"    {line}" for line in each["mistakes"].splitlines())
    yield f"dispatches: {_counted(found['dispatches'])}"
    for pause in found["paused"]:
        yield f"paused: {pause}; `stagecall resume` ends it"
    yield f"jobs: {_counted(found['jobs'])}"
    for note in found["needs_a_person"]:
        yield f"needs a person: {note}"


def _file(state: rule_files.FileState) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in asdict(state).items()}


def _unknown(conn: sa.Connection) -> Iterator[str]:
    unknown = dispatches.counts(conn).get("unknown", 0)
    if unknown:
        yield f"{unknown} dispatches are unknown; `stagecall dispatches --state unknown` lists them"


def _unknown_stages(conn: sa.Connection) -> Iterator[str]:
    """Rules in force whose stage the CRM does not have, as its last news showed."""
    for file in rule_files.states(conn):
        about = sa.select(deliveries.c.report["unknown_stages"]).where(
            deliveries.c.connection == file.connection, deliveries.c.read_at > file.in_force_at
        )
        newest = conn.execute(about.order_by(deliveries.c.read_at.desc()).limit(_LOOKED_AT)).scalars()
        yield from dict.fromkeys(f"{file.file}: {found}" for several in newest for found in several or ())


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
