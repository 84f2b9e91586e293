"""Sign recorded HighLevel deliveries again after their body was edited (redacted, say).

    .venv/bin/python tests/adapters/sign_ghl_fixtures.py adapters/ghl/fixtures/NAME.http ...

Replaces the value of X-GHL-Signature that a file has; nothing else in it changes. Only HighLevel has HighLevel's key,
so the fixtures are signed with a throw-away one, whose public half stands in connection.yaml.
"""

import base64
import re
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = Ed25519PrivateKey.from_private_bytes(b"a throw-away key of the fixtures")


def signed_again(recorded: bytes) -> bytes:
    """Return the file with a right signature."""
    head, blank, body = re.split(rb"(\r?\n\r?\n)", recorded, maxsplit=1)
    signature = base64.b64encode(KEY.sign(body))
    head = re.sub(rb"(?im)^(x-ghl-signature: *)[^\r\n]*", rb"\g<1>" + signature, head)
    return head + blank + body


def main() -> None:
    """Sign the files named on the command line."""
    for path in map(Path, sys.argv[1:]):
        path.write_bytes(signed_again(path.read_bytes()))


if __name__ == "__main__":
    main()
