"""stagecall.yaml: every mistake at once, in sentences, with its place; no secret in any of them."""

import re
from pathlib import Path

import pytest

from connector import first_files
from connector.config import Config, load_config
from connector.errors import ConfigError, PermanentError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = "bvai_sk_0123456789abcdef0123"
GOOD = f"""\
version: 1
public_url: https://calls.example.com/
connections:
  sales-hubspot:
    adapter: hubspot
    access_token: ${{TOKEN}}
    client_secret: [new, old]
rules: [rules/*.yaml]
calls:
  api_key: {KEY}
  webhook_secret: {SECRET}
call_api: {{}}
"""


def _load(folder: Path, text: str, **environment: str) -> Config:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "first.yaml").write_text("version: 1\n")
    (folder / "stagecall.yaml").write_text(text)
    return load_config(folder / "stagecall.yaml", environment=environment, own_url="http://127.0.0.1:9000")


def _mistakes(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text, **environment)
    return [str(mistake).replace(f"{folder}/", "") for mistake in caught.value.mistakes]


def test_a_good_file_becomes_frozen_values(tmp_path: Path) -> None:
    config = _load(tmp_path, GOOD, TOKEN="pat-na1-x", STAGECALL_DATABASE_URL="postgresql://db/x")
    assert config.public_url == "https://calls.example.com"
    assert config.database_url == "postgresql://db/x"
    assert config.api_url == "http://127.0.0.1:9000"
    assert config.rule_files == (tmp_path / "rules" / "first.yaml",)
    assert config.call_api is not None
    assert [hook.url for hook in config.call_api.webhooks] == [
        "http://127.0.0.1:9000/hooks/calls/sales-hubspot"
    ]
    assert [key.name for key in config.call_api.keys] == ["connector"]


def test_addresses_are_kept_letter_for_letter(tmp_path: Path) -> None:
    """HubSpot signs the address as it was typed; 80 must not vanish, nor capitals."""
    text = GOOD.replace("https://calls.example.com/", "http://Calls.example.com:80")
    assert _load(tmp_path, text, TOKEN="pat-na1-x").public_url == "http://Calls.example.com:80"


def test_several_machines_reach_our_own_call_api_at_one_address(tmp_path: Path) -> None:
    text = GOOD.replace("calls:\n", "calls:\n  api_url: http://10.0.0.5:8080\n")
    config = _load(tmp_path, text, TOKEN="pat-na1-x")
    assert config.api_url == "http://10.0.0.5:8080"
    assert config.call_api is not None
    assert config.call_api.webhooks[0].url == "http://10.0.0.5:8080/hooks/calls/sales-hubspot"


def test_another_call_api_gets_none_of_our_own_wiring(tmp_path: Path) -> None:
    text = GOOD.replace("call_api: {}\n", "").replace(
        "calls:\n", "calls:\n  api_url: https://api.example.com/\n"
    )
    config = _load(tmp_path, text, TOKEN="pat-na1-x")
    assert config.api_url == "https://api.example.com"
    assert config.call_api is None


def test_every_mistake_is_named_at_once_with_its_place(tmp_path: Path) -> None:
    text = GOOD.replace("client_secret: [new, old]", "client_secrt: x").replace(
        "rules/*.yaml", "rulez/*.yaml"
    )
    found = _mistakes(tmp_path, text + "pulic_url: x\n")
    assert found == [
        "stagecall.yaml:4:3  connections.sales-hubspot.client_secret  is missing",
        "stagecall.yaml:6:5  connections.sales-hubspot.access_token  the environment variable TOKEN is not "
        "set; set it, or write it into stagecall.env",
        "stagecall.yaml:7:5  connections.sales-hubspot.client_secrt  is not a setting; did you mean "
        "`client_secret`?",
        "stagecall.yaml:13:1  pulic_url  is not a setting; did you mean `public_url`?",
    ]


def test_an_empty_variable_is_a_mistake_too(tmp_path: Path) -> None:
    (found,) = _mistakes(tmp_path, GOOD, TOKEN="")
    assert "TOKEN is empty" in found


def test_the_env_file_fills_in_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "stagecall.env").write_text("TOKEN=from-file\nOTHER=x\n")
    assert "from-file" in _secrets(_load(tmp_path, GOOD))
    assert "from-environment" in _secrets(_load(tmp_path, GOOD, TOKEN="from-environment"))


def _secrets(config: Config) -> str:
    return str(config.connections["sales-hubspot"].model_dump()["access_token"].get_secret_value())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("[new, old]", "[pat-na1-x]"), "is an access token"),
        (("adapter: hubspot", "adapter: hubsot"), '"hubsot" is not an adapter'),
        (("call_api: {}\n", ""), "name the Trigger Call API under `api_url`"),
        ((SECRET, "whsec_short"), "calls.webhook_secret  must be whsec_"),
        ((KEY, "sk_x"), "calls.api_key  must be bvai_sk_"),
        (("sales-hubspot:", "Sales HubSpot:"), "small letters, digits and hyphens"),
        (("rules/*.yaml", "none/*.yaml"), 'no file is found by "none/*.yaml"'),
        (("version: 1", "version: 2"), "version"),
    ],
)
def test_a_mistake_says_what_to_do(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    found = _mistakes(tmp_path, GOOD.replace(*change), TOKEN="pat-na1-x")
    assert any(expected in each for each in found), found


def test_no_secret_is_repeated_in_a_mistake(tmp_path: Path) -> None:
    text = GOOD.replace(SECRET, "whsec_hunter2hunter2").replace(KEY, "hunter2")
    assert "hunter2" not in "\n".join(_mistakes(tmp_path, text, TOKEN="pat-na1-x"))


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stagecall init"):
        load_config(tmp_path / "stagecall.yaml", environment={})


def test_init_writes_files_that_need_only_hubspots_secrets(tmp_path: Path) -> None:
    said = list(first_files.write(tmp_path / "new"))
    file = tmp_path / "new" / "stagecall.yaml"
    assert "stagecall check" in said[-1]
    assert (tmp_path / "new" / "stagecall.env").stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="HUBSPOT_ACCESS_TOKEN is empty"):
        load_config(file, environment={})
    config = load_config(file, environment={"HUBSPOT_ACCESS_TOKEN": "t", "HUBSPOT_CLIENT_SECRET": "s"})
    assert list(config.connections) == ["sales-hubspot"]
    with pytest.raises(PermanentError, match="there already"):
        list(first_files.write(tmp_path / "new"))


def test_init_writes_the_files_of_highlevel(tmp_path: Path) -> None:
    said = list(first_files.write(tmp_path, "ghl"))
    assert said[-1].startswith(
        "next: fill in GHL_ACCESS_TOKEN and GHL_LOCATION_ID, from HighLevel, in stagecall.env"
    )
    (secret,) = re.findall(
        r"^GHL_WEBHOOK_SECRET=(\w+)$", (tmp_path / "stagecall.env").read_text(), re.MULTILINE
    )
    given = {"GHL_ACCESS_TOKEN": "pit-x", "GHL_LOCATION_ID": "ve9EPM428h8vShlRW1KT"}
    config = load_config(tmp_path / "stagecall.yaml", environment=given)
    assert list(config.connections) == ["sales-ghl"]
    assert len(secret) == 48
    with pytest.raises(PermanentError, match='"pipedrive" is not an adapter; there are: ghl, hubspot'):
        list(first_files.write(tmp_path / "other", "pipedrive"))


def test_the_trigger_call_api_alone_needs_nothing_else(tmp_path: Path) -> None:
    config = _load(tmp_path, "call_api: {}")
    assert (config.connections, config.rule_files) == ({}, ())
    assert config.call_api is not None
    assert (config.call_api.keys, config.call_api.webhooks) == ((), ()), "nothing of a connector is wired"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1", "nothing to run: write `connections`, `rules` and `calls`, or `call_api` alone"),
        ("rules: [rules/*.yaml]\ncall_api: {}", "connections  is missing"),
        (GOOD.replace("rules: [rules/*.yaml]\n", ""), "rules  is missing"),
        (GOOD.replace(f"calls:\n  api_key: {KEY}\n  webhook_secret: {SECRET}\n", ""), "calls  is missing"),
    ],
)
def test_a_connector_needs_all_of_its_sections(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in each for each in _mistakes(tmp_path, text, TOKEN="t")), _mistakes(
        tmp_path, text, TOKEN="t"
    )


def test_a_connection_says_whom_it_may_call(tmp_path: Path) -> None:
    more = "    client_secret: [new, old]\n    countries: [US, GB]\n    do_not_call: [contact.no_calls]\n    max_per_day: 50\n"
    text = GOOD.replace("    client_secret: [new, old]\n", more)
    settings = _load(tmp_path, text, TOKEN="pat-na1-x").connections["sales-hubspot"]
    assert settings.allowed_countries == {"US", "GB"}
    assert (settings.do_not_call, settings.max_per_day) == (("contact.no_calls",), 50)
    plain = _load(tmp_path, GOOD, TOKEN="pat-na1-x").connections["sales-hubspot"]
    assert plain.allowed_countries == {"US"}, "that of its default region"


def test_countries_and_flags_that_there_are_not_are_mistakes(tmp_path: Path) -> None:
    more = (
        "    client_secret: [new, old]\n    countries: [US, UK, XX]\n    do_not_call: [no_calls, kontact.x]\n"
    )
    found = _mistakes(tmp_path, GOOD.replace("    client_secret: [new, old]\n", more), TOKEN="pat-na1-x")
    assert (
        'stagecall.yaml:8:21  connections.sales-hubspot.countries[1]  "UK" is not a country; did you mean GB?'
        in found
    )
    assert any('"XX" is not a country; write its two letters' in each for each in found)
    assert any(
        '"no_calls" is not a field; write it as rules do: contact.do_not_call' in each for each in found
    )
    assert len(found) == 4
