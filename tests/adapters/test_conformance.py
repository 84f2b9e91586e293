"""One suite for every adapter: each folder in adapters/, each of its recorded deliveries.

A new CRM is tested by being there. What a fixture is stands in adapters/README.md.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
import requests
from ruamel.yaml import YAML

import adapters
from connector import first_files
from connector.adapter import Adapter, adapter_names, find_adapter
from connector.config import load_config
from connector.errors import InvalidSignature, MalformedDelivery, PermanentError
from connector.mapping.rules import load_rules
from connector.model import News, Request, StageEvent
from connector.rulebook import vocabulary

FOLDER = Path(next(iter(adapters.__path__)))
RULES = frozenset(
    {
        "delivery-verified",
        "body-signed",
        "event-id-stable",
        "event-time-from-vendor",
        "unknown-news-counted",
        "rate-limit-respected",
        "write-back-idempotent",
        "secrets-rotatable",
        "fixtures-redacted",
        "setup-documented",
    }
)
NONSENSE = {
    "empty": "",
    "accent": "é" * 44,
    "other script": "日本語",
    "half a character": "\ud800",
    "NUL": "\x00",
    "huge": "9" * 100_000,
    "digits of another script": "１２３",  # noqa: RUF001
    "not a number": "NaN",
    "negative": "-1",
    "base64 of nothing": "====",
}
GARBAGE = {
    "empty": b"",
    "not JSON": b"hello",
    "a form": b"deal=9&stage=2",
    "cut off": b'[{"deal',
    "text": b'"deal"',
    "number": b"17",
    "null": b"null",
    "NaN": b"NaN",
    "not UTF-8": b"\xff\xfe\x00",
    "UTF-16": "[]".encode("utf-16"),
    "deep": b"[" * 200_000,
    "NUL": b"\x00",
    "many digits": b"9" * 10_000,
}


class NoNetwork(requests.Session):
    """An HTTP client that fails the test if it is used."""

    def send(self, request: requests.PreparedRequest, **how: Any) -> NoReturn:
        pytest.fail(f"used the network: {request.url}")


@dataclass(frozen=True)
class Recorded:
    """One delivery from a `fixtures` folder, with what it means and who it was for."""

    adapter: str
    name: str
    request: Request
    meaning: Any
    connection: Any

    def build(self, **other: Any) -> Adapter:
        found = find_adapter(self.adapter)
        settings = found.Settings(**{**self.connection["settings"], **other})
        return found("recorded", settings, NoNetwork())

    def covers_body(self, adapter: Adapter) -> bool:
        """Does the proof cover the body? Some CRMs sign only some kinds of deliveries: `body_signed: false`."""
        return adapter.signs_body and self.meaning.get("body_signed") is not False

    def proof(self) -> list[str]:
        return [str(name) for name in self.connection["proof"]]


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def request_of(recorded: bytes, meaning: Any) -> Request:
    """Read a `.http` file: start line, headers, blank line, the exact body."""
    head, body = re.split(rb"\r?\n\r?\n", recorded, maxsplit=1)
    start, *lines = head.decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return Request(
        method=start.split()[0],
        url=meaning["url"],
        headers={name.lower(): value for name, value in headers.items()},
        body=body,
        received_at=datetime.fromisoformat(meaning["received_at"]),
    )


def recordings() -> Iterator[Recorded]:
    for adapter in adapter_names():
        folder = FOLDER / adapter / "fixtures"
        if not (folder / "connection.yaml").is_file():
            continue
        connection = load(folder / "connection.yaml")
        for path in sorted(folder.glob("*.http")):
            meaning = load(path.with_suffix(".yaml"))
            request = request_of(path.read_bytes(), meaning)
            yield Recorded(adapter, path.stem, request, meaning, connection)


RECORDINGS = list(recordings())
recorded_deliveries = pytest.mark.parametrize(
    "recorded", RECORDINGS, ids=[f"{each.adapter}-{each.name}" for each in RECORDINGS]
)
every_adapter = pytest.mark.parametrize("name", adapter_names())


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        pytest.fail("opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@every_adapter
def test_an_adapter_has_recorded_deliveries(name: str) -> None:
    assert [each.name for each in RECORDINGS if each.adapter == name]


@recorded_deliveries
def test_a_genuine_delivery_is_accepted(recorded: Recorded) -> None:
    recorded.build().verify(recorded.request)


@recorded_deliveries
def test_what_an_adapter_signs_it_accepts(recorded: Recorded) -> None:
    adapter = recorded.build()
    bare = replace(recorded.request, headers={})
    try:
        headers = adapter.sign(bare)
    except PermanentError as why:
        pytest.skip(str(why))

    adapter.verify(replace(bare, headers=headers))
    if not recorded.covers_body(adapter):
        return
    with pytest.raises(InvalidSignature):
        adapter.verify(replace(bare, headers=headers, body=bare.body + b" "))


@every_adapter
def test_an_adapter_without_an_account_can_still_parse(name: str) -> None:
    found = find_adapter(name)
    nobody = found("nobody", found.Settings.model_construct(adapter=name, default_region="US"), NoNetwork())

    for recorded in RECORDINGS:
        if recorded.adapter == name:
            nobody.parse(recorded.request)


@recorded_deliveries
def test_a_delivery_without_its_proof_is_refused(recorded: Recorded) -> None:
    kept = {name: value for name, value in recorded.request.headers.items() if name not in recorded.proof()}

    with pytest.raises(InvalidSignature):
        recorded.build().verify(replace(recorded.request, headers=kept))


@recorded_deliveries
def test_a_delivery_for_another_account_is_refused(recorded: Recorded) -> None:
    another = recorded.build(**recorded.connection["another"])

    with pytest.raises(InvalidSignature):
        another.verify(recorded.request)


@recorded_deliveries
def test_one_changed_byte_is_refused(recorded: Recorded) -> None:
    adapter = recorded.build()
    if not recorded.covers_body(adapter):
        pytest.skip(f"{adapter.title} does not sign the body of this delivery")
    body = recorded.request.body
    for place in (0, len(body) // 2, len(body) - 1):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(InvalidSignature):
            adapter.verify(replace(recorded.request, body=changed))
    for longer in (body + b" ", body[:-1], b""):
        with pytest.raises(InvalidSignature):
            adapter.verify(replace(recorded.request, body=longer))


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
@recorded_deliveries
def test_nonsense_for_a_proof_is_refused(recorded: Recorded, nonsense: str) -> None:
    headers = {**recorded.request.headers, **dict.fromkeys(recorded.proof(), nonsense)}

    with pytest.raises(InvalidSignature):
        recorded.build().verify(replace(recorded.request, headers=headers))


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
@recorded_deliveries
def test_nonsense_in_any_one_header_is_no_crash(recorded: Recorded, nonsense: str) -> None:
    adapter = recorded.build()
    for name in {*recorded.request.headers, *recorded.proof()}:
        request = replace(recorded.request, headers={**recorded.request.headers, name: nonsense})
        with suppress(InvalidSignature):
            adapter.verify(request)


@recorded_deliveries
def test_a_delivery_means_what_was_recorded(recorded: Recorded) -> None:
    news = recorded.build().parse(recorded.request)

    assert told(news) == {
        "events": recorded.meaning["events"],
        "ignored": recorded.meaning["ignored"],
        "unknown": recorded.meaning["unknown"],
        "malformed": recorded.meaning["malformed"],
    }


@recorded_deliveries
def test_events_come_oldest_first_and_know_their_record(recorded: Recorded) -> None:
    adapter = recorded.build()
    events = adapter.parse(recorded.request).events

    assert [event.occurred_at for event in events] == sorted(event.occurred_at for event in events)
    assert {event.record.type for event in events} <= {adapter.record}
    assert all(event.occurred_at.tzinfo is not None for event in events)
    assert len({event.id for event in events}) == len(events)


@recorded_deliveries
def test_parsing_twice_gives_the_same(recorded: Recorded) -> None:
    assert recorded.build().parse(recorded.request) == recorded.build().parse(recorded.request)


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
@every_adapter
def test_garbage_is_a_malformed_delivery(name: str, body: bytes) -> None:
    recorded = next(each for each in RECORDINGS if each.adapter == name)

    with pytest.raises(MalformedDelivery, match=r"."):
        recorded.build().parse(replace(recorded.request, body=body))


@every_adapter
def test_an_adapter_says_what_it_is(name: str) -> None:
    found = find_adapter(name)

    assert found.title
    assert found.objects[0] == found.record
    assert set(found.writable) <= set(found.objects)
    assert set(found.standard_fields) <= set(found.objects)
    assert found.signs_body in (True, False)


@every_adapter
def test_the_quality_list_is_complete(name: str) -> None:
    quality = load(FOLDER / name / "quality.yaml")

    assert set(quality) == RULES
    for rule, state in quality.items():
        reasoned = isinstance(state, dict) and set(state) == {"exempt"} and str(state["exempt"]).strip()
        assert state in ("done", "todo") or reasoned, f"{rule}: done, todo, or exempt with a reason"


@every_adapter
def test_a_folder_explains_itself(name: str) -> None:
    assert "https://" in (FOLDER / name / "README.md").read_text(encoding="utf-8")


@every_adapter
def test_its_first_files_load_once_the_secrets_are_filled_in(name: str, tmp_path: Path) -> None:
    list(first_files.write(tmp_path, name))
    empty = re.findall(r"^(\w+)=$", (tmp_path / "stagecall.env").read_text(), re.MULTILINE)
    given = dict.fromkeys(empty, "throwaway0123456789abcdef")
    config = load_config(tmp_path / "stagecall.yaml", environment=given)
    ((connection, settings),) = config.connections.items()
    assert (connection, settings.adapter) == (f"sales-{name}", name)
    rules = load_rules((tmp_path / "rules/first-rule.yaml").read_text(), "", vocabulary(find_adapter(name)))
    assert (rules.connection, rules.warnings) == (connection, ())


EMAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
PHONE = re.compile(r"\+\d[\d ().-]{6,}\d|\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}[-. ]\d{3}[-. ]\d{4}\b")
FICTION = re.compile(r"\+12025550(1\d\d)|\+442079460\d{3}")


@every_adapter
def test_nobody_real_is_in_the_fixtures(name: str) -> None:
    for path in (FOLDER / name / "fixtures").rglob("*.*"):
        text = re.sub(r"(?im)^x-[a-z-]*signature[^\n]*", "", path.read_text(encoding="utf-8"))
        domains = {domain for domain in EMAIL.findall(text) if not domain.endswith("example.com")}
        numbers = {re.sub(r"[^\d+]", "", number) for number in PHONE.findall(text)}
        strangers = {number for number in numbers if not FICTION.fullmatch(number)}
        assert not domains | strangers, path.name


def told(news: News) -> dict[str, Any]:
    """What a fixture's `.yaml` says, from what an adapter made of the delivery."""
    return {
        "events": [told_event(event) for event in news.events],
        "ignored": dict(news.ignored),
        "unknown": dict(news.unknown),
        "malformed": list(news.malformed),
    }


def told_event(event: StageEvent) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "pipeline": event.pipeline,
        "previous_stage": event.previous_stage,
        "stage_label": event.stage_label,
        "fields": {name: dict(values) for name, values in event.fields.items()} or None,
    }
    return {
        "id": event.id,
        "record": str(event.record),
        "stage": event.stage,
        "occurred_at": event.occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "kind": event.kind.value,
        "source": event.source,
        "own": event.own,
        "changed_by": event.changed_by.value,
        **{name: value for name, value in optional.items() if value is not None},
    }
