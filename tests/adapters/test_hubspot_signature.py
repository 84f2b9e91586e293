"""HubSpot's proofs: known answers, the vendor's code as oracle, and what must never pass."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hubspot.utils.signature import Signature
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hubspot.signature import sign_v1, sign_v2, sign_v3, signed_uri, verify
from connector.errors import InvalidSignature
from connector.model import Request

SHARED = Path(__file__).resolve().parents[3] / "shared"
ALL = ("v3", "v2", "v1")
SECRET = "7f1c9f7e-1f0a-4c52-9a1d-3d0e4e0f6b21"
URL = "https://connector.example.com/hooks/hubspot/sales"
SENT = 1_790_000_003_000
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="shared/ not here")


def at(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def request_with(headers: Mapping[str, str], body: bytes = b"[]", url: str = URL, now: int = SENT) -> Request:
    lower = {name.lower(): value for name, value in headers.items()}
    return Request("POST", url, lower, body, at(now))


def signed(body: bytes = b"[]", url: str = URL, secret: str = SECRET, sent: int = SENT) -> Request:
    """A genuine v3 request, signed by HubSpot's own client."""
    signature = Signature.get_signature(secret, body.decode(), "v3", url, "POST", str(sent))
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": str(sent)}
    return request_with(headers, body, url, sent)


def accepted(request: Request, *secrets: str, allowed: tuple[str, ...] = ALL) -> bool:
    try:
        verify(request, secrets or (SECRET,), allowed)
    except InvalidSignature:
        return False
    return True


PUBLISHED = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
PUBLISHED_URL = "https://www.example.com/webhook_uri"


def test_the_published_v1_example_is_accepted() -> None:
    body = (
        b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":'
        b'"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
    )
    expected = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    request = request_with({"x-hubspot-signature": expected, "x-hubspot-signature-version": "v1"}, body)

    assert sign_v1(request, PUBLISHED) == expected
    verify(request, [PUBLISHED], ["v1"])


def test_the_published_v2_example_is_accepted() -> None:
    expected = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    headers = {"x-hubspot-signature": expected, "x-hubspot-signature-version": "v2"}
    request = replace(request_with(headers, b"", PUBLISHED_URL), method="GET")

    assert sign_v2(request, PUBLISHED) == expected
    verify(request, [PUBLISHED], ["v2"])


def test_the_published_v3_example_is_accepted() -> None:
    expected = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    headers = {"x-hubspot-signature-v3": expected, "x-hubspot-request-timestamp": "1693657560000"}
    body = b"{'example_field':'example_value'}"
    request = request_with(headers, body, PUBLISHED_URL, 1_693_657_560_000)

    assert sign_v3(request, PUBLISHED) == expected
    verify(request, [PUBLISHED])


def vectors() -> Iterator[tuple[str, bool, Request, str]]:
    """Rows of the vectors file: id, whether it must be accepted, the request, the secret."""
    document = json.loads((SHARED / "reference/vectors/hubspot_signatures.json").read_text())
    for row in [*document["vectors"], *document["negative"], *document["edge"]]:
        body = base64.b64decode(row["body_base64"])
        now = row.get("now_ms") or row.get("now_ms_for_valid") or SENT
        request = replace(
            request_with(row["headers"], body, row["uri_on_the_wire"], now), method=row["method"]
        )
        yield row["id"], row.get("expect") != "reject", request, row["client_secret"]


def corpus() -> Iterator[tuple[str, bool, Request, str]]:
    """Rows of the corpus: the same four."""
    for line in (SHARED / "corpora/signatures/hubspot.jsonl").read_text().splitlines():
        row: Any = json.loads(line)
        request = request_with(row["headers"], row["body"].encode(), row["uri"], row["now_ms"])
        yield (
            row["id"],
            row["expect"] == "accept",
            replace(request, method=row["method"]),
            row["client_secret"],
        )


@needs_shared
def test_every_shared_vector_comes_out_right(counted: Callable[[str, str], None]) -> None:
    rows = list(vectors())
    wrong = [name for name, expected, request, secret in rows if accepted(request, secret) is not expected]

    counted("vectors/hubspot_signatures", f"{len(rows) - len(wrong)} of {len(rows)}")
    assert wrong == []
    assert len(rows) == 26 + 7 + 1


@needs_shared
def test_every_shared_v3_vector_signs_the_uri_it_says() -> None:
    document = json.loads((SHARED / "reference/vectors/hubspot_signatures.json").read_text())
    rows = [row for row in document["vectors"] if row["version"] == "v3"]

    assert [row["id"] for row in rows if signed_uri(row["uri_on_the_wire"]) != row["uri_signed"]] == []
    assert len(rows) == 13


@needs_shared
def test_every_row_of_the_shared_corpus_comes_out_right(counted: Callable[[str, str], None]) -> None:
    rows = list(corpus())
    wrong = [name for name, expected, request, secret in rows if accepted(request, secret) is not expected]

    counted("signatures/hubspot", f"{len(rows) - len(wrong)} of {len(rows)}")
    assert wrong == []
    assert len(rows) == 83


def test_v1_and_v2_are_refused_unless_the_connection_allows_them() -> None:
    for version, sign in (("v1", sign_v1), ("v2", sign_v2)):
        bare = request_with({"x-hubspot-signature-version": version})
        request = replace(bare, headers={**bare.headers, "x-hubspot-signature": sign(bare, SECRET)})

        verify(request, [SECRET], [version])
        with pytest.raises(InvalidSignature, match=f"allow_signatures does not list {version}"):
            verify(request, [SECRET])


def test_an_invalid_v3_is_not_rescued_by_a_valid_v1() -> None:
    v1 = {"x-hubspot-signature": sign_v1(request_with({}), SECRET), "x-hubspot-signature-version": "v1"}
    assert accepted(request_with(v1))

    assert not accepted(request_with({**v1, "x-hubspot-signature-v3": ""}))
    assert not accepted(request_with({**v1, "x-hubspot-signature-v3": "AAAA"}))
    stale = signed(sent=SENT - 300_001)
    assert not accepted(replace(stale, headers={**stale.headers, **v1}, received_at=at(SENT)))


def test_a_v3_needs_no_label_and_ignores_a_wrong_one() -> None:
    request = signed()
    labels = {"x-hubspot-signature": "00", "x-hubspot-signature-version": "v9"}

    verify(request, [SECRET])
    verify(replace(request, headers={**request.headers, **labels}), [SECRET])


@pytest.mark.parametrize(
    ("age", "expected"), [(0, True), (300_000, True), (300_001, False), (-300_000, True), (-300_001, False)]
)
def test_five_minutes_are_allowed_either_way(age: int, expected: bool) -> None:
    assert accepted(replace(signed(), received_at=at(SENT + age))) is expected


def test_any_secret_of_a_rotation_is_good() -> None:
    assert accepted(signed(), "new", SECRET)
    assert accepted(signed(), SECRET, "new")
    assert not accepted(signed(), "new", "newer")
    with pytest.raises(InvalidSignature):
        verify(signed(), [])


def test_twelve_sequences_are_decoded_once_and_the_rest_is_left() -> None:
    assert signed_uri("https://a/x%3Ay?b=%40%21%24%27%28%29%2A%2C%3B%2F%3F") == "https://a/x:y?b=@!$'()*,;/?"
    for kept in ("%20", "%26", "%3D", "%25", "+", "%C3%A9", "%253A", "%3a", "?", "%"):
        assert signed_uri(f"https://a/?q={kept}") == f"https://a/?q={kept}"


def test_body_method_url_and_time_are_all_signed() -> None:
    request = signed()
    later = {**request.headers, "x-hubspot-request-timestamp": str(SENT + 1)}

    for changed in (
        replace(request, body=b"[] "),
        replace(request, method="PUT"),
        replace(request, url=URL + "/"),
        replace(request, headers=later),
    ):
        assert not accepted(changed)


def test_a_signature_whose_plus_became_a_space_is_refused() -> None:
    request = next(found for n in range(1000) if "+" in v3_of(found := signed(b'[{"n":%d}]' % n)))
    mangled = {**request.headers, "x-hubspot-signature-v3": v3_of(request).replace("+", " ")}

    assert accepted(request)
    assert not accepted(replace(request, headers=mangled))


def v3_of(request: Request) -> str:
    return request.headers["x-hubspot-signature-v3"]


@settings(deadline=None)
@given(
    body=st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "replace").encode()),
    path=st.from_regex(r"[a-z0-9/_.~+=&-]{0,30}", fullmatch=True),
    secret=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    sent=st.integers(0, 10**14),
)
def test_what_hubspots_client_signs_is_accepted(body: bytes, path: str, secret: str, sent: int) -> None:
    url = f"https://connector.example.com/{path}"
    verify(signed(body, url, secret, sent), [secret])


text = st.text(st.characters(), max_size=60)
NAMES = (
    "x-hubspot-signature-v3",
    "x-hubspot-request-timestamp",
    "x-hubspot-signature",
    "x-hubspot-signature-version",
)


@settings(deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(text, st.sampled_from(["v1", "v2", "v3", str(SENT), "0" * 64, "9" * 40, "-1", "1e3"])),
    ),
    body=st.binary(max_size=50),
    url=text,
    method=text,
)
def test_nothing_but_invalid_signature_is_ever_raised(
    headers: dict[str, str], body: bytes, url: str, method: str
) -> None:
    assert not accepted(Request(method, url, headers, body, at(SENT)))
