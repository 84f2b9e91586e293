"""The shapes in which HighLevel says that a contact must not be called."""

from typing import Any

import pytest
import requests
from pydantic import SecretStr

from adapters.ghl.adapter import Adapter
from adapters.ghl.settings import Settings


@pytest.mark.parametrize(
    ("contact", "forbidden"),
    [
        ({}, False),
        ({"dnd": False}, False),
        ({"dnd": False, "dndSettings": {"Call": {"status": "inactive"}, "SMS": {"status": "active"}}}, False),
        ({"dnd": True}, True),
        ({"dnd": True, "dndSettings": {"Call": {"status": "inactive"}}}, True),
        ({"dnd": False, "dndSettings": {"Call": {"status": "active", "message": "", "code": ""}}}, True),
        ({"dnd": False, "dndSettings": {"Call": {"status": "permanent"}}}, True),
        ({"dnd": False, "dndSettings": {"call": {"status": "ACTIVE"}}}, True),
        ({"dnd": False, "dndSettings": {"Call": {"status": "something new"}}}, True),
        ({"dnd": False, "dndSettings": None}, False),
        ({"dnd": False, "dndSettings": {}}, False),
        ({"no_calls": "yes"}, True),
    ],
)
def test_do_not_disturb(contact: dict[str, Any], forbidden: bool) -> None:
    settings = Settings(
        adapter="ghl",
        access_token=SecretStr("pit-x"),
        location_id="ve9EPM428h8vShlRW1KT",
        do_not_call=("contact.no_calls",),
    )
    adapter = Adapter("sales", settings, requests.Session())
    found = adapter.forbids_call({"contact": contact})
    assert (found is not None) is forbidden
    assert adapter.watched() == {"contact": frozenset({"dnd", "dndSettings", "no_calls", "timezone"})}
