"""stagecall.yaml and the environment, read once, every mistake at once, into frozen values.

Texts may hold `${NAME}`: a variable of the environment, or of the file `stagecall.env` beside the
configuration (the environment wins). Nothing else in the house reads the environment.
"""

import difflib
import glob
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)

from connector.adapter import Adapter, ConnectionSettings, adapter_names, find_adapter
from connector.call_api.settings import CallApiSettings, KeySettings, OwnReceiver
from connector.database import default_data_folder
from connector.errors import ConfigError, Mistake, PermanentError
from connector.mapping.source import Document, load_yaml
from connector.policy.numbers import not_a_region, region_of

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
Model = TypeVar("Model", bound=BaseModel)
OWN_URL = "http://127.0.0.1:8080"


def _url(text: str) -> str:
    """Checked, and kept letter for letter: a signature may cover it."""
    TypeAdapter(AnyHttpUrl).validate_python(text)
    return text.rstrip("/")


Url = Annotated[str, AfterValidator(_url)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CallsSettings(_Strict):
    """The Trigger Call API that the connector uses."""

    api_url: Url | None = None
    """Where it is, without /api/v1; left out: our own server in this program. With several machines, the
    address at which every one of them reaches `stagecall serve`."""
    api_key: SecretStr = Field(min_length=1)
    webhook_secret: SecretStr = Field(min_length=1)
    """Call events are signed with it."""
    max_per_minute: int | None = Field(default=100, ge=1)
    """Trigger requests a minute over all processes; null: no limit."""
    agents: dict[str, str] = Field(default_factory=dict)
    """Names of agents and their UUIDs, for an API that cannot list them."""


class StagecallFile(_Strict):
    """The shape of stagecall.yaml."""

    version: Literal[1] = 1
    public_url: Url | None = None
    """How the CRM reaches this program from outside, also behind a proxy: signatures cover it."""
    data: Path | None = None
    connections: dict[str, dict[str, Any]] = Field(default_factory=dict)
    rules: list[str] = Field(default_factory=list)
    calls: CallsSettings | None = None
    call_api: CallApiSettings | None = None
    """Our own Trigger Call API; the only section of a program that is nothing else."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the program runs with."""

    file: Path
    data: Path
    database_url: str | None
    public_url: str
    connections: Mapping[str, ConnectionSettings]
    rule_files: tuple[Path, ...]
    rule_patterns: tuple[str, ...]
    """Where rule files are looked for, also those that come later."""
    calls: CallsSettings
    api_url: str
    """Base of the Trigger Call API the connector calls, without a slash at the end."""
    call_api: CallApiSettings | None = field(default=None)


def load_config(
    file: Path,
    *,
    environment: Mapping[str, str],
    own_url: str = OWN_URL,
    data: Path | None = None,
    with_rules: bool = True,
) -> Config:
    """Read stagecall.yaml; `own_url` is where this program listens, `data` wins over the file's.

    Without `with_rules` a rule file may be missing: people are spared and looked for all the same.

    Raises ConfigError with every mistake found.
    """
    document = load_yaml(_text(file), str(file))
    variables = {**_env_file(file), **environment}
    mistakes: list[Mistake] = []
    value = _filled(document, document.value, (), variables, mistakes)
    parsed = _validated(StagecallFile, value, document, (), mistakes)
    connections = _connections(document, value, mistakes)
    if parsed is None:
        raise ConfigError(mistakes)
    missing: list[Mistake] = []
    rule_files = _rule_files(document, file, parsed.rules, missing)
    mistakes += missing if with_rules else []
    mistakes += _incomplete(document, parsed)
    if mistakes:
        raise ConfigError(mistakes)
    calls = parsed.calls or _no_calls()
    config = Config(
        file=file,
        data=(data or _data_folder(parsed, file, variables)).absolute(),
        database_url=variables.get("STAGECALL_DATABASE_URL") or None,
        public_url=parsed.public_url or own_url,
        connections=connections,
        rule_files=rule_files,
        calls=calls,
        api_url=calls.api_url or own_url,
        rule_patterns=tuple(parsed.rules),
        call_api=parsed.call_api,
    )
    if parsed.calls is None or (parsed.call_api is None and calls.api_url is not None):
        return config
    return _joined(config, document, config.api_url)


def _incomplete(document: Document, parsed: StagecallFile) -> list[Mistake]:
    """The connector needs three sections; a file with `call_api` alone runs the Trigger Call API and no connector."""
    given = {"connections": parsed.connections, "rules": parsed.rules, "calls": parsed.calls}
    missing = [name for name, section in given.items() if not section]
    if not missing or (len(missing) == len(given) and parsed.call_api is not None):
        return []
    if len(missing) == len(given):
        found = "nothing to run: write `connections`, `rules` and `calls`, or `call_api` alone, or all four"
        return [document.mistake((), found)]
    whole = "`stagecall init` in an empty folder writes a whole one"
    return [document.mistake((name,), f"is missing; write {_SECTIONS[name]}; {whole}") for name in missing]


_SECTIONS: Final = {
    "connections": "connections: {sales-hubspot: {adapter: hubspot, ...}}",
    "rules": "rules: [rules/*.yaml]",
    "calls": "calls: {api_key: ${STAGECALL_API_KEY}, webhook_secret: ${STAGECALL_WEBHOOK_SECRET}}",
}
"""How a section is written that is missing."""


def _no_calls() -> CallsSettings:
    """Without connections nothing is called or heard of by the connector: a key and a secret nobody knows."""
    unknown = SecretStr(secrets.token_urlsafe(32))
    return CallsSettings(api_key=unknown, webhook_secret=unknown)


def _joined(config: Config, document: Document, own_url: str) -> Config:
    """Connector and call API in one program: the same key, and call events straight back to us."""
    if config.call_api is None:
        found = (
            "name the Trigger Call API under `api_url`, or write `call_api: {}` beside `calls` to run our own"
        )
        raise ConfigError([document.mistake(("calls",), found)])
    calls = config.calls
    own = config.call_api
    hook = f"{own_url.rstrip('/')}/hooks/calls/"
    try:
        key = KeySettings(name="connector", key=calls.api_key)
        hooks = [
            OwnReceiver(url=hook + name, secret=calls.webhook_secret, name=f"connector: {name}")
            for name in config.connections
        ]
    except ValidationError as error:
        setting = {"key": "api_key", "secret": "webhook_secret"}
        raise ConfigError(
            document.mistake(("calls", setting[str(each["loc"][0])]), _found(each, CallsSettings))
            for each in error.errors(include_url=False, include_input=False)
        ) from None
    update = {"keys": (*own.keys, key), "webhooks": (*own.webhooks, *hooks)}
    return replace(config, call_api=own.model_copy(update=update))


def _text(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        found = f"cannot be read ({error.strerror}); `stagecall init FOLDER` writes a first one, --config names another"
        raise ConfigError([Mistake(str(file), 0, 0, "", found)]) from None


def _env_file(file: Path) -> dict[str, str]:
    values = dotenv_values(file.with_name("stagecall.env"))
    return {name: value for name, value in values.items() if value is not None}


def _data_folder(parsed: StagecallFile, file: Path, variables: Mapping[str, str]) -> Path:
    if parsed.data is not None:
        return file.parent / parsed.data.expanduser()
    named = variables.get("STAGECALL_DATA")
    return Path(named) if named else default_data_folder()


def _filled(
    document: Document,
    value: Any,
    path: tuple[str | int, ...],
    variables: Mapping[str, str],
    mistakes: list[Mistake],
) -> Any:
    """The value with every `${NAME}` replaced."""
    if isinstance(value, dict):
        return {k: _filled(document, v, (*path, k), variables, mistakes) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(document, v, (*path, i), variables, mistakes) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if not variables.get(name):
            state = "is empty" if name in variables else "is not set"
            found = f"the environment variable {name} {state}; set it, or write it into stagecall.env"
            mistakes.append(document.mistake(path, found))
    return _VARIABLE.sub(lambda match: variables.get(match[1], ""), value)


def _validated(
    model: type[Model],
    value: Any,
    document: Document,
    path: tuple[str | int, ...],
    mistakes: list[Mistake],
) -> Model | None:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        known = {(m.line, m.column) for m in mistakes}
        for detail in error.errors(include_url=False, include_input=False):
            mistake = document.mistake((*path, *detail["loc"]), _found(detail, model))
            if (mistake.line, mistake.column) not in known or detail["type"] == "missing":
                mistakes.append(mistake)
        return None


def _found(detail: Mapping[str, Any], model: type[BaseModel]) -> str:
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "extra_forbidden":
        possible = _fields_at(model, detail["loc"][:-1])
        near = difflib.get_close_matches(str(detail["loc"][-1]), possible, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; possible: {', '.join(sorted(possible))}"
        return f"is not a setting{hint}"
    return str(detail["msg"]).removeprefix("Value error, ")


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The settings of the model found by walking from `model` along `location`."""
    for step in location:
        found = model.model_fields.get(str(step))
        inner = [found.annotation, *getattr(found.annotation, "__args__", ())] if found else []
        nested = [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
        if nested:
            model = nested[0]
    return list(model.model_fields)


def _connections(document: Document, value: Any, mistakes: list[Mistake]) -> dict[str, ConnectionSettings]:
    section = value.get("connections") if isinstance(value, dict) else None
    found: dict[str, ConnectionSettings] = {}
    for name, settings in (section if isinstance(section, dict) else {}).items():
        path = ("connections", name)
        if not _NAME.fullmatch(str(name)):
            mistakes.append(
                document.mistake(path, "a connection's name has small letters, digits and hyphens")
            )
        elif isinstance(settings, dict):
            one = _connection(document, path, settings, mistakes)
            if one is not None:
                found[name] = one
    return found


def _connection(
    document: Document, path: tuple[str, str], settings: dict[str, Any], mistakes: list[Mistake]
) -> ConnectionSettings | None:
    try:
        adapter = find_adapter(str(settings.get("adapter")))
    except PermanentError as error:
        missing = "adapter" not in settings
        found = f"is missing; there are: {', '.join(adapter_names())}" if missing else str(error)
        mistakes.append(document.mistake((*path, "adapter"), found))
        return None
    validated = _validated(adapter.Settings, settings, document, path, mistakes)
    if validated is not None:
        mistakes.extend(_policy_mistakes(validated, adapter, document, path))
    return validated


def _policy_mistakes(
    settings: ConnectionSettings, adapter: type[Adapter], document: Document, path: tuple[str, str]
) -> Iterator[Mistake]:
    """Countries that are none, and fields that no record can have: both would be settings without effect."""
    for number, code in enumerate(settings.countries or ()):
        if region_of(code) != code:
            meant = region_of(code)
            found = f'"{code}" is not a country; did you mean {meant}?' if meant else not_a_region(code)
            yield document.mistake((*path, "countries", number), found)
    for number, name in enumerate(settings.do_not_call):
        object_name, dot, key = name.partition(".")
        if object_name not in adapter.objects or not dot or not key:
            known = next(iter(adapter.do_not_call), f"{adapter.record}.do_not_call")
            found = f'"{name}" is not a field; write it as rules do: {known.partition(".")[0]}.do_not_call'
            yield document.mistake((*path, "do_not_call", number), found)


def _rule_files(
    document: Document, file: Path, patterns: Sequence[str], mistakes: list[Mistake]
) -> tuple[Path, ...]:
    found: dict[Path, None] = {}
    for index, pattern in enumerate(patterns):
        matches = find_rule_files(file, pattern)
        if not matches:
            mistakes.append(document.mistake(("rules", index), f'no file is found by "{pattern}"'))
        found.update(dict.fromkeys(matches))
    return tuple(found)


def find_rule_files(file: Path, pattern: str) -> list[Path]:
    """The files that a pattern under `rules` of this stagecall.yaml finds now, by name."""
    return [Path(match) for match in sorted(glob.glob(str(file.parent / pattern)))]


def process_environment() -> dict[str, str]:
    """The one place where the environment is read."""
    return dict(os.environ)
