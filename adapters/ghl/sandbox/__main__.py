"""`python -m adapters.ghl.sandbox`: the sandbox as a process of its own."""

import argparse
import signal
import sys
from threading import Event

from adapters.ghl.sandbox import account
from adapters.ghl.sandbox.server import Sandbox


def main() -> None:
    """Serve until SIGTERM or Ctrl-C. The first line on stdout is the address, then what a connection says."""
    parser = argparse.ArgumentParser(prog="python -m adapters.ghl.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one (default)")
    parser.add_argument("--target", help="where deliveries go: http://127.0.0.1:8080/hooks/ghl/<connection>")
    options = parser.parse_args()
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(target=options.target, port=options.port) as sandbox:
        key = "".join(f"      {line}\n" for line in account.PUBLIC_KEY.splitlines())
        sys.stdout.write(
            f"{sandbox.url}\n"
            f"  sales-ghl:\n    adapter: ghl\n    access_token: {account.ACCESS_TOKEN}\n"
            f"    location_id: {account.LOCATION_ID}\n    webhook_secret: {account.WEBHOOK_SECRET}\n"
            f"    api_url: {sandbox.url}\n    public_keys: |\n{key}"
        )
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main()
