"""Sending call events to an endpoint, signed, in order for each call."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import requests
import sqlalchemy as sa
from standardwebhooks import Webhook

from connector import jobs
from connector.call_api.endpoints import Endpoint, find_endpoint
from connector.call_api.outbox import Delivery, Tried, due_deliveries, record_tries
from connector.call_api.retry import Answer, Sent, decide
from connector.model import Clock

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
SIDE_BY_SIDE = 4
BATCH = 60
LONGEST_RUN = timedelta(seconds=20)
USER_AGENT = "Stagecall-Events/1"


def deliver(engine: sa.Engine, clock: Clock, endpoint_id: str) -> None:
    """Send what is due to one endpoint; leave the worker to others after a while, or when nothing gets through."""
    until = clock() + LONGEST_RUN
    with requests.Session() as session:
        session.trust_env = False  # no proxy, and no password of a .netrc in place of our headers
        while True:
            with engine.begin() as conn:
                endpoint = find_endpoint(conn, endpoint_id)
                due = due_deliveries(conn, endpoint_id, limit=BATCH, now=clock())
            if endpoint is None or not due:
                return
            tried = _send_all(session, endpoint, due, clock)
            going = any(isinstance(one.decision, Sent) for one in tried) and clock() < until
            with engine.begin() as conn:
                record_tries(conn, tried)
                if not going:
                    jobs.nudge(conn, "deliver", endpoint_id=endpoint_id)
            if not going:
                return


def _send_all(
    session: requests.Session, endpoint: Endpoint, due: Iterable[Delivery], clock: Clock
) -> list[Tried]:
    """Send the events of different calls side by side, those of one call one after the other."""
    by_call: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in due:
        by_call[delivery.call_id].append(delivery)

    def send_call(call: list[Delivery]) -> list[Tried]:
        tried: list[Tried] = []
        for delivery in call:
            tried.append(_send(session, endpoint, delivery, clock))
            if not isinstance(tried[-1].decision, Sent):
                break  # the next event of this call waits for this one
        return tried

    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(by_call))) as pool:
        return [one for tried in pool.map(send_call, by_call.values()) for one in tried]


def _send(session: requests.Session, endpoint: Endpoint, delivery: Delivery, clock: Clock) -> Tried:
    at = clock()
    answer = _post(session, endpoint, delivery, at)
    decision = decide(answer, tries=delivery.tries + 1, event_id=delivery.event_id, now=clock())
    return Tried(delivery, at, answer, decision)


def _post(session: requests.Session, endpoint: Endpoint, delivery: Delivery, at: datetime) -> Answer:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(endpoint.secret).sign(delivery.event_id, at, delivery.body),
    }
    try:
        with session.post(
            endpoint.url,
            data=delivery.body.encode(),
            headers=headers,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            allow_redirects=False,
            stream=True,  # the status is all we want of the answer
        ) as response:
            return _answer(response)
    except (requests.RequestException, ValueError) as error:  # ValueError: an answer or host beyond parsing
        return Answer(error=f"{type(error).__name__}: {error}"[:500])


def _answer(response: requests.Response) -> Answer:
    status = response.status_code
    error = None if 200 <= status < 300 else f"answered {status} {response.reason or ''}".rstrip()
    if 300 <= status < 400:
        error = f"answered {status}: redirects are not followed"
    return Answer(status, error, response.headers.get("Retry-After"))
