"""Reading a request: who asks, with which body, with which query."""

from typing import Any, TypeVar

import sqlalchemy as sa
from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from connector.call_api import problems
from connector.call_api.body import MAX_BODY, check_json
from connector.call_api.keys import ApiKey, Scope, verify_key
from connector.call_api.problems import Problem, Refusal
from connector.call_api.wrong import own_sentence, wrong_fields
from connector.model import Clock

Model = TypeVar("Model", bound=BaseModel)
_DRAINED = 4 * 1024 * 1024
_METADATA = "metadata."


def authenticate(conn: sa.Connection, scope: Scope | None, clock: Clock) -> ApiKey:
    """The key that asks. Raises Refusal: 401 for no live key, 403 where it may not ask this."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = verify_key(conn, token.strip(), now=clock()) if scheme.lower() == "bearer" else None
    if key is None:
        raise Refusal(problems.INVALID_KEY)
    if not key.enabled:
        raise Refusal(problems.ACCESS_DISABLED)
    if scope is not None and scope not in key.scopes:
        raise Refusal(problems.insufficient_scope(scope))
    return key


def read_body() -> bytes | Problem:
    """The body, or what is wrong with it: read before a connection is taken, judged after the key."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return problems.ENCODED
    if (request.content_length or 0) > MAX_BODY:
        _drain()
        return problems.BODY_TOO_LARGE
    request.max_content_length = MAX_BODY + 1  # of a chunked body: more is cut off without a word
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return problems.BODY_TOO_LARGE
    if len(body) > MAX_BODY:
        return problems.BODY_TOO_LARGE
    return body if request.is_json else problems.NOT_JSON


def _drain() -> None:
    """Read some of a body that is too large, so that the client gets to see the answer."""
    left = min(request.content_length or 0, _DRAINED)
    while left > 0 and (chunk := request.input_stream.read(min(left, 65536))):
        left -= len(chunk)


def read_model(model: type[Model], body: bytes | Problem) -> Model:
    """The body as `model`. Raises Refusal (400) with what is wrong, and in which field."""
    if isinstance(body, Problem):
        raise Refusal(body)
    check_json(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if sentence := own_sentence(error):
            raise Refusal(problems.wrong_field(*sentence)) from None
        raise Refusal(problems.bad_field(*wrong_fields(error)[0])) from None


def read_query(model: type[Model]) -> Model:
    """The query as `model`; `metadata.NAME=VALUE` fields together as `metadata`. Raises Refusal (400).

    `metadata[NAME]=VALUE` is the same: OpenAPI has no other way to write it, so generated clients do.
    """
    given: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for name, values in request.args.lists():
        if "\x00" in name or "\x00" in values[-1]:
            raise Refusal(
                problems.bad_parameter(name.replace("\x00", ""), "text without the character U+0000")
            )
        if len(values) > 1:
            raise Refusal(problems.bad_parameter(name, "given once"))
        field = _metadata_field(name)
        if field is not None and "metadata" not in model.model_fields:
            raise Refusal(problems.unknown_parameter(name, model.model_fields))
        if field is None:
            given[name] = values[0]
        elif field in metadata:
            raise Refusal(problems.bad_parameter(f"metadata.{field}", "given once"))
        else:
            metadata[field] = values[0]
    if unknown := given.keys() - model.model_fields.keys():
        raise Refusal(problems.unknown_parameter(min(unknown), model.model_fields))
    try:
        return model.model_validate({**given, **({"metadata": metadata} if metadata else {})}, strict=False)
    except ValidationError as error:
        raise Refusal(problems.bad_parameter(*wrong_fields(error)[0])) from None


def _metadata_field(name: str) -> str | None:
    """Which field of metadata a parameter is about; None for another parameter. Raises Refusal."""
    if name.startswith(_METADATA):
        return name.removeprefix(_METADATA)
    if name == "metadata":
        raise Refusal(problems.bad_parameter(name, "written metadata.NAME=VALUE"))
    if not name.startswith("metadata["):
        return None
    field = name.removeprefix("metadata[").removesuffix("]")
    if "[" in field or "]" in field or not name.endswith("]"):
        raise Refusal(problems.bad_parameter(name, "written metadata[NAME], or metadata.NAME"))
    return field
