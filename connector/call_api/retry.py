"""What follows from a try to deliver an event: sent, again at a time, or dead. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zlib import crc32

WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=24),
)
"""Between the tries: ten tries over three days."""
MAX_TRIES = len(WAITS) + 1
LONGEST_WAIT = timedelta(hours=24)
GONE = 410
_JITTER = 0.1
_RETRIED = (408, 429)
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try: a status, or an error where no answer came."""

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Dead:
    """It is not tried again by itself; a person decides."""

    gone: bool = False
    """The receiver wants no events any more."""


def decide(answer: Answer, *, tries: int, event_id: str, now: datetime) -> Sent | Again | Dead:
    """What to do after try number `tries` (the first is 1) of a series."""
    status = answer.status
    if status == GONE:
        return Dead(gone=True)
    if status is not None and 200 <= status < 300:
        return Sent()
    worth_it = status is None or status >= 500 or status in _RETRIED
    if not worth_it or tries >= MAX_TRIES:
        return Dead()
    wait = WAITS[tries - 1] * _jitter(event_id, tries)
    asked = min(parse_retry_after(answer.retry_after, now), LONGEST_WAIT)
    return Again(now + max(wait, asked))


def parse_retry_after(value: str | None, now: datetime) -> timedelta:
    """How long a receiver asks us to wait: seconds or an HTTP date; zero for anything else."""
    if value is None:
        return timedelta(0)
    if _SECONDS.fullmatch(value.strip()):
        return timedelta(seconds=int(value))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return timedelta(0)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(timedelta(0), at - now)


def _jitter(event_id: str, tries: int) -> float:
    """0.9 to 1.1, always the same for the same try: spread out, and still a pure function."""
    spread = crc32(f"{event_id}:{tries}".encode()) / 0xFFFFFFFF
    return 1 + _JITTER * (2 * spread - 1)
