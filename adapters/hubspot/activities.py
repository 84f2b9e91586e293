"""Notes and calls on the timelines of deals and contacts: each is made once, and found again by its mark.

HubSpot creates what it is asked to create: "nothing stops duplicates", and there is no key that would. What there
is, and how sure it is:

- `hs_unique_creation_key` ("Unique property used for idempotent creates") is a property of every object, and
  read-only to apps (seen by others, on services): not used.
- A search for a property of ours finds what was created only when HubSpot's index has it, "a few moments" later
  (https://developers.hubspot.com/docs/api-reference/search/guide): not used to say that something is not there.
- The id that HubSpot answered with is kept by the connector before anything is done again. That is certain.
- Where no answer came, the activities that stand on the deal are read through its associations, not through the
  index, and looked for our mark: the last line of a note's or call's text, in letters that HTML leaves alone.
  Associations are made in the same request as the activity. That a read half a minute later shows them is not
  documented and not verified here; nothing suggests otherwise.

https://developers.hubspot.com/docs/api-reference/crm-calls-v3/guide and .../crm-notes-v3/guide (read 2026-11): type
ids of associations, properties, limits. `hs_timestamp` is required of both. Creating either needs the scope
crm.objects.contacts.write.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from adapters.hubspot.client import BATCH, Client, Json
from adapters.hubspot.failures import Refused
from adapters.hubspot.records import RECORD, wrong_id
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import Activity, CallResult, Outcome, RecordRef

TIMELINES: Final = ("deal", "contact")
ASSOCIATIONS: Final = {
    ("note", "contact"): 202,
    ("note", "deal"): 214,
    ("call", "contact"): 194,
    ("call", "deal"): 206,
}
"""HubSpot's own association types, from the activity to the record; the direction matters."""
TEXT: Final = {"note": "hs_note_body", "call": "hs_call_body"}
MAX_TEXT: Final = 65_536
MAX_TITLE: Final = 200
PAGES: Final = 200

STATUSES: Final[Mapping[Outcome, str]] = {
    Outcome.ANSWERED: "COMPLETED",
    Outcome.VOICEMAIL: "COMPLETED",
    Outcome.NO_ANSWER: "NO_ANSWER",
    Outcome.BUSY: "BUSY",
    Outcome.FAILED: "FAILED",
    Outcome.CANCELED: "CANCELED",
    Outcome.EXPIRED: "CANCELED",
}
"""Our outcomes as `hs_call_status`; how a call of unknown outcome went is not claimed."""
DISPOSITIONS: Final[Mapping[Outcome, str]] = {
    Outcome.ANSWERED: "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    Outcome.VOICEMAIL: "b2cf5968-551e-4856-9783-52b3da59a7d0",
    Outcome.NO_ANSWER: "73a0d17f-1163-4015-bdd5-ec830791da20",
    Outcome.BUSY: "9d9162e7-6cf3-4944-bf63-4dff82258764",
}
"""Our outcomes as the outcomes every account has: Connected, Left voicemail, No answer, Busy."""

Made = dict[str, str | ConnectorError]


def log(client: Client, activities: Sequence[Activity], dispositions: Mapping[Outcome, str]) -> Made:
    """Create notes and calls by the hundred; return by key HubSpot's id of each, or why there is none."""
    made: Made = {}
    for kind in TEXT:
        own = [each for each in activities if _kind(each) == kind]
        made |= {each.key: error for each in own if (error := wrong_id(each.record))}
        todo = [each for each in own if each.key not in made]
        for start in range(0, len(todo), BATCH):
            chunk = todo[start : start + BATCH]
            try:
                _create(client, kind, chunk, dispositions, made)
            except (TemporaryError, PermanentError) as trouble:
                made |= {each.key: trouble for each in chunk if each.key not in made}
    return made


def logged(client: Client, activities: Sequence[Activity]) -> dict[str, str]:
    """Return by key HubSpot's id of those of these activities that stand on their deal."""
    found: dict[str, str] = {}
    for kind in TEXT:
        keys = {_mark(each): each.key for each in activities if _kind(each) == kind}
        deals = list(dict.fromkeys(each.record.id for each in activities if keys.get(_mark(each))))
        for start in range(0, len(deals), BATCH):
            links = client.linked(RECORD, deals[start : start + BATCH], kind, PAGES)
            ids = list(dict.fromkeys(str(link["toObjectId"]) for each in links.values() for link in each))
            for place in range(0, len(ids), BATCH):
                shown = client.objects(kind, ids[place : place + BATCH], {TEXT[kind]})
                for id_, properties in shown.items():
                    mark = _mark_in(properties.get(TEXT[kind]))
                    if mark in keys:
                        found.setdefault(keys[mark], id_)
    return found


def _create(
    client: Client,
    kind: str,
    todo: Sequence[Activity],
    dispositions: Mapping[Outcome, str],
    made: Made,
) -> None:
    """Create at once what HubSpot takes at once; halve what it refuses until the bad one stands alone."""
    try:
        created = client.create(kind, [activity_input(kind, each, dispositions) for each in todo])
    except Refused as refused:
        if len(todo) > 1:
            # HubSpot says that a refused batch made nothing; look rather than trust it, for it costs little
            made |= logged(client, todo)
            rest = [each for each in todo if each.key not in made]
            for part in (rest[::2], rest[1::2]):
                if part:
                    _create(client, kind, part, dispositions, made)
        else:
            _create_beside_what_is_gone(client, kind, todo[0], dispositions, made, refused)
        return
    ids = {_mark_in(properties.get(TEXT[kind])): id_ for id_, properties in created.items()}
    silent = TemporaryError(f"HubSpot's answer left this {kind} out")
    made |= {each.key: ids.get(_mark(each), silent) for each in todo}


def _create_beside_what_is_gone(
    client: Client,
    kind: str,
    activity: Activity,
    dispositions: Mapping[Outcome, str],
    made: Made,
    refused: Refused,
) -> None:
    """A contact that was deleted meanwhile must not cost the deal its note."""
    left = [each for each in activity.related if client.objects(each.type, [each.id], {"hs_object_id"})]
    if len(left) == len(activity.related):
        made[activity.key] = refused
        return
    alone = Activity(activity.key, activity.record, tuple(left), activity.at, activity.text, activity.call)
    _create(client, kind, [alone], dispositions, made)


def _kind(activity: Activity) -> str:
    return "note" if activity.call is None else "call"


def activity_input(kind: str, activity: Activity, dispositions: Mapping[Outcome, str]) -> Json:
    """One input of a batch: properties, and the associations with the deal and its contact."""
    text = _note(activity) if activity.call is None else _about(activity.call)
    properties = {
        "hs_timestamp": _iso(activity.at),
        TEXT[kind]: _with_mark(text, activity),
        **({} if activity.call is None else _call(activity.call, dispositions)),
    }
    places = [activity.record, *(each for each in activity.related if wrong_id(each) is None)]
    return {
        "properties": properties,
        "associations": [_association(kind, each) for each in places if each.type in TIMELINES],
    }


def _association(kind: str, record: RecordRef) -> Json:
    types = [
        {
            "associationCategory": "HUBSPOT_DEFINED",
            "associationTypeId": ASSOCIATIONS[kind, record.type],
        }
    ]
    return {"to": {"id": record.id}, "types": types}


def _call(call: CallResult, dispositions: Mapping[Outcome, str]) -> dict[str, str]:
    """What is known of the call, in HubSpot's properties; every value is text, the duration milliseconds."""
    outcome = call.outcome or Outcome.UNKNOWN
    known: dict[str, str | None] = {
        "hs_call_title": f"AI call: {call.agent_name}"[:MAX_TITLE] if call.agent_name else "AI call",
        "hs_call_direction": "OUTBOUND",
        "hs_call_status": STATUSES.get(outcome),
        "hs_call_disposition": dispositions.get(outcome),
        "hs_call_duration": None if call.duration_seconds is None else _milliseconds(call.duration_seconds),
        "hs_call_from_number": call.from_number,
        "hs_call_to_number": call.to_number,
        # HubSpot plays https only, and refuses anything else
        "hs_call_recording_url": call.recording_url if _is_https(call.recording_url) else None,
    }
    return {name: value for name, value in known.items() if value}


def _milliseconds(seconds: float) -> str:
    return str(max(round(seconds * 1000), 0))


def _is_https(url: str | None) -> bool:
    return url is not None and url.startswith("https://")


def _note(activity: Activity) -> str:
    return activity.text


def _about(call: CallResult) -> str:
    """The call in words, for the text of the activity; the longest, the transcript, last."""
    outcome = (call.outcome or Outcome.UNKNOWN).value.replace("_", " ")
    seconds = "" if call.duration_seconds is None else f", {round(call.duration_seconds)} seconds"
    lines = [f"Outcome: {outcome}{seconds}"]
    lines += [f"Sentiment: {call.sentiment}"] if call.sentiment else []
    lines += [f"Recording: {call.recording_url}"] if call.recording_url else []
    lines += ["", call.summary] if call.summary else []
    lines += ["", "Transcript:", call.transcript] if call.transcript else []
    return "\n".join(lines)


def _with_mark(text: str, activity: Activity) -> str:
    """The text as HTML that shows it as it is, cut to what HubSpot takes, with our mark in its last line."""
    mark = _mark(activity)
    room = MAX_TEXT - len(mark) - len("<br><br>")
    pieces: list[str] = []
    size = 0
    for character in text:
        piece = "<br>" if character == "\n" else escape(character)
        size += len(piece)
        if size > room - 1:
            pieces.append("…")
            break
        pieces.append(piece)
    return f"{''.join(pieces)}<br><br>{mark}"


def _mark(activity: Activity) -> str:
    return f"Stagecall {activity.key}"


def _mark_in(text: Any) -> str:
    """The mark at the end of a text, whatever HTML HubSpot may have put around it; nothing where there is none."""
    plain = str(text or "")
    begins = plain.rfind("Stagecall ")
    if begins < 0:
        return ""
    key = plain[begins + len("Stagecall ") :]
    return "Stagecall " + "".join(_while_key(key))


def _while_key(text: str) -> Iterator[str]:
    for character in text:
        if not (character.isascii() and (character.isalnum() or character in "-_.")):
            return
        yield character


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
