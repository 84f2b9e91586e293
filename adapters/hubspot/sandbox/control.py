"""`/sandbox/...`: what a person does in HubSpot's web pages, for tests and demos in other processes."""

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from adapters.hubspot.sandbox.deliveries import Delivery
from adapters.hubspot.sandbox.state import Refusal
from adapters.hubspot.sandbox.wire import answer, json_body, kind_of

if TYPE_CHECKING:
    from adapters.hubspot.sandbox.server import Sandbox


def create_control(sandbox: "Sandbox") -> Blueprint:
    """Return the control routes of a sandbox. Each is one method of `Sandbox`."""
    bp = Blueprint("control", __name__, url_prefix="/sandbox")
    _people_routes(bp, sandbox)
    _watch_routes(bp, sandbox)
    return bp


def _people_routes(bp: Blueprint, sandbox: "Sandbox") -> None:
    @bp.post("/contacts")
    def create_contact() -> Response:
        return answer({"id": sandbox.create_contact(**json_body())}, 201)

    @bp.post("/companies")
    def create_company() -> Response:
        return answer({"id": sandbox.create_company(**json_body())}, 201)

    @bp.post("/deals")
    def create_deal() -> Response:
        return answer({"id": sandbox.create_deal(**json_body())}, 201)

    @bp.post("/batch")
    def create_deals() -> Response:
        return answer({"ids": sandbox.create_deals(**json_body())}, 201)

    @bp.get("/deals/<deal_id>")
    def deal(deal_id: str) -> Response:
        return answer(sandbox.deal(deal_id))

    @bp.delete("/deals/<deal_id>")
    def delete_deal(deal_id: str) -> Response:
        sandbox.delete_deal(deal_id)
        return Response(status=204)

    @bp.post("/deals/<deal_id>/move")
    def move_deal(deal_id: str) -> Response:
        sandbox.move_deal(deal_id, **json_body())
        return Response(status=204)

    @bp.post("/move")
    def move_deals() -> Response:
        sandbox.move_deals(**json_body())
        return Response(status=204)

    @bp.post("/deals/<deal_id>/set")
    def set_deal(deal_id: str) -> Response:
        sandbox.set_deal(deal_id, **json_body())
        return Response(status=204)

    @bp.post("/contacts/<contact_id>/set")
    def set_contact(contact_id: str) -> Response:
        sandbox.set_contact(contact_id, **json_body())
        return Response(status=204)

    @bp.post("/associate")
    def associate() -> Response:
        sandbox.associate(**json_body())
        return Response(status=204)


def _watch_routes(bp: Blueprint, sandbox: "Sandbox") -> None:
    @bp.get("/ready")
    def ready() -> Response:
        return answer({"url": sandbox.url, "target": sandbox.target})

    @bp.post("/target")
    def target() -> Response:
        sandbox.target = json_body().get("url")
        return Response(status=204)

    @bp.post("/fail")
    def fail() -> Response:
        sandbox.fail(**json_body())
        return Response(status=204)

    @bp.delete("/fail")
    def heal() -> Response:
        sandbox.heal()
        return Response(status=204)

    @bp.get("/ledger")
    def ledger() -> Response:
        return answer({"results": sandbox.writes(request.args.get("deal"))})

    @bp.get("/timeline")
    def timeline() -> Response:
        record = "contact" if "contact" in request.args else "deal"
        found = sandbox.timeline(kind_of(request.args["kind"]), request.args.get(record, ""), kind_of(record))
        return answer({"results": found})

    @bp.get("/requests")
    def requests_() -> Response:
        return answer({"results": sandbox.requests})

    @bp.get("/deliveries")
    def deliveries() -> Response:
        return answer({"results": [_shown(each) for each in sandbox.deliveries]})

    @bp.errorhandler(TypeError)
    def wrong_arguments(why: TypeError) -> Response:
        return answer(Refusal(400, "VALIDATION_ERROR", str(why)).body, 400)


def _shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "attempt": delivery.attempt,
        "status": delivery.status,
        "error": delivery.error,
        "headers": delivery.headers,
        "body": delivery.body.decode(),
    }
