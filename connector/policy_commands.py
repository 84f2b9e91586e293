"""The commands that keep calls from people: `stagecall optouts ...`, `pause`, `resume`, `pauses`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from connector import jobs, opting_out
from connector.adapter import find_adapter
from connector.commands import config_option, data_option, database, guarded, json_option
from connector.config import Config
from connector.errors import ConfigError, PermanentError
from connector.mapping.words import closest, folded
from connector.model import RecordRef, utc_now
from connector.near_files import not_read
from connector.policy.numbers import not_a_region, region_of
from connector.store import let_go, opt_outs, pauses
from connector.store.opt_outs import KeptOptOut, Whom
from connector.store.pauses import Scope


@click.group()
def optouts() -> None:
    """Numbers and records that must not be called."""


_number = click.argument("number", required=False)
_record = click.option("--record", help='A record instead of a number: "deal 9001".')
_connection = click.option(
    "--connection", help="The connection of the record; needed where there are several."
)
_region = click.option("--region", help="Country (two letters) of numbers written without a country code.")


@optouts.command("add")
@config_option
@data_option
@_number
@_record
@_connection
@_region
@click.option(
    "--reason", default="told to the operator", show_default=True, help="Where the wish comes from."
)
@json_option
@guarded
def add(
    config_file: Path,
    data: Path | None,
    number: str | None,
    record: str | None,
    connection: str | None,
    region: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Put NUMBER (or a record) on the opt-out list: at once, for every process."""
    with database(config_file, data) as (config, engine), engine.begin() as conn:
        whom = _whom(config, number, record, connection, region)
        added = opting_out.opt_out(conn, [whom], source="person", reason=reason, at=utc_now())
        under_way = let_go.under_way(conn, whom.phone_number) if whom.phone_number else 0
    if as_json:
        click.echo(json.dumps({"whom": str(whom), "added": bool(added), "calls_under_way": under_way}))
        return
    state = "is on the opt-out list now" if added else "was on the opt-out list already"
    also = f"; {under_way} call to it is under way and was not stopped" if under_way else ""
    click.echo(f"{whom} {state}{also}")


@optouts.command("remove")
@config_option
@data_option
@_number
@_record
@_connection
@_region
@guarded
def remove(
    config_file: Path,
    data: Path | None,
    number: str | None,
    record: str | None,
    connection: str | None,
    region: str | None,
) -> None:
    """Take NUMBER (or a record) off the list; it may be called again."""
    with database(config_file, data, existing=True) as (config, engine), engine.begin() as conn:
        whom = _whom(config, number, record, connection, region)
        if not opt_outs.remove(conn, whom, utc_now()):
            raise PermanentError(f"{whom} is not on the opt-out list")
    click.echo(f"{whom} is off the opt-out list and may be called again")


@optouts.command("list")
@config_option
@data_option
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@json_option
@guarded
def list_(config_file: Path, data: Path | None, limit: int, as_json: bool) -> None:
    """Show the list, the newest first."""
    with database(config_file, data, existing=True) as (_, engine), engine.connect() as conn:
        rows = opt_outs.listed(conn, limit)
        count = opt_outs.count(conn)
    if as_json:
        click.echo(json.dumps([_shown(each) for each in rows], indent=2))
        return
    for each in rows:
        click.echo(f"{each.since:%Y-%m-%d %H:%M} UTC  {each.whom}  ({each.source}: {each.reason})")
    click.echo(f"{count} on the opt-out list" + (f", the newest {limit} shown" if count > limit else ""))


@optouts.command("import")
@config_option
@data_option
@click.argument("file", type=click.Path(path_type=Path))
@_region
@click.option("--reason", help="Where the wishes come from; default: the file's name.")
@json_option
@guarded
def import_(
    config_file: Path, data: Path | None, file: Path, region: str | None, reason: str | None, as_json: bool
) -> None:
    """Put every number of FILE on the list: a plain list, or CSV. Exit code 1 if a line holds no number."""
    found = opting_out.read_numbers(_text(file), _country(region))
    with database(config_file, data) as (_, engine), engine.begin() as conn:
        whom = [Whom(number) for number in found.numbers]
        why = reason or f"imported from {file.name}"
        added = opting_out.opt_out(conn, whom, source="import", reason=why, at=utc_now())
    known = len(found.numbers) - len(added)
    if as_json:
        bad = [{"line": line, "found": words} for line, words in found.bad_lines]
        click.echo(json.dumps({"added": len(added), "known": known, "bad_lines": bad}, indent=2))
    else:
        click.echo(f"{len(added)} added, {known} on the list already, {len(found.bad_lines)} not read")
        for line, words in found.bad_lines:
            click.echo(f"{file}:{line}  {words}", err=True)
    if found.bad_lines:
        sys.exit(1)


_rule = click.option("--rule", help="Only the calls of this rule.")
_of = click.option("--connection", help="Only the calls of this connection.")


@click.command()
@config_option
@data_option
@_rule
@_of
@click.option("--reason", default="", help="Why; shown with every call that waits.")
@guarded
def pause(
    config_file: Path, data: Path | None, rule: str | None, connection: str | None, reason: str
) -> None:
    """Let no calls go, from now on, in every process; what is due waits, and nothing is lost."""
    with database(config_file, data) as (config, engine), engine.begin() as conn:
        scope = _scope(conn, config, rule, connection)
        done = pauses.pause(conn, scope, reason, utc_now())
    click.echo(
        f"{scope} {'is paused now' if done else 'was paused already'}; `stagecall resume{_options(scope)}` ends it"
    )


@click.command()
@config_option
@data_option
@_rule
@_of
@guarded
def resume(config_file: Path, data: Path | None, rule: str | None, connection: str | None) -> None:
    """End a pause: name what was named when it began."""
    with database(config_file, data, existing=True) as (_, engine), engine.begin() as conn:
        now = utc_now()
        wanted = Scope(connection or "", rule or "")
        known = {str(each.scope): each.scope for each in pauses.in_force(conn)}
        scope = next((each for name, each in known.items() if folded(name) == folded(str(wanted))), wanted)
        if not pauses.resume(conn, scope, now):
            commands = (f"{name} (`stagecall resume{_options(each)}`)" for name, each in known.items())
            there = f"; paused: {'; '.join(commands)}" if known else "; nothing is"
            raise PermanentError(f"{wanted} is not paused{there}")
        count = let_go.look_again_paused(conn, now)
        jobs.nudge(conn, "pace")
    click.echo(f"{scope} goes on; {count} waiting call{'' if count == 1 else 's'} judged again")


def _options(scope: Scope) -> str:
    """The options that name a pause again."""
    rule = f' --rule "{scope.rule}"' if scope.rule else ""
    return rule + (f" --connection {scope.connection}" if scope.connection else "")


@click.command("pauses")
@config_option
@data_option
@json_option
@guarded
def list_pauses(config_file: Path, data: Path | None, as_json: bool) -> None:
    """Show what is paused."""
    with database(config_file, data, existing=True) as (_, engine), engine.connect() as conn:
        rows = pauses.in_force(conn)
    if as_json:
        found = [
            {
                "connection": each.scope.connection or None,
                "rule": each.scope.rule or None,
                "since": each.since.isoformat(),
                "reason": each.reason,
            }
            for each in rows
        ]
        click.echo(json.dumps(found, indent=2))
        return
    for each in rows:
        why = f": {each.reason}" if each.reason else ""
        click.echo(f"{each.scope} is paused since {each.since:%Y-%m-%d %H:%M} UTC{why}")
    if not rows:
        click.echo("nothing is paused")


def _whom(
    config: Config, number: str | None, record: str | None, connection: str | None, region: str | None
) -> Whom:
    if (number is None) == (record is None):
        raise PermanentError('name a number, or a record with --record "deal 9001"')
    if number is not None:
        return Whom(opting_out.e164(number, _country(region)))
    type_, _, id_ = str(record).strip().partition(" ")
    if not type_ or not id_.strip():
        raise PermanentError(f'"{record}" is not a record; write its type and id: "deal 9001"')
    name = _of_config(config, connection)
    return Whom(None, name, RecordRef(_record_type(type_, name, config), id_.strip()))


def _record_type(word: str, connection: str, config: Config) -> str:
    """The CRM's own word for a record that a call can be about; anything else would spare nobody."""
    crm = find_adapter(config.connections[connection].adapter)
    possible = [each for each in crm.objects if not crm.standard_fields or each in crm.standard_fields]
    for each in possible:
        if folded(each) == folded(word):
            return each
    raise PermanentError(f'"{word}" is not a record of {connection}{closest(word, possible)}')


def _of_config(config: Config, connection: str | None) -> str:
    names = list(config.connections)
    if connection is None and len(names) == 1:
        return names[0]
    if connection not in names:
        found = f'"{connection}" is not a connection' if connection else "name the record's connection"
        raise PermanentError(f"{found}{closest(connection or '', names)}")
    return connection


def _country(region: str | None) -> str | None:
    if region is None:
        return None
    found = region_of(region)
    if found is None:
        raise PermanentError(not_a_region(region))
    return found


def _scope(conn: sa.Connection, config: Config, rule: str | None, connection: str | None) -> Scope:
    """What is meant; a name that nothing has would pause nothing, so it is a mistake."""
    where = _of_config(config, connection) if connection is not None else ""
    if rule is None:
        return Scope(where)
    names = {folded(name): name for name in [*_rule_names(config, where), *let_go.rules_waiting(conn)]}
    if folded(rule) not in names:
        raise PermanentError(f'"{rule}" is not a rule{closest(rule, names.values())}')
    return Scope(where, names[folded(rule)])


def _rule_names(config: Config, connection: str) -> list[str]:
    """The rules in force; none where a file has mistakes: pausing must work then too."""
    from connector.parts import build_adapters
    from connector.rulebook import load_rulebook

    try:
        book = load_rulebook(config.rule_files, build_adapters(config))
    except ConfigError:
        return []
    wanted = [connection] if connection else list(config.connections)
    return [rule.name for each in wanted for rule_file in book.of(each) for rule in rule_file.rules]


def _shown(each: KeptOptOut) -> Mapping[str, Any]:
    return {
        "phone_number": each.whom.phone_number,
        "connection": each.whom.connection,
        "record": str(each.whom.record) if each.whom.record else None,
        "since": each.since.isoformat(),
        "source": each.source,
        "reason": each.reason,
    }


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PermanentError(f"{file} is not UTF-8 text; save it as CSV UTF-8") from None
    except OSError as error:
        raise PermanentError(f"{file} {not_read(file, error)}") from None
