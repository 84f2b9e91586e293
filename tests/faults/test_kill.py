"""SIGKILL in the middle: what was accepted is called, once, and written back, once. The ledgers are outside."""

import time
from collections import Counter
from typing import Any

import pytest

from tests.faults.conftest import WEBHOOK_SECRET, Serve, Served, until
from tests.flow.contract_server import ContractServer

DEALS = 50
PHONES = [f"+1202555{100 + number:04d}" for number in range(DEALS)]


def _outcomes(served: Served) -> Counter[str]:
    """How often an outcome was written on each deal, as HubSpot saw it."""
    return Counter(
        write["deal"]
        for write in served.hubspot.writes()
        if "answered" in str(write["properties"].get("ai_call_status"))
    )


def _timeline(served: Served, deal: str) -> tuple[int, int] | None:
    """How many notes and calls stand on a deal, once it has both."""
    found = len(served.hubspot.timeline("notes", deal)), len(served.hubspot.timeline("calls", deal))
    return found if all(found) else None


def _move_fifty(served: Served) -> list[str]:
    deals = served.hubspot.create_deals(DEALS, phones=PHONES)
    for start in range(0, DEALS, 10):
        served.hubspot.move_deals(deals[start : start + 10], "Demo requested")
    return deals


@pytest.mark.parametrize("everything", [False, True], ids=["serve only", "every process and PostgreSQL"])
def test_fifty_events_and_a_kill_are_fifty_calls_and_fifty_write_backs(
    serve: Serve, everything: bool
) -> None:
    served = serve()
    served.start()
    deals = _move_fifty(served)
    until(lambda: len(served.calls()) >= 5, 30, "the first calls")
    served.kill(everything=everything)
    assert len(_outcomes(served)) < DEALS, "the kill came in the middle"
    served.start()
    until(lambda: len(_outcomes(served)) == DEALS, 120, "every outcome")
    assert _outcomes(served) == Counter(deals), "none twice"
    until(lambda: all(_timeline(served, deal) for deal in deals), 90, "every note and logged call")
    assert {_timeline(served, deal) for deal in deals} == {(1, 1)}, "none twice"
    numbers = Counter(call["to_number"] for call in served.calls())
    assert numbers == Counter(PHONES)
    assert served.stop() == 0


def test_no_trigger_request_is_repeated_where_the_answer_was_lost_in_the_kill(serve: Serve) -> None:
    """Another server of the contract, outside: it counts what it was asked."""
    contract = ContractServer(WEBHOOK_SECRET, delay=0.05, lists_calls=True)
    try:
        served = serve(calls=f"api_url: '{contract.url}'", call_api="")
        served.start()
        _move_fifty(served)
        until(lambda: len(contract.triggers) >= 10, 30, "the first triggers")
        served.kill(everything=True)
        assert len(contract.triggers) < DEALS, "the kill came in the middle"
        served.start()
        until(lambda: len(contract.triggers) >= DEALS, 120, "every trigger")
        hook = f"{served.url}/hooks/calls/sales"
        contract.end_calls(hook, int(time.time()))
        until(lambda: len(_outcomes(served)) == DEALS, 60, "every outcome")
        numbers: Counter[Any] = Counter(trigger["phone_number"] for trigger in contract.triggers)
        assert numbers == Counter(PHONES)
        assert served.stop() == 0
    finally:
        contract.close()
