"""What a rule is going to write into the CRM, a line for each moment: as its file has it where a call has to tell more."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.mapping.merge import MergeField
from connector.mapping.values import short
from connector.mapping.vocabulary import WITH_CALL
from connector.mapping.vocabulary import Moment as MomentName
from connector.mapping.write_back_keys import Moment, WriteBacks
from connector.model import Outcome


def promised(
    write_back: WriteBacks, moments: Sequence[MomentName], known: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a line for each of these moments that writes something: `ended: deal.status = {{ call.outcome }}`.

    `known`: what merge fields read, and `reason`; a moment without a call needs no more.
    """
    for name in moments:
        whenever = ", whatever the outcome" if name == "ended" else ""
        parts = list(_parts(getattr(write_back, name), None if name in WITH_CALL else known, whenever))
        if parts:
            yield f"{name}: {', '.join(parts)}"


def _parts(moment: Moment, known: Mapping[str, Any] | None, whenever: str) -> Iterator[str]:
    for record, properties in moment.records.items():
        for key, value in properties.items():
            yield f"{record}.{key} = {_said(value, known) or 'empty'}"
    if moment.note is not None:
        yield f'a note "{_said(moment.note, known)}"'
    if moment.log_call:
        yield "the call, on the timeline"
    if isinstance(moment.stage, Mapping):
        yield from (
            f"moved to the stage {stage} where the outcome is {outcome.value}"
            for outcome, stage in moment.stage.items()
            if stage
        )
        others = [outcome.value for outcome in Outcome if not moment.stage.get(outcome)]
        yield from [f"left where it is at {', '.join(others)}"] if others else []
    elif moment.stage:
        yield f"moved to the stage {moment.stage}{whenever}"
    yield from (f"tag +{_said(each, known)}" for each in moment.tags.add)
    yield from (f"tag -{_said(each, known)}" for each in moment.tags.remove)


def _said(value: str | MergeField, known: Mapping[str, Any] | None) -> str:
    if isinstance(value, str):
        return short(value)
    return short(value.source if known is None else value.value(known, []))
