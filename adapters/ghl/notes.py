"""Notes on contacts: each is made once, and found again by its mark.

https://marketplace.gohighlevel.com/docs, POST and GET /contacts/{id}/notes (2021-07-28, read 2026-11): a note belongs to a
contact; opportunities have none of their own in the API (highlevel-api-docs, issue 305). Nothing stops duplicates, so
the last line of every note is a mark that no other has. That a note is listed at once is not documented; the connector
asks half a minute later at the earliest.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from adapters.ghl.client import Client
from adapters.ghl.records import CONTACT, contact_of, each
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import Activity

MAX_TEXT: Final = 20_000
"""Our own caution: HighLevel names no limit."""
_MARK: Final = re.compile(r"Stagecall ([A-Za-z0-9_.-]+)")


def log(client: Client, activities: Sequence[Activity]) -> Mapping[str, str | ConnectorError]:
    """Put notes on contacts; return by key HighLevel's id of each, or why there is none."""
    by_key = {activity.key: activity for activity in activities}
    return each(list(by_key), lambda key: _make(client, by_key[key]))


def logged(client: Client, activities: Sequence[Activity]) -> Mapping[str, str]:
    """Return by key HighLevel's id of those of these notes that stand on their contact. Raises what reading raises."""
    by_key = {activity.key: activity for activity in activities}
    found: dict[str, str] = {}
    for key, id_ in each(list(by_key), lambda key: _found(client, by_key[key])).items():
        if isinstance(id_, TemporaryError):
            raise id_
        if isinstance(id_, str):
            found[key] = id_
    return found


def _make(client: Client, activity: Activity) -> str:
    if activity.call is not None:
        raise PermanentError("HighLevel takes calls from phone providers only; write a note")
    return client.add_note(_contact(client, activity), text_of(activity))


def _found(client: Client, activity: Activity) -> str | None:
    for note in client.notes(_contact(client, activity)):
        if activity.key in _MARK.findall(str(note.get("body") or "")) and note.get("id"):
            return str(note["id"])
    return None


def _contact(client: Client, activity: Activity) -> str:
    named = next((record.id for record in activity.related if record.type == CONTACT), None)
    return named or contact_of(client, activity.record)


def text_of(activity: Activity) -> str:
    """The note's text with our mark in its last line."""
    text = activity.text if len(activity.text) <= MAX_TEXT else f"{activity.text[: MAX_TEXT - 1]}…"
    return f"{text}\n\nStagecall {activity.key}"
