"""`stagecall init`: a first stagecall.yaml, its secrets beside it, and a first rule file.

What is of one CRM in them stands in its adapter's folder: `first/connection.yaml`, `rules.yaml`, `secrets.env`.
"""

import base64
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import adapters
from connector.adapter import find_adapter
from connector.errors import PermanentError

USUAL = "hubspot"
"""The adapter whose files are written where none is named."""

CONFIG = """\
# Stagecall's configuration. `stagecall check` names every mistake in it.
# ${{NAME}} is read from the environment, or from the file stagecall.env beside this one.
version: 1

# How {crm} reaches this program from outside, over HTTPS. Signatures may cover this address, so it must be the one
# you type in there: https://calls.example.com + /hooks/{adapter}/ + the connection's name
# public_url: https://calls.example.com

connections:
{connection}
rules:
  - rules/*.yaml

# The Trigger Call API that places the calls. Without api_url it is our own, in this program.
calls:
  # api_url: https://app.buildvoiceai.com
  api_key: ${{STAGECALL_API_KEY}}
  webhook_secret: ${{STAGECALL_WEBHOOK_SECRET}}
  max_per_minute: 100                  # trigger requests a minute; more wait their turn

# Our own Trigger Call API. Its carrier is simulated: no phone rings until you choose a real one.
call_api:
  agents:
    - name: Lead Qualifier
      phone_number: "+12025550100"
      default: true
"""

ENVIRONMENT = """\
# Secrets; keep this file out of version control. The environment wins over it.
{of_crm}# Ours, made just now.
STAGECALL_API_KEY={key}
STAGECALL_WEBHOOK_SECRET={secret}
"""
_EMPTY = re.compile(r"^(\w+)=$", re.MULTILINE)


def first(adapter: str, name: str) -> str:
    """Return a file of an adapter's `first` folder: connection.yaml, rules.yaml or secrets.env."""
    return (Path(adapters.__path__[0]) / adapter / "first" / name).read_text(encoding="utf-8")


def write(folder: Path, adapter: str = USUAL) -> Iterator[str]:
    """Write the files that are not there yet; yield what was done and what to do next.

    Raises PermanentError where the folder cannot be written or has a stagecall.yaml.
    """
    if (folder / "stagecall.yaml").exists():
        raise PermanentError(f"{folder / 'stagecall.yaml'} is there already; nothing was changed")
    crm, secret = find_adapter(adapter).title, base64.b64encode(secrets.token_bytes(32)).decode()
    of_crm = first(adapter, "secrets.env").format(secret=secrets.token_hex(24))
    environment = ENVIRONMENT.format(
        of_crm=of_crm, key="bvai_sk_" + secrets.token_hex(32), secret=f"whsec_{secret}"
    )
    config = CONFIG.format(crm=crm, adapter=adapter, connection=first(adapter, "connection.yaml"))
    try:
        (folder / "rules").mkdir(parents=True, exist_ok=True)
        _create(folder / "stagecall.env", environment, mode=0o600)
        _create(folder / ".gitignore", "stagecall.env\n")
        _create(folder / "rules" / "first-rule.yaml", first(adapter, "rules.yaml"))
        _create(folder / "stagecall.yaml", config)
    except OSError as error:
        raise PermanentError(f"{folder} cannot be written ({error.strerror})") from None
    yield f"wrote {folder / 'stagecall.yaml'}, {folder / 'stagecall.env'} and {folder / 'rules/first-rule.yaml'}"
    yield f"next: fill in {' and '.join(_EMPTY.findall(of_crm))}, from {crm}, in stagecall.env, then run: stagecall check"


def _create(file: Path, text: str, *, mode: int = 0o644) -> None:
    if not file.exists():
        file.touch(mode=mode)
        file.write_text(text, encoding="utf-8")
