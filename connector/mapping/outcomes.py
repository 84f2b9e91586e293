"""Outcomes of a call by what people call them, and how something is written that depends on one."""

import re
from collections.abc import Mapping
from typing import Any, Final

from connector.mapping.words import closest, folded, listed
from connector.model import Outcome

_SAID: Final = {
    **dict.fromkeys(
        ("missed", "unanswered", "not reached", "unreachable", "no reply", "unreached"), Outcome.NO_ANSWER
    ),
    **dict.fromkeys(
        ("talked", "reached", "spoke", "spoken", "success", "connected", "completed"), Outcome.ANSWERED
    ),
    **dict.fromkeys(("machine", "vm", "voice mail", "answering machine", "mailbox"), Outcome.VOICEMAIL),
    **dict.fromkeys(("engaged", "line busy"), Outcome.BUSY),
    **dict.fromkeys(("error", "wrong number", "bad number", "invalid number"), Outcome.FAILED),
}
_UNANSWERED: Final = re.compile(r"\b(?:no|nobody|not|never|un|didn't)[\w\s]*answer")


def outcome_of(word: str) -> Outcome | None:
    """The outcome that a word stands for, ours or another; None for any other word."""
    plain = folded(word.replace("_", " "))
    if _UNANSWERED.search(plain):
        return Outcome.NO_ANSWER
    return _SAID.get(plain) or next((each for each in Outcome if each.replace("_", " ") == plain), None)


def meant_outcome(word: str) -> str:
    """How a sentence about an unknown outcome ends."""
    if re.search(r"[,/|]|\bor\b", word):
        return "; write a line for each"
    if folded(word) in ("else", "other", "others", "default", "otherwise", "*", "any"):
        return f"; each is named by itself: {listed(Outcome)}"
    if meant := outcome_of(word):
        return f'; did you mean "{meant}"?'
    if len(parts := re.split(r"\s*(?:=>|->|=|\u2192)\s*", word)) == 2:
        return f"; write {parts[0]}: {parts[1]}"
    near = closest(word, list(Outcome))
    return near if "did you mean" in near else f"{near}; what was said stands in call.summary"


def note_by_outcome(texts: Mapping[str, Any]) -> str:
    """How notes are written that depend on the outcome: `{"no_answer": "Nobody picked up"}`; nothing for other keys."""
    outcomes = {outcome_of(key): text for key, text in texts.items() if isinstance(text, str)}
    if not outcomes or None in outcomes or len(outcomes) < len(texts) or "'" in "".join(outcomes.values()):
        return ""
    cases = "".join(f"'{text}' if call.outcome == '{outcome}' else " for outcome, text in outcomes.items())
    return f"note: \"{{{{ {cases}'' }}}}\""


def by_outcome(outcome: str, value: Any, *, moves: bool) -> str:
    """How that is written which somebody put below an outcome, as if that were a key: a note, a stage, a text."""
    noted = _note_in(value)
    if noted and (note := note_by_outcome({outcome: noted})):
        return note
    text = f"a text: \"{{{{ 'to do' if call.outcome == '{outcome}' else call.outcome }}}}\""
    stage = "Qualified" if outcome == Outcome.ANSWERED else "Call back"
    return f"stage: {{{outcome}: {stage}}}, or {text}" if moves else text


def _note_in(value: Any) -> str | None:
    """The note that stands in a section, or in a record within it."""
    if not isinstance(value, Mapping):
        return None
    found = value.get("note") or next(
        (each["note"] for each in value.values() if isinstance(each, Mapping) and each.get("note")), None
    )
    return found if isinstance(found, str) else None
