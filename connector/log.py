"""Logs: JSON lines on stderr, with everything that names a person or opens a door taken out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEYS = re.compile(r"(?i)secret|token|password|authorization|api_key|signature")
_PATTERNS = (
    (re.compile(r"\bbvai_sk_[A-Za-z0-9_-]+"), "[key]"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]+"), "[secret]"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "Bearer [key]"),
    (re.compile(r"\bpat-[a-z0-9]+-[A-Za-z0-9-]+"), "[token]"),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[e-mail]"),
    (re.compile(r"\+\d[\d ().-]{5,17}\d"), "[number]"),
    (re.compile(r"(?<=://)[^/@\s:]+:[^/@\s]+(?=@)"), "[user]"),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(value: Any) -> Any:
    """The value without keys, tokens, phone numbers and e-mail addresses, at any depth."""
    if isinstance(value, str):
        for pattern, stand_in in _PATTERNS:
            value = pattern.sub(stand_in, value)
        return value
    if isinstance(value, dict):
        return {
            key: "[secret]" if _SECRET_KEYS.search(str(key)) else redact(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    return value


def configure_logging(level: int = logging.INFO) -> None:
    """Send every log record of this process to stderr as one redacted JSON line."""
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _add_extra,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact_event,
            structlog.processors.JSONRenderer(),
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("procrastinate", "alembic", "urllib3", "werkzeug", "_granian"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))


def _add_extra(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = event.get("_record")
    for key, value in vars(record).items() if record is not None else ():
        if key not in _STANDARD and not key.startswith("_"):
            event.setdefault(key, value)
    return event


def _redact_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    redacted: dict[str, Any] = redact(dict(event))
    return redacted
