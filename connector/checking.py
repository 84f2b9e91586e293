"""`stagecall check`: every mistake of every file, with file, line and column."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connector.adapter import Adapter, adapter_names, find_adapter
from connector.call_client import CallClient
from connector.config import Config, load_config
from connector.errors import ConfigError, Mistake, PermanentError, TemporaryError
from connector.mapping.evaluate import fields_needed
from connector.mapping.language import DEFAULT_AGENT
from connector.mapping.rules import RuleFile, connection_of, load_rules
from connector.mapping.words import closest
from connector.parts import build_adapters
from connector.record_files import check_is_no_record
from connector.rulebook import Account, RuleBook, load_file, load_rulebook, read_text, vocabulary

OFFLINE = "stages, pipelines, fields and agents were not compared with an account: check --live does that"


def check(
    config_file: Path, rule_files: Sequence[Path], *, live: bool, environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield a line for each file without a mistake; raises ConfigError with the mistakes of all others."""
    if rule_files and not live:
        yield from _check_rules(config_file, rule_files, environment)
        return
    if not config_file.exists():
        named = rule_files[0] if rule_files else "rules/mine.yaml"
        found = (
            f"is not here: it names the accounts. A rule file by itself is checked by `stagecall check {named}`;"
            " `stagecall init FOLDER` writes a first stagecall.yaml, --config names another"
        )
        raise ConfigError([Mistake(str(config_file), 0, 0, "", found)])
    config = load_config(config_file, environment=environment)
    adapters = build_adapters(config)
    accounts = _accounts(config, adapters) if live else {}
    _check_flags(config, accounts)
    book = load_rulebook(_expanded(rule_files) or config.rule_files, adapters, accounts)
    yield f"{config_file}: {_count(len(adapters), 'connection')}, no mistakes"
    for each in book.files:
        yield from _no_mistakes(Path(each.file), each.rules)
        yield from () if live else _unnamed_agents(config, each.file, each.rules)
    yield from _not_compared(accounts, adapters, book) if live else [OFFLINE]


@dataclass(frozen=True, slots=True)
class _Asked(Account):
    """What an account says, and why some of it could not be asked."""

    no_agents: str = ""
    no_fields: Mapping[str, str] = field(default_factory=dict)
    """By object."""


def _accounts(config: Config, adapters: Mapping[str, Adapter]) -> dict[str, _Asked]:
    agents, no_agents = None, ""
    key = config.calls.api_key.get_secret_value()
    try:
        agents = CallClient(config.api_url, key, config.calls.agents).agent_names()
    except (TemporaryError, PermanentError) as error:
        no_agents = str(error)
    accounts = {}
    for name, adapter in adapters.items():
        fields: dict[str, frozenset[str]] = {}
        no_fields: dict[str, str] = {}
        for each in adapter.objects:
            try:
                names = adapter.properties(each)
            except (TemporaryError, PermanentError) as error:
                no_fields[each] = str(error)
            else:
                fields |= {each: names} if names is not None else {}
        accounts[name] = _Asked(adapter.catalog(), fields or None, agents, no_agents, no_fields)
    return accounts


def _not_compared(
    accounts: Mapping[str, _Asked], adapters: Mapping[str, Adapter], book: RuleBook
) -> Iterator[str]:
    """A sentence for each thing that rules use and that could not be asked."""
    yield from dict.fromkeys(
        f"agents were not compared: {each.no_agents}; calls.api_url in stagecall.yaml says where it is"
        for each in accounts.values()
        if each.no_agents
    )
    for name, account in accounts.items():
        rules = [rule for file in book.of(name) for rule in file.rules]
        used = {*fields_needed(rules), *adapters[name].writable}
        for each, why in account.no_fields.items():
            if each in used:
                yield f"fields of {each} were not compared with {name}: {why}"


def _unnamed_agents(config: Config, file: str, rules: RuleFile) -> Iterator[str]:
    """Agents of rules that our own call API is not given: they are made by a command, or their names are misspelt."""
    if config.call_api is None or not config.call_api.agents:
        return
    known = {each.name for each in config.call_api.agents}
    for rule in rules.rules:
        for name in sorted(
            (rule.call.agent.constant_results if rule.call.agent else set()) - known - {DEFAULT_AGENT}
        ):
            yield (
                f'warning: {file} ("{rule.name}")  agent "{name}" is none of call_api.agents in {config.file}'
                f"{closest(name, known)}; one that was made by `stagecall agents` is found by check --live"
            )


def _check_flags(config: Config, accounts: Mapping[str, Account]) -> None:
    """Raises ConfigError where a connection's do_not_call names a field that its account lacks: it would forbid nothing."""
    mistakes = []
    for name, account in accounts.items():
        for flag in config.connections[name].do_not_call:
            object_name, _, key = flag.partition(".")
            known = (account.fields or {}).get(object_name)
            if known is not None and key not in known:
                found = f'"{key}" is not a property of {object_name}{closest(key, known)}'
                mistakes.append(Mistake(str(config.file), 0, 0, f"connections.{name}.do_not_call", found))
    if mistakes:
        raise ConfigError(mistakes)


def _expanded(files: Sequence[Path]) -> tuple[Path, ...]:
    """The files named; of a folder, every YAML file in it."""
    return tuple(
        each for file in files for each in (sorted(file.glob("*.yaml")) if file.is_dir() else [file])
    )


def _check_rules(
    config_file: Path, rule_files: Sequence[Path], environment: Mapping[str, str]
) -> Iterator[str]:
    """Rule files alone: against the connection's adapter where there is a configuration."""
    adapters: dict[str, Adapter] = {}
    if not config_file.exists():
        yield f"without a {config_file}, files are checked by themselves: the names of connections were not looked up"
    else:
        try:
            adapters = build_adapters(load_config(config_file, environment=environment, with_rules=False))
        except ConfigError as error:  # the rule files can be looked at all the same
            found = _count(len(error.mistakes), "mistake")
            yield (
                f"{config_file} was left aside: it has {found}, which `stagecall check` names;"
                " the rules are looked at without it"
            )
    mistakes: list[Mistake] = []
    for file in _expanded(rule_files):
        try:
            yield from _no_mistakes(file, load_rule_file(file, adapters, only_connected=True))
        except ConfigError as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    yield OFFLINE


def load_rule_file(file: Path, adapters: Mapping[str, Adapter], *, only_connected: bool = False) -> RuleFile:
    """Load one rule file by the words of its connection's adapter, else of the adapter that fits best.

    `only_connected`: where there are connections, one that is none of them is a mistake.
    """
    text = read_text(file)
    check_is_no_record(file, text)
    connection = connection_of(text, str(file))
    if connection in adapters or (adapters and only_connected):
        return load_file(str(file), text, adapters).rules
    spoken = {name: _spoken_of(find_adapter(name), name, text) for name in adapter_names()}
    likely = [name for name, count in spoken.items() if count == max(spoken.values())]
    failures: list[ConfigError] = []
    for name in likely:
        try:
            return load_rules(text, str(file), vocabulary(find_adapter(name)))
        except ConfigError as error:
            failures.append(error)
    raise min(failures, key=lambda each: len(each.mistakes))


def _spoken_of(adapter: type[Adapter], name: str, text: str) -> int:
    """How much a rule file speaks of a CRM: its name, its record, its own fields."""
    names = len(re.findall(rf"{re.escape(name)}|{re.escape(adapter.title)}", text, re.IGNORECASE))
    used = re.findall(r"\b([a-z]+)\.(\w+)", text)
    fields = sum(key in adapter.standard_fields.get(object_name, ()) for object_name, key in used)
    return 10 * names + 5 * len(re.findall(rf"\b{adapter.record}\b", text)) + fields


def _no_mistakes(file: Path, rules: RuleFile) -> Iterator[str]:
    yield f"{file}: {_count(len(rules.rules), 'rule')}, no mistakes"
    for each in rules.warnings:
        yield f"warning: {each}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
