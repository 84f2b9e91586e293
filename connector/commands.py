"""What commands share: options, errors said in sentences, the database they work on, how rows are shown."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, tzinfo
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import click
import sqlalchemy as sa

from connector.config import OWN_URL, Config, load_config, process_environment
from connector.database import create_engine, running_database
from connector.errors import ConfigError, ConnectorError, PermanentError
from connector.model import utc_now
from connector.policy.hours import meant_time
from connector.policy.zones import zone_of
from connector.store import migrate
from connector.store.schema import is_current

_EXAMPLE: Final = "2026-11-29T23:30"
_PLACE: Final = "America/New_York"
_BY_PLACE: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?)\s+(?![ap]\.?m\b)([A-Za-z].*)", re.IGNORECASE
)
"""A moment by the clock of a place: `2026-11-29 23:30 America/New_York`."""
_SAID: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ,]*(\d{1,2}(?:[:.]\d{2})?(?:\s*[ap]\.?m\.?)?|noon|midnight))?\s*([A-Za-z].*)?",
    re.IGNORECASE,
)
"""A day, the time and the place that somebody wrote beside it."""

P = ParamSpec("P")
R = TypeVar("R")

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("stagecall.yaml"),
    show_default=True,
)
data_option = click.option(
    "--data", type=click.Path(path_type=Path), help="The data folder of the embedded PostgreSQL."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Say errors in sentences, never as tracebacks."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            count = len(error.mistakes)
            click.echo(str(error), err=True)
            click.echo(f"{count} mistake{'s' if count > 1 else ''}; nothing was done", err=True)
            sys.exit(2)
        except ConnectorError as error:
            click.echo(f"stagecall: {error}", err=True)
            sys.exit(1)

    return run


def load(config_file: Path, data: Path | None, own_url: str = OWN_URL, *, with_rules: bool = True) -> Config:
    """The configuration in this file. Raises ConfigError with every mistake in it."""
    return load_config(
        config_file, environment=process_environment(), own_url=own_url, data=data, with_rules=with_rules
    )


def given_moment(text: str | None) -> datetime:
    """The moment that an option names, now without one; raises PermanentError for what is none.

    By which clock is said by an offset (`2026-11-29T23:30-05:00`, `Z`) or a place (`2026-11-29 23:30 America/New_York`).
    """
    if text is None:
        return utc_now()
    if by_place := _BY_PLACE.fullmatch(text):
        return _local(text, by_place[1]).replace(tzinfo=_zone(by_place[2]))
    moment = _local(text, text)
    if moment.tzinfo is None:
        raise PermanentError(f'"{text}" does not say by which clock; {moment_written(text)}')
    return moment


def _local(text: str, iso: str) -> datetime:
    """What the ISO part of an option's text means. Raises PermanentError."""
    try:
        return datetime.fromisoformat(iso)
    except ValueError as error:
        why = f" ({error})" if _SAID.match(text) and "isoformat" not in str(error) else ""
        raise PermanentError(f'"{text}" is not a moment{why}; {moment_written(text)}') from None


def moment_written(text: str) -> str:
    """Say how a moment is written: that of `2026-11-30 8pm` where one can tell, else an example."""
    said = _SAID.match(text)
    if said is None or not _is_a_day(said[1]):
        return f'write one like {_EXAMPLE}Z, by the clock of UTC, or "{_EXAMPLE.replace("T", " ")} {_PLACE}", by that of a place'
    day, time, place = said[1], meant_time(said[2] or "") or "09:00", said[3] or ""
    if "/" in place or place == "UTC":
        return f'write "{day} {time} {place}"'
    return f'write {day}T{time}Z, by the clock of UTC, or "{day} {time} {_PLACE}", by that of a place'


def _zone(name: str) -> tzinfo:
    try:
        return zone_of(name)
    except ValueError as error:
        raise PermanentError(str(error)) from None


def _is_a_day(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


@contextmanager
def database(
    config_file: Path, data: Path | None, *, existing: bool = False
) -> Iterator[tuple[Config, sa.Engine]]:
    """The configured database with our tables, running at least as long as the command.

    `existing`: only one that is there already; a fresh one has nothing to show.
    """
    config = load(config_file, data, with_rules=False)
    if existing and config.database_url is None and not list(config.data.glob("postgres-*")):
        raise PermanentError(
            f"there is no data in {config.data}; name the folder `stagecall serve` works on "
            "with --data or STAGECALL_DATA"
        )
    with running_database(config.database_url, config.data) as url:
        engine = create_engine(url, pool_size=1)
        try:
            migrate(engine)
            yield config, engine
        finally:
            engine.dispose()


@contextmanager
def reading(config_file: Path, data: Path | None) -> Iterator[sa.Connection | None]:
    """A connection that can read what is there, and nothing else; None where there is no database of this version."""
    try:
        config = load(config_file, data, with_rules=False) if config_file.exists() else None
    except ConfigError:  # who asks for more than this says so
        config = None
    if config is None:
        yield None
        return
    if config.database_url is None and not list(config.data.glob("postgres-*")):
        yield None
        return
    with running_database(config.database_url, config.data) as url:
        engine = create_engine(url, pool_size=1)
        try:
            with engine.connect() as conn:
                conn.execute(sa.text("SET TRANSACTION READ ONLY"))
                yield conn if is_current(conn) else None
        finally:
            engine.dispose()


def shown(value: Any) -> dict[str, Any]:
    """A row of the store as JSON can say it."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(value).items()}


def print_rows(rows: list[dict[str, Any]], as_json: bool, *, single: bool = False) -> None:
    """Rows for people, a line each, or as JSON; `single`: the one row there is, without a list around it."""
    if as_json:
        click.echo(json.dumps(rows[0] if single else rows))
        return
    for row in rows:
        click.echo("  ".join(f"{name}={_plain(value)}" for name, value in row.items()))


def _plain(value: Any) -> str:
    """For people: words of a list beside each other, and nothing where there is nothing."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return ",".join(str(each) for each in value)
    return "-" if value is None else str(value)
