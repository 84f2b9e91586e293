"""What all answers of the sandbox's API share: JSON in, JSON out, batches, HubSpot's names for types."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from flask import Flask, Response, g, request

from adapters.hubspot.sandbox import account
from adapters.hubspot.sandbox.account import Json
from adapters.hubspot.sandbox.state import Refusal, iso

BATCH: Final = 100


def answer_refusals(app: Flask) -> None:
    """Answer every Refusal with its error body."""
    app.register_error_handler(Refusal, lambda refusal: answer(refusal.body, refusal.status))


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(body), status, mimetype="application/json")


def json_body() -> Json:
    """The request's JSON object; refuse anything else as HubSpot does."""
    try:
        body = msgspec.json.decode(request.get_data() or b"{}")
    except (msgspec.MsgspecError, ValueError, RecursionError) as why:
        raise Refusal(400, "VALIDATION_ERROR", f"Invalid input JSON: {why}") from None
    if not isinstance(body, dict):
        raise Refusal(400, "VALIDATION_ERROR", "Invalid input JSON: not an object")
    return body


def inputs_of(body: Json) -> list[Json]:
    """The inputs of a batch: 1 to 100 objects."""
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(each, dict) for each in inputs):
        raise Refusal(400, "VALIDATION_ERROR", "Some required fields were not set: [inputs]")
    if len(inputs) > BATCH:
        raise Refusal(
            400, "VALIDATION_ERROR", f"The maximum number of inputs supported in a batch request is {BATCH}"
        )
    return inputs


def batch_answer(results: Iterable[Json], errors: list[Json], status: int = 200) -> Response:
    """HubSpot's envelope of a batch; 207 where part of it failed."""
    now = iso(g.now)
    body = {"status": "COMPLETE", "results": list(results), "startedAt": now, "completedAt": now}
    if errors:
        return answer({**body, "numErrors": len(errors), "errors": errors}, 207)
    return answer(body, status)


def missing(kind: str, ids: list[str]) -> list[Json]:
    """The `errors` of a batch for ids that are not there."""
    if not ids:
        return []
    message = (
        f"Could not get some {kind[:-1].upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )
    return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": ids}}]


def kind_of(name: str) -> str:
    """The object type that a path means."""
    kind = account.TYPES.get(name)
    if kind is None:
        raise Refusal(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
    return kind


def id_of(entry: Any) -> str:
    """The id in `{"id": ...}`, as text."""
    id_ = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(id_, str | int) or not str(id_).isdigit():
        raise Refusal(400, "VALIDATION_ERROR", f"{id_!r} is not a valid id")
    return str(id_)


def properties_of(entry: Json) -> Json:
    """The properties to be set."""
    properties = entry.get("properties")
    if not isinstance(properties, dict):
        raise Refusal(400, "VALIDATION_ERROR", "Some required fields were not set: [properties]")
    return properties
