"""A sandbox HubSpot, and an adapter that is connected to it."""

from collections.abc import Iterator

import pytest

from adapters.hubspot import Adapter
from adapters.hubspot.sandbox import Sandbox
from tests.adapters.connected_hubspot import connect


@pytest.fixture
def crm() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def hubspot(crm: Sandbox) -> Adapter:
    return connect(crm.url)
