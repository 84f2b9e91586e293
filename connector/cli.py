"""The command `stagecall`: one verb, one function. Exit codes: 0 done, 1 it went wrong, 2 edit something first."""

import json
import logging
import signal
from pathlib import Path
from uuid import UUID

import click

from connector import __version__, call_api_commands, policy_commands, rule_commands
from connector.commands import (
    config_option,
    data_option,
    database,
    guarded,
    json_option,
    load,
    reading,
)
from connector.config import OWN_URL, process_environment
from connector.log import configure_logging
from connector.model import DispatchState, Source
from connector.moments import given_moment
from connector.usage import Verbs


@click.group(cls=Verbs)
@click.version_option(__version__, prog_name="stagecall")
def main() -> None:
    """A deal enters a stage, a voice agent calls, the outcome stands on the deal."""
    logging.captureWarnings(True)


@main.command()
@config_option
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--no-worker", is_flag=True, help="Only receive and answer; run `stagecall work` elsewhere.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the program that started it ends.")
@guarded
def serve(
    config_file: Path, data: Path | None, host: str, port: int, no_worker: bool, with_parent: bool
) -> None:
    """Run receivers, Trigger Call API and worker until SIGTERM."""
    from connector import serve as serving

    configure_logging()
    if with_parent:
        serving.exit_with_parent(signal.SIGTERM)
    config = load(config_file, data, serving.own_url(host, port))
    serving.serve(config, host=host, port=port, with_worker=not no_worker, say=click.echo)


@main.command()
@config_option
@data_option
@click.option("--own-url", default=OWN_URL, show_default=True, help="Where `stagecall serve` listens.")
@guarded
def work(config_file: Path, data: Path | None, own_url: str) -> None:
    """Run a worker until SIGTERM; any number of them, on any machine."""
    from connector import serve as serving

    configure_logging()
    config = load(config_file, data, own_url)
    served = process_environment().get("STAGECALL_SERVED_DATABASE")
    serving.work(config, database_url=served, say=click.echo)


@main.command()
@click.option("--adapter", help="Which CRM's files: hubspot (if left out), ghl (HighLevel).")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@guarded
def init(folder: Path, adapter: str | None) -> None:
    """Write a commented stagecall.yaml, its secrets and a first rule file."""
    from connector import first_files

    for line in first_files.write(folder, adapter or first_files.USUAL):
        click.echo(line)


@main.command()
@config_option
@click.option("--live", is_flag=True, help="Compare with the connected accounts and the call API as well.")
@click.argument("rule_files", nargs=-1, type=click.Path(path_type=Path))
@guarded
def check(config_file: Path, live: bool, rule_files: tuple[Path, ...]) -> None:
    """Read every file (or only RULE_FILES), name every mistake."""
    from connector import checking

    for line in checking.check(config_file, rule_files, live=live, environment=process_environment()):
        click.echo(line)


@main.command()
@config_option
@data_option
@click.argument("rules", type=click.Path(path_type=Path))
@click.option("--live", metavar="ID", help="A record of your CRM, as if it had just entered its stage.")
@click.option("--record", type=click.Path(path_type=Path), help="A record made up in YAML.")
@click.option(
    "--stage", metavar="LABEL", help="With --live or --record: as if it had entered this stage instead."
)
@click.option(
    "--delivery", type=click.Path(path_type=Path), help="A recorded delivery; --record gives its fields."
)
@click.option(
    "--changed-by",
    type=click.Choice([each.value for each in Source]),
    help="With --live or --record: who is taken to have brought it there.",
)
@click.option(
    "--at",
    help="The moment it is judged for, as '2026-11-29 23:30 America/New_York' or …T23:30-05:00; default: now.",
)
@click.option("--entered", help="When the stage is entered, if not at that moment.")
@json_option
@guarded
def preview(
    config_file: Path,
    data: Path | None,
    rules: Path,
    live: str | None,
    record: Path | None,
    stage: str | None,
    delivery: Path | None,
    changed_by: str | None,
    at: str | None,
    entered: str | None,
    as_json: bool,
) -> None:
    """Show what RULES would make of a record or a delivery, and why; do nothing."""
    from connector import previewing

    if live is not None and (record or delivery):
        raise click.UsageError("--live reads a record of your CRM; leave out --record and --delivery")
    if stage is not None and (delivery or not (live or record)):
        raise click.UsageError(
            "--stage goes with --live or --record; a delivery says itself which stage was entered"
        )
    if changed_by is not None and delivery:
        raise click.UsageError("--changed-by goes with --live or --record; a delivery says itself who it was")
    by = Source(changed_by) if changed_by else None
    moment = given_moment(at)
    entered_at = given_moment(entered) if entered else moment
    question = previewing.Question(rules, moment, entered_at, delivery, record, live, stage, by)
    environment = process_environment()
    with reading(config_file, data) as conn:
        found = previewing.preview(config_file, question, environment=environment, conn=conn)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in previewing.lines(found):
        click.echo(line)


@main.command()
@config_option
@data_option
@click.argument("dispatch")
@json_option
@guarded
def explain(config_file: Path, data: Path | None, dispatch: str, as_json: bool) -> None:
    """Say why somebody was called or not: DISPATCH is an id of `stagecall dispatches`, or its beginning."""
    from connector import explanation, listing

    with database(config_file, data, existing=True) as (_, engine), engine.connect() as conn:
        found = explanation.explained(listing.find(conn, dispatch))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in explanation.about(found):
        click.echo(line)


@main.command()
@config_option
@click.argument("delivery", type=click.Path(path_type=Path))
@click.option("--connection", help="Sign and send it for this connection; default: the one in the file.")
@click.option("--to", "url", default=OWN_URL, show_default=True, help="Where the receiver listens.")
@guarded
def send(config_file: Path, delivery: Path, connection: str | None, url: str) -> None:
    """Play a recorded delivery into a running receiver, signed anew."""
    from connector import playing

    config = load(config_file, None, url)
    click.echo(playing.send(config, delivery, connection, url))


@main.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--rules", type=click.Path(path_type=Path), help="Another rule file than the example.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Another stagecall.yaml.")
@data_option
@click.option("--keep", is_flag=True, help="Go on running afterwards, for looking around.")
@guarded
def demo(port: int, rules: Path | None, config_file: Path | None, data: Path | None, keep: bool) -> None:
    """Show a deal's move become a call and come back, against a sandbox HubSpot."""
    from connector import demo as show

    show.run(port=port, rules=rules, config_file=config_file, data=data, keep=keep, say=click.echo)


@main.command()
@config_option
@data_option
@click.option("--state", type=click.Choice([each.value for each in DispatchState]), help="Only those.")
@click.option("--record", "record_id", help="Only those of the record with this id.")
@click.option("--limit", default=20, show_default=True)
@json_option
@guarded
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

    with database(config_file, data, existing=True) as (_, engine), engine.connect() as conn:
        found = listing.dispatches(conn, state=state, record_id=record_id, limit=limit)
        notes = listing.unread(conn, record_id if not found else None)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in [*listing.lines(found), *notes]:
        click.echo(line)


@main.command()
@config_option
@data_option
@click.argument("delivery_id")
@guarded
def replay(config_file: Path, data: Path | None, delivery_id: str) -> None:
    """Read a kept or dead delivery again; calls that were placed are not placed again."""
    from connector import listing

    with database(config_file, data, existing=True) as (_, engine), engine.begin() as conn:
        click.echo(listing.replay(conn, delivery_id))


@main.command()
@config_option
@data_option
@click.argument("dispatch_id", type=click.UUID)
@click.option("--called/--not-called", required=True, help="Was the call placed?")
@guarded
def settle(config_file: Path, data: Path | None, dispatch_id: UUID, called: bool) -> None:
    """Say what became of an unknown dispatch, where neither the call API nor a call event can."""
    from connector import doubts
    from connector.parts import build

    with database(config_file, data, existing=True) as (config, engine):
        click.echo(doubts.settle(build(config, engine), str(dispatch_id), called=called))


@main.command()
@config_option
@data_option
@json_option
@guarded
def status(config_file: Path, data: Path | None, as_json: bool) -> None:
    """Say which rules are in force, what waits, and what needs a person."""
    from connector import status as told

    with database(config_file, data, existing=True) as (_, engine), engine.connect() as conn:
        found = told.status(conn)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in told.lines(found):
        click.echo(line)


main.add_command(rule_commands.rules)
main.add_command(call_api_commands.keys)
main.add_command(call_api_commands.agents)
for each in (
    policy_commands.optouts,
    policy_commands.pause,
    policy_commands.resume,
    policy_commands.list_pauses,
):
    main.add_command(each)


if __name__ == "__main__":
    main()
