"""Write-backs: what the rules want to stand on records and timelines, in order, a hundred records at a time.

Values (properties, stages, tags) may be written twice and are the same. Notes and calls may not: each is marked as
begun before it is sent, and what was begun is looked for at the CRM before it is sent again.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector import jobs
from connector.adapter import Adapter
from connector.aiming import Aim, aims
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import Activity, CallResult, RecordRef, WriteBack
from connector.parts import Parts
from connector.store import write_backs
from connector.store.write_backs import QueuedWriteBack

log = logging.getLogger(__name__)

RECORDS = 100
ACTIVITIES = ("note", "log_call")
"""The parts that make something new; all others set values."""
TRUST_ABSENCE_AFTER = timedelta(seconds=30)
"""A note or call that was sent this long ago and is not found was never made: no request is under way any more,
and the CRM has had time to show it."""
_SILENT = TemporaryError("the CRM's answer left this out")

Answers = dict[int, str | ConnectorError | None]
"""By row: None (or the CRM's id of what was made) where it is done, else why not."""


def write_back(parts: Parts, connection: str) -> None:
    """Write everything due for a connection; run by one job at a time for each connection."""
    while _write_some(parts, connection) == RECORDS:
        pass


def _write_some(parts: Parts, connection: str) -> int:
    """Write up to RECORDS records; return how many were taken."""
    now = parts.clock()
    with parts.engine.connect() as conn:
        taken = write_backs.take_due(conn, connection, now, RECORDS)
    try:
        adapter = parts.adapter(connection)
    except PermanentError as error:
        _settle(parts, taken, {row.id: error for row in taken})
        return len({row.record for row in taken})
    _write_values(parts, connection, adapter, [row for row in taken if row.part not in ACTIVITIES])
    begun = [row for row in taken if row.part in ACTIVITIES and row.due_at <= now]
    for start in range(0, len(begun), RECORDS):
        _log(parts, adapter, begun[start : start + RECORDS])
    return len({row.record for row in taken})


def _write_values(parts: Parts, connection: str, adapter: Adapter, rows: Sequence[QueuedWriteBack]) -> None:
    """Set properties, stages and tags: one write for a record, whichever parts want it."""
    try:
        todo = _without_done(parts, adapter, rows)
        aimed, done = aims(parts, connection, adapter, [row for row in todo if row.part == "stage"])
    except (TemporaryError, PermanentError) as error:
        _settle(parts, rows, {row.id: error for row in rows})
        return
    _settle(parts, [row for row in todo if row.id in done], done)
    todo = [row for row in todo if row.id not in done]
    _begin(parts, todo, aimed)
    _settle(parts, todo, _written(adapter, _by_record(todo), aimed))


def _without_done(parts: Parts, adapter: Adapter, rows: Sequence[QueuedWriteBack]) -> list[QueuedWriteBack]:
    """Properties that may have been written before a crash are compared with the record, not repeated."""
    doubtful = [row for row in rows if row.state == "writing" and row.part == adapter.record]
    tried = [merged(own, {}) for own in _by_record(doubtful).values()]
    stands = adapter.holds(tried) if tried else {}
    done = [row for row in doubtful if stands.get(row.record)]
    _settle(parts, done, {row.id: None for row in done})
    return [row for row in rows if row not in done]


def _by_record(rows: Iterable[QueuedWriteBack]) -> dict[RecordRef, list[QueuedWriteBack]]:
    found: dict[RecordRef, list[QueuedWriteBack]] = {}
    for row in rows:
        found.setdefault(row.record, []).append(row)
    return found


def merged(rows: Sequence[QueuedWriteBack], aimed: Mapping[int, Aim]) -> WriteBack:
    """One write for a record: later values win."""
    properties: dict[str, str] = {}
    stage: str | None = None
    tags: dict[str, bool] = {}
    for row in rows:
        if row.part == "stage":
            stage = aimed[row.id].stage
        elif row.part == "tags":
            tags |= dict.fromkeys(row.content["remove"], False) | dict.fromkeys(row.content["add"], True)
        else:
            properties |= row.content
    return WriteBack(
        rows[0].record,
        properties,
        stage,
        add_tags=tuple(tag for tag, wanted in tags.items() if wanted),
        remove_tags=tuple(tag for tag, wanted in tags.items() if not wanted),
    )


def _written(
    adapter: Adapter, by_record: Mapping[RecordRef, Sequence[QueuedWriteBack]], aimed: Mapping[int, Aim]
) -> Answers:
    """Write, and where the CRM refuses a record's values together, one part after the other."""
    if not by_record:
        return {}
    answered: Mapping[RecordRef, ConnectorError | None]
    try:
        answered = adapter.write([merged(rows, aimed) for rows in by_record.values()])
    except (TemporaryError, PermanentError) as error:
        return {row.id: error for rows in by_record.values() for row in rows}
    answers: Answers = {}
    refused: dict[RecordRef, Sequence[QueuedWriteBack]] = {}
    for record, rows in by_record.items():
        answer = answered.get(record, _SILENT)
        if isinstance(answer, PermanentError) and len(rows) > 1:
            refused[record] = rows
        else:
            answers |= {row.id: answer for row in rows}
    for place in range(max(map(len, refused.values()), default=0)):
        turn = {record: rows[place] for record, rows in refused.items() if place < len(rows)}
        waits = {
            row.id: before
            for record, row in turn.items()
            if place and isinstance(before := answers[refused[record][place - 1].id], TemporaryError)
        }
        answers |= waits
        answers |= _written(
            adapter, {record: [row] for record, row in turn.items() if row.id not in waits}, aimed
        )
    return answers


def _log(parts: Parts, adapter: Adapter, rows: Sequence[QueuedWriteBack]) -> None:
    """Make notes and calls; what was begun before is looked for first."""
    now = parts.clock()
    begun = [row for row in rows if row.state == "writing"]
    try:
        found = adapter.logged([activity(row) for row in begun]) if begun else {}
    except (TemporaryError, PermanentError) as error:
        _settle(parts, begun, {row.id: error for row in begun})
        rows = [row for row in rows if row.state != "writing"]
    else:
        made: Answers = {row.id: found[_key(row)] for row in begun if _key(row) in found}
        _settle(parts, begun, made)
        rows = [row for row in rows if row.id not in made and not _too_early(parts, row, now)]
    _begin(parts, rows, {})
    if rows:
        logged = adapter.log([activity(row) for row in rows])
        _settle(parts, rows, {row.id: logged.get(_key(row), _SILENT) for row in rows})


def _too_early(parts: Parts, row: QueuedWriteBack, now: datetime) -> bool:
    """May it still come, or not be shown yet? Then it is looked for again, not made again."""
    sure_at = row.began_at + TRUST_ABSENCE_AFTER if row.state == "writing" and row.began_at else now
    if sure_at <= now:
        return False
    _mark(parts, [row], "writing", due_at=sure_at)
    return True


def activity(row: QueuedWriteBack) -> Activity:
    """The note or call that a row wants."""
    content = row.content
    return Activity(
        key=_key(row),
        record=row.record,
        related=tuple(RecordRef(*each) for each in content["related"]),
        at=datetime.fromisoformat(content["at"]),
        text=content.get("text", ""),
        call=CallResult.from_json(content["call"]) if row.part == "log_call" else None,
    )


def _key(row: QueuedWriteBack) -> str:
    return f"{row.dispatch_id}-{row.moment}-{row.part}"


def _begin(parts: Parts, rows: Sequence[QueuedWriteBack], aimed: Mapping[int, Aim]) -> None:
    """Commit that these are sent from now on, stages with the stage that they set."""
    now = parts.clock()
    _mark(parts, [row for row in rows if row.id not in aimed], "writing", began_at=now)
    for stage in {aim.stage for id_, aim in aimed.items() if id_ in {row.id for row in rows}}:
        own = [row for row in rows if row.id in aimed and aimed[row.id].stage == stage]
        _mark(parts, own, "writing", began_at=now, stage=stage)


def _settle(
    parts: Parts, rows: Sequence[QueuedWriteBack], answers: Mapping[int, str | ConnectorError | Aim | None]
) -> None:
    """Commit what became of rows that were answered, all at once."""
    now = parts.clock()
    done = [row.id for row in rows if answers.get(row.id, "") is None]
    with parts.engine.begin() as conn:
        write_backs.mark(conn, done, "written", written_at=now, error=None)
        for row in rows:
            answer = answers.get(row.id)
            if answer is not None:
                state, columns = _outcome(row, answer, now)
                write_backs.mark(conn, [row.id], state, **columns)


def _outcome(
    row: QueuedWriteBack, answer: str | ConnectorError | Aim, now: datetime
) -> tuple[str, dict[str, Any]]:
    """The state that an answer puts a row in, with its columns."""
    if isinstance(answer, str):
        return "written", {"made_id": answer, "written_at": now, "error": None}
    if isinstance(answer, Aim):
        return "left" if answer.why else "written", {"written_at": now, "error": answer.why or None}
    if isinstance(answer, TemporaryError):
        attempts = row.attempts + 1
        due_at = now + (answer.after or jobs.back_off(attempts))
        return "writing", {"due_at": due_at, "attempts": attempts, "error": str(answer)}
    extra = {"record": str(row.record), "dispatch": row.dispatch_id, "why": str(answer)}
    log.error("write-back failed", extra=extra)
    return "failed", {"error": str(answer)}


def _mark(parts: Parts, rows: Sequence[QueuedWriteBack], state: str, **columns: Any) -> None:
    if rows:
        with parts.engine.begin() as conn:
            write_backs.mark(conn, [row.id for row in rows], state, **columns)
