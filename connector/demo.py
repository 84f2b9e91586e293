"""`stagecall demo`: a deal's move becomes a call and comes back, told in a dozen lines.

Real are the delivery and its signature, HTTP, the database, the rules, the Trigger Call API and the
write-back. Played are the CRM account (the sandbox HubSpot) and the phone (the simulated carrier).
"""

import base64
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from adapters.hubspot.sandbox import Sandbox
from adapters.hubspot.sandbox.deliveries import LEGACY
from connector.config import Config, load_config, process_environment
from connector.errors import PermanentError
from connector.mapping.rules import Rule
from connector.model import utc_now
from connector.parts import build_adapters
from connector.policy.facts import Facts
from connector.policy.judging import judge
from connector.policy.numbers import normalise
from connector.policy.verdicts import Answer as Said
from connector.rulebook import Account, load_rulebook
from connector.serve import check_port, own_url

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
HOST = "127.0.0.1"
CONNECTION = "sales-hubspot"
ACCESS_TOKEN = "pat-na1-demo"  # noqa: S105
CLIENT_SECRET = "demo-client-secret"  # noqa: S105
PHONE = "+1 202-555-0147"
START = 30.0
STEP = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Stage:
    """The set of the play: what every step needs."""

    sandbox: Sandbox
    url: str
    api_key: str
    deal: str
    rule: Rule
    started: float


def run(
    *, port: int, rules: Path | None, config_file: Path | None, data: Path | None, keep: bool, say: Say
) -> None:
    """Tell the story. Raises ConfigError for mistakes in files, PermanentError where a step did not happen."""
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))  # so that what was started ends with us
    with _folder(data) as folder, _sandbox(port) as sandbox:
        environment = _environment(port, sandbox, (rules or EXAMPLES / "demo/rules.yaml"))
        file = (config_file or EXAMPLES / "demo/stagecall.yaml").absolute()
        config = load_config(file, environment=environment, own_url=own_url(HOST, port), data=folder)
        _check_sandboxed(config, sandbox)
        rule = _rule(config)
        _check_policy(rule)
        check_port(HOST, port)
        say(f"Stagecall demo: {rule.name!r}. A sandbox HubSpot and a simulated phone; all else is real.")
        with _served(config, environment, port):
            contact = sandbox.create_contact(
                firstname="Ada", lastname="Lovelace", email="ada@example.com", phone=PHONE
            )
            deal = sandbox.create_deal(
                "appointmentscheduled", [contact], announce=False, dealname="Analytical Engine", amount="4800"
            )
            key = config.calls.api_key.get_secret_value()
            _tell(_Stage(sandbox, own_url(HOST, port), key, deal, rule, started), say)
            if keep:
                _keep_running(config, environment, sandbox, deal, target_of(rule), data is not None, say)


def _tell(stage: _Stage, say: Say) -> None:
    """The dozen lines."""
    target = target_of(stage.rule)
    say(f" 1. In HubSpot, deal {stage.deal} (Analytical Engine, Ada Lovelace, {PHONE}) exists.")
    stage.sandbox.move_deal(stage.deal, target)
    say(f' 2. Somebody drags it into the stage "{target}".')
    delivery = _until("HubSpot's delivery is answered with 200", lambda: _answered(stage.sandbox))
    say(f" 3. HubSpot sends a signed delivery; Stagecall checks, keeps and answers it: {delivery.status}.")
    call = _until("the Trigger Call API has the call", lambda: _call(stage))
    say(f' 4. The rule "{stage.rule.name}" fits: call {call["to_number"]}, agent {call["agent_name"]}.')
    say(f" 5. The Trigger Call API places call {call['id']}.")
    if stage.rule.write_back.placed.records:
        written = _until("the deal says that a call was placed", lambda: _written(stage, call["id"]))
        say(f" 6. On the deal now: {_spelled(written)}")
    else:
        say(" 6. The rule writes nothing on the deal while the phone rings.")
    call = _until("the call ends", lambda: _ended(stage, call["id"]))
    lasted = call.get("duration_seconds") or 0
    say(f" 7. The phone rings, Ada talks for {lasted:g} s; the call ends: {call['outcome']}.")
    final = _until("the outcome stands on the deal", lambda: _outcome(stage, call))
    say(f" 8. On the deal now: {_spelled(final)}")
    echoes = _until("HubSpot reports our own write-backs", lambda: _echoes(stage.sandbox))
    say(
        f" 9. HubSpot tells us of our own write-backs too ({echoes}); they start no call: {_count(stage)} in all."
    )
    say(f"Done in {time.monotonic() - stage.started:.1f} s. Next: README.md, or `stagecall demo --keep`.")


def target_of(rule: Rule) -> str:
    """The stage that the demo moves its deal into."""
    return rule.when.enters[0]


def _until(what: str, look: Callable[[], Any]) -> Any:
    """Look until there is something; raises PermanentError naming what did not happen."""
    deadline = time.monotonic() + STEP
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise PermanentError(
        f"the demo stopped: it did not happen within {STEP:g} s that {what}; the machine may be busy: run it once more"
    )


def _answered(sandbox: Sandbox) -> Any:
    return next((each for each in sandbox.deliveries if each.status == 200), None)


def _echoes(sandbox: Sandbox) -> int:
    events = [event for each in sandbox.deliveries if each.status == 200 for event in each.events]
    return len([event for event in events if event["changeSource"] == "INTEGRATION"])


def _count(stage: _Stage) -> str:
    calls = len(_get(stage, "/calls", limit="10").get("calls") or [])
    return f"{calls} call{'' if calls == 1 else 's'}"


def _get(stage: _Stage, path: str, **query: str) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {stage.api_key}"}
    try:
        answer = requests.get(f"{stage.url}/api/v1{path}", params=query, headers=headers, timeout=5)
        value = answer.json()
    except (requests.RequestException, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _call(stage: _Stage) -> Any:
    calls = _get(stage, "/calls", limit="10").get("calls") or []
    return next(
        (call for call in calls if (call.get("metadata") or {}).get("deal_id", stage.deal) == stage.deal),
        None,
    )


def _ended(stage: _Stage, call_id: str) -> Any:
    call = _get(stage, f"/calls/{call_id}")
    call = call.get("call", call)
    return call if call.get("outcome") and call.get("ended_at") else None


def _written(stage: _Stage, call_id: str) -> Any:
    writes = stage.sandbox.writes(stage.deal)
    return _ours(stage) if any(call_id in str(each) for each in writes) else None


def _outcome(stage: _Stage, call: Mapping[str, Any]) -> Any:
    values = _ours(stage)
    return values if call["outcome"] in values.values() else None


def _ours(stage: _Stage) -> dict[str, str]:
    properties = stage.sandbox.deal(stage.deal)
    return {name: value for name, value in properties.items() if name.startswith("ai_call") and value}


def _spelled(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(values.items()))


def _rule(config: Config) -> Rule:
    """The first rule, checked against the sandbox account's pipelines."""
    adapters = build_adapters(config)
    accounts = {name: Account(adapter.catalog()) for name, adapter in adapters.items()}
    book = load_rulebook(config.rule_files, adapters, accounts)
    files = book.of(CONNECTION)
    if not files:
        raise PermanentError(f"the demo needs a rule for the connection {CONNECTION}")
    return files[0].rules[0]


def _check_sandboxed(config: Config, sandbox: Sandbox) -> None:
    """Raises PermanentError for a connection to a real account: the demo moves deals about."""
    for name, settings in config.connections.items():
        if getattr(settings, "api_url", sandbox.url) != sandbox.url:
            raise PermanentError(
                f'the demo speaks to its sandbox alone, and the connection "{name}" of {config.file} to'
                f" {getattr(settings, 'api_url', '')}; write api_url: ${{HUBSPOT_API_URL}} there, or leave --config out"
            )


def _check_policy(rule: Rule) -> None:
    """Raises PermanentError where the rule would not call Ada at this hour: the demo would wait for it in vain."""
    now = utc_now()
    number = normalise(PHONE, "US")
    facts = Facts(now, number.e164 if number else "", now, frozenset({"US"}))
    judgement = judge(rule.policy.terms, facts)
    if judgement.answer is not Said.ALLOW:
        why = f"the rule {rule.name!r} would not call now: {judgement.decisive.sentence}"
        raise PermanentError(f"{why}. For the demo write `policy: {{window: always}}` into it")


def _environment(port: int, sandbox: Sandbox, rules: Path) -> dict[str, str]:
    """What the demo's configuration reads: its own values, so that it never meets a real account or database.

    Only the client secret may come from outside: set to nothing, it shows what a missing one looks like.
    """
    ours = {
        "HUBSPOT_ACCESS_TOKEN": ACCESS_TOKEN,
        "STAGECALL_API_KEY": "bvai_sk_" + secrets.token_hex(32),
        "STAGECALL_WEBHOOK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "HUBSPOT_API_URL": sandbox.url,
        "STAGECALL_DEMO_URL": own_url(HOST, port),
        "STAGECALL_DEMO_RULES": str(rules.absolute()),
        "STAGECALL_DATABASE_URL": "",
        "STAGECALL_DATA": "",
    }
    return {"HUBSPOT_CLIENT_SECRET": CLIENT_SECRET, **process_environment(), **ours}


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """The data folder: the one named, else a fresh one that goes when the demo goes."""
    if data is not None:
        yield data
        return
    folder = Path(tempfile.mkdtemp(prefix="stagecall-demo-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _sandbox(port: int) -> Iterator[Sandbox]:
    given = process_environment()
    with Sandbox(
        target=f"{own_url(HOST, port)}/hooks/hubspot/{CONNECTION}",
        access_token=ACCESS_TOKEN,
        client_secret=given.get("HUBSPOT_CLIENT_SECRET") or CLIENT_SECRET,
        subscriptions=(*LEGACY, "deal.propertyChange ai_call_status"),
    ) as sandbox:
        yield sandbox


@contextmanager
def _served(config: Config, environment: Mapping[str, str], port: int) -> Iterator[None]:
    """`stagecall serve` as a process of its own, as an operator runs it."""
    command = [sys.executable, "-m", "connector.cli", "serve", "--config", str(config.file)]
    command += ["--data", str(config.data), "--host", HOST, "--port", str(port), "--with-parent"]
    log_file = config.data / "serve.log"
    try:
        config.data.mkdir(parents=True, exist_ok=True)
        output = log_file.open("ab")
    except OSError as error:
        raise PermanentError(f"the data folder {config.data} cannot be written ({error.strerror})") from None
    with (
        output,
        subprocess.Popen(  # noqa: S603
            command, env=dict(environment), stdout=output, stderr=output, start_new_session=True
        ) as served,
    ):
        try:
            _await_ready(served, port, log_file)
            yield
        finally:
            served.send_signal(signal.SIGTERM)
            served.wait(timeout=60)


def _await_ready(served: "subprocess.Popen[bytes]", port: int, log_file: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if served.poll() is not None:
            words = log_file.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise PermanentError(words[-1].removeprefix("stagecall: "))
        try:
            if requests.get(f"{own_url(HOST, port)}/readyz", timeout=1).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.05)
    words = log_file.read_text(errors="replace").strip().splitlines()[-3:] or ["it said nothing"]
    raise PermanentError(f"`stagecall serve` was not ready within {START:g} s: {' / '.join(words)}")


def _keep_running(
    config: Config,
    environment: Mapping[str, str],
    sandbox: Sandbox,
    deal: str,
    target: str,
    kept: bool,
    say: Say,
) -> None:
    """Leave everything running, with files and lines to look around with."""
    file = config.data / "stagecall.yaml"
    file.write_bytes(config.file.read_bytes())
    names = ("HUBSPOT_", "STAGECALL_")
    lines = [f"{name}={value}" for name, value in environment.items() if name.startswith(names) and value]
    file.with_name("stagecall.env").write_text("\n".join(lines) + "\n")
    move = f"curl -X POST {sandbox.url}/sandbox/deals/{deal}/move -H 'Content-Type: application/json' -d"
    say(
        f"Still running: Stagecall at {config.public_url}, the sandbox HubSpot at {sandbox.url}. Ctrl-C ends it."
    )
    say("Move the deal out of the stage and in again:")
    say(f"""  {move} '{{"stage": "Qualified To Buy"}}'""")
    say(f"""  {move} '{{"stage": "{target}"}}'""")
    say("See what came of it, and why (each dispatch begins with its ID):")
    stagecall = f"{sys.executable.removesuffix(Path(sys.executable).name)}stagecall"
    say(f"  {stagecall} dispatches --config {file} --data {config.data}")
    say(f"  {stagecall} explain ID --config {file} --data {config.data}")
    rules = ", ".join(str(each) for each in config.rule_files)
    say(f"The rules are in {rules}: save a change, and it is in force two seconds later.")
    say(f"When this ends, {config.data} is {'kept' if kept else 'gone, with all that you put there'}.")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
