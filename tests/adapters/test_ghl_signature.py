"""HighLevel's signatures, the location they are for, and the secret of workflows' webhooks."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.ghl.adapter import Adapter
from adapters.ghl.settings import Settings
from adapters.ghl.signature import check_ed25519, check_rsa, keys
from connector.errors import InvalidSignature
from connector.model import Request
from tests.adapters.sign_ghl_fixtures import KEY

SHARED = Path(__file__).resolve().parents[3] / "shared"
CORPUS = SHARED / "corpora" / "signatures" / "ghl.jsonl"
VECTORS = SHARED / "reference" / "vectors" / "ghl_signatures.json"
FIXTURES = Path(__file__).resolve().parents[2] / "adapters" / "ghl" / "fixtures"
LOCATION = "ve9EPM428h8vShlRW1KT"
SECRET = "workflow-secret-0123456789"
NOW = datetime(2026, 11, 20, 15, 0, 12, tzinfo=UTC)


def public_key() -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def adapter(**settings: Any) -> Adapter:
    said = {"access_token": "pit-x", "location_id": LOCATION, "public_keys": public_key(), **settings}
    return Adapter("sales", Settings(adapter="ghl", **said), requests.Session())


def signed(body: bytes, **headers: str) -> Request:
    signature = base64.b64encode(KEY.sign(body)).decode()
    return Request(
        "POST", "https://x.example.com/hooks/ghl/sales", {"x-ghl-signature": signature, **headers}, body, NOW
    )


def event(**values: Any) -> bytes:
    return json.dumps({"locationId": LOCATION, "timestamp": "2026-11-20T15:00:11.480Z", **values}).encode()


def unsigned(body: bytes = b'{"contact_id": "c"}', url: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", url or "https://x.example.com/hooks/ghl/sales", named, body, NOW)


@pytest.mark.skipif(not CORPUS.exists(), reason="shared/ not here")
def test_every_row_of_the_corpus_is_judged_right(counted: Callable[[str, str], None]) -> None:
    public = json.loads(CORPUS.with_name("ghl_keys.json").read_text())
    judge = adapter(public_keys=list(public.values()), allow_signatures=["ed25519", "rsa"])
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    wrong = []
    for row in rows:
        received_at = datetime.fromtimestamp(row["now"], UTC)
        request = Request(
            "POST", "https://x.example.com/h", row["headers"], row["body"].encode(), received_at
        )
        try:
            judge.verify(request)
            found = "accept"
        except InvalidSignature:
            found = "reject"
        if found != row["expect"]:
            wrong.append((row["id"], row["why"], found))
    counted("signatures/ghl", f"{len(rows) - len(wrong)} of {len(rows)}")
    assert (len(rows), wrong) == (68, [])


@pytest.mark.skipif(not VECTORS.exists(), reason="shared/ not here")
@pytest.mark.parametrize("older", [False, True])
def test_every_shared_vector_is_judged_right(older: bool) -> None:
    vectors = json.loads(VECTORS.read_text())
    public = [vectors["test_keys"]["ed25519_public_pem"], vectors["test_keys"]["rsa_public_pem"]]
    judge = adapter(public_keys=public, allow_signatures=["ed25519", "rsa"] if older else ["ed25519"])
    for case in vectors["cases"]:
        headers = {name.lower(): value for name, value in case["headers"].items()}
        body = base64.b64decode(case["body_b64"])
        request = Request("POST", "https://x.example.com/h", headers, body, NOW)
        said = ""
        try:
            judge.verify(request)
        except InvalidSignature as why:
            said = str(why)
        expected = case["expect"]["with_legacy_enabled" if older else "signature"]
        # a right signature may still be for another location, of another time, or over what names no location
        rightly_signed = (
            not said
            or "rightly signed" in said
            or "replay_window_hours" in said
            or " after it arrived" in said
        )
        assert rightly_signed == (expected == "valid"), (case["name"], said)


def test_the_published_keys_are_there_and_one_kind_can_be_replaced() -> None:
    ed25519, rsa = keys(())
    assert (len(ed25519), len(rsa), rsa[0].key_size) == (1, 1, 4096)
    replaced, kept = keys((public_key(),))
    assert replaced != ed25519
    assert kept[0].public_numbers() == rsa[0].public_numbers()


def test_a_right_signature_for_another_location_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="another location"):
        adapter().verify(signed(event(locationId="3jJ0coeqWCZMAosyGQ6K")))
    with pytest.raises(InvalidSignature, match="another location"):
        adapter().verify(signed(json.dumps({"type": "INSTALL", "companyId": "c"}).encode()))
    adapter().verify(signed(event()))


@pytest.mark.parametrize(
    ("age", "refused"),
    [
        (timedelta(hours=23), False),
        (timedelta(hours=25), True),
        (timedelta(minutes=-4), False),
        (timedelta(minutes=-6), True),
    ],
)
def test_the_replay_window(age: timedelta, refused: bool) -> None:
    request = signed(event(timestamp=(NOW - age).isoformat()))
    if refused:
        with pytest.raises(InvalidSignature, match="it arrived"):
            adapter().verify(request)
    else:
        adapter().verify(request)


def test_a_signature_header_that_says_nothing_is_missing_and_a_wrong_one_decides_alone() -> None:
    judge = adapter(webhook_secret=SECRET)
    judge.verify(unsigned(x_stagecall_secret=SECRET, x_ghl_signature="N/A"))
    with pytest.raises(InvalidSignature, match="X-GHL-Signature"):
        judge.verify(unsigned(x_stagecall_secret=SECRET, x_ghl_signature="AAAA"))


def test_the_older_signature_needs_permission() -> None:
    with pytest.raises(InvalidSignature, match="allow_signatures"):
        adapter().verify(unsigned(event(), x_wh_signature="AAAA"))
    with pytest.raises(InvalidSignature, match="does not match"):
        adapter(allow_signatures=["ed25519", "rsa"]).verify(unsigned(event(), x_wh_signature="AAAA"))


def test_a_workflow_proves_itself_with_the_secret_in_a_header() -> None:
    judge = adapter(webhook_secret=[SECRET, "the-older-secret-0123456789"])
    judge.verify(unsigned(x_stagecall_secret=SECRET))
    judge.verify(unsigned(x_stagecall_secret="the-older-secret-0123456789"))
    for wrong in ("", SECRET + "x", SECRET[:-1], "é", "\ud800"):
        with pytest.raises(InvalidSignature, match="webhook_secret"):
            judge.verify(unsigned(x_stagecall_secret=wrong))
    with pytest.raises(InvalidSignature, match="no webhook_secret"):
        adapter().verify(unsigned(x_stagecall_secret=SECRET))
    adapter(webhook_secret=SECRET, secret_header="Authorization").verify(
        unsigned(authorization=f"Bearer {SECRET}")
    )


def test_the_secret_in_the_address_needs_permission() -> None:
    url = f"https://x.example.com/hooks/ghl/sales?secret={SECRET}"
    with pytest.raises(InvalidSignature):
        adapter(webhook_secret=SECRET).verify(unsigned(url=url))
    adapter(webhook_secret=SECRET, secret_in_url=True).verify(unsigned(url=url))


def test_a_workflow_of_another_location_is_refused_although_it_knows_the_secret() -> None:
    copied = json.dumps({"contact_id": "c", "location": {"id": "3jJ0coeqWCZMAosyGQ6K"}}).encode()
    with pytest.raises(InvalidSignature, match="another location"):
        adapter(webhook_secret=SECRET).verify(unsigned(copied, x_stagecall_secret=SECRET))


def test_every_changed_byte_of_a_signed_body_is_refused() -> None:
    request = signed(event())
    for place in range(len(request.body)):
        changed = request.body[:place] + bytes([request.body[place] ^ 1]) + request.body[place + 1 :]
        with pytest.raises(InvalidSignature, match="does not match"):
            adapter().verify(replace(request, body=changed))


def test_what_is_no_signature_is_refused_by_both_checks() -> None:
    ed25519, rsa = keys(())
    for nonsense in ("====", "é", "\ud800", "AA", "A" * 100_000):
        with pytest.raises(InvalidSignature):
            check_ed25519(b"{}", nonsense, ed25519)
        with pytest.raises(InvalidSignature):
            check_rsa(b"{}", nonsense, rsa)
