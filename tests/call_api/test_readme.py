"""What the README shows is what happens."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import connector.call_api
from connector.call_api import problems
from connector.call_api.problems import Problem
from tests.call_api.conftest import SECRET, Receiver, Serve

README = (Path(connector.call_api.__file__).parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_event_has_the_fields_it_shows_and_its_receiver_accepts_it(
    serve: Serve, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = serve(
        webhooks=[{"url": receiver.url, "secret": SECRET}],
        allow_private_webhook_targets=True,
        simulated={"ring_seconds": 0, "talk_seconds": 0},
    )
    call_id = running.client.call("+12025550190", name="Ada", metadata={"deal_id": "9001"})
    running.until_quiet()
    ended = receiver.received[-1]
    assert list(json.loads(ended.body)) == list(json.loads(blocks("json")[0]))
    monkeypatch.setenv("CALLS_SECRET", SECRET)
    room: dict[str, Any] = {"__name__": "receiver"}
    exec(blocks("python")[0], room)  # noqa: S102  the README's own example
    answer = room["app"].test_client().post("/calls", data=ended.body, headers=ended.headers)
    assert answer.status_code == 204
    assert capsys.readouterr().out == f"call_ended {call_id} answered\n"


def test_every_refusal_is_in_the_table() -> None:
    known = [value for value in vars(problems).values() if isinstance(value, Problem)]
    codes = {problem.code for problem in known} - {"internal"}
    codes |= {"rate_limited", "invalid_field", "invalid_parameter"}
    assert {code for code in codes if f"`{code}`" not in README} == set()
