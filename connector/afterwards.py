"""What a preview says is going to be written into the CRM, and why nothing where people may expect it."""

from connector.mapping.evaluate import ELSEWHERE, Reason
from connector.mapping.language import Rule
from connector.mapping.promised import promised
from connector.mapping.vocabulary import Moment
from connector.model import DispatchState
from connector.permission import HELD
from connector.store.dispatches import Dispatch


def afterwards(rule: Rule, row: Dispatch) -> list[str]:
    """What is going to be written, and why nothing where people may expect it."""
    if rule.policy.dry_run:
        return ["nothing: a dry run writes nothing"]
    moments = _moments(row)
    known = {**row.values, "reason": row.reason.removeprefix(HELD)}
    found = list(promised(rule.write_back, moments, known))
    if moments == ("skipped",) and not found and list(promised(rule.write_back, ("failed",), known)):
        found = [
            "nothing; to write the reason on the record, add below `write_back`:"
            f' skipped: {{{row.record.type}: {{ai_call_status: "{{{{ reason }}}}"}}}}'
        ]
    return found


def unsaid(rule: Rule, refusal: Reason) -> list[str]:
    """Why nothing is written of a record that an import brought, say, though the rule tells why nobody was called."""
    if refusal.word != "other_source" or not list(promised(rule.write_back, ("skipped",), {})):
        return []
    return [
        "nothing: who brought the record there makes it none of this rule's, and `skipped` is of those that are"
    ]


def _moments(row: Dispatch) -> tuple[Moment, ...]:
    """When something is going to be written of it."""
    if row.state is DispatchState.WAITING:
        return (*(("held",) if row.word != "due" else ()), "placed", "ended", "failed")
    return ("skipped",) if row.word not in ELSEWHERE else ()
