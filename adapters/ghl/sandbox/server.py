"""The sandbox: a small stateful location of HighLevel with an API, an app, workflows, and hands to work in it."""

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from adapters.ghl.sandbox import account
from adapters.ghl.sandbox.account import Json
from adapters.ghl.sandbox.api import Fault, Served, answer_refusals, create_api
from adapters.ghl.sandbox.deliveries import RETRY_DELAYS, Deliveries, Delivery
from adapters.ghl.sandbox.state import State


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class Sandbox:
    """A location on loopback. Its methods are what a person does; what the app does comes through the API.

    `with Sandbox(target=url) as highlevel:` serves at `highlevel.url` until the block ends.
    """

    def __init__(
        self,
        *,
        target: str | None = None,
        port: int = 0,
        access_token: str = account.ACCESS_TOKEN,
        webhook_secret: str = account.WEBHOOK_SECRET,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.state = State(lambda name, record: self._deliveries.announce(name, record), clock)
        self._deliveries = Deliveries(target, webhook_secret, self.state.now, retry_delays)
        self.served = Served(self.state, access_token)
        app = Flask("ghl-sandbox")
        app.register_blueprint(_control(self))
        app.register_blueprint(create_api(self.served))
        answer_refusals(app)
        self._server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Silent)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve and to send."""
        self._thread.start()
        self._deliveries.start()

    def stop(self) -> None:
        """Close everything; what is not sent yet is dropped."""
        self._deliveries.close()
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @property
    def target(self) -> str | None:
        """Where events and webhooks go; None: nowhere."""
        return self._deliveries.target

    @target.setter
    def target(self, url: str | None) -> None:
        self._deliveries.target = url

    @property
    def deliveries(self) -> list[Delivery]:
        """Every POST that was made to the target so far."""
        return list(self._deliveries.made)

    @property
    def requests(self) -> list[str]:
        """Every request to the API so far: `GET /contacts/...`."""
        return list(self.served.requests)

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until everything is sent or given up; False if that takes longer."""
        return self._deliveries.wait_idle(timeout)

    def create_contact(self, **values: Any) -> str:
        """Add a contact and return its id."""
        return str(self.state.add("contact", {"dnd": False, **values})["id"])

    def create_opportunity(
        self, stage: str = "New", contact: str | None = None, announce: bool = True, **values: Any
    ) -> str:
        """Add an opportunity in a stage (id or label); `announce=False` tells no event of it."""
        pipeline, id_ = self.state.stage(stage)
        now = self.state.now()
        own = {
            "pipelineId": pipeline,
            "pipelineStageId": id_,
            "status": "open",
            "dateAdded": now,
            "createdAt": now,
        }
        record = self.state.add("opportunity", {"name": "Opportunity", "contactId": contact, **own, **values})
        if announce:
            self.state.created(record)
        return str(record["id"])

    def move(self, opportunity: str, stage: str = "AI Call") -> None:
        """Move an opportunity to a stage (id or label)."""
        pipeline, id_ = self.state.stage(stage)
        self.state.update("opportunity", opportunity, {"pipelineId": pipeline, "pipelineStageId": id_})

    def set_contact(self, contact: str, **values: Any) -> None:
        """Change a contact."""
        self.state.update("contact", contact, values)

    def run_workflow(self, opportunity: str, custom: Mapping[str, Any] | None = None) -> None:
        """Let a workflow with an opportunity trigger send its webhook, as the action *Webhook* does."""
        record = self.state.get("opportunity", opportunity)
        name, stages = account.PIPELINES[record["pipelineId"]]
        contact = self.state.records["contact"].get(record["contactId"] or "", {})
        person = {"first_name": "firstName", "last_name": "lastName", "email": "email", "phone": "phone"}
        self._deliveries.ask(
            {
                "contact_id": record["contactId"],
                **{key: contact[field] for key, field in person.items() if contact.get(field)},
                "tags": ",".join(contact.get("tags", [])),
                "opportunity_name": record["name"],
                "status": record["status"],
                "pipleline_stage": stages[record["pipelineStageId"]],
                "pipeline_id": record["pipelineId"],
                "id": record["id"],
                "pipeline_name": name,
                "location": {"name": "Example Roofing", "id": account.LOCATION_ID},
                "workflow": {"id": "f77819e0-355b-48c7-a935-c31307bb0001", "name": "Call"},
                "triggerData": {},
                "customData": dict(custom or {}),
            }
        )

    def opportunity(self, id_: str) -> Json:
        """Return an opportunity, custom fields by their key."""
        return self.state.shown("opportunity", id_)

    def contact(self, id_: str) -> Json:
        """Return a contact, custom fields by their key."""
        return self.state.shown("contact", id_)

    def notes(self, contact: str) -> list[str]:
        """Return the texts of a contact's notes, oldest first."""
        with self.state.lock:
            return [note["body"] for note in self.state.notes.get(contact, [])]

    def fail(self, status: int = 503, **how: Any) -> None:
        """Let requests to the API meet trouble; see `Fault` for what there is."""
        self.served.faults.add(Fault(status, **how))

    def heal(self) -> None:
        """End all trouble."""
        self.served.faults.clear()


def _control(sandbox: Sandbox) -> Blueprint:
    """`/sandbox/...`: what a person does in HighLevel's pages, for tests and demos in other processes."""
    bp = Blueprint("control", __name__, url_prefix="/sandbox")

    def said() -> Json:
        body = request.get_json(silent=True)
        return body if isinstance(body, dict) else {}

    @bp.post("/contacts")
    def create_contact() -> tuple[Response, int]:
        return jsonify(id=sandbox.create_contact(**said())), 201

    @bp.post("/opportunities")
    def create_opportunity() -> tuple[Response, int]:
        return jsonify(id=sandbox.create_opportunity(**said())), 201

    @bp.get("/opportunities/<id_>")
    def opportunity(id_: str) -> Response:
        return jsonify(sandbox.opportunity(id_))

    @bp.get("/contacts/<id_>")
    def contact(id_: str) -> Response:
        return jsonify({**sandbox.contact(id_), "notes": sandbox.notes(id_)})

    @bp.post("/opportunities/<id_>/move")
    def move(id_: str) -> tuple[str, int]:
        sandbox.move(id_, **said())
        return "", 204

    @bp.post("/opportunities/<id_>/workflow")
    def workflow(id_: str) -> tuple[str, int]:
        sandbox.run_workflow(id_, said())
        return "", 204

    @bp.get("/deliveries")
    def deliveries() -> Response:
        return jsonify(results=[{"status": each.status, "body": each.body} for each in sandbox.deliveries])

    return bp
