"""The rules in force, by connection, and the older versions that dispatches still run under."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from connector.adapter import Adapter, ConnectionSettings
from connector.errors import ConfigError, Mistake, PermanentError
from connector.mapping.rules import Rule, RuleFile, Vocabulary, connection_of, load_rules
from connector.mapping.source import read_yaml
from connector.mapping.words import closest
from connector.model import Catalog
from connector.near_files import not_read
from connector.store import rule_versions
from connector.store.rule_versions import RuleVersion

NOT_UTF8: Final = (
    "is not UTF-8 text: save it with the encoding UTF-8, which editors offer when you save a file"
)


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a connected account; None where it was not asked, or cannot say."""

    catalog: Catalog | None = None
    fields: Mapping[str, frozenset[str]] | None = None
    agents: frozenset[str] | None = None


def vocabulary(adapter: Adapter | type[Adapter], account: Account | None = None) -> Vocabulary:
    """The words that rules for this adapter may use; all that there are, where the account was asked."""
    account = account or Account()
    return Vocabulary(
        objects=adapter.objects,
        writable=adapter.writable,
        stage_field=adapter.stage_field,
        sources=adapter.sources,
        read_only=adapter.read_only,
        usual_words=adapter.usual_words,
        moves_stage=adapter.moves_stage,
        tags_on=adapter.tags_on,
        notes_on=adapter.notes_on,
        calls_on=adapter.calls_on,
        instead=adapter.instead,
        standard_fields=account.fields or adapter.standard_fields,
        complete_fields=account.fields is not None,
        catalog=account.catalog,
        agents=account.agents,
        tells_previous_stage=adapter.tells_previous_stage,
        crm=adapter.title,
        default_region=_default_region(adapter),
    )


def _default_region(adapter: Adapter | type[Adapter]) -> str:
    """The connection's; without a connection what a connection has that does not say."""
    if isinstance(adapter, Adapter):
        return adapter.settings.default_region
    return str(ConnectionSettings.model_fields["default_region"].default)


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A rule file with the text it was made from."""

    file: str
    text: str
    rules: RuleFile


@dataclass(slots=True)
class RuleBook:
    """Every rule file of the configuration; immutable but for a cache of older versions."""

    files: tuple[LoadedFile, ...]
    adapters: Mapping[str, Adapter]
    _older: dict[str, RuleFile] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def of(self, connection: str) -> tuple[RuleFile, ...]:
        """The rule files of a connection, in order."""
        return tuple(each.rules for each in self.files if each.rules.connection == connection)

    def in_force(self, connection: str, name: str) -> tuple[Rule, str] | None:
        """The rule of that name with the version of its file; None where no file in force has it."""
        for rule_file in self.of(connection):
            for rule in rule_file.rules:
                if rule.name == name:
                    return rule, rule_file.version
        return None

    def remember(self, conn: sa.Connection, at: datetime) -> None:
        """Keep the text of every file in force."""
        for each in self.files:
            version = RuleVersion(each.rules.version, each.rules.connection, each.file, each.text)
            rule_versions.remember(conn, version, at)

    def rule(self, conn: sa.Connection, version: str, name: str) -> Rule:
        """The rule as it was in that version; raises PermanentError where it is not to be had."""
        rule_file = self._version(conn, version)
        for rule in rule_file.rules:
            if rule.name == name:
                return rule
        raise PermanentError(f'the rule "{name}" is not in the version it ran under')

    def _version(self, conn: sa.Connection, version: str) -> RuleFile:
        for each in self.files:
            if each.rules.version == version:
                return each.rules
        with self._lock:
            if version not in self._older:
                self._older[version] = self._load_older(conn, version)
            return self._older[version]

    def _load_older(self, conn: sa.Connection, version: str) -> RuleFile:
        kept = rule_versions.get(conn, version)
        adapter = self.adapters.get(kept.connection) if kept else None
        if kept is None or adapter is None:
            raise PermanentError("the rules this ran under are not kept")
        try:
            return load_rules(kept.text, kept.file, vocabulary(adapter))
        except ConfigError as error:  # written for an older Stagecall
            raise PermanentError(f"the rules this ran under cannot be read any more: {error}") from None


def load_rulebook(
    files: tuple[Path, ...],
    adapters: Mapping[str, Adapter],
    accounts: Mapping[str, Account] | None = None,
) -> RuleBook:
    """Load every file; raises ConfigError with the mistakes of all of them."""
    mistakes: list[Mistake] = []
    loaded: list[LoadedFile] = []
    for file in files:
        try:
            loaded.append(load_file(str(file), read_text(file), adapters, accounts))
        except ConfigError as error:
            mistakes.extend(error.mistakes)
    mistakes.extend(repeated(loaded))
    if mistakes:
        raise ConfigError(mistakes)
    return RuleBook(tuple(loaded), adapters)


def read_text(file: Path) -> str:
    """The text of a rule file; raises ConfigError where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError([Mistake(str(file), 0, 0, "", NOT_UTF8)]) from None
    except OSError as error:
        raise ConfigError([Mistake(str(file), 0, 0, "", not_read(file, error))]) from None


def load_file(
    file: str,
    text: str,
    adapters: Mapping[str, Adapter],
    accounts: Mapping[str, Account] | None = None,
) -> LoadedFile:
    """The rules in `text`; raises ConfigError with every mistake in it."""
    name = connection_of(text, file)
    if name not in adapters:
        found = f'"{name}" is not a connection of stagecall.yaml{closest(name, adapters)}'
        raise ConfigError([read_yaml(text, file)[0].mistake(("connection",), found)])
    words = vocabulary(adapters[name], (accounts or {}).get(name))
    return LoadedFile(file, text, load_rules(text, file, words))


def repeated(files: Sequence[LoadedFile]) -> list[Mistake]:
    """Two files of one connection must not have a rule of one name: the name is what a call is once for."""
    seen: dict[tuple[str, str], str] = {}
    mistakes = []
    for each in files:
        document, _ = read_yaml(each.text, each.file)
        for number, rule in enumerate(each.rules.rules):
            key, path = (each.rules.connection, rule.name), ("rules", number, "name")
            if key in seen:
                found = f'"{rule.name}" is the name of a rule in {seen[key]} too; a rule\'s name is unique'
                mistakes.append(document.mistake(path, found))
            seen.setdefault(key, f"{each.file}:{document.position(path)[0]}")
    return mistakes
