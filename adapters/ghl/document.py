"""A delivery's body, read with care: JSON that HighLevel or a workflow's author wrote. Pure."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connector.errors import MalformedDelivery

KINDS: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "text",
    bool: "true or false",
    type(None): "nothing",
    int: "a number",
    float: "a number with a fraction",
}


def document(body: bytes) -> dict[str, Any]:
    """Return the body's JSON object; raise MalformedDelivery if it is none."""
    try:
        found = json.loads(body.decode("utf-8"), parse_float=_finite, parse_constant=_finite)
    except UnicodeDecodeError as why:
        raise MalformedDelivery(f"the body is not UTF-8 at byte {why.start}") from None
    except RecursionError:
        raise MalformedDelivery("the body is nested too deeply") from None
    except json.JSONDecodeError as why:
        raise MalformedDelivery(f"the body is not JSON: {why.msg} at character {why.pos}") from None
    except ValueError:
        raise MalformedDelivery("the body has a number with too many digits") from None
    if not isinstance(found, dict):
        raise MalformedDelivery(f"the body is not a JSON object but {KINDS[type(found)]}")
    return found


def storable(value: Any) -> bool:
    """Can PostgreSQL hold it? Not NULs, and not halves of characters."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(storable(key) and storable(inner) for key, inner in value.items())
    return all(map(storable, value)) if isinstance(value, list) else True


def moment(text: Any) -> datetime | None:
    """Return the time that ISO 8601 text says (`2026-11-20T15:00:11.480Z`), None where it says none."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def location_of(body: Mapping[str, Any]) -> Any:
    """Return the sub-account that a delivery names, None where it names none.

    `locationId` in marketplace events and actions, `location.id` in a workflow's webhook, `location_id` in
    webhooks whose body a person wrote.
    """
    for holder, key in ((body, "locationId"), (body.get("location"), "id"), (body, "location_id")):
        if isinstance(holder, dict) and holder.get(key) not in (None, ""):
            return holder[key]
    extras = body.get("extras")
    return extras.get("locationId") if isinstance(extras, dict) else None


def _finite(text: str) -> float | None:
    """Neither NaN nor an infinity can be stored or sent on: such a number is none."""
    number = float(text)
    return number if math.isfinite(number) else None
