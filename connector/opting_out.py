"""The opt-out list as people and calls use it: numbers made E.164, lists imported, held calls judged again."""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector import jobs
from connector.errors import PermanentError
from connector.policy.numbers import normalise
from connector.store import let_go, opt_outs
from connector.store.opt_outs import Source, Whom

HEADINGS = frozenset(
    {"phone", "phones", "phonenumber", "mobile", "mobilephone", "cell", "cellphone", "tel", "telephone"}
)
"""A word that the heading of a column of numbers has; `number` alone is one too."""


@dataclass(frozen=True, slots=True)
class NumberList:
    """What a file of numbers says: numbers in E.164, and the lines that hold none."""

    numbers: Sequence[str]
    bad_lines: Sequence[tuple[int, str]]
    """(line, counted from 1; what was found there)."""


def opt_out(
    conn: sa.Connection, whom: Collection[Whom], *, source: Source, reason: str, at: datetime
) -> list[Whom]:
    """Put numbers and records on the list, and judge again what is held for them; return what is new on it.

    From the commit on, no process commits to sending such a call.
    """
    added = opt_outs.add(conn, whom, source=source, reason=reason, at=at)
    numbers = [each.phone_number for each in added if each.phone_number is not None]
    records = [(each.connection or "", each.record) for each in added if each.record is not None]
    if added and let_go.look_again_opted_out(conn, at, numbers, records):
        jobs.nudge(conn, "pace")
    return added


def e164(text: str, region: str | None) -> str:
    """Return a number as the list holds it; raises PermanentError where it is none."""
    number = normalise(text.strip(), region)
    if number is None or not number.is_dialable:
        hint = (
            ""
            if region
            else "; write it with its country code (+12025550123), or name its country: --region US"
        )
        raise PermanentError(f'"{text.strip()[:60]}" is not a phone number{hint}')
    return number.e164


def read_numbers(text: str, region: str | None) -> NumberList:
    """Read a plain list or CSV (comma, semicolon or tab): the columns whose headings say phone, else the first.

    Empty lines and those that begin with # are left out; what is no number is named with its line. Raises
    PermanentError where there are headings and none says which column has the numbers.
    """
    numbers: dict[str, None] = {}
    bad: list[tuple[int, str]] = []
    rows = list(_rows(text))
    columns = _columns(rows[0][1], region) if rows else []
    for line, cells in rows[1 if columns else 0 :]:
        given = [cells[each] for each in columns or [0] if each < len(cells) and cells[each]]
        for cell in given or [""]:
            try:
                numbers[e164(cell, region)] = None
            except PermanentError as error:
                bad.append((line, str(error)))
    return NumberList(tuple(numbers), tuple(bad))


def _columns(first: Sequence[str], region: str | None) -> list[int]:
    """Which columns have numbers, by the first row; none where that is no row of headings."""
    found = [number for number, cell in enumerate(first) if _says_phone(cell)]
    if found or len(first) == 1 or any(normalise(cell, region or "US") for cell in first):
        return found
    headings = ", ".join(f'"{cell[:40]}"' for cell in first[:10])
    raise PermanentError(
        f"none of the headings {headings} says that it is a phone number; name the column of the numbers phone"
    )


def _says_phone(heading: str) -> bool:
    words = re.findall(r"[a-z]+", heading.casefold())
    return words == ["number"] or bool(HEADINGS & {*words})


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that say something, each with the line on which it ends."""
    text = text.removeprefix("\ufeff").replace("\x00", "")
    head = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) and not cells[0].startswith("#"):
                yield reader.line_num, cells
    except csv.Error as error:
        raise PermanentError(f"line {reader.line_num} cannot be read as CSV: {error}") from None
