"""Pointed at another server of the contract, the same flow works; it never sees a number that is not E.164."""

from collections.abc import Iterator

import pytest

from tests.flow.conftest import WEBHOOK_SECRET, Start
from tests.flow.contract_server import E164, ContractServer

PHONES = ("(202) 555-0101", "+44 20 7946 0958", "12025550103", "202.555.0104 ext. 7", "none", "", "911")


@pytest.fixture
def contract() -> Iterator[ContractServer]:
    server = ContractServer(WEBHOOK_SECRET)
    yield server
    server.close()


def test_the_same_flow_works_with_another_server(start: Start, contract: ContractServer) -> None:
    world = start(calls=f"api_url: '{contract.url}'", call_api="")
    deals = [world.deal(phone=phone) for phone in PHONES]
    world.hubspot.move_deals(deals, "Demo requested")
    world.work()
    numbers = sorted(trigger["phone_number"] for trigger in contract.triggers)
    assert numbers == ["+12025550101", "+12025550103", "+12025550104", "+442079460958"]
    assert all(E164.fullmatch(number) for number in numbers)
    hook = f"{world.url}/hooks/calls/sales"
    assert contract.end_calls(hook, int(world.clock().timestamp())) == [200] * 4
    world.work()
    stands = [world.hubspot.deal(deal).get("ai_call_status") for deal in deals[:4]]
    assert stands == ["answered"] * 4
    assert {world.hubspot.deal(deal)["ai_call_summary"] for deal in deals[:4]} == {"Ada will come."}
