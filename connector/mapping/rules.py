"""A rule file as frozen values, and loading it: every mistake at once, each with its place in the file."""

import hashlib
from dataclasses import dataclass

from connector.errors import ConfigError
from connector.mapping.reading import Call, Rule, When, read_rules
from connector.mapping.shape import schema
from connector.mapping.source import load_yaml
from connector.mapping.vocabulary import Moment, Vocabulary

__all__ = [
    "Call",
    "Moment",
    "Rule",
    "RuleFile",
    "Vocabulary",
    "When",
    "connection_of",
    "load_rules",
    "schema",
]


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The rules of one file, in its order."""

    file: str
    connection: str
    version: str
    """What the file says, as a digest: the same text has the same version."""
    rules: tuple[Rule, ...]


def load_rules(text: str | bytes, file: str, vocabulary: Vocabulary) -> RuleFile:
    """Load a rule file. Raises ConfigError with every mistake in it."""
    document = load_yaml(text, file)
    rules = read_rules(document, vocabulary)
    version = hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:16]
    return RuleFile(file, document.value["connection"], version, rules)


def connection_of(text: str | bytes, file: str) -> str:
    """Return which connection a rule file is for, before anything else in it is looked at."""
    document = load_yaml(text, file)
    name = document.value.get("connection") if isinstance(document.value, dict) else None
    if not isinstance(name, str) or not name:
        found = "connection is missing; it names the CRM account that the rules are for"
        raise ConfigError([document.mistake(("connection",), found)])
    return name
