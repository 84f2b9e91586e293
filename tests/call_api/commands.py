"""`stagecall` on the database of a test, as an operator types it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from connector.cli import main
from tests.call_api.conftest import SECRET
from tests.faults.conftest import RULES

Run = Callable[..., Result]


def write_configuration(folder: Path) -> None:
    """A stagecall.yaml with what it needs, in this folder."""
    (folder / "rules.yaml").write_text(RULES)
    (folder / "stagecall.yaml").write_text(
        "connections: {sales: {adapter: hubspot, access_token: t, client_secret: s}}\n"
        "rules: [rules.yaml]\n"
        f"calls: {{api_key: bvai_sk_of-the-connector-0123456789, webhook_secret: {SECRET}}}\n"
        "call_api: {}\n"
    )


def runner(folder: Path, database_url: str) -> Run:
    """Runs a command there; a traceback fails the test."""

    def run(*arguments: str) -> Result:
        command = [*arguments, "--config", str(folder / "stagecall.yaml"), "--data", str(folder / "data")]
        done = CliRunner().invoke(main, command, env={"STAGECALL_DATABASE_URL": database_url})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


def as_json(done: Result) -> Any:
    """What a command printed with --json."""
    assert done.exit_code == 0, done.output
    return json.loads(done.output)
