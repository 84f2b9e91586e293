"""Rule files as the workers have them: in force, refused, and what was in force before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.store.tables import rule_files, rule_history, rule_versions


@dataclass(frozen=True, slots=True)
class FileState:
    """One rule file as a worker last told of it."""

    file: str
    connection: str
    version: str
    in_force_at: datetime
    refused_at: datetime | None
    mistakes: str | None


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version that came in force at some moment."""

    file: str
    version: str
    at: datetime
    text: str


def tell_in_force(conn: sa.Connection, file: str, connection: str, version: str, at: datetime) -> None:
    """This version is in force now; nothing newer is refused."""
    known = conn.execute(sa.select(rule_files.c.version).where(rule_files.c.file == file)).scalar()
    values: dict[str, str | datetime | None] = {
        "connection": connection,
        "version": version,
        "refused_at": None,
        "mistakes": None,
    }
    if known != version:
        values |= {"in_force_at": at}
        conn.execute(rule_history.insert().values(file=file, version=version, at=at))
    new = insert(rule_files).values(file=file, **{"in_force_at": at, **values})
    conn.execute(new.on_conflict_do_update(index_elements=[rule_files.c.file], set_=values))


def tell_refused(conn: sa.Connection, file: str, mistakes: str, at: datetime) -> None:
    """A newer text of this file has mistakes; what was in force stays."""
    conn.execute(
        rule_files.update().where(rule_files.c.file == file).values(refused_at=at, mistakes=mistakes)
    )


def states(conn: sa.Connection) -> list[FileState]:
    """Every rule file that a worker told of, by name."""
    names = FileState.__dataclass_fields__
    rows = conn.execute(sa.select(*(rule_files.c[name] for name in names)).order_by(rule_files.c.file))
    return [FileState(**row) for row in rows.mappings()]


def history(conn: sa.Connection, file: str | None = None, *, limit: int = 100) -> Sequence[PastVersion]:
    """What came in force, newest first."""
    query = (
        sa.select(rule_history.c.file, rule_history.c.version, rule_history.c.at, rule_versions.c.text)
        .join(rule_versions, rule_versions.c.version == rule_history.c.version)
        .order_by(rule_history.c.id.desc())
        .limit(limit)
    )
    if file is not None:
        query = query.where(rule_history.c.file == file)
    return [PastVersion(**row) for row in conn.execute(query).mappings()]
