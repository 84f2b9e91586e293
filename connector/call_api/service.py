"""The Trigger Call API as one object: joins the rooms, decides nothing."""

import logging
from collections.abc import Sequence

import sqlalchemy as sa

from connector import jobs
from connector.call_api import deliver, placing
from connector.call_api.agents import ensure_agent
from connector.call_api.calls import has_due_looks
from connector.call_api.carriers import Carrier, make_carriers
from connector.call_api.deliver import Sender
from connector.call_api.endpoints import sync_endpoints
from connector.call_api.events import nudge_delivering
from connector.call_api.keys import ensure_key, revoke_unconfigured
from connector.call_api.limits import forget_old_requests
from connector.call_api.outbox import endpoints_with_due
from connector.call_api.queueing import release_old_keys
from connector.call_api.settings import CallApiSettings, OwnReceiver
from connector.call_api.waiting import has_queued
from connector.model import Clock, utc_now

log = logging.getLogger(__name__)

_SETTINGS_LOCK = 7_242_002  # any number of our own: two processes that start at once sync one after the other


class CallApi:
    """Our server of the Trigger Call API: what its routes answer from, and what its jobs do."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: CallApiSettings,
        *,
        clock: Clock = utc_now,
        carrier: Carrier | None = None,
        sender: Sender | None = None,
        others: Sequence[Carrier] = (),
    ) -> None:
        """`carrier` is for the calls of agents that name none; left out: as configured. They may name `others` too."""
        self.engine = engine
        self.settings = settings
        self.clock = clock
        made = make_carriers(settings) if carrier is None else {carrier.name: carrier}
        self.carriers = {one.name: one for one in others} | made
        self.carrier = carrier or self.carriers[settings.carrier]

        own = frozenset(each.url for each in settings.webhooks if isinstance(each, OwnReceiver))
        self.sender = sender or Sender(settings.targets, own)

    def apply_settings(self) -> None:
        """Make keys, agents and endpoints what the configuration says; call it once at start."""
        if self.settings.allow_private_webhook_targets:
            log.warning(
                "call events may be sent over http and into private networks: "
                "allow_private_webhook_targets is for development only"
            )
        now = self.clock()
        with self.engine.begin() as conn:
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_SETTINGS_LOCK)))
            kept = {
                ensure_key(conn, key.name, key.key.get_secret_value(), scopes=key.scopes, now=now)
                for key in self.settings.keys
            }
            revoke_unconfigured(conn, kept, now=now)
            for agent in self.settings.agents:
                ensure_agent(conn, agent.given, now=now)
            sync_endpoints(conn, self.settings.webhooks, now=now)

    def tasks(self) -> tuple[jobs.Task, ...]:
        """The jobs a worker runs for this API."""
        return (
            jobs.Task("place_calls", self.place_calls),
            jobs.Task("follow_calls", self.follow_calls),
            jobs.Task("deliver", self.deliver, queue=jobs.SLOW),
            jobs.Task("call_api_sweep", self.sweep, periodic="* * * * * *"),
        )

    def place_calls(self) -> None:
        """Dial the calls that are due, as far as their keys have places; end those that have expired."""
        most = self.settings.max_concurrent_calls
        placing.place_calls(self.engine, self.carriers, self.clock, max_concurrent=most)

    def follow_calls(self) -> None:
        """Ask the carriers about every call whose next look is due."""
        placing.follow_calls(self.engine, self.carriers, self.clock)

    def deliver(self, endpoint_id: str) -> None:
        """Send call events that are due to one endpoint."""
        deliver.deliver(self.engine, self.clock, self.sender, endpoint_id)

    def sweep(self) -> None:
        """Start the jobs that something is due for, so that nothing waits on a lost nudge.

        A commit each: two transactions that nudge several jobs in different order could lock each other.
        """
        now = self.clock()
        with self.engine.begin() as conn:
            forget_old_requests(conn, now)
            release_old_keys(conn, now)
        with self.engine.begin() as conn:
            if has_queued(conn, now):
                jobs.nudge(conn, "place_calls")
        with self.engine.begin() as conn:
            if has_due_looks(conn, now):
                jobs.nudge(conn, "follow_calls")
        with self.engine.connect() as conn:
            waiting = endpoints_with_due(conn, now)
        for endpoint_id in waiting:
            with self.engine.begin() as conn:
                nudge_delivering(conn, endpoint_id)
