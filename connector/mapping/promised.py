"""What a rule is going to write into the CRM, as its file has it: a line for each moment."""

from collections.abc import Iterator, Mapping, Sequence

from connector.mapping.merge import MergeField
from connector.mapping.values import short
from connector.mapping.vocabulary import Moment as MomentName
from connector.mapping.write_back_keys import Moment, WriteBacks


def promised(write_back: WriteBacks, moments: Sequence[MomentName]) -> Iterator[str]:
    """Yield a line for each of these moments that writes something: `ended: deal.status = {{ call.outcome }}`."""
    for name in moments:
        parts = list(_parts(getattr(write_back, name)))
        if parts:
            yield f"{name}: {', '.join(parts)}"


def _parts(moment: Moment) -> Iterator[str]:
    for record, properties in moment.records.items():
        for key, value in properties.items():
            yield f"{record}.{key} = {_said(value) or 'empty'}"
    if moment.note is not None:
        yield f'a note "{_said(moment.note)}"'
    if moment.log_call:
        yield "the call, on the timeline"
    if isinstance(moment.stage, Mapping):
        yield from (
            f"moved to the stage {stage} where the outcome is {outcome.value}"
            for outcome, stage in moment.stage.items()
            if stage
        )
    elif moment.stage:
        yield f"moved to the stage {moment.stage}"
    yield from (f"tag +{_said(each)}" for each in moment.tags.add)
    yield from (f"tag -{_said(each)}" for each in moment.tags.remove)


def _said(value: str | MergeField) -> str:
    return short(value if isinstance(value, str) else value.source)
