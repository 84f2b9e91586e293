"""Write-backs: what the rules want to stand on records, written in order, a hundred records at a time."""

import logging
from collections.abc import Mapping, Sequence

from connector import jobs
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import RecordRef, WriteBack
from connector.parts import Parts
from connector.store import write_backs
from connector.store.write_backs import QueuedWriteBack

log = logging.getLogger(__name__)

RECORDS = 100


def write_back(parts: Parts, connection: str) -> None:
    """Write everything due for a connection; run by one job at a time for each connection."""
    while _write_some(parts, connection) == RECORDS:
        pass


def _write_some(parts: Parts, connection: str) -> int:
    """Write up to RECORDS records; return how many were taken."""
    with parts.engine.connect() as conn:
        taken = write_backs.take_due(conn, connection, parts.clock(), RECORDS)
    by_record: dict[RecordRef, list[QueuedWriteBack]] = {}
    for each in taken:
        by_record.setdefault(each.write.record, []).append(each)
    try:
        adapter = parts.adapter(connection)
        _forget_done(parts, connection, by_record)
        writes = [merged(rows) for rows in by_record.values()]
        _mark(parts, [row for rows in by_record.values() for row in rows], "writing")
        results = adapter.write(writes) if writes else {}
    except (TemporaryError, PermanentError) as error:
        results = dict.fromkeys(by_record, error)
    _settle(parts, by_record, results)
    return len({each.write.record for each in taken})


def _forget_done(parts: Parts, connection: str, by_record: dict[RecordRef, list[QueuedWriteBack]]) -> None:
    """A write that may have been done before a crash is compared with the record, not repeated."""
    doubtful = {
        record: rows for record, rows in by_record.items() if any(row.state == "writing" for row in rows)
    }
    if not doubtful:
        return
    tried = [merged([row for row in rows if row.state == "writing"]) for rows in doubtful.values()]
    for record, stands in parts.adapter(connection).holds(tried).items():
        if stands:
            done = [row for row in by_record[record] if row.state == "writing"]
            _mark(parts, done, "written")
            by_record[record] = [row for row in by_record[record] if row.state != "writing"]
            if not by_record[record]:
                del by_record[record]


def merged(rows: Sequence[QueuedWriteBack]) -> WriteBack:
    """One write for a record: later values win."""
    properties: dict[str, dict[str, str]] = {}
    for row in rows:
        for name, values in row.write.properties.items():
            properties.setdefault(name, {}).update(values)
    return WriteBack(rows[0].write.record, properties)


def _settle(
    parts: Parts,
    by_record: Mapping[RecordRef, list[QueuedWriteBack]],
    results: Mapping[RecordRef, ConnectorError | None],
) -> None:
    now = parts.clock()
    silent = TemporaryError("the CRM's answer left this record out")
    errors = {record: results.get(record, silent) for record in by_record}
    written = [row for record, error in errors.items() if error is None for row in by_record[record]]
    _mark(parts, written, "written")
    for record, error in errors.items():
        rows = by_record[record]
        if isinstance(error, TemporaryError):
            attempts = max(row.attempts for row in rows) + 1
            due_at = now + (error.after or jobs.back_off(attempts))
            _mark(parts, rows, "writing", due_at=due_at, attempts=attempts, error=str(error))
        elif error is not None:
            log.error("write-back failed", extra={"record": str(record), "why": str(error)})
            _mark(parts, rows, "failed", error=str(error))


def _mark(parts: Parts, rows: Sequence[QueuedWriteBack], state: str, **columns: object) -> None:
    if state == "written":
        columns["written_at"] = parts.clock()
        columns["error"] = None
    if rows:
        with parts.engine.begin() as conn:
            write_backs.mark(conn, [row.id for row in rows], state, **columns)
