"""`python -m adapters.hubspot.sandbox`: the sandbox as a process of its own."""

import argparse
import signal
import sys
from pathlib import Path
from threading import Event

from adapters.hubspot.sandbox.deliveries import GENERIC, LEGACY
from adapters.hubspot.sandbox.server import ACCESS_TOKEN, CLIENT_SECRET, Sandbox


def main() -> None:
    """Serve until SIGTERM or Ctrl-C. The first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m adapters.hubspot.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one (default)")
    parser.add_argument(
        "--target", help="where webhooks go: http://127.0.0.1:8080/hooks/hubspot/<connection>"
    )
    parser.add_argument("--access-token", default=ACCESS_TOKEN)
    parser.add_argument("--client-secret", default=CLIENT_SECRET)
    parser.add_argument("--generic", action="store_true", help="send object.* events instead of deal.*")
    parser.add_argument("--ledger", type=Path, help="append every write on a deal to this file")
    options = parser.parse_args()
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(
        target=options.target,
        port=options.port,
        access_token=options.access_token,
        client_secret=options.client_secret,
        subscriptions=GENERIC if options.generic else LEGACY,
        ledger_file=options.ledger,
    ) as sandbox:
        sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main()
