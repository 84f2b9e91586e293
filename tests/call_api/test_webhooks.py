"""Webhooks over HTTP: made, listed, tested, given a new secret, removed; their deliveries, sent again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from connector.call_api import CallApi
from connector.call_api.deliver import Sender
from connector.call_api.endpoints import MAX_OF_A_KEY, live_endpoints
from connector.call_api.events import record_test
from connector.call_api.models import webhooks as models
from connector.call_api.settings import CallApiSettings, OwnReceiver
from connector.call_api.targets import Targets
from tests.call_api.conftest import KEY, SECRET, Client, Receiver, Running, Serve
from tests.call_api.test_targets import CORPUS, Forbidden, resolve, rows

ADMIN = "bvai_sk_admin-only-for-tests-0123456"
OTHER = "bvai_sk_other-only-for-tests-0123456"
KEYS = [
    {"name": "tests", "key": KEY},
    {"name": "other", "key": OTHER},
    {"name": "admin", "key": ADMIN, "scopes": ["trigger", "read", "admin"]},
]
LOCAL = {
    "simulated": {"ring_seconds": 0, "talk_seconds": 0},
    "allow_private_webhook_targets": True,
    "keys": KEYS,
}


@pytest.fixture
def running(serve: Serve) -> Running:
    return serve(**LOCAL)


def ask(running: Running, method: str, path: str, *, key: str = KEY, **arguments: Any) -> requests.Response:
    return Client(running.client.url, key).request(method, path, **arguments)


def make(running: Running, url: str, *, key: str = KEY, **fields: Any) -> dict[str, Any]:
    answer = ask(running, "POST", "/webhooks", key=key, json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    models.WebhookMade.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def deliveries(running: Running, webhook_id: str, query: str = "", *, key: str = KEY) -> dict[str, Any]:
    answer = ask(running, "GET", f"/webhooks/{webhook_id}/deliveries{query}", key=key)
    assert answer.status_code == 200, answer.text
    models.DeliveriesPage.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def names(receiver: Receiver) -> list[str]:
    return [json.loads(each.body)["event"] for each in receiver.received]


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_webhook_is_made_shown_and_gets_events_signed_with_its_secret(
    running: Running, receiver: Receiver
) -> None:
    made = make(running, receiver.url, description="Zap")
    assert (made["events"], made["payload_format"], made["source"]) == (
        ["call_started", "call_ended"],
        "v2",
        "api",
    )
    shown = ask(running, "GET", f"/webhooks/{made['id']}")
    models.WebhookShown.model_validate_json(shown.content)
    assert "secret" not in shown.json()
    listed = ask(running, "GET", "/webhooks")
    models.Webhooks.model_validate_json(listed.content)
    assert [each["id"] for each in listed.json()["webhooks"]] == [made["id"]]
    assert made["secret"] not in listed.text + shown.text
    running.client.call()
    running.until_quiet()
    assert names(receiver) == ["call_started", "call_ended"]
    for each in receiver.received:
        Webhook(made["secret"]).verify(each.body, each.headers)


def test_the_same_url_many_times_each_with_its_own_secret_and_one_event_id(
    running: Running, receiver: Receiver
) -> None:
    made = [make(running, receiver.url, events=["call_ended"]) for _ in range(3)]
    assert len({each["id"] for each in made}) == len({each["secret"] for each in made}) == 3
    running.client.call()
    running.until_quiet()
    assert len(receiver.received) == 3
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert len({each.headers["webhook-signature"] for each in receiver.received}) == 3


def test_events_and_agents_are_filtered(running: Running, receiver: Receiver) -> None:
    agents = ask(running, "GET", "/agents").json()["agents"]
    ids = {each["name"]: each["id"] for each in agents}
    make(running, receiver.url, events=["call_started"], agent_id=ids["Lead Qualifier"])
    make(running, receiver.url + "/mute", agent_id=ids["Mute"])
    running.client.call()
    running.until_quiet()
    assert names(receiver) == ["call_started"]
    assert running.scalars("SELECT event FROM call_api.events") == ["call_started"]


def test_a_removed_webhook_gets_nothing_more(running: Running, receiver: Receiver) -> None:
    made = make(running, receiver.url)
    running.client.call()
    running.api.place_calls()
    running.api.follow_calls()
    assert ask(running, "DELETE", f"/webhooks/{made['id']}").json() == {"success": True}
    running.client.call()
    running.until_quiet()
    assert receiver.received == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        assert refusal(ask(running, method, f"/webhooks/{made['id']}{path}")) == (404, "not_found")
    assert ask(running, "GET", "/webhooks").json()["webhooks"] == []
    assert running.scalars("SELECT DISTINCT state FROM call_api.deliveries") == ["dead"]


def test_a_webhook_removed_while_events_are_sent_gets_none_of_the_rest(
    running: Running, receiver: Receiver
) -> None:
    """The first answer of the receiver removes it; only what was under way at that moment still arrives."""
    made = make(running, receiver.url, events=["call_ended"])
    for _ in range(200):
        running.client.call("+12025550191")
    running.api.place_calls()
    running.api.follow_calls()
    answer = receiver.answer

    def remove_first(request: Any) -> int:
        if not receiver.received:
            ask(running, "DELETE", f"/webhooks/{made['id']}")
        return answer(request)

    receiver.answer = remove_first  # type: ignore[method-assign]
    running.until_quiet()
    assert 0 < len(receiver.received) <= 60


def test_a_test_is_sent_whatever_the_webhook_wants(running: Running, receiver: Receiver) -> None:
    made = make(running, receiver.url, events=["call_started"])
    answer = ask(running, "POST", f"/webhooks/{made['id']}/test")
    assert answer.status_code == 202
    running.until_quiet()
    (only,) = receiver.received
    event = Webhook(made["secret"]).verify(only.body, only.headers)
    assert (event["event"], event["test"], event["provider"]) == ("call_ended", True, "test")
    (delivery,) = deliveries(running, made["id"])["deliveries"]
    assert delivery["id"] == answer.json()["delivery_id"]
    assert (delivery["event"], delivery["state"], delivery["call_id"]) == ("test", "sent", None)
    (tried,) = delivery["tries"]
    assert (tried["number"], tried["status"], tried["error"]) == (1, 200, None)
    assert tried["duration_ms"] >= 0


def test_the_older_payload_by_choice(running: Running, receiver: Receiver) -> None:
    older = make(running, receiver.url, payload_format="v1")
    make(running, receiver.url)
    running.client.call(metadata={"deal": 9001})
    running.until_quiet()
    ask(running, "POST", f"/webhooks/{older['id']}/test")
    running.until_quiet()
    bodies = [json.loads(each.body) for each in receiver.received]
    v1 = [each for each in bodies if "." in each["event"]]
    assert [each["event"] for each in v1] == ["call.started", "call.completed", "call.completed"]
    assert [each.get("test") for each in v1] == [None, None, True]
    assert (v1[1]["phone_number"], v1[1]["metadata"]) == ("+12025550101", {"deal": 9001})
    assert {turn["role"] for turn in v1[1]["transcript"]} == {"agent", "human"}
    v2 = [each for each in bodies if "." not in each["event"]]
    assert [each["event"] for each in v2] == ["call_started", "call_ended"]
    assert [each["id"] for each in v2] == [each["id"] for each in v1[:2]]


def test_a_rotated_secret_and_the_one_before_sign_together_for_a_day(
    running: Running, receiver: Receiver
) -> None:
    made = make(running, receiver.url, events=["call_ended"])
    answer = ask(running, "POST", f"/webhooks/{made['id']}/rotate-secret")
    rotated = models.SecretRotated.model_validate_json(answer.content)
    assert rotated.secret != made["secret"]
    running.client.call()
    running.until_quiet()
    running.clock.advance(hours=24)
    running.client.call()
    running.until_quiet()
    both, one = receiver.received
    assert [len(each.headers["webhook-signature"].split()) for each in (both, one)] == [2, 1]
    for secret in (made["secret"], rotated.secret):
        Webhook(secret).verify(both.body, both.headers)
    stamp = int(one.headers["webhook-timestamp"])
    signature = Webhook(rotated.secret).sign(
        one.headers["webhook-id"], datetime.fromtimestamp(stamp, UTC), one.body.decode()
    )
    assert one.headers["webhook-signature"] == signature


def test_gone_ends_the_subscription_and_says_so(running: Running, receiver: Receiver) -> None:
    made = make(running, receiver.url)
    for _ in range(10):
        running.client.call()
    receiver.answers = [410] * 100
    running.until_quiet()
    seen = len(receiver.received)
    assert seen <= 4
    running.client.call()
    running.clock.advance(days=3)
    running.until_quiet()
    assert len(receiver.received) == seen
    shown = ask(running, "GET", f"/webhooks/{made['id']}").json()
    assert "answered 410" in shown["ended_reason"]
    assert {each["state"] for each in deliveries(running, made["id"])["deliveries"]} == {"dead"}
    assert refusal(ask(running, "POST", f"/webhooks/{made['id']}/test")) == (409, "webhook_ended")
    (first, *_) = deliveries(running, made["id"])["deliveries"]
    path = f"/webhooks/{made['id']}/deliveries/{first['id']}/resend"
    assert refusal(ask(running, "POST", path)) == (409, "webhook_ended")


def test_a_dead_letter_is_listed_and_resent_with_a_new_series_of_tries(
    running: Running, receiver: Receiver
) -> None:
    made = make(running, receiver.url, events=["call_ended"])
    call_id = running.client.call()
    receiver.answers = [400, *[503] * 9]
    running.until_quiet()
    (dead,) = deliveries(running, made["id"], "?state=dead")["deliveries"]
    assert (dead["call_id"], dead["state"], len(dead["tries"])) == (call_id, "dead", 1)
    assert dead["tries"][0]["error"] == "answered 400"
    path = f"/webhooks/{made['id']}/deliveries/{dead['id']}/resend"
    assert ask(running, "POST", path).status_code == 202
    for _ in range(9):
        running.until_quiet()
        (pending,) = deliveries(running, made["id"], "?state=pending")["deliveries"]
        running.clock.now = datetime.fromisoformat(pending["next_try_at"])
        running.clock.advance(seconds=1)
    running.until_quiet()
    (sent,) = deliveries(running, made["id"])["deliveries"]
    assert (sent["state"], sent["next_try_at"]) == ("sent", None)
    assert [each["status"] for each in sent["tries"]] == [400, *[503] * 9, 200]
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert ask(running, "POST", path).status_code == 202  # what was sent can be sent again
    running.until_quiet()
    assert len(receiver.received) == 12


def test_deliveries_come_in_pages_newest_first(running: Running, receiver: Receiver) -> None:
    made = make(running, receiver.url)
    for _ in range(4):
        running.client.call()
    running.until_quiet()
    first = deliveries(running, made["id"], "?limit=5")
    second = deliveries(running, made["id"], f"?limit=5&cursor={first['next_cursor']}")
    ids = [int(each["id"]) for page in (first, second) for each in page["deliveries"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second["next_cursor"]) == (8, None)
    assert deliveries(running, made["id"], "?state=dead")["deliveries"] == []
    for wrong in ("?limit=0", "?limit=101", "?state=lost", "?cursor=x", "?cursor=" + "9" * 30):
        answer = ask(running, "GET", f"/webhooks/{made['id']}/deliveries{wrong}")
        assert refusal(answer) == (400, "invalid_parameter")


def test_a_key_sees_what_it_made_and_admin_sees_all(serve: Serve, receiver: Receiver) -> None:
    configured = {"url": receiver.url + "/config", "secret": SECRET, "events": ["call_ended"]}
    running = serve(**LOCAL, webhooks=[configured])
    made = make(running, receiver.url)
    theirs = make(running, receiver.url, key=OTHER)
    running.client.call()
    running.until_quiet()

    def seen(key: str) -> dict[str, str]:
        listed = ask(running, "GET", "/webhooks", key=key).json()["webhooks"]
        return {each["id"]: each["source"] for each in listed}

    assert seen(KEY) == {made["id"]: "api"}
    assert seen(OTHER) == {theirs["id"]: "api"}
    everything = seen(ADMIN)
    assert sorted(everything.values()) == ["api", "api", "config"]
    (config,) = [each for each, source in everything.items() if source == "config"]
    (delivery, *_) = deliveries(running, theirs["id"], key=OTHER)["deliveries"]
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/test"),
        ("POST", "/rotate-secret"),
        ("GET", "/deliveries"),
        ("POST", f"/deliveries/{delivery['id']}/resend"),
    ):
        assert refusal(ask(running, method, f"/webhooks/{theirs['id']}{path}")) == (404, "not_found")
        assert refusal(ask(running, method, f"/webhooks/{config}{path}")) == (404, "not_found")
    another = f"/webhooks/{made['id']}/deliveries/{delivery['id']}/resend"
    assert refusal(ask(running, "POST", another)) == (404, "not_found")
    for method, path in (("DELETE", ""), ("POST", "/rotate-secret")):
        answer = ask(running, method, f"/webhooks/{config}{path}", key=ADMIN)
        assert refusal(answer) == (409, "webhook_from_config")
    assert ask(running, "POST", f"/webhooks/{config}/test", key=ADMIN).status_code == 202
    assert ask(running, "DELETE", f"/webhooks/{theirs['id']}", key=ADMIN).status_code == 200


def test_a_new_secret_in_the_configuration_signs_beside_the_old_one(serve: Serve, receiver: Receiver) -> None:
    other = "whsec_" + "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="
    hook = {"url": receiver.url, "secret": SECRET, "events": ["call_ended"]}
    serve(**LOCAL, webhooks=[hook])
    running = serve(**LOCAL, webhooks=[hook | {"secret": other}])
    running.client.call()
    running.until_quiet()
    (only,) = receiver.received
    for secret in (SECRET, other):
        Webhook(secret).verify(only.body, only.headers)


@pytest.mark.parametrize(
    ("fields", "code", "blamed"),
    [
        ({}, "invalid_field", "url"),
        ({"url": 5}, "invalid_field", "url"),
        ({"url": "https://127.0.0.1.nip.io/"}, "webhook_target_refused", "url"),
        ({"url": "https://example.com/", "events": []}, "invalid_field", "events"),
        ({"url": "https://example.com/", "events": ["call_lost"]}, "invalid_field", "events.0"),
        ({"url": "https://example.com/", "agent_id": "nobody"}, "agent_not_found", "agent_id"),
        ({"url": "https://example.com/", "description": "a" * 501}, "invalid_field", "description"),
        ({"url": "https://example.com/", "payload_format": "v3"}, "invalid_field", "payload_format"),
    ],
)
def test_what_is_wrong_is_named(serve: Serve, fields: dict[str, Any], code: str, blamed: str) -> None:
    running = serve(sender=Sender(Targets(resolve=resolve)))
    answer = running.client.request("POST", "/webhooks", json=fields)
    assert (refusal(answer), answer.json()["field"]) == ((400, code), blamed)


def test_a_key_that_may_not_read_may_not_subscribe(serve: Serve) -> None:
    running = serve(keys=[{"name": "tests", "key": KEY, "scopes": ["trigger"]}])
    for method, path in (("POST", "/webhooks"), ("GET", "/webhooks")):
        answer = running.client.request(method, path, json={"url": "https://example.com/"})
        assert refusal(answer) == (403, "insufficient_scope")
    running.client.key = None
    assert refusal(running.client.request("POST", "/webhooks", json={})) == (401, "invalid_api_key")


def test_a_key_has_a_thousand_webhooks_at_most(running: Running) -> None:
    make(running, "http://127.0.0.1:9/calls")
    running.execute(
        "INSERT INTO call_api.endpoints (id, url, secret, source, created_at, key_id)"
        " SELECT gen_random_uuid(), url, secret, source, created_at, key_id"
        " FROM call_api.endpoints, generate_series(2, :most)",
        most=MAX_OF_A_KEY,
    )
    answer = ask(running, "POST", "/webhooks", json={"url": "http://127.0.0.1:9/calls"})
    assert refusal(answer) == (409, "too_many_webhooks")
    make(running, "http://127.0.0.1:9/calls", key=OTHER)


def test_our_own_receiver_may_be_anywhere_and_nobody_else_at_the_same_url(
    running: Running, receiver: Receiver
) -> None:
    """Known by what the program says of itself, not by the URL: that one made by the API is judged as any other."""
    theirs = make(running, receiver.url, events=["call_ended"])
    own = OwnReceiver.model_validate({"url": receiver.url, "secret": SECRET, "events": ["call_ended"]})
    settings = CallApiSettings().model_copy(update={"webhooks": (own,)})
    assert not settings.allow_private_webhook_targets
    api = CallApi(running.api.engine, settings, clock=running.clock)
    api.apply_settings()
    running.api.sender = api.sender
    running.client.key = None  # the keys went with the other settings
    with running.api.engine.begin() as conn:
        for endpoint in live_endpoints(conn):
            record_test(conn, endpoint, now=running.clock())
    running.until_quiet()
    (only,) = receiver.received
    Webhook(SECRET).verify(only.body, only.headers)
    tries = running.rows("SELECT error FROM call_api.delivery_tries WHERE error IS NOT NULL")
    assert ["only https://" in each["error"] for each in tries] == [True]
    assert running.scalars("SELECT endpoint_id::text FROM call_api.deliveries WHERE state = 'pending'") == [
        theirs["id"]
    ]


def test_no_file_can_name_our_own_receiver() -> None:
    with pytest.raises(ValueError, match="only https://"):
        CallApiSettings.model_validate({"webhooks": [{"url": "http://127.0.0.1:8080/x", "secret": SECRET}]})
    with pytest.raises(ValueError, match="own"):
        CallApiSettings.model_validate(
            {"webhooks": [{"url": "https://example.com/x", "secret": SECRET, "own": True}]}
        )


def test_the_development_switch_is_warned_of_at_start(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    serve()
    assert "allow_private_webhook_targets" not in caplog.text
    serve(allow_private_webhook_targets=True)
    assert "allow_private_webhook_targets is for development only" in caplog.text


@pytest.mark.skipif(not CORPUS.is_file(), reason="shared/ not here")
def test_every_row_is_refused_when_saved_and_when_connecting(
    serve: Serve, counted: Callable[[str, str], None]
) -> None:
    """Saved: over HTTP. Connecting: rows that got into the table all the same; no connection is ever opened."""
    running = serve(
        sender=Sender(Targets(resolve=resolve), network=Forbidden()),
        simulated={"ring_seconds": 0, "talk_seconds": 0},
    )
    denied = [row for row in rows() if row["expect"] == "deny"]
    for row in denied:
        answer = running.client.request("POST", "/webhooks", json={"url": row["url"]})
        assert refusal(answer) == (400, "webhook_target_refused"), row
        assert answer.json()["field"] == "url"
    assert running.scalars("SELECT count(*) FROM call_api.endpoints") == [0]
    urls = [url for row in denied for url in {row["url"], row["url"].replace("http:", "https:", 1)}]
    for url in urls:
        running.execute(
            "INSERT INTO call_api.endpoints (id, url, secret, source, created_at)"
            " VALUES (gen_random_uuid(), :url, :secret, 'api', now())",
            url=url,
            secret=SECRET,
        )
    running.client.call("+12025550191")
    running.until_quiet()
    tries = running.rows("SELECT status, error FROM call_api.delivery_tries")
    assert len(tries) == len(urls)
    assert all(each["status"] is None and each["error"].startswith("not sent: ") for each in tries)
    assert running.scalars("SELECT DISTINCT state FROM call_api.deliveries") == [
        "pending"
    ]  # DNS may be wrong
    counted("ssrf/urls over HTTP and when connecting", f"{len(denied)} deny rows")
