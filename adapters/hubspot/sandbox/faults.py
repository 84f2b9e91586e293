"""Trouble on demand: what the next requests to the sandbox's API shall meet."""

from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Final

from adapters.hubspot.sandbox.account import Json

BODIES: Final[dict[int, Json]] = {
    429: {"errorType": "RATE_LIMIT", "category": "RATE_LIMITS"},
    401: {"category": "INVALID_AUTHENTICATION"},
    403: {"category": "MISSING_SCOPES"},
    404: {"category": "OBJECT_NOT_FOUND"},
    409: {"category": "CONFLICT"},
    423: {"category": "LOCKED"},
    477: {"category": "MIGRATION_IN_PROGRESS"},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to requests whose path has `path` in it, `times` times (None: until cleared)."""

    status: int | None = 503
    """What is answered; None: the connection is closed without an answer."""
    times: int | None = 1
    path: str = ""
    retry_after: int | None = None
    policy: str | None = None
    """HubSpot's `policyName`: TEN_SECONDLY_ROLLING, DAILY."""
    message: str = "trouble on demand"
    delay: float = 0.0
    """Seconds before the answer, for time-outs."""
    after: bool = False
    """True: the request is done first and only its answer is lost."""
    skip: int = 0
    """So many requests of this path are let through first."""
    answer: Json | None = None
    """What is answered instead of HubSpot's error body."""

    def body(self) -> Json:
        """What is answered: HubSpot's error body for this status."""
        if self.answer is not None:
            return self.answer
        policy = {"policyName": self.policy} if self.policy else {}
        known = BODIES.get(self.status or 0, {"category": "INTERNAL_ERROR"})
        said = {
            "status": "error",
            "message": self.message,
            "correlationId": "c93e06a4-0000-4000-8000-5a4db0a",
        }
        return {**said, **known, **policy}


class Faults:
    """The faults that wait for a request."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = Lock()
        self._stopped = Event()

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def take(self, path: str) -> Fault | None:
        """Return the first fault for this path, used up by one."""
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if fault.path in path:
                    if fault.skip:
                        self._waiting[index] = replace(fault, skip=fault.skip - 1)
                        return None
                    if fault.times is not None:
                        left = replace(fault, times=fault.times - 1)
                        self._waiting[index : index + 1] = [left] if left.times else []
                    return fault
        return None

    def hold(self, fault: Fault) -> None:
        """Let the delay of a fault pass, or the sandbox stop."""
        if fault.delay:
            self._stopped.wait(fault.delay)

    def stop(self) -> None:
        """Let every held request go on at once."""
        self._stopped.set()
