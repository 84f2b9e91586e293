"""Parse: HubSpot's words for what happened, into ours. Pure.

https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide (read 2026-11), and captured
deliveries: a body is a JSON array of up to 100 events. A deal's new stage comes as `deal.propertyChange`
(legacy list) or as `object.propertyChange` with objectTypeId 0-3 (generic list); an account that subscribes
to both sends both, so an event's id is made of what changed and never of the subscription. `eventId` is
documented as not unique and is not used. A deal that is created sends its creation and one propertyChange
for each subscribed property, with the same occurredAt, in any order.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.errors import MalformedDelivery
from connector.model import EventKind, News, RecordRef, Request, Source, StageEvent

RECORD: Final = "deal"
DEAL_TYPE_ID: Final = "0-3"
STAGE_PROPERTY: Final = "dealstage"
OWN_SOURCE: Final = "INTEGRATION"

OURS: Final[Mapping[tuple[str, str], EventKind]] = {
    ("deal", "propertyChange"): EventKind.MOVED,
    ("deal", "creation"): EventKind.CREATED,
}
"""What we follow: (noun, verb); `object` with a deal's type id reads as `deal`."""

KNOWN: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        ("contact", "company", "deal", "ticket", "line_item", "object"),
        frozenset({"creation", "deletion", "merge", "restore", "propertyChange", "associationChange"}),
    ),
    "product": frozenset({"creation", "deletion", "merge", "restore", "propertyChange"}),
    "conversation": frozenset({"creation", "deletion", "privacyDeletion", "propertyChange", "newMessage"}),
    "event": frozenset({"completed"}),
}
"""HubSpot's whole vocabulary, the same in v3, 2025-09, 2026-03 and 2026-09; anything else is unknown."""
KNOWN_ALONE: Final = frozenset({"contact.privacyDeletion"})

SOURCES: Final[Mapping[str, Source]] = {
    "CRM_UI": Source.PERSON,
    "MOBILE_ANDROID": Source.PERSON,
    "MOBILE_IOS": Source.PERSON,
    "CRM_UI_BULK_ACTION": Source.BULK_EDIT,
    "IMPORT": Source.IMPORT,
    "API": Source.INTEGRATION,
    "BATCH_UPDATE": Source.INTEGRATION,
    "INTEGRATION": Source.INTEGRATION,
    "INTEGRATIONS_PLATFORM": Source.INTEGRATION,
    "INTEGRATIONS_SYNC": Source.INTEGRATION,
    "SALESFORCE": Source.INTEGRATION,
    "AUTOMATION_PLATFORM": Source.WORKFLOW,
    "WORKFLOWS": Source.WORKFLOW,
}
"""HubSpot's `changeSource` in our words. It names some sixty and adds new ones; those not here are unknown."""

_KINDS: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "text",
    bool: "true or false",
    type(None): "nothing",
    int: "a number out of range",
    float: "a number with a fraction",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ID: Final = 2**63 - 1
_MAX_TEXT: Final = 200


class _Unreadable(Exception):
    """One event cannot be read; its sentence says why."""


@dataclass(slots=True)
class _Reading:
    events: list[StageEvent] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    malformed: list[str] = field(default_factory=list)


def parse(request: Request, portal_id: str | None = None) -> News:
    """Return what a delivery says; raise MalformedDelivery if it is not a JSON array."""
    reading = _Reading()
    text = _decoded(request.body)
    # only an escape can bring in text that cannot be stored; HubSpot writes hardly any
    escaped = "\\u" in text
    for number, item in enumerate(_items(text), start=1):
        try:
            if escaped:
                _check_storable(item)
            _read(item, portal_id, reading)
        except _Unreadable as why:
            reading.malformed.append(f"event {number}: {why}")
        except RecursionError:
            reading.malformed.append(f"event {number}: nested too deeply")
    return News(
        events=tuple(sorted(_join_creations(reading.events), key=lambda event: event.occurred_at)),
        ignored=dict(reading.ignored),
        unknown=dict(reading.unknown),
        malformed=tuple(reading.malformed),
    )


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as why:
        raise MalformedDelivery(f"the body is not UTF-8 at byte {why.start}") from None


def _items(text: str) -> list[Any]:
    try:
        items = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise MalformedDelivery("the body is nested too deeply") from None
    except json.JSONDecodeError as why:
        raise MalformedDelivery(f"the body is not JSON: {why.msg} at character {why.pos}") from None
    except ValueError:
        raise MalformedDelivery("the body has a number with too many digits") from None
    if not isinstance(items, list):
        raise MalformedDelivery(f"the body is not a JSON array of events but {_kind(items)}")
    return items


def _read(item: Any, portal_id: str | None, reading: _Reading) -> None:
    if not isinstance(item, dict):
        raise _Unreadable(f"not an object but {_kind(item)}")
    name = _text(item, "subscriptionType" if "subscriptionType" in item else "eventType")
    noun, _, verb = name.partition(".")
    if verb not in KNOWN.get(noun, ()) and name not in KNOWN_ALONE:
        reading.unknown[name] += 1
        return
    if portal_id is not None and "portalId" in item and _id(item, "portalId") != portal_id:
        reading.ignored["other portal"] += 1
        return
    is_deal = noun == "object" and item.get("objectTypeId") == DEAL_TYPE_ID
    kind = OURS.get((RECORD if is_deal else noun, verb))
    if kind is None or (kind is EventKind.MOVED and item.get("propertyName") != STAGE_PROPERTY):
        reading.ignored[_counted_as(name, item)] += 1
    elif kind is EventKind.MOVED and item.get("propertyValue") in (None, ""):
        reading.ignored[f"{_counted_as(name, item)} (cleared)"] += 1
    else:
        reading.events.append(_event(item, kind))


def _event(item: Mapping[str, Any], kind: EventKind) -> StageEvent:
    portal = _id(item, "portalId")
    record = RecordRef(RECORD, _id(item, "objectId"))
    stage = _text(item, "propertyValue") if kind is EventKind.MOVED else None
    milliseconds = _number(item, "occurredAt")
    source = _text(item, "changeSource") if item.get("changeSource") is not None else None
    what = f"{STAGE_PROPERTY}={stage}" if stage is not None else "creation"
    return StageEvent(
        id=f"{portal}:{record.type}:{record.id}:{what}@{milliseconds}",
        record=record,
        stage=stage,
        occurred_at=_time(milliseconds),
        kind=kind,
        source=source,
        changed_by=SOURCES.get(source or "", Source.UNKNOWN),
        own=source == OWN_SOURCE and _is_own(item),
        raw=item,
    )


def _is_own(item: Mapping[str, Any]) -> bool:
    """An update made with our app's token says INTEGRATION and our app's id."""
    app = item.get("appId")
    return app is not None and str(item.get("sourceId")) == str(app)


def _join_creations(events: Iterable[StageEvent]) -> Iterable[StageEvent]:
    """One event for each change: repeats dropped, and a creation joined with the stage it began in."""
    distinct = {event.id: event for event in events}
    created = {_moment(event) for event in distinct.values() if event.kind is EventKind.CREATED}
    if not created:
        return distinct.values()
    staged = {_moment(event) for event in distinct.values() if event.kind is EventKind.MOVED}
    return [
        replace(event, kind=EventKind.CREATED) if _moment(event) in created else event
        for event in distinct.values()
        if event.kind is EventKind.MOVED or _moment(event) not in staged
    ]


def _moment(event: StageEvent) -> tuple[RecordRef, datetime]:
    return event.record, event.occurred_at


def _counted_as(name: str, item: Mapping[str, Any]) -> str:
    parts = [name]
    if name.startswith("object.") and isinstance(item.get("objectTypeId"), str):
        parts.append(_text(item, "objectTypeId"))
    if name.endswith(".propertyChange") and isinstance(item.get("propertyName"), str):
        parts.append(_text(item, "propertyName"))
    return " ".join(parts)


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise _Unreadable(f"{key} is not text but {_kind(value) if value != '' else 'empty'}")
    if len(value) > _MAX_TEXT:
        raise _Unreadable(f"{key} has {len(value)} characters")
    return value


def _number(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_ID:
        raise _Unreadable(f"{key} is not a whole number but {_kind(value)}")
    return value


def _id(item: Mapping[str, Any], key: str) -> str:
    return str(_number(item, key))


def _time(milliseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise _Unreadable("occurredAt is not within the calendar") from None


def _finite(text: str) -> float | None:
    """Neither NaN nor an infinity can be stored or sent on: such a number is none."""
    number = float(text)
    return number if math.isfinite(number) else None


def _check_storable(value: Any) -> None:
    """Refuse what PostgreSQL cannot hold in text: NULs, and halves of characters."""
    if isinstance(value, str):
        if "\x00" in value or _has_surrogate(value):
            raise _Unreadable("text with a NUL or half a character in it")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_storable(key)
            _check_storable(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_storable(inner)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _kind(value: Any) -> str:
    """What came instead, without repeating it: it may be long, or somebody's name."""
    return _KINDS[type(value)]
