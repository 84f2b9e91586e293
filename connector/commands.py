"""What commands share: options, errors said in sentences, the database they work on, how rows are shown."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import sqlalchemy as sa

from connector.config import OWN_URL, Config, load_config, process_environment
from connector.database import create_engine, running_database
from connector.errors import ConfigError, ConnectorError, PermanentError
from connector.store import migrate
from connector.store.schema import is_current

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
