"""The commands `stagecall keys` and `stagecall agents`."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from connector.commands import config_option, data_option, database, guarded, json_option, print_rows, shown
from connector.errors import ConfigError, PermanentError
from connector.model import utc_now
from connector.near_files import not_read

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


_SETTINGS = (
    click.option("--phone-number", help="The number the agent calls from, +12025550100."),
    click.option("--carrier", help="Who places its calls; left out: as stagecall.yaml says."),
    click.option("--carrier-agent-id", help="The agent's id at its carrier."),
    click.option(
        "--variable",
        "variables",
        multiple=True,
        help="A prompt variable, VARIABLE=SOURCE; SOURCE is name, email or metadata.KEY. As often as you like.",
    ),
    click.option(
        "--calling-window",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A YAML or JSON file with hours, timezone and so on.",
    ),
    click.option("--outside", type=click.Choice(["queue", "reject"]), help="What to do outside the window."),
    click.option("--expires-after-seconds", type=int, help="A call still waiting after that is not placed."),
    click.option("--max-ring-seconds", type=int, help="5 to 300."),
    click.option("--max-talk-seconds", type=int, help="10 to 14400."),
    click.option("--default", is_flag=True, default=None, help="Use it where a trigger names no agent."),
)
_CLEARED: dict[str, Any] = {
    "phone_number": None,
    "carrier": None,
    "carrier_agent_id": None,
    "variables": {},
    "calling_window": None,
    "expires_after_seconds": None,
    "max_ring_seconds": None,
    "max_talk_seconds": None,
}
_agent_argument = click.argument("agent", metavar="NAME_OR_ID")


def _settings(command: Any) -> Any:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


@agents.command("create")
@config_option
@data_option
@click.option("--name", required=True)
@_settings
@json_option
@guarded
def create_agent(config_file: Path, data: Path | None, as_json: bool, **given: Any) -> None:
    """Make an agent."""
    from connector.call_api import agents as store
    from connector.call_api.models.agents import NewAgent

    fields = _checked(NewAgent, given)
    with database(config_file, data) as (_, engine), engine.begin() as conn:
        made = store.create_agent(conn, fields, now=utc_now())
    _print_agents([made], as_json, single=True)


@agents.command("list")
@config_option
@data_option
@click.option("--archived", is_flag=True, help="Those that are archived, instead of those that are not.")
@json_option
@guarded
def list_agents(config_file: Path, data: Path | None, archived: bool, as_json: bool) -> None:
    """List agents by name."""
    from connector.call_api import agents as store

    with database(config_file, data) as (_, engine), engine.connect() as conn:
        found = store.list_agents(conn, archived=archived)
    _print_agents(found, as_json)


@agents.command("change")
@config_option
@data_option
@_agent_argument
@click.option("--name", help="Its new name.")
@_settings
@click.option("--clear", multiple=True, type=click.Choice(list(_CLEARED)), help="Have it no longer.")
@json_option
@guarded
def change_agent(
    config_file: Path, data: Path | None, agent: str, clear: tuple[str, ...], as_json: bool, **given: Any
) -> None:
    """Change what is named; the rest stays as it is."""
    from connector.call_api.models.agents import AgentChange

    fields = {**{name: _CLEARED[name] for name in clear}, **_checked(AgentChange, given)}
    _change(config_file, data, agent, fields, as_json)


@agents.command("archive")
@config_option
@data_option
@_agent_argument
@click.option("--undo", is_flag=True, help="Bring it back; it is named by its id.")
@json_option
@guarded
def archive_agent(config_file: Path, data: Path | None, agent: str, undo: bool, as_json: bool) -> None:
    """Put an agent away: no trigger may name it, its calls stay."""
    _change(config_file, data, agent, {"archived": not undo}, as_json)


@agents.command("default")
@config_option
@data_option
@_agent_argument
@json_option
@guarded
def default_agent(config_file: Path, data: Path | None, agent: str, as_json: bool) -> None:
    """Use an agent where a trigger names none."""
    _change(config_file, data, agent, {"default": True}, as_json)


def _change(config_file: Path, data: Path | None, agent: str, fields: Any, as_json: bool) -> None:
    from connector.call_api import agents as store

    with database(config_file, data) as (_, engine), engine.begin() as conn:
        known = store.find_by_name(conn, agent) or store.get_agent(conn, agent)
        if known is None:
            names = ", ".join(each.name for each in store.list_agents(conn)) or "none yet"
            raise PermanentError(f'"{agent}" is not the name or id of an agent; there are: {names}')
        changed = store.change_agent(conn, known.id, fields, now=utc_now())
    _print_agents([changed], as_json, single=True)


def _checked(model: Any, given: dict[str, Any]) -> Any:
    """The settings that were given, as the API would take them. Raises PermanentError for the first wrong one."""

    from pydantic import ValidationError

    from connector.call_api.carriers import carrier_names
    from connector.call_api.wrong import own_sentence, wrong_fields

    fields = {name: value for name, value in given.items() if value not in (None, ())}
    if "variables" in fields:
        fields["variables"] = dict(_variable(text) for text in fields["variables"])
    if "calling_window" in fields:
        fields["calling_window"] = _window(fields["calling_window"])
    if fields.get("carrier", carrier_names()[0]) not in carrier_names():
        raise PermanentError(
            f'"{fields["carrier"]}" is not a carrier; there are: {", ".join(carrier_names())}'
        )
    try:
        checked = model.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        sentence = own_sentence(error)
        raise PermanentError(
            ": ".join(sentence) if sentence else " must be ".join(wrong_fields(error)[0])
        ) from None
    return checked.model_dump(include=checked.model_fields_set)


def _variable(text: str) -> tuple[str, str]:
    name, equals, source = text.partition("=")
    if not equals:
        raise PermanentError(f'"{text}" is not a variable; write first_name=name or product=metadata.product')
    return name, source


def _window(file: Path) -> Any:
    """The calling window in a file. Raises ConfigError with every mistake, each with its position."""
    from pydantic import ValidationError

    from connector.call_api.models.windows import CallingWindowSettings
    from connector.mapping.source import load_yaml

    try:
        text = file.read_bytes()
    except OSError as error:
        raise PermanentError(f"{file} {not_read(file, error)}") from None
    document = load_yaml(text, str(file))
    try:
        return CallingWindowSettings.model_validate(document.value).model_dump()
    except ValidationError as error:
        words = {"missing": "is missing", "extra_forbidden": "is not a setting"}
        raise ConfigError(
            document.mistake(
                each["loc"], words.get(each["type"], str(each["msg"]).removeprefix("Value error, "))
            )
            for each in error.errors(include_url=False, include_input=False)
        ) from None


def _print_agents(found: Any, as_json: bool, *, single: bool = False) -> None:
    """For people without what is not set; JSON as the API has it."""
    from connector.call_api.agents import agent_answer

    rows = [agent_answer(agent) for agent in found]
    if not as_json:
        empty: tuple[Any, ...] = (None, False, {})
        rows = [{name: value for name, value in row.items() if value not in empty} for row in rows]
    print_rows(rows, as_json, single=single)
