"""The sandbox: a small stateful HubSpot account with an API, an app, webhooks, and hands to work in it."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flask import Flask

from adapters.hubspot.sandbox.account import DEMO_REQUESTED, PRIMARY, Json
from adapters.hubspot.sandbox.api import Account, create_api
from adapters.hubspot.sandbox.control import create_control
from adapters.hubspot.sandbox.deliveries import LEGACY, RETRY_DELAYS, App, Deliveries, Delivery
from adapters.hubspot.sandbox.faults import Fault
from adapters.hubspot.sandbox.http_server import Server
from adapters.hubspot.sandbox.ledger import Ledger
from adapters.hubspot.sandbox.state import PERSON, Source, State
from adapters.hubspot.sandbox.wire import answer_refusals

ACCESS_TOKEN: Final = "pat-na1-sandbox"  # noqa: S105
CLIENT_SECRET: Final = "5a4db0a0-0000-4000-8000-000000000001"  # noqa: S105
PORTAL_ID: Final = 62515
APP_ID: Final = 1160452
PHONES: Final = tuple(f"+1202555{number:04d}" for number in range(100, 200))
"""Numbers that belong to nobody, kept for fiction."""
_PEOPLE: Final = (("Ada", "Lovelace"), ("Grace", "Hopper"), ("Katherine", "Johnson"))


class Sandbox:
    """A HubSpot on loopback. What its methods do comes from a person (CRM_UI); what comes through the API, from the app.

    `with Sandbox(target=url) as hubspot:` serves at `hubspot.url` until the block ends.
    """

    def __init__(
        self,
        *,
        target: str | None = None,
        port: int = 0,
        access_token: str = ACCESS_TOKEN,
        client_secret: str = CLIENT_SECRET,
        subscriptions: Sequence[str] = LEGACY,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        ledger_file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        app = App(APP_ID, PORTAL_ID, client_secret, tuple(subscriptions))
        self._deliveries = Deliveries(app, clock, target=target, retry_delays=retry_delays)
        self.state = State(clock, self._deliveries.announce)
        self.account = Account(self.state, access_token, APP_ID, Ledger(ledger_file))
        self.app = Flask("hubspot-sandbox")
        self.app.register_blueprint(create_api(self.account))
        self.app.register_blueprint(create_control(self))
        answer_refusals(self.app)
        self._server = Server(self.app.wsgi_app, port)
        self.url = self._server.url

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve and to send."""
        self._server.start()
        self._deliveries.start()

    def stop(self) -> None:
        """Close everything; what is not sent yet is dropped."""
        self.account.faults.stop()
        self._deliveries.close()
        self._server.stop()
        self.account.ledger.close()

    @property
    def target(self) -> str | None:
        """Where the app's webhooks go; None: nowhere."""
        return self._deliveries.target

    @target.setter
    def target(self, url: str | None) -> None:
        self._deliveries.target = url

    @property
    def deliveries(self) -> list[Delivery]:
        """Every POST that was made to the target so far."""
        return list(self._deliveries.made)

    @property
    def requests(self) -> list[Json]:
        """Every request to the API so far: method, path, time."""
        return list(self.account.requests)

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until all webhooks are sent or given up; False if that takes longer."""
        return self._deliveries.wait_idle(timeout)

    def create_contact(self, **properties: str) -> str:
        """Add a contact and return its id."""
        return self.state.create("contacts", properties, PERSON).id

    def create_company(self, deal: str | None = None, **properties: str) -> str:
        """Add a company, as the primary one of a deal where one is given, and return its id."""
        with self.state.lock:
            company = self.state.create("companies", properties, PERSON).id
            if deal is not None:
                self.state.associate("deals", deal, "companies", company, PRIMARY)
            return company

    def create_deal(
        self,
        stage: str = "appointmentscheduled",
        contacts: Sequence[str] = (),
        announce: bool = True,
        **properties: str,
    ) -> str:
        """Add a deal in a stage (id or label) with contacts; `announce=False` tells no webhook of it."""
        with self.state.lock:
            values = {"dealstage": self.state.stage_id(stage), **properties}
            deal = self.state.create("deals", values, PERSON, quiet=not announce).id
            for contact in contacts:
                self.associate(deal, contact)
            return deal

    def create_deals(
        self,
        count: int,
        stage: str = "appointmentscheduled",
        deal: Mapping[str, str] | None = None,
        contact: Mapping[str, str] | None = None,
        phones: Sequence[str] = PHONES,
        announce: bool = False,
    ) -> list[str]:
        """Add deals with a contact each, whose phone numbers go round through `phones`; return the deals' ids."""
        with self.state.lock:
            return [
                self.create_deal(
                    stage,
                    [
                        self.create_contact(
                            **_person(number), phone=phones[number % len(phones)], **(contact or {})
                        )
                    ],
                    announce,
                    dealname=f"Deal {number + 1}",
                    **(deal or {}),
                )
                for number in range(count)
            ]

    def move_deal(
        self, deal_id: str, stage: str = DEMO_REQUESTED, source: str = PERSON.change_source
    ) -> None:
        """Move a deal to a stage (id or label)."""
        self.state.get("deals", deal_id)
        self.move_deals([deal_id], stage, source)

    def move_deals(
        self, ids: Sequence[str], stage: str = DEMO_REQUESTED, source: str = PERSON.change_source
    ) -> None:
        """Move deals to a stage at once; their events share deliveries."""
        moved = {"dealstage": self.state.stage_id(stage)}
        self.state.update("deals", [(id_, moved) for id_ in ids], Source(source, PERSON.source_id))

    def set_deal(self, deal_id: str, **properties: str) -> None:
        """Change a deal's properties."""
        self.state.get("deals", deal_id)
        self.state.update("deals", [(deal_id, properties)], PERSON)

    def set_contact(self, contact_id: str, **properties: str) -> None:
        """Change a contact's properties."""
        self.state.get("contacts", contact_id)
        self.state.update("contacts", [(contact_id, properties)], PERSON)

    def delete_deal(self, deal_id: str) -> None:
        """Delete a deal."""
        self.state.archive("deals", deal_id, PERSON)

    def associate(self, deal: str, contact: str, label: str = "") -> None:
        """Link a contact to a deal; a label comes beside the unlabelled link."""
        self.state.associate("deals", deal, "contacts", contact, label)

    def deal(self, deal_id: str) -> dict[str, str]:
        """Return a deal's properties."""
        return dict(self.state.get("deals", deal_id).properties)

    def contact(self, contact_id: str) -> dict[str, str]:
        """Return a contact's properties."""
        return dict(self.state.get("contacts", contact_id).properties)

    def timeline(self, kind: str, id_: str, record: str = "deals") -> list[dict[str, str]]:
        """Return the properties of the `notes` or `calls` that a record is linked with, oldest first."""
        with self.state.lock:
            ids = sorted(self.state.links(record, id_, kind), key=int)
            return [dict(self.state.get(kind, each).properties) for each in ids]

    def writes(self, deal_id: str | None = None) -> list[Json]:
        """Return what the app wrote on deals through the API, oldest first."""
        return self.account.ledger.entries(deal_id)

    def fail(self, status: int | None = 503, **how: Any) -> None:
        """Let requests to the API meet trouble; see `Fault` for what there is."""
        self.account.faults.add(Fault(status, **how))

    def heal(self) -> None:
        """End all trouble."""
        self.account.faults.clear()


def _person(number: int) -> dict[str, str]:
    first, last = _PEOPLE[number % len(_PEOPLE)]
    return {"firstname": first, "lastname": last, "email": f"{first.lower()}.{number + 1}@example.com"}
