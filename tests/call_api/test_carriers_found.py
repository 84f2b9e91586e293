"""A carrier is one file: put in a temporary place, named in the settings, and it places the calls."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from pydantic import ValidationError

from connector.call_api import carriers
from connector.call_api.carriers import carrier_names, make_carriers
from connector.call_api.settings import CallApiSettings
from connector.errors import PermanentError
from tests.call_api.conftest import Serve

ONE_FILE = dedent(
    '''
    """A carrier in ten lines: as the simulated one, under its own name."""

    from connector.call_api.carriers.simulated import SimulatedCarrier


    class OneFile(SimulatedCarrier):
        name = "onefile"


    def create(settings):
        return OneFile()
    '''
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A second folder of carriers."""
    carriers.__path__.append(str(tmp_path))
    yield tmp_path
    carriers.__path__.remove(str(tmp_path))
    carrier_names.cache_clear()
    for name in [name for name in sys.modules if name.startswith("connector.call_api.carriers.")]:
        if not name.endswith(".simulated"):
            del sys.modules[name]


def _add(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
    carrier_names.cache_clear()


def test_a_carrier_that_is_one_file_places_calls(serve: Serve, folder: Path) -> None:
    _add(folder, "onefile", ONE_FILE)
    running = serve(carrier=make_carriers(CallApiSettings(carrier="onefile"))["onefile"])
    call_id = running.client.call()
    running.api.place_calls()
    call = running.client.show(call_id)
    assert (call["provider"], call["status"]) == ("onefile", "dialing")


def test_agents_may_name_any_carrier_that_has_what_it_needs(folder: Path) -> None:
    _add(folder, "onefile", ONE_FILE)
    _add(folder, "unpaid", "def create(settings):\n    return None\n")
    assert sorted(make_carriers(CallApiSettings())) == ["onefile", "simulated"]
    with pytest.raises(PermanentError, match="the carrier unpaid lacks settings that it needs"):
        make_carriers(CallApiSettings(carrier="unpaid"))


def test_a_file_that_makes_no_carrier_of_its_name_is_told_of(folder: Path) -> None:
    _add(folder, "nothing", "")
    with pytest.raises(PermanentError, match=r"carriers/nothing\.py has no create"):
        make_carriers(CallApiSettings())


def test_a_carrier_that_is_not_there_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ValidationError, match="must be one of: simulated"):
        CallApiSettings(carrier="pigeon")
