"""A carrier that dials by a request to a ledger outside, which counts: put beside ours by the kill test.

It keeps to the contract: a request to dial is sent once, whatever becomes of it, and what nobody has heard of is
Unknown. Where the ledger is stands in the environment, as STAGECALL_TEST_LEDGER.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import requests

from connector.call_api.carriers import (
    Cancelled,
    Carrier,
    Dial,
    Phase,
    Placed,
    Report,
    Result,
    Sighting,
    TooLate,
    Unknown,
)
from connector.call_api.settings import CallApiSettings
from connector.errors import InvalidSignature
from connector.model import Outcome, Request

TALK = timedelta(seconds=0.3)
TIMEOUT = (3.0, 10.0)


class LedgerCarrier(Carrier):
    """Every call is answered at once and lasts 0.3 s."""

    name: ClassVar[str] = "ledger"

    def __init__(self, url: str) -> None:
        self._url = url

    def place(self, call: Dial, now: datetime) -> Placed | Unknown:
        """Tell the ledger, once."""
        try:
            answer = requests.post(f"{self._url}/dials", json={"call_id": call.id}, timeout=TIMEOUT)
            answer.raise_for_status()
        except requests.RequestException as error:
            return Unknown(f"no answer: {type(error).__name__}")
        return Placed(answer.json()["provider_call_id"], next_look_at=now + TALK)

    def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
        """Ask the ledger whether it was ever told."""
        try:
            answer = requests.get(f"{self._url}/dials/{call.id}", timeout=TIMEOUT)
        except requests.RequestException as error:
            return Unknown(f"no answer: {type(error).__name__}")
        if answer.status_code != 200:
            return Unknown("the ledger has no such call", not_there=True)
        known = answer.json()
        provider_call_id, answered_at = known["provider_call_id"], datetime.fromisoformat(known["at"])
        if now < answered_at + TALK:
            return Sighting(Phase.TALKING, provider_call_id, answered_at, next_look_at=answered_at + TALK)
        result = Result(Outcome.ANSWERED, ended_at=answered_at + TALK)
        return Sighting(Phase.ENDED, provider_call_id, answered_at, result=result)

    def cancel(self, call: Dial, now: datetime) -> Cancelled | TooLate | Unknown:
        """Its calls never outlast anything."""
        return TooLate()

    def verify(self, request: Request) -> None:
        """It sends no events."""
        raise InvalidSignature("the ledger sends no events")

    def parse(self, request: Request) -> Sequence[Report]:
        """It sends no events."""
        return ()


def create(settings: CallApiSettings) -> Carrier:
    """The carrier, for the ledger that the environment names."""
    return LedgerCarrier(os.environ["STAGECALL_TEST_LEDGER"])
