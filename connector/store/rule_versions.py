"""The text of every rule file a dispatch ran under, by its SHA-256."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.store.tables import rule_versions


@dataclass(frozen=True, slots=True)
class RuleVersion:
    version: str
    connection: str
    file: str
    text: str


def remember(conn: sa.Connection, version: RuleVersion, at: datetime) -> None:
    """Keep a version; nothing happens where it is kept already."""
    conn.execute(
        insert(rule_versions).on_conflict_do_nothing(),
        {
            "version": version.version,
            "connection": version.connection,
            "file": version.file,
            "text": version.text,
            "first_used_at": at,
        },
    )


def get(conn: sa.Connection, version: str) -> RuleVersion | None:
    row = conn.execute(sa.select(rule_versions).where(rule_versions.c.version == version)).first()
    return RuleVersion(row.version, row.connection, row.file, row.text) if row else None
