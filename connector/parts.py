"""The parts of a running connector, built once from the configuration and handed to every function."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import sqlalchemy as sa

from connector.adapter import TIMEOUT, Adapter, find_adapter
from connector.call_api import CallApi
from connector.call_client import CallClient
from connector.config import Config
from connector.errors import PermanentError
from connector.model import Catalog, Clock, utc_now
from connector.rulebook import RuleBook, load_rulebook

CATALOG_TTL = 300.0
CATALOG_MIN_AGE = 10.0


class _Session(requests.Session):
    """Never without a time-out, never through a redirect or a proxy of the environment."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", TIMEOUT)
        kwargs.setdefault("allow_redirects", False)
        return super().request(*args, **kwargs)


@dataclass(slots=True)
class Parts:
    """Everything a request or a job needs. Safe to share between threads."""

    config: Config
    engine: sa.Engine
    adapters: Mapping[str, Adapter]
    rules: RuleBook
    calls: CallClient
    call_api: CallApi | None = None
    clock: Clock = utc_now
    _catalogs: dict[str, tuple[float, Catalog]] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def adapter(self, connection: str) -> Adapter:
        """Raises PermanentError where the configuration has no such connection any more."""
        adapter = self.adapters.get(connection)
        if adapter is None:
            raise PermanentError(f'the connection "{connection}" is not in the configuration')
        return adapter

    def catalog(self, connection: str, *, fresh: bool = False) -> Catalog:
        """The connection's pipelines, five minutes old at most; `fresh`: ten seconds."""
        with self._lock:
            known = self._catalogs.get(connection)
            longest = CATALOG_MIN_AGE if fresh else CATALOG_TTL
            if known is None or time.monotonic() - known[0] > longest:
                known = (time.monotonic(), self.adapter(connection).catalog())
                self._catalogs[connection] = known
            return known[1]


def build_adapters(config: Config) -> dict[str, Adapter]:
    """One adapter for each connection."""
    session = _Session()
    session.trust_env = False
    return {
        name: find_adapter(settings.adapter)(name, settings, session)
        for name, settings in config.connections.items()
    }


def build(config: Config, engine: sa.Engine, *, clock: Clock = utc_now) -> Parts:
    """Join the parts. Raises ConfigError where a rule file has mistakes."""
    adapters = build_adapters(config)
    calls = CallClient(
        base_url=config.api_url,
        api_key=config.calls.api_key.get_secret_value(),
        agents=config.calls.agents,
        takes_expiry=config.call_api is not None,
        clock=clock,
    )
    call_api = CallApi(engine, config.call_api, clock=clock) if config.call_api is not None else None
    return Parts(
        config=config,
        engine=engine,
        adapters=adapters,
        rules=load_rulebook(config.rule_files, adapters),
        calls=calls,
        call_api=call_api,
        clock=clock,
    )
