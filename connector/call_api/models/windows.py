"""The shape of a calling window: when people may be called. What it means is judged in connector/policy."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from connector.call_api.models.base import ApiModel
from connector.policy.windows import Window, check_countries, parse_hours
from connector.policy.zones import check_zone

_MOST_HOURS = 100
_MOST_DAYS = 1000
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"


def _hours(hours: dict[str, list[str]]) -> dict[str, list[str]]:
    if len(hours) + sum(map(len, hours.values())) > _MOST_HOURS:
        raise ValueError(f"must be {_MOST_HOURS} days and ranges at most")
    parse_hours(hours)
    return hours


def _countries(codes: list[str]) -> list[str]:
    check_countries(codes)
    return codes


def _days(days: list[str]) -> list[str]:
    if len(days) > _MOST_DAYS:
        raise ValueError(f"must be {_MOST_DAYS} dates at most")
    for day in days:
        _date(day)
    return days


def _date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):  # date.fromisoformat alone reads weeks too
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f'"{text[:60]}" is not a date; write one like 2026-12-24')


class CallingWindow(ApiModel):
    """When people may be called: on the clock of their own place, or of a fixed one."""

    hours: Annotated[
        dict[str, list[str]],
        AfterValidator(_hours),
        Field(
            description="Days (`mon`, `mon-fri`, `sat,sun`), each with its ranges of hours. `22:00-02:00` goes on "
            "over midnight; what is in no range is closed.",
            examples=[{"mon-fri": ["09:00-12:00", "13:00-18:00"], "sat": ["10:00-14:00"]}],
            json_schema_extra={
                "minProperties": 1,
                "propertyNames": {"pattern": f"^{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*$"},
                "additionalProperties": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "string", "pattern": f"^{_TIME}-(?:{_TIME}|24:00)$"},
                },
            },
        ),
    ]
    timezone_mode: Literal["lead", "fixed"] = Field(
        default="lead",
        description="Whose clock: `lead` is that of the person called, known by the number (where it may lie in "
        "several zones, the window must be open in all of them); `fixed` is that of `timezone`.",
        examples=["lead"],
    )
    timezone: Annotated[
        str,
        AfterValidator(check_zone),
        Field(
            description="An IANA time zone: the fixed one, or the one that counts where the lead's is not known.",
            examples=["America/New_York"],
            json_schema_extra={"format": "iana-time-zone"},
        ),
    ]
    holidays: Annotated[
        list[str],
        AfterValidator(_countries),
        Field(
            description="Countries (`US`) or parts of them (`US-CA`) on whose public holidays nobody is called.",
            examples=[["US"]],
            json_schema_extra={"items": {"type": "string", "format": "country-or-part"}},
        ),
    ] = []  # noqa: RUF012  pydantic copies it
    closed_dates: Annotated[
        list[str],
        AfterValidator(_days),
        Field(
            description="Further days on which nobody is called.",
            examples=[["2026-12-24"]],
            json_schema_extra={"items": {"type": "string", "format": "date"}},
        ),
    ] = []  # noqa: RUF012  pydantic copies it

    def window(self) -> Window:
        """The same as the policy judges it."""
        return Window(
            parse_hours(self.hours),
            check_countries(self.holidays),
            frozenset(_date(day) for day in self.closed_dates),
        )


class CallingWindowSettings(CallingWindow):
    """The same in stagecall.yaml, where an unknown setting is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=False)
