"""Stage entries that are our own write-backs coming back: they never start a call.

Most CRMs say who changed a record, and their adapter marks the event as our own. This is for what they do not
mark: a stage that a write-back has just set.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from connector.mapping.evaluate import Situation
from connector.model import StageEvent
from connector.parts import Parts
from connector.store import write_backs
from connector.store.write_backs import StageSet

TOLERANCE: Final = timedelta(minutes=1)
"""How far the CRM's clock may be from ours."""


def set_by_us(parts: Parts, connection: str, events: Iterable[tuple[StageEvent, Situation]]) -> set[int]:
    """Return which of these events (by identity) tell of a stage that a write-back of ours set."""
    asked = [(event, here) for event, here in events if here.event.stage is not None]
    if not asked:
        return set()
    since = min(event.occurred_at for event, _ in asked) - TOLERANCE
    with parts.engine.connect() as conn:
        records = {event.record for event, _ in asked}
        known = write_backs.stages_set(conn, connection, records, since)
    return {
        id(event) for event, here in asked if any(_is_ours(event, here.event.stage, each) for each in known)
    }


def _is_ours(event: StageEvent, stage: str | None, ours: StageSet) -> bool:
    if (ours.record, ours.stage) != (event.record, stage):
        return False
    if event.stage is None:
        # news of a creation that names no stage: the record was read after we had moved it
        return event.occurred_at <= ours.began_at + TOLERANCE
    ended = ours.written_at or event.occurred_at
    return ours.began_at - TOLERANCE <= event.occurred_at <= ended + TOLERANCE
