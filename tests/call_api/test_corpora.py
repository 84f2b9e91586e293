"""Hostile JSON from the shared corpora: a clean 2xx or 4xx, soon, and never a 5xx."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.call_api.conftest import Running

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "json"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="shared/ not here")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]


def body_of(row: dict[str, Any]) -> bytes:
    if "body_b64" in row:
        return base64.b64decode(row["body_b64"])
    if "gen" not in row:
        return str(row.get("input", row.get("literal"))).encode("utf-8", "surrogatepass")
    gen = row["gen"]
    if gen.get("kind") == "keys":
        fields = ", ".join(f'"k{number}": {number}' for number in range(gen["n"]))
        return f'{{"phone_number": "+12025550101", "metadata": {{{fields}}}}}'.encode()
    count = gen["n"]
    prefix, mid, closer = (gen.get(part, "") for part in ("prefix", "mid", "closer"))
    text: str = prefix + gen["unit"] * count + mid + closer * count + gen["suffix"]
    return text.encode("utf-8", "surrogatepass")


def judged(send: Callable[[bytes], requests.Response], body: bytes) -> requests.Response:
    began = time.monotonic()
    answer = send(body)
    assert time.monotonic() - began < 2
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, (body[:200], answer.text)
    assert answer.json()["success"] is (answer.status_code == 200)
    return answer


@pytest.mark.parametrize("name", ["jsontestsuite_parsing", "jsontestsuite_transform", "bombs", "raw_bytes"])
def test_every_row_as_a_body(running: Running, name: str, counted: Callable[[str, str], None]) -> None:
    found = rows(name)
    for row in found:
        answer = judged(running.client.trigger, body_of(row))
        if row.get("expect") in ("reject", "reject_fast"):
            assert answer.status_code != 200, row
    counted(f"json/{name}, as a body", f"{len(found)} rows: a clean 2xx or 4xx within 2 s")


@pytest.mark.parametrize("name", ["jsontestsuite_parsing", "jsontestsuite_transform"])
def test_every_row_as_metadata_comes_back_exactly_or_is_refused(
    running: Running, name: str, counted: Callable[[str, str], None]
) -> None:
    found = rows(name)
    for row in found:
        value = body_of(row)
        answer = judged(
            running.client.trigger, b'{"phone_number": "+12025550101", "metadata": {"v": ' + value + b"}}"
        )
        assert (answer.status_code == 200) == (row.get("expect") == "accept") or row.get("expect") in (
            None,
            "either",
        )
        if answer.status_code == 200:
            shown = running.client.get("/calls/" + answer.json()["call_id"]).content
            assert b'"metadata":{"v": ' + value + b"}," in shown
    counted(f"json/{name}, as metadata", f"{len(found)} rows: kept to the letter or refused")
