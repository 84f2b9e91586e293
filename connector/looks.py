"""What was looked at before a call was placed or not, as it is kept: at the first look, and at the last.

The first is that when the event was read, the last that just before sending (or since when it waits).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.mapping.steps import Part, Step
from connector.store.dispatches import Dispatch


def look(at: datetime, steps: Iterable[Step]) -> Mapping[str, Any]:
    """Return a look as it is kept: `{"at": "2026-...", "steps": [{"part", "key", "sentence", ...}]}`."""
    return {"at": at.isoformat(), "steps": [each.as_json() for each in steps]}


def look_again(dispatch: Dispatch, at: datetime, steps: Iterable[Step]) -> list[Mapping[str, Any]]:
    """Return the looks of a dispatch with a new last one."""
    return [*dispatch.explanation[:1], look(at, steps)]


def unread(why: str) -> Sequence[Step]:
    """Return the steps of a look that ended before it began: the record could not be read."""
    return (Step(Part.WHEN, "record", why, holds=False),)
