"""Sign recorded HubSpot deliveries again after their body was edited (redacted, say).

    .venv/bin/python tests/adapters/sign_hubspot_fixtures.py adapters/hubspot/fixtures/NAME.http ...

Replaces the values of the signature headers that a file has; nothing else in it changes.
"""

import re
import sys
from pathlib import Path

from ruamel.yaml import YAML

from adapters.hubspot.signature import TIMESTAMP_HEADER, sign_v1, sign_v3
from connector.model import Request, utc_now


def signed_again(recorded: bytes, url: str, secret: str) -> bytes:
    """Return the file with right signatures."""
    head, blank, body = re.split(rb"(\r?\n\r?\n)", recorded, maxsplit=1)
    found = re.search(rb"(?i)^x-hubspot-request-timestamp: *(\d+)", head, re.MULTILINE)
    headers = {TIMESTAMP_HEADER: found.group(1).decode()} if found else {}
    request = Request("POST", url, headers, body, utc_now())
    for name, value in (("X-HubSpot-Signature-v3", sign_v3), ("X-HubSpot-Signature", sign_v1)):
        line = rb"(?im)^(%s: *)[^\r\n]*" % name.encode()
        head = re.sub(line, rb"\g<1>" + value(request, secret).encode(), head)
    return head + blank + body


def main() -> None:
    """Sign the files named on the command line."""
    for path in map(Path, sys.argv[1:]):
        yaml = YAML(typ="safe")
        connection = yaml.load((path.parent / "connection.yaml").read_text(encoding="utf-8"))
        meaning = yaml.load(path.with_suffix(".yaml").read_text(encoding="utf-8"))
        secret = connection["settings"]["client_secret"]
        path.write_bytes(signed_again(path.read_bytes(), meaning["url"], secret))


if __name__ == "__main__":
    main()
