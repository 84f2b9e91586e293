"""Reading a trigger request: strict JSON in, checked values out. Pure.

One parser (msgspec) judges the syntax and hands every field over as the bytes that were sent, so metadata
passes through untouched: `1.10` stays `1.10` and `1e400` stays `1e400`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from pydantic import ValidationError

from connector.call_api import problems
from connector.call_api.models.trigger import TriggerRequest
from connector.call_api.problems import Refusal
from connector.call_api.wrong import wrong_fields

MAX_BODY = 64 * 1024
MAX_DEPTH = 64
MAX_METADATA = 10_000
MAX_PAIR = 300

_BRACKETS = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
# a \u0000 whose backslash is not itself escaped
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


_FIELDS = tuple(name for name in TriggerRequest.model_fields if name != "metadata")


@dataclass(frozen=True, slots=True)
class Trigger:
    """A well-formed trigger request."""

    phone_number: str
    agent_id: str | None
    name: str | None
    email: str | None
    metadata: str | None
    """The object's JSON as it was sent."""
    metadata_pairs: list[str]
    """`key=value` of its plain fields, by which a call is found again."""
    scheduled_at: datetime | None = None
    expires_at: datetime | None = None


def read_trigger(body: bytes) -> Trigger:
    """Read the body of POST /calls/trigger. Raises Refusal with what is wrong, and in which field."""
    fields = check_json(body)
    metadata = _metadata(fields)
    asked = _request(fields)
    return Trigger(
        phone_number=asked.phone_number,
        agent_id=asked.agent_id or None,
        name=asked.name,
        email=asked.email,
        metadata=metadata.decode() if metadata is not None else None,
        metadata_pairs=_pairs(metadata) if metadata is not None else [],
        scheduled_at=asked.scheduled_at,
        expires_at=asked.expires_at,
    )


def _request(fields: Mapping[str, bytes]) -> TriggerRequest:
    """The fields but metadata as the model sees them; a wrong number is told of last, in the contract's words."""
    given = ((name, fields[name]) for name in _FIELDS if name in fields)
    ours = b",".join(b'"%s":%s' % (name.encode(), _of_its_kind(value)) for name, value in given)
    try:
        return TriggerRequest.model_validate_json(b"{" + ours + b"}")
    except ValidationError as error:
        wrong = [(name, wanted) for name, wanted in wrong_fields(error) if name != "phone_number"]
        raise Refusal(problems.bad_field(*wrong[0]) if wrong else problems.INVALID_NUMBER) from None


def _of_its_kind(value: bytes) -> bytes:
    """The value, or the shortest of its kind where that is no field's: pydantic cannot read every number."""
    return {b"[": b"[]", b"{": b"{}"}.get(value[:1], value if value[:1] in b'"tfn' else b"0")


def check_json(body: bytes) -> dict[str, bytes]:
    """The top-level fields of a JSON object as raw JSON; of a name that comes twice, the last.

    Raises Refusal for anything but one well-formed object, at most 64 levels deep, without U+0000.
    """
    _check_depth(body)
    try:
        body.decode("utf-8")  # msgspec checks the encoding only of what it decodes, not of what it skips
        msgspec.json.decode(body, type=msgspec.Raw)  # the whole syntax, before the shape
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise Refusal(problems.NOT_AN_OBJECT) from None
    except (UnicodeDecodeError, msgspec.DecodeError):
        raise Refusal(problems.INVALID_JSON) from None
    if b"\\u0000" in body and _NUL.search(body):
        raise Refusal(problems.NUL_CHARACTER)
    return {name: bytes(value) for name, value in fields.items()}


def _check_depth(body: bytes) -> None:
    """Count brackets outside of strings: before parsing, because a parser recurses."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    in_string = False
    for token in _BRACKETS.findall(body):
        if token == b'"':
            in_string = not in_string
        elif in_string or token.startswith(b"\\"):
            continue
        elif token in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Refusal(problems.TOO_DEEP)
        else:
            depth -= 1


def _string(value: bytes) -> str | None:
    """The text of a JSON string, or None for any other value."""
    return msgspec.json.decode(value, type=str) if value.startswith(b'"') else None


def _metadata(fields: dict[str, bytes]) -> bytes | None:
    value = fields.get("metadata", b"null")
    if value == b"null":
        return None
    if not value.startswith(b"{"):
        raise Refusal(problems.bad_field("metadata", "an object"))
    if len(value) > MAX_METADATA and len(value.decode()) > MAX_METADATA:
        raise Refusal(problems.METADATA_TOO_LARGE)
    return value


def plain_fields(metadata: str | None) -> dict[str, str]:
    """Every field of the metadata that is not null, as text: texts as they read, all else as JSON has it."""
    fields = msgspec.json.decode(metadata or "{}", type=dict[str, msgspec.Raw])
    return {name: _plain_text(bytes(value)) for name, value in fields.items() if bytes(value) != b"null"}


def _pairs(metadata: bytes) -> list[str]:
    """The texts, numbers and booleans of the object, but long ones."""
    fields = msgspec.json.decode(metadata, type=dict[str, msgspec.Raw])
    plain = {name: bytes(value) for name, value in fields.items() if bytes(value)[:1] not in b"[{n"}
    pairs = [metadata_pair(name, _plain_text(value)) for name, value in plain.items()]
    return [pair for pair in pairs if len(pair) <= MAX_PAIR]


def _plain_text(value: bytes) -> str:
    text = _string(value)
    return text if text is not None else value.decode()


def metadata_pair(name: str, value: str) -> str:
    """How a field of metadata is kept to be found by: a number as it was written, a boolean as JSON has it."""
    if "=" in name or "\\" in name:  # so that no other field reads the same
        name = name.replace("\\", "\\\\").replace("=", "\\=")
    return f"{name}={value}"
