"""POST /calls/trigger: the success, and every refusal of the contract to the letter."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from connector.call_api import keys
from tests.call_api.conftest import KEY, Running, Serve, create_app


def test_success_is_the_documented_flat_answer(running: Running) -> None:
    answer = running.client.trigger({"phone_number": "+12025550101"})
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "call_id": answer.json()["call_id"], "status": "initiated"}
    assert str(UUID(answer.json()["call_id"])) == answer.json()["call_id"]
    assert answer.headers["Content-Type"] == "application/json"


def test_a_200_has_its_row_and_its_job(running: Running) -> None:
    call_id = running.client.call()
    assert running.scalars("SELECT id::text FROM call_api.calls WHERE state = 'queued'") == [call_id]
    assert running.scalars("SELECT task_name FROM jobs.procrastinate_jobs") == ["place_calls"]


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({}, "bvai_sk_wrong"),
        ({}, ""),
        ({"Authorization": KEY}, None),
        ({"Authorization": f"Basic {KEY}"}, None),
    ],
)
def test_401(running: Running, headers: dict[str, str], key: str | None) -> None:
    running.client.key = key
    answer = running.client.trigger("not even JSON", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"success": False, "error": "Invalid API key", "code": "invalid_api_key"}


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer \xe9\xff", "Bearer " + "k" * 4000, f"bearer {KEY}x", "\x00"]
)
def test_odd_authorization_headers_are_401(running: Running, header: str) -> None:
    app = create_app(running.api).test_client()  # no HTTP client would send some of these
    answer = app.post("/api/v1/calls/trigger", headers={"Authorization": header}, json={})
    assert answer.status_code == 401


def test_the_scheme_may_be_written_in_any_case(running: Running) -> None:
    answer = running.client.get("/auth/verify", headers={"Authorization": f"bearer {KEY}"})
    assert answer.status_code == 200


def test_403_when_access_is_switched_off(running: Running) -> None:
    with running.api.engine.begin() as conn:
        keys.set_access(conn, "tests", enabled=False)
    answer = running.client.trigger("not even JSON")
    assert answer.status_code == 403
    assert answer.json() == {
        "success": False,
        "error": "API access is disabled",
        "code": "access_disabled",
    }
    with running.api.engine.begin() as conn:
        keys.set_access(conn, "tests", enabled=True)
    assert running.client.call()


@pytest.mark.parametrize(
    "number",
    [
        *("12025550101", "+02025550101", "+1 202 555 0101", "+1-202-555-0101", "(202) 555-0101", ""),
        *(" +12025550101", "+12025550101 ", "+12025550101\n", "+1202555010a", "+123456", "+1234567890123456"),
        *(
            "++12025550101",
            "+",
            "+\u0661\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0660\u0661",
            "tel:+12025550101",
        ),
        *(2025550101, None, True, ["+12025550101"], {"a": 1}),
    ],
)
def test_400_for_what_is_not_a_number(running: Running, number: object) -> None:
    answer = running.client.trigger({"phone_number": number})
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "Invalid phone number format",
        "code": "invalid_phone_number",
        "field": "phone_number",
    }


def test_400_for_a_missing_number(running: Running) -> None:
    assert running.client.trigger({"name": "Ada"}).json()["error"] == "Invalid phone number format"


@pytest.mark.parametrize("number", ["+15551234567", "+442079460000", "+1234567", "+123456789012345"])
def test_the_form_is_all_that_is_judged(running: Running, number: str) -> None:
    assert running.client.show(running.client.call(number))["to_number"] == number


@pytest.mark.parametrize(
    "agent_id", ["00000000-0000-0000-0000-000000000000", "Lead Qualifier", "x", "{}", "\u0661"]
)
def test_400_for_an_unknown_agent_and_never_another_one(running: Running, agent_id: str) -> None:
    answer = running.client.trigger({"phone_number": "+12025550101", "agent_id": agent_id})
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "Agent not found",
        "code": "agent_not_found",
        "field": "agent_id",
    }
    assert running.scalars("SELECT count(*) FROM call_api.calls") == [0]


@pytest.mark.parametrize("agent_id", [{}, {"agent_id": ""}, {"agent_id": None}])
def test_without_an_agent_the_default_speaks(running: Running, agent_id: dict[str, Any]) -> None:
    call = running.client.show(running.client.call(**agent_id))
    assert (call["agent_name"], call["from_number"]) == ("Lead Qualifier", "+12025550100")


def test_400_without_agent_and_default(serve: Serve) -> None:
    running = serve(agents=[{"name": "Nobody's default", "phone_number": "+12025550100"}])
    answer = running.client.trigger({"phone_number": "+12025550101"})
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "No agent specified and no default agent configured",
        "code": "no_agent",
        "field": "agent_id",
    }


def test_400_for_an_agent_without_a_number(running: Running) -> None:
    mute = next(a["id"] for a in running.client.get("/agents").json()["agents"] if a["name"] == "Mute")
    answer = running.client.trigger({"phone_number": "+12025550101", "agent_id": mute})
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "Agent has no phone number assigned",
        "code": "agent_without_number",
        "field": "agent_id",
    }


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        ({"name": 1}, "name must be a string", "name"),
        ({"email": ["a"]}, "email must be a string", "email"),
        ({"agent_id": 7}, "agent_id must be a string", "agent_id"),
        ({"metadata": "x"}, "metadata must be an object", "metadata"),
        ({"metadata": [1]}, "metadata must be an object", "metadata"),
    ],
)
def test_400_names_the_field_of_a_wrong_type(
    running: Running, body: dict[str, object], error: str, field: str
) -> None:
    answer = running.client.trigger({"phone_number": "+12025550101", **body})
    assert answer.status_code == 400
    assert answer.json() == {"success": False, "error": error, "code": "invalid_field", "field": field}


def test_the_body_is_judged_before_the_number_and_the_number_before_the_agent(running: Running) -> None:
    wrong_everywhere = {"phone_number": "1", "agent_id": "nobody", "metadata": []}
    assert running.client.trigger(wrong_everywhere).json()["field"] == "metadata"
    assert running.client.trigger(wrong_everywhere | {"metadata": {}}).json()["field"] == "phone_number"


def test_unknown_fields_are_ignored_and_huge_numbers_are_fine(running: Running) -> None:
    body = '{"phone_number": "+12025550101", "x": {"y": [null]}, "n": ' + "9" * 6000 + "}"
    assert running.client.trigger(body).status_code == 200


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("br", 415), ("Identity", 200)])
def test_a_compressed_body_is_refused(running: Running, encoding: str, status: int) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = running.client.trigger(b'{"phone_number": "+12025550101"}', headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["error"] == "The body must be sent without Content-Encoding"


def test_413_415_404_and_405_are_json(running: Running) -> None:
    client = running.client
    large = b'{"phone_number": "+12025550101", "x": "' + b"x" * 65_536 + b'"}'
    answers = {
        413: client.trigger(large),
        415: client.trigger(b"{}", headers={"Content-Type": "text/plain"}),
        404: client.get("/nothing/here"),
        405: client.request("PUT", "/calls/trigger", json={}),
    }
    assert client.request("OPTIONS", "/calls/trigger").json() == answers[405].json()
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json()["success"] is False
    assert "POST" in answers[405].headers["Allow"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", "/calls/trigger", 405), ("POST", "/calls", 405), ("DELETE", "/agents", 405)),
        *(("BREW", "/calls/trigger", 405), ("GET", "", 404), ("GET", "/calls/trigger/", 404)),
        *(("POST", "/calls/../x", 404), ("GET", "/calls/a/b", 404), ("GET", "//calls", 404)),
    ],
)
def test_paths_and_methods_nobody_knows(running: Running, method: str, path: str, status: int) -> None:
    answer = running.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["code"] in ("not_found", "method_not_allowed")


def test_a_body_of_several_megabytes_gets_its_413(running: Running) -> None:
    assert running.client.trigger(b"x" * 3_000_000).status_code == 413


@pytest.mark.parametrize(("spaces", "status"), [(10, 200), (65_000, 200), (65_536, 413), (300_000, 413)])
def test_a_chunked_body_is_read_whole_or_refused(running: Running, spaces: int, status: int) -> None:
    chunks = iter([b'{"phone_number": "+12025550101"}', b" " * spaces])
    answer = running.client.request(
        "POST", "/calls/trigger", data=chunks, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status


def test_json_types_with_a_suffix_or_charset_are_json(running: Running) -> None:
    for content_type in ("application/json; charset=utf-8", "application/vnd.api+json"):
        answer = running.client.trigger(
            '{"phone_number": "+12025550101"}', headers={"Content-Type": content_type}
        )
        assert answer.status_code == 200


def test_503_when_the_database_is_away(serve: Serve) -> None:
    nowhere = sa.create_engine("postgresql+psycopg://postgres@/nothing?host=/nonexistent")
    running = serve(using=nowhere)
    answers = [running.client.trigger({"phone_number": "+12025550101"}), running.client.get("/agents")]
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["code"] == "unavailable"
    nowhere.dispose()


def test_a_connection_lost_in_the_commit_is_told_as_doubt(serve: Serve, engine: sa.Engine) -> None:
    running = serve()

    def cut(conn: sa.Connection) -> None:
        backend = conn.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as other:
            other.execute(sa.text(f"SELECT pg_terminate_backend({backend}, 5000)"))

    doomed = sa.create_engine(engine.url, connect_args={"options": "-csearch_path=jobs"})
    sa.event.listen(doomed, "commit", cut)
    answer = serve(using=doomed).client.trigger({"phone_number": "+12025550101"})
    assert answer.status_code == 503
    assert answer.json()["code"] == "in_doubt"
    assert "Retry-After" not in answer.headers
    doomed.dispose()
    assert running.scalars("SELECT count(*) FROM call_api.calls") == [0]


def test_the_last_use_of_a_key_is_noted_once_a_minute(running: Running) -> None:
    def last_used_at() -> object:
        with running.api.engine.connect() as conn:
            return keys.list_keys(conn)[0].last_used_at

    running.client.call()
    first = running.clock()
    assert last_used_at() == first
    running.clock.advance(seconds=59)
    running.client.call()
    assert last_used_at() == first
    running.clock.advance(seconds=1)
    running.client.call()
    assert last_used_at() == first + timedelta(minutes=1)


@pytest.mark.parametrize("value", ["9" * 5000, "-" + "9" * 5000, "[" + "9" * 5000 + "]", '{"a": 1e99999}'])
@pytest.mark.parametrize("field", ["phone_number", "agent_id", "name", "email", "scheduled_at", "expires_at"])
def test_a_number_too_long_for_anybody_is_blamed_on_its_field(
    running: Running, field: str, value: str
) -> None:
    number = "" if field == "phone_number" else '"phone_number": "+12025550190", '
    answer = running.client.trigger(f'{{{number}"{field}": {value}}}')
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_moments_are_judged_before_the_agent(running: Running) -> None:
    body = {"phone_number": "+12025550190", "agent_id": "nobody", "scheduled_at": "2099-01-01T00:00:00Z"}
    answer = running.client.trigger(body).json()
    assert (answer["field"], answer["error"]) == ("scheduled_at", "scheduled_at must be at most a year ahead")
