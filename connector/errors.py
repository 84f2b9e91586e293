"""Errors, named by what happens next.

ConnectorError
├── ConfigError           a person must edit a file          refuse to start, name every mistake
├── InvalidSignature      not from the CRM, or not for us    answer 401, keep nothing
├── TemporaryError        it may work later                  try again, after `after` where the peer said when
└── PermanentError        it will never work as it is        dead letter; a person fixes and replays
    └── MalformedDelivery genuine, but we cannot read it
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


class ConnectorError(Exception):
    """Something went wrong."""

    def __str__(self) -> str:
        return super().__str__() or (self.__doc__ or "").strip().splitlines()[0]


class InvalidSignature(ConnectorError):
    """The proof that this comes from the sender is missing or wrong."""


class TemporaryError(ConnectorError):
    """It may work later."""

    def __init__(self, message: str = "", *, after: timedelta | None = None) -> None:
        super().__init__(*([message] if message else []))
        self.after = after


class PermanentError(ConnectorError):
    """It will never work as it is; a person must act."""


class MalformedDelivery(PermanentError):
    """The delivery is genuine but unreadable."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing a person must change in a file. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    where: str
    found: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}  {self.where}  {self.found}" if self.where else f"{place}  {self.found}"


class ConfigError(ConnectorError):
    """A file must be edited before anything can start."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
