"""What a request is refused with: status, the contract's text, and a word for machines."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from connector.call_api.present import moment


@dataclass(frozen=True, slots=True)
class Problem:
    """One way to be refused. Texts of the contract are to the letter: clients compare them."""

    status: int
    code: str
    text: str
    blamed: str | None = None
    """The field that is to blame, where one is."""
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    """Further fields of the answer."""

    def body(self) -> dict[str, object]:
        """The answer's body."""
        blamed = {"field": self.blamed} if self.blamed else {}
        return {"success": False, "error": self.text, "code": self.code, **blamed, **self.more}


class Refusal(Exception):
    """The request is answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


INVALID_KEY = Problem(401, "invalid_api_key", "Invalid API key", headers={"WWW-Authenticate": "Bearer"})
ACCESS_DISABLED = Problem(403, "access_disabled", "API access is disabled")
INVALID_JSON = Problem(400, "invalid_json", "Invalid JSON")
NOT_AN_OBJECT = Problem(400, "invalid_body", "The body must be a JSON object")
TOO_DEEP = Problem(400, "too_deep", "The body is nested deeper than 64 levels")
NUL_CHARACTER = Problem(400, "nul_character", "The body holds the character U+0000, which cannot be kept")
BODY_TOO_LARGE = Problem(413, "body_too_large", "The body is larger than 64 KiB")
NOT_JSON = Problem(415, "unsupported_media_type", "Content-Type must be application/json")
ENCODED = Problem(415, "unsupported_media_type", "The body must be sent without Content-Encoding")
METADATA_TOO_LARGE = Problem(
    413, "metadata_too_large", "metadata is longer than 10,000 characters", blamed="metadata"
)
INVALID_NUMBER = Problem(400, "invalid_phone_number", "Invalid phone number format", blamed="phone_number")
AGENT_NOT_FOUND = Problem(400, "agent_not_found", "Agent not found", blamed="agent_id")
NO_AGENT = Problem(400, "no_agent", "No agent specified and no default agent configured", blamed="agent_id")
AGENT_WITHOUT_NUMBER = Problem(
    400, "agent_without_number", "Agent has no phone number assigned", blamed="agent_id"
)
BAD_IDEMPOTENCY_KEY = Problem(
    400,
    "invalid_idempotency_key",
    "Idempotency-Key must be 1 to 255 ASCII characters; percent-encode others, as in K%C3%A4ufer",
    blamed="Idempotency-Key",
)
IDEMPOTENCY_KEY_REUSED = Problem(
    409,
    "idempotency_key_reused",
    "This Idempotency-Key was used with another body",
    blamed="Idempotency-Key",
)
NOT_WAITING = Problem(409, "not_waiting", "Only a call that is still waiting can be canceled")
CARRIER_NOT_FOUND = Problem(404, "not_found", "There is no carrier of this name")
INVALID_PROOF = Problem(401, "invalid_proof", "The event does not prove that this carrier sent it")
UNREADABLE_EVENT = Problem(400, "unreadable_event", "The event cannot be read")
EVENT_TOO_LARGE = Problem(413, "event_too_large", "The event is larger than 4 MiB")
WEBHOOK_NOT_FOUND = Problem(404, "not_found", "Webhook not found")
DELIVERY_NOT_FOUND = Problem(404, "not_found", "This webhook has no delivery of that id")
WEBHOOK_FROM_CONFIG = Problem(
    409,
    "webhook_from_config",
    "This webhook stands in the server's stagecall.yaml and is changed only there",
)
WEBHOOK_ENDED = Problem(
    409,
    "webhook_ended",
    "The receiver of this webhook has ended it (410); make a new one if it wants events again",
)
TOO_MANY_WEBHOOKS = Problem(409, "too_many_webhooks", "This key has 1000 webhooks; delete some first")
CALL_NOT_FOUND = Problem(404, "not_found", "Call not found")
NO_SUCH_AGENT = Problem(404, "not_found", "Agent not found")
AGENT_NAME_TAKEN = Problem(409, "agent_name_taken", "Another agent has this name", blamed="name")
DEFAULT_AGENT_STAYS = Problem(
    409,
    "default_agent_stays",
    "This is the default agent: make another one the default instead, or archive it",
    blamed="default",
)
AGENT_ARCHIVED = Problem(409, "agent_archived", "An archived agent cannot be the default", blamed="default")
PATH_NOT_FOUND = Problem(404, "not_found", "There is nothing at this path")
METHOD_NOT_ALLOWED = Problem(405, "method_not_allowed", "This path does not know that method")
UNAVAILABLE = Problem(
    503, "unavailable", "The service is not available just now", headers={"Retry-After": "5"}
)
IN_DOUBT = Problem(
    503,
    "in_doubt",
    "The database went away while the call was being kept. Send it again only with the same Idempotency-Key",
)
INTERNAL = Problem(500, "internal", "Internal error")


def rate_limited(retry_after: int, headers: Mapping[str, str] = MappingProxyType({})) -> Problem:
    """Too many triggers in the last minute; `retry_after` in seconds."""
    told = {"Retry-After": str(retry_after), **headers}
    return Problem(429, "rate_limited", "Rate limit exceeded", headers=told)


def concurrency_limit(most: int, retry_after: int) -> Problem:
    """The key has no place for another call; `retry_after` in seconds."""
    text = f"This key has {most} calls under way or about to be dialed, and may not have more"
    return Problem(429, "concurrency_limit", text, headers={"Retry-After": str(retry_after)})


def webhook_target_refused(why: str) -> Problem:
    """Call events are not sent to such a URL."""
    return Problem(400, "webhook_target_refused", f"Events cannot be sent there: {why}", blamed="url")


def insufficient_scope(scope: str) -> Problem:
    """The key is good, but not for this."""
    return Problem(403, "insufficient_scope", f"This key may not do that: it needs the scope {scope}")


def outside_calling_window(opens_at: datetime | None) -> Problem:
    """The agent rejects calls outside its window, or the window never opens."""
    return Problem(
        400, "outside_calling_window", "Outside calling window", more={"next_window_at": moment(opens_at)}
    )


def expires_too_soon(may_be_called_at: datetime) -> Problem:
    """It would have expired before it may be placed."""
    return Problem(
        400,
        "expires_too_soon",
        "The call would expire before it may be placed",
        blamed="expires_at",
        more={"next_window_at": moment(may_be_called_at)},
    )


def bad_field(name: str, wanted: str) -> Problem:
    """A field of the body holds another kind of value than it may."""
    return Problem(400, "invalid_field", f"{name} must be {wanted}", blamed=name)


def wrong_field(name: str, sentence: str) -> Problem:
    """A field of the body has a value that cannot be; `sentence` says what was found and what to write."""
    return Problem(400, "invalid_field", f"{name}: {sentence}", blamed=name)


def bad_parameter(name: str, wanted: str) -> Problem:
    """A query parameter that cannot be understood."""
    return Problem(400, "invalid_parameter", f"{name} must be {wanted}", blamed=name)


def unknown_parameter(name: str, possible: Iterable[str]) -> Problem:
    """A query parameter that does not exist: read as if it were not there, it would find more than was asked for."""
    near = difflib.get_close_matches(name, possible, n=1)
    help_ = f"did you mean {near[0]}?" if near else f"possible: {', '.join(sorted(possible))}"
    return Problem(400, "invalid_parameter", f"{name} is not a parameter of this path; {help_}", blamed=name)
