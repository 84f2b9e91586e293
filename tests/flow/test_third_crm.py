"""The promise itself: a third CRM is one folder, put in a temporary place, and goes through the whole flow."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import requests

import adapters
from connector import adapter as contract
from connector.parts import build
from tests.flow.conftest import Start

PIPELINE_CRM = '''
"""A CRM in forty lines: a password proves its deliveries, its records live in one JSON file."""

import hmac
import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from connector import adapter
from connector.errors import InvalidSignature, MalformedDelivery, PermanentError
from connector.model import Catalog, Context, News, Pipeline, RecordRef, Stage, StageEvent


class Settings(adapter.ConnectionSettings):
    password: SecretStr
    file: Path


class Adapter(adapter.Adapter):
    title, record, objects, writable = "Third CRM", "lead", ("lead",), ("lead",)
    moves_stage, tags_on = True, "lead"
    signs_body = False
    Settings = Settings

    def verify(self, request):
        given = request.headers.get("x-password", "").encode()
        if not hmac.compare_digest(given, self.settings.password.get_secret_value().encode()):
            raise InvalidSignature("wrong password")

    def parse(self, request):
        try:
            news = json.loads(request.body)
            at = datetime.fromtimestamp(news["at"], UTC)
            return News((StageEvent(news["id"], RecordRef("lead", news["lead"]), news["stage"], at),))
        except (ValueError, KeyError, TypeError):
            raise MalformedDelivery from None

    def catalog(self):
        return Catalog((Pipeline("p", "Leads", (Stage("hot", "Hot lead"), Stage("cold", "Cold lead"))),))

    def read(self, records, fields):
        leads = json.loads(self.settings.file.read_text())
        return {
            ref: Context(ref, leads[ref.id]["stage"], "p", {"lead": {**leads[ref.id], "id": ref.id}})
            if ref.id in leads
            else PermanentError(f"{ref} is gone")
            for ref in records
        }

    def write(self, writes):
        leads = json.loads(self.settings.file.read_text())
        for write in writes:
            lead = leads[write.record.id]
            lead |= {**write.properties, "stage": write.stage or lead["stage"]}
            tags = {*lead.get("tags", ()), *write.add_tags} - {*write.remove_tags}
            lead["tags"] = sorted(tags)
        self.settings.file.write_text(json.dumps(leads))
        return {write.record: None for write in writes}
'''
RULES = """\
version: 1
connection: leads
rules:
  - name: Call hot leads
    when: {pipeline: Leads, enters: Hot lead}
    call: {phone_number: "{{ lead.tel }}", name: "{{ lead.name }}"}
    policy: {window: always}
    write_back:
      ended:
        lead: {result: "{{ call.outcome }}"}
        stage: {answered: Cold lead}
        tags: {add: [called, "{{ call.outcome }}"], remove: to call}
  - name: Call cold leads
    when: {enters: Cold lead}
    call: {phone_number: "{{ lead.tel }}"}
    policy: {window: always}
"""


@pytest.fixture
def third_crm(tmp_path: Path) -> Iterator[Path]:
    """The folder of a CRM named `thirdcrm`, found by discovery like every other."""
    folder = tmp_path / "elsewhere" / "thirdcrm"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(dedent(PIPELINE_CRM))
    adapters.__path__.append(str(folder.parent))
    contract.adapter_names.cache_clear()
    yield folder
    adapters.__path__.remove(str(folder.parent))
    contract.adapter_names.cache_clear()
    contract.find_adapter.cache_clear()
    sys.modules.pop("adapters.thirdcrm", None)


def test_a_third_crm_is_one_folder(third_crm: Path, start: Start, tmp_path: Path) -> None:
    assert "thirdcrm" in contract.adapter_names()
    leads = tmp_path / "leads.json"
    leads.write_text(
        json.dumps({"7": {"stage": "hot", "tel": "(202) 555-0188", "name": "Katherine", "tags": ["to call"]}})
    )
    connection = f"leads: {{adapter: thirdcrm, password: open-sesame, file: '{leads}'}}"
    world = start(rules=RULES, connections=connection)
    hook = f"{world.url}/hooks/thirdcrm/leads"
    body = json.dumps({"id": "e1", "lead": "7", "stage": "hot", "at": world.clock().timestamp()})
    assert requests.post(hook, data=body, timeout=5).status_code == 401
    for _ in range(2):
        answer = requests.post(hook, data=body, headers={"X-Password": "open-sesame"}, timeout=5)
        assert answer.status_code == 200
    world.work()
    world.clock.advance(seconds=30)
    world.work()
    (call,) = world.calls()
    assert (call["to_number"], call["name"]) == ("+12025550188", "Katherine")
    lead = json.loads(leads.read_text())["7"]
    assert (lead["result"], lead["stage"], lead["tags"]) == ("answered", "cold", ["answered", "called"])
    # this CRM does not say who moved a lead: our own move comes back, and a rule listens to that stage
    body = json.dumps({"id": "e2", "lead": "7", "stage": "cold", "at": world.clock().timestamp() + 5})
    assert requests.post(hook, data=body, headers={"X-Password": "open-sesame"}, timeout=5).status_code == 200
    world.work()
    assert [each["rule"] for each in world.dispatches()] == ["Call hot leads"]
    assert len(world.calls()) == 1
    # later, somebody moves it there
    body = json.dumps({"id": "e3", "lead": "7", "stage": "cold", "at": world.clock().timestamp() + 90})
    assert requests.post(hook, data=body, headers={"X-Password": "open-sesame"}, timeout=5).status_code == 200
    world.work()
    assert "Call cold leads" in [each["rule"] for each in world.dispatches()]
    assert build(world.parts.config, world.parts.engine).adapters["leads"].title == "Third CRM"
