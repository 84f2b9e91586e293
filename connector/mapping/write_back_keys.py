"""The keys of `write_back`: what to write on the record, its people and their timelines, moment by moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Final

from connector.mapping.keys import FILLED, FLAG, OTHERS, TEXT, Key, Shape
from connector.mapping.merge import MergeField
from connector.model import Outcome

Properties = Mapping[str, str | MergeField]
"""Values by the internal name of a property; a text is a constant, an empty one clears the property."""

_PROPERTIES: Final[Shape] = {
    "type": "object",
    "additionalProperties": {
        "title": "Value",
        "description": "A text with merge fields, a number, true or false; empty: the property is cleared.",
        "examples": ["{{ call.outcome }}", "called by {{ call.agent_name }}", 1, None],
        "type": ["string", "number", "boolean", "null"],
    },
}
_OF_OUTCOME: Final[Shape] = {
    "title": "Stage after this outcome",
    "description": "Label or id of the stage to move the record to; null: it stays where it is.",
    "examples": ["Qualified", "1002", None],
    "default": None,
    "type": ["string", "integer", "null"],
    "pattern": "\\S",
}
_STAGE: Final[Shape] = {
    "type": ["string", "integer", "object"],
    "pattern": "\\S",
    "properties": {outcome.value: _OF_OUTCOME for outcome in Outcome},
    "additionalProperties": _OF_OUTCOME,
}
_TAGS: Final[Shape] = {"type": ["string", "array"], "pattern": "\\S", "items": FILLED}


@dataclass(frozen=True, slots=True)
class Tags:
    """Which tags to add, and which to remove; only for CRMs with tags that an app can change."""

    add: Annotated[
        tuple[MergeField, ...],
        Key(
            "Tags to add",
            "A tag, or a list of them.",
            _TAGS,
            ["called", ["called", "{{ call.outcome }}"]],
            default=[],
        ),
    ] = ()
    remove: Annotated[
        tuple[MergeField, ...],
        Key("Tags to remove", "A tag, or a list of them.", _TAGS, ["to call"], default=[]),
    ] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """What to write at this moment: once for each call, also if that takes several tries."""

    records: Annotated[
        Mapping[str, Properties],
        Key(
            "Properties",
            "Under the CRM's word for the record or a person (deal, contact): internal names of properties, each"
            " with its value. An empty value clears the property.",
            _PROPERTIES,
            [{"ai_call_status": "{{ call.outcome }}", "ai_call_summary": "{{ call.summary }}"}],
            name=OTHERS,
        ),
    ] = field(default_factory=dict)
    note: Annotated[
        MergeField | None,
        Key(
            "Note",
            "A note on the timeline of the record and of the person who was called. A text of which nothing is"
            " left when its merge fields are empty makes no note.",
            TEXT,
            ["No call: {{ reason }}", "{{ call.summary }}"],
            default="",
        ),
    ] = None
    log_call: Annotated[
        bool,
        Key(
            "Log the call",
            "true: the call on the timeline of the record and of the person who was called, with its outcome,"
            " duration, numbers, summary, transcript and recording. Only in `ended`.",
            FLAG,
            [True],
            default=False,
        ),
    ] = False
    stage: Annotated[
        str | Mapping[Outcome, str | None] | None,
        Key(
            "Stage",
            "Label or id of the stage to move the record to, in its pipeline. In `ended` it can depend on the"
            " outcome (answered, voicemail, no_answer, busy, failed, canceled, expired, unknown). After an outcome"
            " that is not listed, or has null, the record stays where it is; also if somebody moved it meanwhile.",
            _STAGE,
            ["Qualified", {"answered": "Qualified", "no_answer": None}],
            default={},
        ),
    ] = None
    tags: Annotated[
        Tags,
        Key(
            "Tags",
            "Tags to add and to remove.",
            {},
            [{"add": "called", "remove": "to call"}],
            default={"add": [], "remove": []},
            section=Tags,
        ),
    ] = field(default_factory=Tags)
    notes_on: tuple[str, ...] = ()
    """Whose timeline the note stands on besides the record's: objects of the CRM."""
    calls_on: tuple[str, ...] = ()
    """The same for the logged call."""
    tags_on: str = ""
    """Which object has the tags; the record where it is empty."""
    people: frozenset[str] = frozenset()
    """The objects beside the record on which something is written: their ids are read with the record."""

    @property
    def is_empty(self) -> bool:
        """Is nothing to be written?"""
        return not (
            self.records or self.note or self.log_call or self.stage or self.tags.add or self.tags.remove
        )


NOTHING: Final = Moment()


def _moment(title: str, about: str, example: Mapping[str, object]) -> Key:
    return Key(title, about, {}, [dict(example)], default={}, section=Moment)


@dataclass(frozen=True, slots=True)
class WriteBacks:
    """What to write in the CRM: when the call is placed, when it has ended, and when there was none."""

    placed: Annotated[
        Moment,
        _moment(
            "Call placed",
            "Once the call is under way.",
            {"deal": {"ai_call_status": "calling", "ai_call_id": "{{ call.id }}"}},
        ),
    ] = NOTHING
    ended: Annotated[
        Moment,
        _moment(
            "Call ended",
            "When the call has ended, however it ended.",
            {
                "deal": {"ai_call_outcome": "{{ call.outcome }}"},
                "log_call": True,
                "stage": {"answered": "Qualified"},
            },
        ),
    ] = NOTHING
    failed: Annotated[
        Moment,
        _moment(
            "Call not placed",
            "When the call could not be placed; {{ reason }} says why.",
            {"note": "No call: {{ reason }}"},
        ),
    ] = NOTHING
    skipped: Annotated[
        Moment,
        _moment(
            "Call not wanted",
            "When the rule's stage was entered and no call is made of it: a condition that is false, no number,"
            " somebody who must not be called; {{ reason }} says why.",
            {"deal": {"ai_call_status": "not called: {{ reason }}"}},
        ),
    ] = NOTHING

    held: Annotated[
        Moment,
        _moment(
            "Call held",
            "The first time that the call has to wait: for its window, for room under a cap, for the end of a"
            " pause; {{ reason }} says why.",
            {"deal": {"ai_call_status": "waiting: {{ reason }}"}},
        ),
    ] = NOTHING

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All of them, empty ones too."""
        return tuple(getattr(self, each.name) for each in fields(self))
