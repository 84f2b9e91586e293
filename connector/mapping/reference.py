"""The reference of the rule language as Markdown, made of the declarations that files are checked by."""

import json
from collections.abc import Iterator
from typing import Any

from connector.mapping.dates import CODES
from connector.mapping.filters import FILTERS
from connector.mapping.keys import NO_DEFAULT, OTHERS, Key, Section, sections_of
from connector.mapping.language import RuleFile
from connector.mapping.vocabulary import CALL_FIELDS, EVENT_FIELDS
from connector.model import Source

_ABOUT_SOURCES = {
    Source.PERSON: "by hand, one record",
    Source.BULK_EDIT: "by hand, many records at once",
    Source.IMPORT: "by an import",
    Source.INTEGRATION: "by another program, through the CRM's API",
    Source.WORKFLOW: "by the CRM's own automation",
    Source.UNKNOWN: "the CRM does not say, or in a word that is not listed for it",
}


def markdown() -> str:
    """Return the whole reference."""
    blocks = [
        "# Rule files",
        "Every key of a rule file. The same is at /rules.schema.json for editors; `stagecall check` reads a file by it.",
    ]
    (_, whole), *parts = sections_of(RuleFile, "The file")
    for section in (whole, *(part for _, part in parts)):
        blocks += list(_section(section))
    blocks += _words()
    return "\n\n".join(blocks) + "\n"


def _section(section: Section) -> Iterator[str]:
    name = section.name if section.name == "The file" else f"`{section.name}`"
    yield f"## {name}"
    yield section.about
    for word, key in section.keys.items():
        yield _key(word, key)


def _key(word: str, key: Key) -> str:
    state = "required" if key.required else _default(key)
    spelt = "any other key" if word == OTHERS else f"`{word}`"
    lines = [f"### {spelt}: {key.title} ({state})", key.about]
    examples = "\n".join(_yaml("deal" if word == OTHERS else word, each) for each in key.examples)
    return "\n\n".join([*lines, f"```yaml\n{examples}\n```"])


def _default(key: Key) -> str:
    if key.default is NO_DEFAULT or key.default in ("", {}):
        return "may be left out"
    return f"left out: {json.dumps(key.default) if not isinstance(key.default, str) else key.default}"


def _yaml(word: str, example: Any) -> str:
    """An example as it stands in a file: flow style, which is JSON with fewer quotes."""
    return f"{word}: {_flow(example)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(key))}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """Without quotes where it is text without them, too."""
    plain = text.replace(" ", "").replace("_", "").replace("-", "")
    is_text = plain.isalnum() and not plain[0].isdigit() and text not in ("true", "false", "null")
    return text if is_text else json.dumps(text, ensure_ascii=False)


def _words() -> list[str]:
    return [
        "## Fields beside those of the CRM",
        _table(
            ("begins with", "fields", "known"),
            [
                ("`event.`", ", ".join(sorted(EVENT_FIELDS)), "everywhere"),
                ("`call.`", ", ".join(sorted(CALL_FIELDS)), "in `write_back`"),
                ("`reason`", "a text", "in `write_back.failed`, `.skipped` and `.held`"),
            ],
        ),
        "## Who changed a record",
        _table(("word", "means"), [(f"`{each.value}`", about) for each, about in _ABOUT_SOURCES.items()]),
        "## Filters",
        _table(("filter", "gives"), [(f"`{each.usage}`", each.about) for each in FILTERS.values()]),
        "## Codes of the filter date",
        _table(("code", "gives"), [(f"`%{code}`", about) for code, (_, about) in CODES.items()]),
    ]


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(each.replace("|", "\\|") for each in line) + " |" for line in lines)
