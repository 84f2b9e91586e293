"""Calls over HTTP once they were triggered: find them, look at one, cancel one that waits."""

from connector.call_api import problems
from connector.call_api.body import MAX_PAIR, metadata_pair
from connector.call_api.calls import get_shown, lock_call
from connector.call_api.listing import Wanted, list_calls, read_cursor, write_cursor
from connector.call_api.models.calls import CallShown, CallsPage, CallsQuery
from connector.call_api.moving import move_calls
from connector.call_api.present import call_answer
from connector.call_api.problems import Refusal, bad_parameter
from connector.call_api.progress import ended_without_talk
from connector.call_api.states import CallState
from connector.call_api.web.route import Asked, Reply, Route
from connector.model import Outcome


def show_calls(asked: Asked) -> Reply:
    """GET /calls."""
    query: CallsQuery = asked.query
    wanted = wanted_calls(query)
    after = read_cursor(query.cursor, wanted) if query.cursor is not None else None
    if query.cursor is not None and after is None:
        raise Refusal(bad_parameter("cursor", "a next_cursor of an answer to the same filters, unchanged"))
    page = list_calls(asked.conn, wanted, after=after, limit=query.limit)
    return Reply(
        {
            "success": True,
            "calls": [call_answer(row) for row in page.rows],
            "next_cursor": write_cursor(page.next, wanted) if page.next is not None else None,
        }
    )


def wanted_calls(query: CallsQuery) -> Wanted:
    """What a query asks for. Raises Refusal (400) for metadata that no call could be found by."""
    return Wanted(
        states=tuple(sorted({CallState(word) for word in query.status.split(",")})) if query.status else (),
        agent=query.agent,
        to_number=query.phone_number,
        direction=query.direction,
        since=query.since,
        until=query.until,
        pairs=tuple(sorted(_pair(name, value) for name, value in query.metadata.items())),
    )


def _pair(name: str, value: str) -> str:
    pair = metadata_pair(name, value)
    if len(pair) > MAX_PAIR:
        few = f"at most {MAX_PAIR} characters together with its name: longer ones cannot be searched"
        raise Refusal(bad_parameter(f"metadata.{name}", few))
    return pair


def show_call(asked: Asked, call_id: str) -> Reply:
    """GET /calls/{call_id}."""
    return _shown(asked, call_id)


def cancel_call(asked: Asked, call_id: str) -> Reply:
    """POST /calls/{call_id}/cancel: judged under the call's lock, so it is dialled or canceled, never both."""
    row = lock_call(asked.conn, call_id)
    if row is None:
        raise Refusal(problems.CALL_NOT_FOUND)
    if row["state"] != CallState.QUEUED:
        raise Refusal(problems.NOT_WAITING)
    now = asked.api.clock()
    canceled = ended_without_talk(Outcome.CANCELED, f"canceled with the key {asked.key.name}", now)
    move_calls(asked.conn, [(row, canceled)], now)
    return _shown(asked, call_id)


def _shown(asked: Asked, call_id: str) -> Reply:
    row = get_shown(asked.conn, call_id)
    if row is None:
        raise Refusal(problems.CALL_NOT_FOUND)
    return Reply({"success": True, **call_answer(row)})


ROUTES = (
    Route(
        "GET",
        "/calls",
        show_calls,
        "read",
        "Calls, newest first",
        CallsPage,
        query=CallsQuery,
        operation_id="listCalls",
        refusals=(bad_parameter("limit", "a whole number"),),
    ),
    Route(
        "GET",
        "/calls/<string(minlength=8):call_id>",  # so that "trigger" is not one
        show_call,
        "read",
        "Everything known of a call",
        CallShown,
        refusals=(problems.CALL_NOT_FOUND,),
        operation_id="getCall",
    ),
    Route(
        "POST",
        "/calls/<call_id>/cancel",
        cancel_call,
        "trigger",
        "Cancel a call that still waits",
        CallShown,
        refusals=(problems.CALL_NOT_FOUND, problems.NOT_WAITING),
    ),
)
