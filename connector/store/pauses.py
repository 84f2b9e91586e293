"""Pauses: an operator's word that no calls are let go, of everything, of a connection, or of a rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.store.gate import close_gate
from connector.store.tables import pauses


@dataclass(frozen=True, slots=True)
class Scope:
    """What is paused: a rule, a connection, a rule of a connection; nothing named is everything."""

    connection: str = ""
    rule: str = ""

    def covers(self, connection: str, rule: str) -> bool:
        """Is a dispatch of this rule and connection paused by it?"""
        return self.connection in ("", connection) and self.rule in ("", rule)

    def __str__(self) -> str:
        rule = f'the rule "{self.rule}"' if self.rule else ""
        connection = f"the connection {self.connection}" if self.connection else ""
        return " of ".join(each for each in (rule, connection) if each) or "everything"


@dataclass(frozen=True, slots=True)
class KeptPause:
    """A pause in force."""

    scope: Scope
    since: datetime
    reason: str


def pause(conn: sa.Connection, scope: Scope, reason: str, at: datetime) -> bool:
    """Pause from now on; False where it is paused already."""
    close_gate(conn)
    row = {"connection": scope.connection, "rule": scope.rule, "since": at, "reason": reason}
    query = insert(pauses).values(row).on_conflict_do_nothing().returning(pauses.c.id)
    return conn.execute(query).first() is not None


def resume(conn: sa.Connection, scope: Scope, at: datetime) -> bool:
    """End the pause of exactly this; False where there is none."""
    close_gate(conn)
    c = pauses.c
    same = (c.resumed_at.is_(None), c.connection == scope.connection, c.rule == scope.rule)
    return conn.execute(pauses.update().where(*same).values(resumed_at=at)).rowcount > 0


def in_force(conn: sa.Connection) -> Sequence[KeptPause]:
    """Return every pause in force, the oldest first."""
    c = pauses.c
    query = sa.select(c.connection, c.rule, c.since, c.reason).where(c.resumed_at.is_(None)).order_by(c.id)
    return [KeptPause(Scope(row.connection, row.rule), row.since, row.reason) for row in conn.execute(query)]
