"""What carriers send us of their own accord."""

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from connector.call_api import problems
from connector.call_api.models.calls import EventTaken
from connector.call_api.problems import Refusal
from connector.call_api.reporting import apply_reports
from connector.call_api.service import CallApi
from connector.call_api.web.route import Reply, Route
from connector.errors import InvalidSignature, MalformedDelivery
from connector.model import Request

MAX_EVENT = 4 * 1024 * 1024
"""Bytes. Whole transcripts come in them."""


def take_event(api: CallApi, carrier_name: str) -> Reply:
    """POST /carriers/{carrier_name}/events: the carrier's own proof stands for a key."""
    carrier = api.carriers.get(carrier_name)
    if carrier is None:
        raise Refusal(problems.CARRIER_NOT_FOUND)
    event = _event(api)
    try:
        carrier.verify(event)
        reports = carrier.parse(event)
    except InvalidSignature:
        raise Refusal(problems.INVALID_PROOF) from None
    except MalformedDelivery:
        raise Refusal(problems.UNREADABLE_EVENT) from None
    if not reports:
        return Reply({"success": True, "matched": 0})
    with api.engine.begin() as conn:
        matched = apply_reports(conn, carrier, reports, api.clock)
    return Reply({"success": True, "matched": matched})


def _event(api: CallApi) -> Request:
    request.max_content_length = MAX_EVENT + 1  # of a chunked body: more is cut off without a word
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refusal(problems.EVENT_TOO_LARGE) from None
    if len(body) > MAX_EVENT:
        raise Refusal(problems.EVENT_TOO_LARGE)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.url, headers, body, api.clock())


ROUTES = (
    Route(
        "POST",
        "/carriers/<carrier_name>/events",
        take_event,
        None,
        "What a carrier tells of its calls",
        EventTaken,
        refusals=(
            problems.CARRIER_NOT_FOUND,
            problems.INVALID_PROOF,
            problems.UNREADABLE_EVENT,
            problems.EVENT_TOO_LARGE,
        ),
        answers_alone=True,
        keyless=True,
        operation_id="takeCarrierEvent",
    ),
)
