"""The OpenAPI document: true, whole, and fit for people and generated clients."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

import connector
from connector.call_api import problems
from connector.call_api.models.events import EVENTS
from connector.call_api.problems import Problem
from connector.call_api.web.blueprint import ROUTES
from connector.call_api.web.openapi import describe
from tests.call_api.conftest import KEY, SECRET, Receiver, Running, Serve, create_app

DOCUMENT = describe(ROUTES, EVENTS)
Operation = tuple[str, str, dict[str, Any]]


def operations() -> list[Operation]:
    return [
        (method.upper(), path, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    ]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that stands alone."""
    return {**schema, "components": DOCUMENT["components"]}


def fits(value: object, schema: dict[str, Any]) -> bool:
    validator = OAS31Validator(resolved(schema), format_checker=OAS31Validator.FORMAT_CHECKER)
    return bool(validator.is_valid(value))


def test_it_is_openapi_3_1_and_open_to_anybody(running: Running) -> None:
    answer = requests.get(f"{running.client.url}/openapi.json", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    validate(answer.json())
    assert answer.json() == json.loads(json.dumps(DOCUMENT))
    assert answer.json()["openapi"].startswith("3.1.")
    assert answer.json()["info"]["version"] == connector.__version__


def test_every_route_is_in_it_and_it_has_no_other(running: Running) -> None:
    own = {("GET", "/openapi.json"), ("GET", "/docs")}  # they describe the API and are not part of it
    served = {
        (method, rule.rule.removeprefix("/api/v1"))
        for rule in create_app(running.api).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/")
    }
    assert served - own == {(route.method, route.path) for route in ROUTES}
    assert len(operations()) == len(ROUTES)


def test_operation_ids_never_change() -> None:
    """Generated clients name their functions by these: add here, never rename."""
    assert [operation["operationId"] for _, _, operation in operations()] == [
        "triggerCall",
        "listCalls",
        "getCall",
        "cancelCall",
        "takeCarrierEvent",
        "listAgents",
        "createAgent",
        "getAgent",
        "updateAgent",
        "createWebhook",
        "listWebhooks",
        "getWebhook",
        "deleteWebhook",
        "testWebhook",
        "rotateWebhookSecret",
        "listDeliveries",
        "resendDelivery",
        "verifyKey",
        "getAccount",
    ]


def described(schema: Any, at: str) -> Iterator[str]:
    """Where a field has no description, in a schema or what it holds."""
    for name, field in schema.get("properties", {}).items():
        reference = field.get("$ref", "").rpartition("/")[2]
        if not (
            field.get("description")
            or DOCUMENT["components"]["schemas"].get(reference, {}).get("description")
        ):
            yield f"{at}.{name}"
        yield from described(field, f"{at}.{name}")


def test_every_field_parameter_and_operation_is_described() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert [gap for name, schema in schemas.items() for gap in described(schema, name)] == []
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
    for method, path, operation in operations():
        gaps = [one["name"] for one in operation["parameters"] if not one["description"]]
        assert (method, path, gaps, bool(operation["summary"])) == (method, path, [], True)


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation[2]["operationId"])
def test_examples_fit_what_they_are_examples_of(operation: Operation) -> None:
    _, _, told = operation
    contents = [answer["content"]["application/json"] for answer in told["responses"].values()]
    contents += told.get("requestBody", {}).get("content", {}).values()
    for content in filter(
        lambda content: content["schema"], contents
    ):  # {} is anything: a carrier's own words
        given = (
            [content["example"]]
            if "example" in content
            else [e["value"] for e in content["examples"].values()]
        )
        assert given
        assert [value for value in given if not fits(value, content["schema"])] == []
    for parameter in told["parameters"]:
        assert fits(parameter["example"], parameter["schema"]), parameter["name"]


def test_examples_of_fields_fit_their_fields() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            wrong = [value for value in one.get("examples", []) if not fits(value, one)]
            assert (name, field, wrong) == (name, field, [])


def test_every_refusal_there_is_can_be_met_somewhere() -> None:
    documented = {
        (int(status), example["value"]["code"], example["value"]["error"])
        for _, _, operation in operations()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for example in answer["content"]["application/json"]["examples"].values()
    }
    elsewhere = (problems.PATH_NOT_FOUND, problems.METHOD_NOT_ALLOWED)  # answered where there is no operation
    known = [
        value for value in vars(problems).values() if isinstance(value, Problem) and value not in elsewhere
    ]
    assert {(one.status, one.code, one.text) for one in known} - documented == set()


def test_who_may_is_told(running: Running) -> None:
    for method, path, operation in operations():
        route = next(
            one
            for one in ROUTES
            if operation["operationId"] and _path(one.path) == path and one.method == method
        )
        assert operation["x-required-scope"] == route.scope
        assert route.scope is None or f"`{route.scope}`" in operation["description"]


def _path(flask: str) -> str:
    return "/".join(
        "{" + part.strip("<>").rpartition(":")[2] + "}" if part.startswith("<") else part
        for part in flask.split("/")
    )


def test_events_are_as_the_document_says(serve: Serve, receiver: Receiver) -> None:
    running = serve(
        webhooks=[{"url": receiver.url, "secret": SECRET}],
        simulated={"ring_seconds": 0, "talk_seconds": 0},
        allow_private_webhook_targets=True,
        keys=[{"name": "tests", "key": KEY, "scopes": ["trigger", "read", "admin"]}],
    )
    (webhook,) = running.scalars("SELECT id::text FROM call_api.endpoints")
    assert running.client.request("POST", f"/webhooks/{webhook}/test").status_code == 202
    for number in ("+12025550190", "+12025550191", "+12025550194", "+12025550196"):
        running.client.call(number, metadata={"deal_id": "9001"})
    for _ in range(4):
        running.until_quiet()
    bodies = [json.loads(received.body) for received in receiver.received]
    told = ["test" if body.get("test") else body["event"] for body in bodies]
    assert set(told) == set(EVENTS)
    for name, body in zip(told, bodies, strict=True):
        payload = DOCUMENT["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
        errors = OAS31Validator(resolved(payload["schema"])).iter_errors(body)
        assert [error.message for error in errors] == []
        documented = DOCUMENT["components"]["schemas"][payload["schema"]["$ref"].rpartition("/")[2]]
        assert set(body) == set(documented["properties"])
