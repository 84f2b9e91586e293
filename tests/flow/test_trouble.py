"""What is promised when others fail: nothing lost, nothing twice, and doubt ends by evidence only."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connector.doubts import settle
from connector.errors import PermanentError
from connector.pacing import pace
from connector.process import read_deliveries
from connector.sending import send
from tests.flow.conftest import Start, World
from tests.flow.contract_server import ContractServer


class Fickle:
    """A Trigger Call API that answers as told, one answer after the other; the last one stays."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes] | None) -> None:
        self.answers = list(answers)
        self.posts = 0
        self.calls: bytes | None = None
        fickle = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                fickle.posts += 1
                answer = fickle.answers.pop(0) if len(fickle.answers) > 1 else fickle.answers[0]
                if answer is None:
                    self.close_connection = True  # hang up without an answer
                    return
                self.reply(*answer)

            def do_GET(self) -> None:
                if fickle.calls is None or not self.path.startswith("/api/v1/calls?"):
                    self.reply(404, {}, b"")
                else:
                    self.reply(200, {}, fickle.calls)

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


OK: tuple[int, dict[str, str], bytes] = (
    200,
    {},
    b'{"success": true, "call_id": "c1", "status": "initiated"}',
)
Begin = Callable[..., tuple[World, Fickle, str]]


@pytest.fixture
def begin(start: Start) -> Iterator[Begin]:
    """A world whose call API is fickle, with a deal that has just entered the stage and was worked on."""
    opened: list[Fickle] = []

    def run(*answers: tuple[int, dict[str, str], bytes] | None) -> tuple[World, Fickle, str]:
        fickle = Fickle(*answers)
        opened.append(fickle)
        world = start(calls=f"api_url: '{fickle.url}'", call_api="")
        deal = world.deal()
        world.hubspot.move_deal(deal, "Demo requested")
        world.work()
        return world, fickle, deal

    yield run
    for each in opened:
        each.close()


def _only(world: World) -> dict[str, Any]:
    (dispatch,) = world.dispatches()
    return dispatch


def test_429_waits_as_long_as_it_was_told(begin: Begin) -> None:
    world, fickle, _ = begin((429, {"Retry-After": "120"}, b'{"error": "Rate limit exceeded"}'), OK)
    assert _only(world)["why"] == "rate_limited"
    another = world.deal(phone="+12025550199")
    world.hubspot.move_deal(another, "Demo requested")
    world.clock.advance(seconds=100)
    world.work()
    assert fickle.posts == 1, "the other deal waits too: the limit is the account's"
    world.clock.advance(seconds=21)
    world.work()
    assert sorted(each["state"] for each in world.dispatches()) == ["placed", "placed"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((401, {}, b'{"error": "Invalid API key"}'), "key_refused"),
        ((403, {}, b'{"error": "API access is disabled"}'), "key_refused"),
        ((404, {}, b""), "no_trigger"),
        ((302, {"Location": "http://127.0.0.1:9/"}, b""), "no_trigger"),
        ((503, {"Retry-After": "5"}, b"{}"), "call_api_unavailable"),
    ],
)
def test_what_certainly_placed_no_call_is_tried_again(
    begin: Begin, answer: tuple[int, dict[str, str], bytes], why: str
) -> None:
    world, fickle, _ = begin(answer, OK)
    dispatch = _only(world)
    assert (dispatch["state"], dispatch["why"]) == ("waiting", why)
    world.clock.advance(seconds=61)
    world.work()
    assert _only(world)["state"] == "placed"
    assert fickle.posts == 2


@pytest.mark.parametrize(
    "text", ["Invalid phone number format", "No agent specified and no default agent configured"]
)
def test_400_is_final_and_says_why(begin: Begin, text: str) -> None:
    world, fickle, deal = begin((400, {}, f'{{"success": false, "error": "{text}"}}'.encode()))
    dispatch = _only(world)
    assert dispatch["state"] == "failed"
    assert text in dispatch["reason"]
    world.clock.advance(hours=1)
    world.work()
    assert fickle.posts == 1
    assert text in world.hubspot.deal(deal)["ai_call_status"]


@pytest.mark.parametrize(
    "answer",
    [None, (500, {}, b"{}"), (502, {}, b""), (503, {}, b""), (200, {}, b"?"), (409, {}, b"{}")],
)
def test_in_doubt_nothing_is_sent_again(
    begin: Begin, answer: tuple[int, dict[str, str], bytes] | None
) -> None:
    world, fickle, _ = begin(answer, OK)
    for _ in range(3):
        world.clock.advance(minutes=11)
        world.work()
    dispatch = _only(world)
    assert dispatch["state"] == "unknown"
    assert "a person must say" in dispatch["reason"]
    assert fickle.posts == 1


def test_doubt_ends_when_the_call_is_found(begin: Begin) -> None:
    world, fickle, deal = begin(None, OK)
    dispatch = _only(world)
    fickle.calls = (
        f'{{"calls": [{{"id": "c7", "status": "in-progress", "metadata": {{"dispatch_id": "{dispatch["id"]}"}}}}]}}'
    ).encode()
    world.clock.advance(minutes=11)
    world.work()
    assert _only(world)["state"] == "placed"
    assert _only(world)["call_id"] == "c7"
    assert fickle.posts == 1
    assert world.hubspot.deal(deal)["ai_call_id"] == "c7"


def test_doubt_ends_when_there_is_certainly_no_call(begin: Begin) -> None:
    world, fickle, _ = begin(None, OK)
    fickle.calls = b'{"calls": []}'
    world.clock.advance(minutes=11)
    world.work()
    assert _only(world)["state"] == "placed"
    assert fickle.posts == 2


def test_no_call_yet_is_not_certainly_no_call(begin: Begin) -> None:
    world, fickle, _ = begin((500, {}, b"{}"), OK)
    fickle.calls = b'{"calls": []}'
    world.work()
    assert _only(world)["state"] == "unknown"
    assert fickle.posts == 1


def test_doubt_ends_by_a_call_event_that_carries_our_dispatch(start: Start) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    contract = ContractServer(secret)
    try:
        world = start(calls=f"api_url: '{contract.url}'", call_api="")
        deal = world.deal()
        contract.lose_answers = True
        world.hubspot.move_deal(deal, "Demo requested")
        world.work()
        assert _only(world)["state"] == "unknown"
        hook = f"{world.url}/hooks/calls/sales"
        assert contract.end_calls(hook, int(world.clock().timestamp())) == [200]
        world.work()
        assert _only(world)["state"] == "ended"
        assert world.hubspot.deal(deal)["ai_call_status"] == "answered"
        assert len(contract.triggers) == 1
    finally:
        contract.close()


def test_a_call_api_that_is_not_there_is_waited_for(start: Start) -> None:
    world = start(calls="api_url: 'http://127.0.0.1:9'", call_api="")
    world.hubspot.move_deal(world.deal(), "Demo requested")
    world.work()
    dispatch = _only(world)
    assert (dispatch["state"], dispatch["why"]) == ("waiting", "call_api_unavailable")


def test_the_rate_limit_holds_and_what_waits_is_not_lost(start: Start) -> None:
    world = start(calls="max_per_minute: 10")
    deals = [world.deal(phone=f"+1202555{100 + number:04d}") for number in range(25)]
    world.hubspot.move_deals(deals, "Demo requested")
    sent = []
    for _ in range(3):
        world.work()
        sent.append(len(world.calls()))
        world.clock.advance(seconds=59)
        world.work()
        assert len(world.calls()) == sent[-1], "not one more inside the minute"
        world.clock.advance(seconds=2)
    assert sent == [10, 20, 25]


def test_hubspot_down_while_reading_loses_nothing(world: World) -> None:
    deal = world.deal()
    world.hubspot.fail(503, times=3)
    world.hubspot.move_deal(deal, "Demo requested")
    for _ in range(4):
        world.work()
    world.hubspot.heal()
    world.make_due()
    world.work()
    assert _only(world)["state"] == "placed"


def test_a_write_back_that_hubspot_refuses_is_seen_and_spoils_no_other(start: Start) -> None:
    from tests.flow.conftest import RULES

    rules = RULES + (
        "  - name: Broken\n"
        "    when: {enters: Contract sent}\n"
        "    policy: {window: always}\n"
        '    call: {phone_number: "{{ contact.phone }}"}\n'
        "    write_back: {placed: {deal: {no_such_property: x}}}\n"
    )
    world = start(rules=rules)
    good, bad = world.deal(phone="+12025550101"), world.deal(phone="+12025550102")
    world.hubspot.move_deals([good], "Demo requested")
    world.hubspot.move_deals([bad], "Contract sent")
    world.work()
    assert world.hubspot.deal(good)["ai_call_status"] == "calling"
    (dispatch,) = world.dispatches(record_id=bad)
    (write,) = dispatch["write_backs"]
    assert write["state"] == "failed"
    assert "no_such_property" in write["error"]


def test_a_write_back_is_tried_until_hubspot_is_back(world: World) -> None:
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.hubspot.fail(503, path="batch/update", times=1)
    world.work()
    world.clock.advance(minutes=5)
    world.work()
    assert world.hubspot.deal(deal)["ai_call_status"] in ("calling", "answered")


def test_a_write_back_done_before_a_crash_is_not_written_again(world: World) -> None:
    from connector.store.tables import write_backs

    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    writes = len(world.hubspot.writes(deal))
    with world.parts.engine.begin() as conn:
        conn.execute(write_backs.update().values(state="writing"))
    world.work()
    assert len(world.hubspot.writes(deal)) == writes
    (dispatch,) = world.dispatches()
    assert [each["state"] for each in dispatch["write_backs"]] == ["written"]


@pytest.mark.parametrize(("called", "state", "posts"), [(True, "ended", 1), (False, "placed", 2)])
def test_a_person_settles_what_nobody_else_can_say(
    begin: Begin, called: bool, state: str, posts: int
) -> None:
    world, fickle, _ = begin(None, OK)
    settle(world.parts, _only(world)["id"], called=called)
    world.work()
    assert _only(world)["state"] == state
    assert fickle.posts == posts
    with pytest.raises(PermanentError, match="no unknown dispatch"):
        settle(world.parts, _only(world)["id"], called=called)


def test_a_send_that_comes_too_late_sends_nothing(start: Start) -> None:
    """Its lease is over, so a look-up may already have been believed: back in line."""
    contract = ContractServer("whsec_x")
    try:
        world = start(calls=f"api_url: '{contract.url}'", call_api="")
        deal = world.deal()
        world.hubspot.move_deal(deal, "Demo requested")
        assert world.hubspot.wait_idle()
        read_deliveries(world.parts, "sales")
        pace(world.parts)
        let_go_at = world.clock()
        ids = [_only(world)["id"]]
        world.clock.advance(seconds=11)
        send(world.parts, ids, let_go_at)
        assert (_only(world)["state"], _only(world)["why"]) == ("waiting", "lease_over")
        assert contract.triggers == []
        pace(world.parts)
        send(world.parts, ids, let_go_at)
        assert contract.triggers == [], "an old job leaves alone what was let go again since"
    finally:
        contract.close()


def test_a_job_that_runs_twice_sends_once(start: Start) -> None:
    """A crash can take back that a job was begun: the queue then runs it as if for the first time."""
    contract = ContractServer("whsec_x", delay=0.5, lists_calls=True)
    try:
        world = start(calls=f"api_url: '{contract.url}'", call_api="")
        world.hubspot.move_deal(world.deal(), "Demo requested")
        assert world.hubspot.wait_idle()
        read_deliveries(world.parts, "sales")
        pace(world.parts)
        arguments = (world.parts, [_only(world)["id"]], world.clock())
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(send, *arguments)
            assert contract.asked.wait(10)
            send(*arguments)
            assert _only(world)["state"] == "unknown", "it may have been sent, so it is looked up"
            first.result()
        world.work()
        assert len(contract.triggers) == 1
        assert _only(world)["state"] == "placed"
    finally:
        contract.close()
