"""`stagecall init`: a first stagecall.yaml, its secrets beside it, and a first rule file."""

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

from connector.errors import PermanentError

CONFIG = """\
# Stagecall's configuration. `stagecall check` names every mistake in it.
# ${NAME} is read from the environment, or from the file stagecall.env beside this one.
version: 1

# How HubSpot reaches this program from outside. Signatures cover this address, so it must be the one you
# type into HubSpot: https://calls.example.com + /hooks/hubspot/sales-hubspot
# public_url: https://calls.example.com

connections:
  sales-hubspot:                       # a name of yours; rule files and the hook's address use it
    adapter: hubspot
    access_token: ${HUBSPOT_ACCESS_TOKEN}
    client_secret: ${HUBSPOT_CLIENT_SECRET}
    default_region: US                 # country of phone numbers written without a country code
    # countries: [US, CA]              # countries that may be called; left out: the default_region's
    # do_not_call: [contact.no_calls]  # your own fields that forbid a call when they are ticked or filled
    # max_per_day: 200                 # calls in any 24 hours, of all rules

rules:
  - rules/*.yaml

# The Trigger Call API that places the calls. Without api_url it is our own, in this program.
calls:
  # api_url: https://app.buildvoiceai.com
  api_key: ${STAGECALL_API_KEY}
  webhook_secret: ${STAGECALL_WEBHOOK_SECRET}
  max_per_minute: 100                  # trigger requests a minute; more wait their turn

# Our own Trigger Call API. Its carrier is simulated: no phone rings until you choose a real one.
call_api:
  agents:
    - name: Lead Qualifier
      phone_number: "+12025550100"
      default: true
"""

RULES = """\
# yaml-language-server: $schema=http://127.0.0.1:8080/rules.schema.json
# The line above: while `stagecall serve` runs, editors complete and explain this file by it.
#
# Who is called when. Change the stage, then run: stagecall check
version: 1
connection: sales-hubspot
rules:
  - name: Call people who ask for a demo
    when:
      pipeline: Sales Pipeline         # label or id
      enters: Demo requested           # label or id; several: [Demo requested, Trial started]
    call:
      phone_number: "{{ contact.mobilephone or contact.phone }}"
      name: "{{ contact.firstname }} {{ contact.lastname }}"
      email: "{{ contact.email }}"
      metadata:
        deal_id: "{{ deal.id }}"
    policy:
      # When people may be called, where they are; a call outside waits until the window opens.
      window: {days: mon-fri, from: "09:00", until: "18:00"}
      cool_down: 24h                   # after a call, nobody is called again for so long
    write_back:
      placed: {deal: {ai_call_status: calling, ai_call_id: "{{ call.id }}"}}
      ended: {deal: {ai_call_status: "{{ call.outcome }}", ai_call_summary: "{{ call.summary }}"}}
      failed: {deal: {ai_call_status: "not called: {{ reason }}"}}
"""

ENVIRONMENT = """\
# Secrets; keep this file out of version control. The environment wins over it.
# From HubSpot: the app's access token and client secret.
HUBSPOT_ACCESS_TOKEN=
HUBSPOT_CLIENT_SECRET=
# Ours, made just now.
STAGECALL_API_KEY={key}
STAGECALL_WEBHOOK_SECRET={secret}
"""


def write(folder: Path) -> Iterator[str]:
    """Write the files that are not there yet; yield what was done and what to do next.

    Raises PermanentError where the folder cannot be written or has a stagecall.yaml.
    """
    if (folder / "stagecall.yaml").exists():
        raise PermanentError(f"{folder / 'stagecall.yaml'} is there already; nothing was changed")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    environment = ENVIRONMENT.format(key="bvai_sk_" + secrets.token_hex(32), secret=secret)
    try:
        (folder / "rules").mkdir(parents=True, exist_ok=True)
        _create(folder / "stagecall.env", environment, mode=0o600)
        _create(folder / ".gitignore", "stagecall.env\n")
        _create(folder / "rules" / "first-rule.yaml", RULES)
        _create(folder / "stagecall.yaml", CONFIG)
    except OSError as error:
        raise PermanentError(f"{folder} cannot be written ({error.strerror})") from None
    yield f"wrote {folder / 'stagecall.yaml'}, {folder / 'stagecall.env'} and {folder / 'rules/first-rule.yaml'}"
    yield "next: put HubSpot's access token and client secret into stagecall.env, then run: stagecall check"


def _create(file: Path, text: str, *, mode: int = 0o644) -> None:
    if not file.exists():
        file.touch(mode=mode)
        file.write_text(text, encoding="utf-8")
