"""What would have to be different: every word that stands against a call has its sentence."""

import re
from pathlib import Path
from typing import Any

import pytest

from connector import advice, explanation
from connector.mapping.matching import ELSEWHERE
from connector.permission import RULE_NOT_IN_FORCE
from connector.policy.verdicts import HELD_WORDS

ROOT = Path(__file__).resolve().parents[2]


def _words(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text()))


def test_every_word_of_a_policy_has_advice() -> None:
    words = _words("connector/policy/judging.py", r'_skip\("\w+", "(\w+)"')
    words |= _words("connector/policy/judging.py", r'\bVerdict\("\w+", \S+ "(\w+)"')
    assert {"opted_out", "expired", "dry_run", "paused"} <= words
    assert words | HELD_WORDS <= {*advice.POLICIES, "outside_window"}


def test_every_word_of_the_call_client_and_the_sender_has_advice() -> None:
    words = _words("connector/call_client.py", r'(?:Refused|Later)\(\s*"(\w+)"')
    words |= _words("connector/sending.py", r'_again\(dispatch, "(\w+)"')
    words |= _words("connector/sending.py", r'(?:Change\([^"{]*|Later\()"(\w+)"')
    words |= _words("connector/doubts.py", r'Change\([^"{]*"(\w+)"')
    assert {"refused", "rate_limited", "crm_unavailable", "rule_gone", "not_placed"} <= words
    words.add(RULE_NOT_IN_FORCE)
    others = {"placed", "record_gone"}
    assert words - others <= set(advice.REASONS), words - others - set(advice.REASONS)


def test_every_condition_has_advice() -> None:
    keys = _words("connector/mapping/matching.py", r'(?:_judged|Step)\((?:Part\.WHEN, )?"(\w+)"')
    assert {"own", "enters", "how", "from", "still_there", "if"} <= keys
    assert keys - {"if"} <= set(advice.CONDITIONS)
    assert {"only_source", "not_source", "stopped", "record", "unread"} <= set(advice.CONDITIONS)
    assert "stopped" in ELSEWHERE


def _shown(**changes: Any) -> dict[str, Any]:
    return {
        "rule": "Call", "record": "deal 1", "state": "waiting", "why": "due", "reason": "due",
        "phone_number": "+12025550100", "due_at": "2026-12-07T14:00:00+00:00", "explanation": [],
        "verdicts": [], "history": [], "write_backs": [], **changes,
    }  # fmt: skip


def _verdict(answer: str, word: str, next_at: str | None = None) -> dict[str, Any]:
    return {"policy": "window", "answer": answer, "word": word, "sentence": "why", "next_at": next_at}


@pytest.mark.parametrize(
    ("changes", "headline", "needed"),
    [
        ({}, "calls +12025550100", []),
        ({"state": "placed", "reason": "call 1 was placed"}, "called +12025550100: call 1 was placed", []),
        ({"state": "unknown", "why": "in_doubt", "reason": "no answer"},
         "nobody knows yet whether +12025550100 was called: no answer",
         ["a person's word: `stagecall settle DISPATCH --called` or `--not-called`"]),
        ({"state": "waiting", "why": "outside_window", "reason": "held: it is night",
          "verdicts": [_verdict("hold", "outside_window", "2026-12-07T14:00:00+00:00")]},
         "holds the call to +12025550100: it is night",
         ["nothing: it is called when the window opens, Mon 2026-12-07 14:00 UTC"]),
        ({"state": "skipped", "why": "expired", "reason": "too late",
          "verdicts": [_verdict("hold", "outside_window", "2026-12-07T14:00:00+00:00"),
                       _verdict("skip", "expired")]},
         "no call: too late",
         ["the record has to enter the stage again; or make `policy.expires` longer"]),
        ({"state": "waiting", "why": "key_refused", "reason": "the call API refused our key"},
         "no call yet: the call API refused our key",
         ["a key that the call API takes, as `calls.api_key` in stagecall.yaml; it is tried again "
          "Mon 2026-12-07 14:00 UTC"]),
    ],
)  # fmt: skip
def test_what_becomes_of_it_and_what_would_help(
    changes: dict[str, Any], headline: str, needed: list[str]
) -> None:
    shown = _shown(**changes)
    assert explanation.headline(shown) == headline
    assert advice.needed(shown) == needed


def test_rows_of_older_versions_are_still_readable() -> None:
    look = {
        "at": "2026-11-02T15:00:00+00:00",
        "steps": [{"part": "call", "key": "", "sentence": "deal 1 entered"}],
    }
    assert "          deal 1 entered" in list(explanation.lines(_shown(explanation=[look])))
