"""The commands of `stagecall rules`: the rule language, and the versions of rule files."""

import json
from pathlib import Path

import click

from connector.commands import config_option, data_option, database, guarded
from connector.config import Config


@click.group()
def rules() -> None:
    """The rule language, and the versions of rule files."""


@rules.command("docs")
def docs() -> None:
    """Print the reference: every key, filter and word of a rule file, as Markdown."""
    from connector.mapping import reference

    click.echo(reference.markdown(), nl=False)


@rules.command("schema")
def schema() -> None:
    """Print the JSON Schema of rule files; `stagecall serve` has it at /rules.schema.json."""
    from connector.mapping import language

    click.echo(json.dumps(language.schema(), indent=2, ensure_ascii=False))


_FILE = click.Path(path_type=Path, dir_okay=False)


@rules.command("history")
@config_option
@data_option
@click.argument("file", type=_FILE, required=False)
@guarded
def history(config_file: Path, data: Path | None, file: Path | None) -> None:
    """List what came in force and when, newest first."""
    from connector import rule_history

    with database(config_file, data, existing=True) as (config, engine), engine.connect() as conn:
        for line in rule_history.lines(rule_history.history(conn, _known(config, file))):
            click.echo(line)


@rules.command("diff")
@config_option
@data_option
@click.argument("file", type=_FILE)
@click.argument("old", required=False)
@click.argument("new", required=False)
@guarded
def diff(config_file: Path, data: Path | None, file: Path, old: str | None, new: str | None) -> None:
    """Show what changed: from version OLD (else the one before) to NEW (else the one in force)."""
    from connector import rule_history

    with database(config_file, data, existing=True) as (config, engine), engine.connect() as conn:
        for line in rule_history.diff(conn, _known(config, file) or file, old, new):
            click.echo(line)


@rules.command("rollback")
@config_option
@data_option
@click.argument("file", type=_FILE)
@click.argument("version", required=False)
@guarded
def rollback(config_file: Path, data: Path | None, file: Path, version: str | None) -> None:
    """Write an older VERSION (else the one before) back into FILE; what runs takes it within two seconds."""
    from connector import rule_history
    from connector.parts import build_adapters

    with database(config_file, data, existing=True) as (config, engine), engine.connect() as conn:
        known = _known(config, file) or file
        target, saved = rule_history.roll_back(conn, known, version, build_adapters(config))
    click.echo(f"{known} is again what it was at {target.at:%Y-%m-%d %H:%M:%S} UTC ({target.version[:12]})")
    if saved is not None:
        click.echo(f"its text until now was never in force; it is kept in {saved}")


def _known(config: Config, file: Path | None) -> Path | None:
    """The file under the name that stagecall.yaml gives it, however it was written here."""
    if file is None:
        return None
    same = [each for each in config.rule_files if each.resolve() == file.resolve()]
    return same[0] if same else file
