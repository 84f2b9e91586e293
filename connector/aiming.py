"""Which stage a write-back may set: one of the pipeline where the record stands, and only if nobody moved it since.

A person, or a workflow, that moves the record while the call is under way knows more than a rule written before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.adapter import Adapter
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.mapping.stages import StageIndex, index_of
from connector.model import Context
from connector.parts import Parts
from connector.store import write_backs
from connector.store.write_backs import QueuedWriteBack


@dataclass(frozen=True, slots=True)
class Aim:
    """What becomes of a wish for a stage."""

    stage: str | None
    """The id of the stage to set; None: nothing is to be set."""
    why: str = ""
    """Why the stage is left as it is; empty where the record stands in the wanted stage already."""


Done = dict[int, str | ConnectorError | Aim | None]


def aims(
    parts: Parts, connection: str, adapter: Adapter, rows: Sequence[QueuedWriteBack]
) -> tuple[dict[int, Aim], Done]:
    """Return by row the stages to set, and what became of the rows that set none.

    Reads the records as they stand now. Raises what reading them raises.
    """
    if not rows:
        return {}, {}
    contexts = adapter.read(list(dict.fromkeys(row.record for row in rows)), {})
    catalog = parts.catalog(connection)
    if any(not catalog.stage(each.stage) for each in contexts.values() if isinstance(each, Context)):
        catalog = parts.catalog(connection, fresh=True)
    with parts.engine.connect() as conn:
        ours = write_backs.stages_of(conn, {row.dispatch_id for row in rows})
    aimed: dict[int, Aim] = {}
    done: Done = {}
    for row in rows:
        found = _aim(row, contexts.get(row.record), index_of(catalog), ours.get(row.dispatch_id, frozenset()))
        if isinstance(found, Aim) and found.stage is not None:
            aimed[row.id] = found
        else:
            done[row.id] = found
    return aimed, done


def _aim(
    row: QueuedWriteBack, context: Context | ConnectorError | None, index: StageIndex, ours: frozenset[str]
) -> Aim | ConnectorError:
    if not isinstance(context, Context):
        return context or TemporaryError("the CRM's answer left this record out")
    word = str(row.content["to"])
    meant = index.meant(context.pipeline, (word,))
    if not meant.stages:
        return PermanentError("; ".join(found for _, _, found in meant.problems) or f'no stage "{word}"')
    if context.stage in meant.stages:
        return Aim(None)
    if context.stage not in {row.content["from"], *ours}:
        now, then = index.label(context.stage), index.label(row.content["from"])
        return Aim(None, f'{row.record} was called in "{then}" and stands in "{now}" now; it is left there')
    return Aim(min(meant.stages))
