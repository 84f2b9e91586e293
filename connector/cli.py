"""The command `stagecall`: one verb, one function. Exit codes: 0 done, 1 it went wrong, 2 edit something first."""

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import click
import sqlalchemy as sa

from connector import __version__
from connector.config import OWN_URL, Config, load_config, process_environment
from connector.database import create_engine, running_database
from connector.errors import ConfigError, ConnectorError, PermanentError
from connector.log import configure_logging
from connector.model import DispatchState, utc_now
from connector.store import migrate

P = ParamSpec("P")
R = TypeVar("R")

_config = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("stagecall.yaml"),
    show_default=True,
)
_data = click.option(
    "--data", type=click.Path(path_type=Path), help="The data folder of the embedded PostgreSQL."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")


def _guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Say errors in sentences, never as tracebacks."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            count = len(error.mistakes)
            click.echo(str(error), err=True)
            click.echo(f"{count} mistake{'s' if count > 1 else ''}; nothing was started", err=True)
            sys.exit(2)
        except ConnectorError as error:
            click.echo(f"stagecall: {error}", err=True)
            sys.exit(1)

    return run


@click.group()
@click.version_option(__version__, prog_name="stagecall")
def main() -> None:
    """A deal enters a stage, a voice agent calls, the outcome stands on the deal."""
    logging.captureWarnings(True)


@main.command()
@_config
@_data
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--no-worker", is_flag=True, help="Only receive and answer; run `stagecall work` elsewhere.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the program that started it ends.")
@_guarded
def serve(
    config_file: Path, data: Path | None, host: str, port: int, no_worker: bool, with_parent: bool
) -> None:
    """Run receivers, Trigger Call API and worker until SIGTERM."""
    from connector import serve as serving

    configure_logging()
    if with_parent:
        serving.exit_with_parent(signal.SIGTERM)
    config = _load(config_file, data, serving.own_url(host, port))
    serving.serve(config, host=host, port=port, with_worker=not no_worker, say=click.echo)


@main.command()
@_config
@_data
@click.option("--own-url", default=OWN_URL, show_default=True, help="Where `stagecall serve` listens.")
@_guarded
def work(config_file: Path, data: Path | None, own_url: str) -> None:
    """Run a worker until SIGTERM; any number of them, on any machine."""
    from connector import serve as serving

    configure_logging()
    config = _load(config_file, data, own_url)
    served = process_environment().get("STAGECALL_SERVED_DATABASE")
    serving.work(config, database_url=served, say=click.echo)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@_guarded
def init(folder: Path) -> None:
    """Write a commented stagecall.yaml, its secrets and a first rule file."""
    from connector import first_files

    for line in first_files.write(folder):
        click.echo(line)


@main.command()
@_config
@click.option("--live", is_flag=True, help="Compare with the connected accounts and the call API as well.")
@click.argument("rule_files", nargs=-1, type=click.Path(path_type=Path))
@_guarded
def check(config_file: Path, live: bool, rule_files: tuple[Path, ...]) -> None:
    """Read every file (or only RULE_FILES), name every mistake."""
    from connector import checking

    for line in checking.check(config_file, rule_files, live=live, environment=process_environment()):
        click.echo(line)


@main.command()
@_config
@click.argument("rules", type=click.Path(path_type=Path))
@click.option("--delivery", required=True, type=click.Path(path_type=Path), help="A recorded delivery.")
@click.option("--record", type=click.Path(path_type=Path), help="The record's fields, as YAML.")
@_guarded
def preview(config_file: Path, rules: Path, delivery: Path, record: Path | None) -> None:
    """Show what RULES would make of a delivery; do nothing."""
    from connector import previewing

    environment = process_environment()
    for line in previewing.preview(config_file, rules, delivery, record, environment=environment):
        click.echo(line)


@main.command()
@_config
@click.argument("delivery", type=click.Path(path_type=Path))
@click.option("--connection", help="Sign and send it for this connection; default: the one in the file.")
@click.option("--to", "url", default=OWN_URL, show_default=True, help="Where the receiver listens.")
@_guarded
def send(config_file: Path, delivery: Path, connection: str | None, url: str) -> None:
    """Play a recorded delivery into a running receiver, signed anew."""
    from connector import playing

    config = _load(config_file, None, url)
    click.echo(playing.send(config, delivery, connection, url))


@main.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--rules", type=click.Path(path_type=Path), help="Another rule file than the example.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Another stagecall.yaml.")
@_data
@click.option("--keep", is_flag=True, help="Go on running afterwards, for looking around.")
@_guarded
def demo(port: int, rules: Path | None, config_file: Path | None, data: Path | None, keep: bool) -> None:
    """Show a deal's move become a call and come back, against a sandbox HubSpot."""
    from connector import demo as show

    show.run(port=port, rules=rules, config_file=config_file, data=data, keep=keep, say=click.echo)


@main.command()
@_config
@_data
@click.option("--state", type=click.Choice([each.value for each in DispatchState]), help="Only those.")
@click.option("--record", "record_id", help="Only those of the record with this id.")
@click.option("--limit", default=20, show_default=True)
@_json
@_guarded
def dispatches(
    config_file: Path,
    data: Path | None,
    state: str | None,
    record_id: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List calls placed and not placed, newest first, each with its reason."""
    from connector import listing

    with _database(config_file, data, existing=True) as (_, engine), engine.connect() as conn:
        found = listing.dispatches(conn, state=state, record_id=record_id, limit=limit)
        notes = listing.unread(conn, record_id if not found else None)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in [*listing.lines(found), *notes]:
        click.echo(line)


@main.command()
@_config
@_data
@click.argument("delivery_id")
@_guarded
def replay(config_file: Path, data: Path | None, delivery_id: str) -> None:
    """Read a kept or dead delivery again; calls that were placed are not placed again."""
    from connector import listing

    with _database(config_file, data, existing=True) as (_, engine), engine.begin() as conn:
        click.echo(listing.replay(conn, delivery_id))


@main.command()
@_config
@_data
@click.argument("dispatch_id", type=click.UUID)
@click.option("--called/--not-called", required=True, help="Was the call placed?")
@_guarded
def settle(config_file: Path, data: Path | None, dispatch_id: UUID, called: bool) -> None:
    """Say what became of an unknown dispatch, where neither the call API nor a call event can."""
    from connector import doubts
    from connector.parts import build

    with _database(config_file, data, existing=True) as (config, engine):
        click.echo(doubts.settle(build(config, engine), str(dispatch_id), called=called))


@main.group()
def keys() -> None:
    """API keys of our Trigger Call API."""


@keys.command("create")
@_config
@_data
@click.option("--name", required=True)
@_json
@_guarded
def create_key(config_file: Path, data: Path | None, name: str, as_json: bool) -> None:
    """Make a key; it is shown once."""
    from connector.call_api import keys as store

    with _database(config_file, data) as (_, engine), engine.begin() as conn:
        made = store.create_key(conn, name, now=utc_now())
    shown = {"id": made.id, "name": made.name, "key": made.key}
    click.echo(json.dumps(shown) if as_json else f"{made.key}\nThis is the only time the key is shown.")


@keys.command("list")
@_config
@_data
@_json
@_guarded
def list_keys(config_file: Path, data: Path | None, as_json: bool) -> None:
    """List keys by name and last four letters."""
    from connector.call_api import keys as store

    with _database(config_file, data) as (_, engine), engine.connect() as conn:
        _print([_shown(key) for key in store.list_keys(conn)], as_json)


@keys.command("revoke")
@_config
@_data
@click.option("--name", required=True)
@_guarded
def revoke_key(config_file: Path, data: Path | None, name: str) -> None:
    """End a key at once."""
    from connector.call_api import keys as store

    with _database(config_file, data) as (_, engine), engine.begin() as conn:
        store.revoke_key(conn, name, now=utc_now())
    click.echo(f"the key {name} is revoked")


@main.group()
def agents() -> None:
    """Voice agents of our Trigger Call API."""


@agents.command("create")
@_config
@_data
@click.option("--name", required=True)
@click.option("--phone-number", help="The number the agent calls from, +12025550100.")
@click.option("--default", "default", is_flag=True, help="Use it where a trigger names no agent.")
@_json
@_guarded
def create_agent(
    config_file: Path, data: Path | None, name: str, phone_number: str | None, default: bool, as_json: bool
) -> None:
    """Make an agent."""
    from connector.call_api import agents as store

    with _database(config_file, data) as (_, engine), engine.begin() as conn:
        made = store.create_agent(conn, name, phone_number, default=default, now=utc_now())
    _print([_shown(made)], as_json, single=True)


@agents.command("list")
@_config
@_data
@_json
@_guarded
def list_agents(config_file: Path, data: Path | None, as_json: bool) -> None:
    """List agents."""
    from connector.call_api import agents as store

    with _database(config_file, data) as (_, engine), engine.connect() as conn:
        _print([_shown(agent) for agent in store.list_agents(conn)], as_json)


def _load(config_file: Path, data: Path | None, own_url: str = OWN_URL) -> Config:
    return load_config(config_file, environment=process_environment(), own_url=own_url, data=data)


@contextmanager
def _database(
    config_file: Path, data: Path | None, *, existing: bool = False
) -> Iterator[tuple[Config, sa.Engine]]:
    """The configured database with our tables, running at least as long as the command.

    `existing`: only one that is there already; a fresh one has nothing to show.
    """
    config = _load(config_file, data)
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


def _shown(value: Any) -> dict[str, Any]:
    """A row of the store as JSON can say it."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(value).items()}


def _print(rows: list[dict[str, Any]], as_json: bool, *, single: bool = False) -> None:
    if as_json:
        click.echo(json.dumps(rows[0] if single else rows))
        return
    for row in rows:
        click.echo("  ".join(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
