"""The commands `stagecall keys` and `stagecall agents`."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from connector.commands import config_option, data_option, database, guarded, json_option, print_rows, shown
from connector.model import utc_now

_name_option = click.option("--name", required=True, help="As `stagecall keys list` shows it.")


@click.group()
def keys() -> None:
    """API keys of our Trigger Call API."""


@keys.command("create")
@config_option
@data_option
@click.option("--name", required=True, help="What it is for: my-script, zapier.")
@click.option(
    "--scopes",
    default="trigger,read",
    show_default=True,
    help="What it may do: trigger calls, read them, admin for changing agents.",
)
@click.option("--expires", help="90d, 12h, 2w, or a date (2027-03-31: when it begins, UTC). Left out: never.")
@json_option
@guarded
def create_key(
    config_file: Path, data: Path | None, name: str, scopes: str, expires: str | None, as_json: bool
) -> None:
    """Make a key; it is shown once."""
    from connector.call_api import keys as store

    now = utc_now()
    allowed = store.read_scopes(scopes.split(","))
    expires_at = store.read_expiry(expires, now) if expires is not None else None
    with database(config_file, data) as (_, engine), engine.begin() as conn:
        made = store.create_key(conn, name, scopes=allowed, expires_at=expires_at, now=now)
    if as_json:
        click.echo(json.dumps(shown(made)))
        return
    until = f"until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at is not None else "until it is revoked"
    click.echo(f"{made.key}\nThis is the only time the key is shown.")
    click.echo(f"It may {', '.join(made.scopes)}, {until}.")


@keys.command("list")
@config_option
@data_option
@json_option
@guarded
def list_keys(config_file: Path, data: Path | None, as_json: bool) -> None:
    """List keys, newest first, by name and last four letters."""
    from connector.call_api import keys as store

    now = utc_now()
    with database(config_file, data) as (_, engine), engine.connect() as conn:
        found = store.list_keys(conn)
    print_rows([_key_shown(key, now) for key in found], as_json)


@keys.command("revoke")
@config_option
@data_option
@_name_option
@json_option
@guarded
def revoke_key(config_file: Path, data: Path | None, name: str, as_json: bool) -> None:
    """End a key at once and for good."""
    from connector.call_api import keys as store

    now = utc_now()
    with database(config_file, data) as (_, engine), engine.begin() as conn:
        key = store.revoke_key(conn, name, now=now)
    _say(key, now, f"the key {name} is revoked", as_json)


@keys.command("disable")
@config_option
@data_option
@_name_option
@json_option
@guarded
def disable_key(config_file: Path, data: Path | None, name: str, as_json: bool) -> None:
    """Switch a key off at once; `enable` brings it back."""
    _switch(config_file, data, name, as_json, enabled=False)


@keys.command("enable")
@config_option
@data_option
@_name_option
@json_option
@guarded
def enable_key(config_file: Path, data: Path | None, name: str, as_json: bool) -> None:
    """Switch a key on again."""
    _switch(config_file, data, name, as_json, enabled=True)


def _switch(config_file: Path, data: Path | None, name: str, as_json: bool, *, enabled: bool) -> None:
    from connector.call_api import keys as store

    with database(config_file, data) as (_, engine), engine.begin() as conn:
        key = store.set_access(conn, name, enabled=enabled)
    word = "works again" if enabled else "is switched off; `stagecall keys enable` brings it back"
    _say(key, utc_now(), f"the key {name} {word}", as_json)


def _say(key: Any, now: datetime, sentence: str, as_json: bool) -> None:
    if as_json:
        print_rows([_key_shown(key, now)], as_json, single=True)
    else:
        click.echo(sentence)


def _key_shown(key: Any, now: datetime) -> dict[str, Any]:
    return {"name": key.name, "state": key.state(now), **shown(key)}


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
        made = store.create_agent(
            conn, {"name": name, "phone_number": phone_number, "default": default}, now=utc_now()
        )
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
