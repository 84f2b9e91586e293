"""What the command line says of a slip: an option of another name, words without quotes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import click

from connector.moments import moment_written

_OPTIONS: Final = {
    **dict.fromkeys(
        ("--pipeline", "--deal", "--contact", "--opportunity", "--amount"),
        "it is said in the record file, as pipeline: Sales Pipeline",
    ),
    **dict.fromkeys(
        ("--date", "--time", "--when", "--now", "--on", "--moment"), "the moment is --at 2026-11-29T23:30Z"
    ),
    **dict.fromkeys(
        ("--source", "--by", "--import", "--imported"), "who brought the record is --changed-by import"
    ),
    **dict.fromkeys(("--crm", "--ghl", "--highlevel", "--hubspot"), "a CRM is named by --adapter ghl"),
    **dict.fromkeys(("--id", "--deal-id", "--record-id"), "a record of your CRM is --live ID"),
    **dict.fromkeys(
        ("--file", "--rule", "--rules", "--rule-file", "-f"), "a rule file is named without an option"
    ),
}
"""By an option that no command has."""

_WORDS: Final = "stagecall.words"
"""Under which a context keeps the words of its command line."""
_PREVIEWS: Final = frozenset({"--record", "--stage", "--at", "--delivery", "--entered", "--changed-by"})
_YAML: Final = (".yaml", ".yml")


class Verbs(click.Group):
    """The verbs of `stagecall`; a slip on their command line is said with what to write instead."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, and keep its words for what is said of a slip in them. Raises click.UsageError."""
        ctx.meta[_WORDS] = tuple(args)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb. Raises click.UsageError."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            said = _instead(error, ctx.meta.get(_WORDS, ()))
            if not said:
                raise
            found = error if isinstance(error, click.MissingParameter) else click.UsageError(error.message)
            message = f"{found.format_message().rstrip(' .')}; {said}"
            raise click.UsageError(message, ctx=error.ctx) from None


def _instead(error: click.UsageError, words: Sequence[str]) -> str:
    """What to write instead; nothing where click's own words will do."""
    verb = words[0] if words else ""
    if isinstance(error, click.NoSuchOption):
        if verb == "check" and error.option_name in _PREVIEWS:
            return "a record is shown by `stagecall preview RULES --record FILE`"
        return (
            ""
            if error.possibilities and len(error.possibilities) == 1
            else _OPTIONS.get(error.option_name, "")
        )
    if isinstance(error, click.MissingParameter):
        missing = error.param.name if error.param else ""
        return (
            "name the rule file: stagecall preview rules/mine.yaml --record ada.yaml"
            if missing == "rules"
            else ""
        )
    if "extra argument" in error.message:
        return _extra(words)
    return ""


def _extra(words: Sequence[str]) -> str:
    """What to say of words too many: they belong to the one before, or name a record without its option."""
    return "; ".join(filter(None, (_unquoted(words), _unnamed(words))))


def _unquoted(words: Sequence[str]) -> str:
    named = [number for number, word in enumerate(words) if word.startswith("--")]
    for start, end in pairwise([*named, len(words)]):
        given = [each for each in words[start + 1 : end] if not each.endswith(_YAML)]
        if len(given) > 1 and words[start] in ("--at", "--entered"):
            return f"a moment is one word, or stands in quotes: {moment_written(' '.join(given))}"
        if len(given) > 1:
            return f'several words stand in quotes: {words[start]} "{" ".join(given)}"'
    return ""


def _unnamed(words: Sequence[str]) -> str:
    files = [word for word in words[1:] if word.endswith(_YAML)]
    if words[0] != "preview" or len(files) < 2 or "--record" in words:
        return ""
    return f"a record is named with --record: stagecall preview {files[0]} --record {files[1]}"
