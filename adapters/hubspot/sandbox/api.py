"""HubSpot's API as hubspot-api-client 12 speaks it; who may ask, and trouble on demand.

What this refuses and how is HubSpot's, as captured answers show it: a batch is refused whole for one bad
value, and ids that are not there come as `errors` of a 207.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from flask import Blueprint, Response, g, request

from adapters.hubspot.sandbox.account import Json
from adapters.hubspot.sandbox.associations import create_associations
from adapters.hubspot.sandbox.faults import Fault, Faults
from adapters.hubspot.sandbox.ledger import Ledger
from adapters.hubspot.sandbox.objects import create_objects
from adapters.hubspot.sandbox.schema import create_schema
from adapters.hubspot.sandbox.state import Refusal, Source, State, iso
from adapters.hubspot.sandbox.wire import answer

ALL_SCOPES: Final = frozenset(
    f"crm.objects.{kind}.{verb}" for kind in ("deals", "contacts", "companies") for verb in ("read", "write")
) | {"crm.schemas.deals.write", "crm.schemas.deals.read"}


@dataclass(slots=True)
class Account:
    """What the API serves: one account, its app's token and scopes, and what is kept of requests."""

    state: State
    access_token: str
    app_id: int
    ledger: Ledger
    faults: Faults = field(default_factory=Faults)
    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    requests: deque[Json] = field(default_factory=lambda: deque(maxlen=100_000))

    @property
    def app(self) -> Source:
        """Who changes what comes through the API."""
        return Source("INTEGRATION", str(self.app_id))

    def need(self, *scopes: str) -> None:
        """Refuse with 403 unless the app has one of the scopes."""
        if not self.scopes & set(scopes):
            raise Refusal(
                403,
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call.",
                errors=[
                    {
                        "message": "One or more of the following scopes are required.",
                        "context": {"requiredGranularScopes": sorted(scopes)},
                    }
                ],
            )

    def need_object(self, kind: str, verb: str) -> None:
        """Refuse unless the app may read or write this kind; calls and notes go with the contacts scope."""
        scoped_as = {"calls": "contacts", "notes": "contacts"}.get(kind, kind)
        self.need(f"crm.objects.{scoped_as}.{verb}")


def create_api(served: Account) -> Blueprint:
    """Return the routes of HubSpot's API for one account."""
    bp = Blueprint("api", __name__, url_prefix="/crm")
    bp.before_request(lambda: _admit(served))
    bp.after_request(lambda response: _send(served, response))
    for create in (create_objects, create_associations, create_schema):
        bp.register_blueprint(create(served))
    return bp


def _admit(served: Account) -> Response | None:
    g.now = int(served.state.now())
    served.requests.append({"method": request.method, "path": request.path, "at": iso(g.now)})
    g.fault = served.faults.take(request.path)
    if g.fault is not None and not g.fault.after:
        return _suffer(served, g.fault)
    if request.headers.get("Authorization") != f"Bearer {served.access_token}":
        raise Refusal(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can"
            " find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    return None


def _send(served: Account, response: Response) -> Response:
    fault: Fault | None = g.get("fault")
    return _suffer(served, fault) if fault is not None and fault.after else response


def _suffer(served: Account, fault: Fault) -> Response:
    served.faults.hold(fault)
    if fault.status is None:
        request.environ["sandbox.hang_up"]()
        return answer({}, 500)
    response = answer(fault.body(), fault.status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
