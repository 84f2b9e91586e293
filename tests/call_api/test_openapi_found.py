"""What schemathesis found, each by itself."""

from typing import Any

import pytest

from connector.call_api.models.agents import NewAgent
from tests.call_api.conftest import KEY, Running, Serve


@pytest.fixture
def admin(serve: Serve) -> Running:
    return serve(keys=[{"name": "tests", "key": KEY, "scopes": ["trigger", "read", "admin"]}])


@pytest.mark.parametrize(
    ("written", "status", "shown"),
    [("45.0", 201, 45), ("45", 201, 45), ("4.5e1", 201, 45), ("45.5", 400, None)],
)
def test_a_whole_number_is_whole_however_it_is_written(
    admin: Running, written: str, status: int, shown: Any
) -> None:
    body = f'{{"name": "Front Desk", "max_ring_seconds": {written}}}'
    headers = {"Content-Type": "application/json"}
    answer = admin.client.request("POST", "/agents", data=body, headers=headers)
    assert (answer.status_code, answer.json().get("max_ring_seconds")) == (status, shown)


def test_allow_names_the_methods_that_there_are(running: Running) -> None:
    for method in ("GET", "OPTIONS"):
        answer = running.client.request(method, "/calls/trigger")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["Allow"] == "POST"


def test_the_limits_of_such_a_number_are_documented() -> None:
    number, _ = NewAgent.model_json_schema()["properties"]["max_ring_seconds"]["anyOf"]
    assert number == {"type": "integer", "minimum": 5, "maximum": 300}
