"""The commands `stagecall keys` and `stagecall agents`."""

import json
from pathlib import Path

import click

from connector.commands import (
    config_option,
    data_option,
    database,
    guarded,
    json_option,
    print_rows,
    shown,
)
from connector.model import utc_now


@click.group()
def keys() -> None:
    """API keys of our Trigger Call API."""


@keys.command("create")
@config_option
@data_option
@click.option("--name", required=True)
@json_option
@guarded
def create_key(config_file: Path, data: Path | None, name: str, as_json: bool) -> None:
    """Make a key; it is shown once."""
    from connector.call_api import keys as store

    with database(config_file, data) as (_, engine), engine.begin() as conn:
        made = store.create_key(conn, name, now=utc_now())
    once = {"id": made.id, "name": made.name, "key": made.key}
    click.echo(json.dumps(once) if as_json else f"{made.key}\nThis is the only time the key is shown.")


@keys.command("list")
@config_option
@data_option
@json_option
@guarded
def list_keys(config_file: Path, data: Path | None, as_json: bool) -> None:
    """List keys by name and last four letters."""
    from connector.call_api import keys as store

    with database(config_file, data) as (_, engine), engine.connect() as conn:
        print_rows([shown(key) for key in store.list_keys(conn)], as_json)


@keys.command("revoke")
@config_option
@data_option
@click.option("--name", required=True)
@guarded
def revoke_key(config_file: Path, data: Path | None, name: str) -> None:
    """End a key at once."""
    from connector.call_api import keys as store

    with database(config_file, data) as (_, engine), engine.begin() as conn:
        store.revoke_key(conn, name, now=utc_now())
    click.echo(f"the key {name} is revoked")


@click.group()
def agents() -> None:
    """Voice agents of our Trigger Call API."""


@agents.command("create")
@config_option
@data_option
@click.option("--name", required=True)
@click.option("--phone-number", help="The number the agent calls from, +12025550100.")
@click.option("--default", "default", is_flag=True, help="Use it where a trigger names no agent.")
@json_option
@guarded
def create_agent(
    config_file: Path, data: Path | None, name: str, phone_number: str | None, default: bool, as_json: bool
) -> None:
    """Make an agent."""
    from connector.call_api import agents as store

    with database(config_file, data) as (_, engine), engine.begin() as conn:
        made = store.create_agent(conn, name, phone_number, default=default, now=utc_now())
    print_rows([shown(made)], as_json, single=True)


@agents.command("list")
@config_option
@data_option
@json_option
@guarded
def list_agents(config_file: Path, data: Path | None, as_json: bool) -> None:
    """List agents."""
    from connector.call_api import agents as store

    with database(config_file, data) as (_, engine), engine.connect() as conn:
        print_rows([shown(agent) for agent in store.list_agents(conn)], as_json)
