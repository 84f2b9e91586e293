"""What schemathesis cannot know of our API, and one check more. Loaded by schemathesis, not by pytest."""

from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation.meta import TestPhase
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData

LOOPBACK = "https://127.0.0.1:8443/calls"

# Refusals of requests that fit their schema, by code and field: what is asked for has to fit what is there, too.
REFUSED_FOR_A_REASON = {
    ("agent_not_found", "agent_id"): "an agent_id must also be an agent's",
    ("agent_without_number", "agent_id"): "the agent that is named, or the default one, must have a number",
    ("no_agent", "agent_id"): "schemathesis archives agents, the default one too",
    ("outside_calling_window", None): "agents that schemathesis makes may refuse at this hour",
    ("expires_too_soon", "expires_at"): "it depends on the hour at which this runs",
    ("invalid_field", "scheduled_at"): "it must be less than a year ahead, and not over for more than a day",
    ("invalid_field", "expires_at"): "it must be still to come",
    ("invalid_parameter", "cursor"): "a cursor is one that we gave, for the same filters",
    ("invalid_field", "calling_window.hours"): "a range of hours must not end when it starts",
}
NO_NUL = "U+0000"  # refused wherever it comes, by a text that names it: no schema says so of every text

# Formats that are lists of what there is.
schemathesis.openapi.format("carrier-name", st.just("simulated"))
schemathesis.openapi.format("iana-time-zone", st.sampled_from(["America/New_York", "Europe/London"]))
schemathesis.openapi.format("country-or-part", st.sampled_from(["US", "US-CA", "GB"]))


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Webhooks are only made for loopback: of a name, the server would ask a name server outside.

    And where a request is meant to be good, its agent and cursor are not made up: else most would end there.
    """
    body: Any = case.body
    sound = case.meta is not None and case.meta.generation.mode.is_positive
    made_up = case.meta is not None and case.meta.phase.name != TestPhase.STATEFUL
    if isinstance(body, dict) and case.operation.label == "POST /webhooks":
        url = body.get("url")
        if isinstance(url, str) and (sound or "://" in url):
            body["url"] = LOOPBACK
    if isinstance(body, dict) and sound and made_up and "agent_id" in body:
        body["agent_id"] = ""  # the default agent
    if sound and made_up and case.query:
        case.query.pop("cursor", None)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Keep every failure but the refusal of well-formed requests for one of these reasons."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    refused = response.json()
    reason = (refused.get("code"), refused.get("field"))
    return reason not in REFUSED_FOR_A_REASON and NO_NUL not in refused["error"]


@schemathesis.check
def every_refusal_is_documented(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """The code of every refusal stands among the examples of its status."""
    documented = case.operation.definition.raw["responses"].get(str(response.status_code))
    if response.status_code < 400 or documented is None:  # status_code_conformance sees to that
        return None
    examples = documented["content"]["application/json"]["examples"].values()
    code = response.json().get("code")
    if code not in {example["value"]["code"] for example in examples}:
        raise AssertionError(f"{response.status_code} {code} is not documented here")
    return None
