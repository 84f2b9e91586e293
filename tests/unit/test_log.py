"""Nothing that names a person or opens a door reaches the log."""

import json
import logging

import pytest

from connector.log import configure_logging, redact

BEFORE = {
    "event": "trigger sent to +12025550123 and +44 20 7946 0958 for ada@example.com",
    "headers": {"Authorization": "Bearer bvai_sk_0123456789abcdef", "webhook-signature": "v1,abc"},
    "note": "key bvai_sk_AbC-123 secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw token pat-na1-11aa-22bb",
    "list": ["postgresql://ada:hunter2@db/stagecall", {"client_secret": "yyyy"}],
    "dispatch": "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11",
}
AFTER = {
    "event": "trigger sent to [number] and [number] for [e-mail]",
    "headers": {"Authorization": "[secret]", "webhook-signature": "[secret]"},
    "note": "key [key] secret [secret] token [token]",
    "list": ["postgresql://[user]@db/stagecall", {"client_secret": "[secret]"}],
    "dispatch": "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11",
}


def test_redaction_before_and_after() -> None:
    assert redact(BEFORE) == AFTER


def test_a_record_becomes_one_redacted_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging()
        logging.getLogger("connector.test").warning(
            "called %s", "+12025550123", extra={"record": "deal 9001", "api_key": "bvai_sk_x"}
        )
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said["event"] == "called [number]"
    assert said["record"] == "deal 9001"
    assert said["api_key"] == "[secret]"
    assert said["level"] == "warning"
