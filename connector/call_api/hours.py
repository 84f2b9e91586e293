"""When a call may be placed: its agent's calling window, in the zones of the person called. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from connector.call_api.models.windows import CallingWindow
from connector.policy.windows import Window, is_open, next_open
from connector.policy.zones import zones_of_number

NO_WINDOW_ZONE = "UTC"
"""What is told of a call that waits only for its `scheduled_at`."""


@dataclass(frozen=True, slots=True)
class Opening:
    """When a number may be called, at or after the moment asked about."""

    at: datetime | None
    """None where the window does not open within a year."""
    timezone: str
    """The zone that decided."""


def opening(calling_window: Mapping[str, Any] | None, phone_number: str, at: datetime) -> Opening:
    """When `phone_number` may be called, `at` or later; `calling_window` as it is stored, None: at any hour."""
    if calling_window is None:
        return Opening(at, NO_WINDOW_ZONE)
    given, window = _read(json.dumps(calling_window, sort_keys=True))
    zones = zones_to_open(given, phone_number)
    closed = [zone for zone in zones if not is_open(window, at, (zone,))]
    if not closed:
        return Opening(at, zones[0])
    opens_at = next_open(window, at, zones)
    if opens_at is None:
        return Opening(None, closed[0])
    before = opens_at - timedelta(seconds=1)
    last = [zone for zone in zones if not is_open(window, before, (zone,))]
    return Opening(opens_at.astimezone(UTC), last[0])


def waits_for(found: Opening) -> str:
    """Why a call waits, as its history says it."""
    return f"outside the calling window in {found.timezone}: it opens at {found.at:%Y-%m-%d %H:%M} UTC"


def zones_to_open(window: CallingWindow, phone_number: str) -> tuple[str, ...]:
    """Every zone that must be open to call this number: an ambiguous area code has several."""
    if window.timezone_mode == "fixed":
        return (window.timezone,)
    return zones_of_number(phone_number) or (window.timezone,)


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[CallingWindow, Window]:
    """A window that was checked when it was saved."""
    given = CallingWindow.model_validate_json(text)
    return given, given.window()
