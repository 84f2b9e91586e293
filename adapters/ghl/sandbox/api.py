"""HighLevel's API v2 as the adapter speaks it, for one location: who may ask, what is refused, trouble on demand."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request

from adapters.ghl.sandbox import account
from adapters.ghl.sandbox.account import Json
from adapters.ghl.sandbox.state import Refusal, State


@dataclass(frozen=True, slots=True)
class Fault:
    """What the next requests whose path has `path` in it are answered with."""

    status: int
    times: int = 1
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "trouble on demand"
    after: bool = False
    """True: the request is done first and only its answer is lost."""


class Faults:
    """The faults that wait for a request."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Let a fault wait."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def take(self, path: str, after: bool) -> Response | None:
        """Use up a fault for this path, if there is one."""
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if fault.path in path and fault.after is after:
                    left = replace(fault, times=fault.times - 1)
                    self._waiting[place : place + 1] = [left] if left.times else []
                    answer = jsonify(statusCode=fault.status, message=fault.message)
                    answer.status_code = fault.status
                    answer.headers.update(fault.headers)
                    return answer
        return None


@dataclass(slots=True)
class Served:
    """One location as its API shows it."""

    state: State
    access_token: str
    faults: Faults = field(default_factory=Faults)
    requests: deque[str] = field(default_factory=lambda: deque(maxlen=100_000))


def create_api(served: Served) -> Blueprint:
    """Return the routes of the API."""
    bp = Blueprint("api", __name__)
    bp.before_request(lambda: _admit(served))
    bp.after_request(lambda response: served.faults.take(request.path, after=True) or response)
    _opportunities(bp, served.state)
    _contacts(bp, served.state)
    return bp


def answer_refusals(app: Flask) -> None:
    """Answer every Refusal with its body."""

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> tuple[Response, int]:
        return jsonify(refusal.body), refusal.status


def _admit(served: Served) -> Response | None:
    served.requests.append(f"{request.method} {request.path}")
    trouble = served.faults.take(request.path, after=False)
    if trouble is not None:
        return trouble
    if request.headers.get("Authorization") != f"Bearer {served.access_token}":
        raise Refusal(401, "Invalid JWT")
    if "Version" not in request.headers:
        raise Refusal(401, "version header was not found.")
    if request.headers["Version"] not in ("2021-07-28", "2021-04-15", "2023-02-21"):
        raise Refusal(401, "version header is invalid")
    return None


def _opportunities(bp: Blueprint, state: State) -> None:
    @bp.get("/opportunities/pipelines")
    def pipelines() -> Response:
        _own(request.args.get("locationId"))
        return jsonify(
            pipelines=[
                {
                    "id": id_,
                    "name": name,
                    "stages": [
                        {"id": stage, "name": label, "position": place}
                        for place, (stage, label) in enumerate(stages.items())
                    ],
                    "locationId": account.LOCATION_ID,
                }
                for id_, (name, stages) in account.PIPELINES.items()
            ]
        )

    @bp.get("/opportunities/<id_>")
    def opportunity(id_: str) -> Response:
        return jsonify(opportunity=state.get("opportunity", id_))

    @bp.put("/opportunities/<id_>")
    def update_opportunity(id_: str) -> Response:
        return jsonify(opportunity=state.update("opportunity", id_, _body()))

    @bp.get("/locations/<location>/customFields")
    def custom_fields(location: str) -> Response:
        _own(location)
        model = request.args.get("model", "contact")
        return jsonify(customFields=state.fields.get(model, []))


def _contacts(bp: Blueprint, state: State) -> None:
    @bp.get("/contacts/<id_>")
    def contact(id_: str) -> Response:
        return jsonify(contact=state.get("contact", id_))

    @bp.put("/contacts/<id_>")
    def update_contact(id_: str) -> Response:
        return jsonify(succeded=True, contact=state.update("contact", id_, _body()))

    @bp.post("/contacts/<id_>/tags")
    def add_tags(id_: str) -> tuple[Response, int]:
        record, tags = state.get("contact", id_), _tags()
        with state.lock:
            record["tags"] = list(dict.fromkeys([*record["tags"], *tags]))
        return jsonify(tags=record["tags"]), 201

    @bp.delete("/contacts/<id_>/tags")
    def remove_tags(id_: str) -> Response:
        record, tags = state.get("contact", id_), _tags()
        with state.lock:
            record["tags"] = [tag for tag in record["tags"] if tag not in tags]
        return jsonify(tags=record["tags"])

    @bp.get("/contacts/<id_>/notes")
    def notes(id_: str) -> Response:
        state.get("contact", id_)
        return jsonify(notes=state.notes.get(id_, []))

    @bp.post("/contacts/<id_>/notes")
    def add_note(id_: str) -> tuple[Response, int]:
        state.get("contact", id_)
        body = _body("body", "userId", "title", "color", "pinned")
        if not isinstance(body.get("body"), str) or not body["body"]:
            raise Refusal(422, ["body should not be empty", "body must be a string"])
        with state.lock:
            own = state.notes.setdefault(id_, [])
            note = {
                "id": account.new_id(f"note {id_}", len(own)),
                "contactId": id_,
                "dateAdded": state.now(),
                **body,
            }
            own.append(note)
        return jsonify(note=note), 201


def _own(location: str | None) -> None:
    if location != account.LOCATION_ID:
        raise Refusal(403, "The token does not have access to this location.")


def _tags() -> list[str]:
    tags = _body("tags").get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Refusal(422, ["tags must be an array"])
    return tags


def _body(*allowed: str) -> Json:
    body: Any = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "Unexpected token in JSON")
    wrong = [f"property {key} should not exist" for key in body if allowed and key not in allowed]
    if wrong:
        raise Refusal(422, wrong)
    return body
