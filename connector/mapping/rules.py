"""Loading a rule file: every mistake at once, each with its place in the file."""

import hashlib

from connector.errors import ConfigError
from connector.mapping.language import Call, Rule, RuleFile, When, schema
from connector.mapping.reading import Reader
from connector.mapping.source import read_yaml
from connector.mapping.vocabulary import Moment, Vocabulary
from connector.mapping.words import folded
from connector.mapping.write_back_keys import WriteBacks

__all__ = [
    "Call",
    "Moment",
    "Rule",
    "RuleFile",
    "Vocabulary",
    "When",
    "WriteBacks",
    "connection_of",
    "load_rules",
    "schema",
]


def load_rules(text: str | bytes, file: str, vocabulary: Vocabulary) -> RuleFile:
    """Load a rule file. Raises ConfigError with every mistake in it."""
    document, doubles = read_yaml(text, file)
    reader = Reader(document, vocabulary)
    try:
        rules = reader.run()
    except ConfigError as error:
        raise ConfigError([*doubles, *error.mistakes]) from None
    if doubles:
        raise ConfigError(doubles)
    digest = hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:16]
    return RuleFile(
        file,
        digest,
        connection=document.value["connection"],
        rules=rules,
        tables=reader.tables,
        language=document.value["version"],
        warnings=tuple(sorted(set(reader.warnings))),
    )


def connection_of(text: str | bytes, file: str) -> str:
    """Return which connection a rule file is for, before anything else in it is looked at."""
    document, _ = read_yaml(text, file)
    if not isinstance(document.value, dict):
        what = "is empty" if document.value is None else "is no rule file"
        raise ConfigError(
            [document.mistake((), f"{what}; it begins with `version: 1` and `connection: NAME`")]
        )
    name = document.value.get("connection")
    if isinstance(name, str) and name:
        return name
    spelt = next((key for key in document.value if key != "connection" and folded(key) == "connection"), None)
    if spelt is not None:
        raise ConfigError([document.mistake((spelt,), "is written connection, in small letters")])
    if isinstance(name, list):
        found = "is a list; a rule file is for one connection, and the same rules for another are a file of their own"
        raise ConfigError([document.mistake(("connection",), found)])
    found = "connection is missing; it names the CRM account that the rules are for"
    raise ConfigError([document.mistake(("connection",), found)])
