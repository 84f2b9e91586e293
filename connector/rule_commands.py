"""The commands of `stagecall rules`: the rule language as people and editors read it."""

import json

import click


@click.group()
def rules() -> None:
    """The rule language."""


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
