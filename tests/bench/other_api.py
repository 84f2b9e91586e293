"""Another server of the Trigger Call API contract, as cheap as can be, so that the connector's own speed is seen.

Every trigger is answered at once; its call ends at once, and a signed `call_ended` is posted over a few kept
connections. `GET /seen` says how many calls there are and when the last was triggered.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

CONNECTIONS = 4


@dataclass(slots=True)
class OtherApi:
    """Its calls by idempotency key, and the call events that are to be posted."""

    hook: str
    secret: bytes
    calls: dict[str, str] = field(default_factory=dict)
    last_at: float = 0.0
    events: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)

    async def serve(self, port: int) -> None:
        """Answer and post until cancelled."""
        server = await asyncio.start_server(self._answer_all, "127.0.0.1", port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve_forever())
            for _ in range(CONNECTIONS):
                tasks.create_task(self._post_all())

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                start, headers, body = await _message(reader)
                answer = json.dumps(self._answer(start, headers, body)).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}"
                writer.write(f"{head}\r\n\r\n".encode() + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, start: bytes, headers: Mapping[bytes, bytes], body: bytes) -> Mapping[str, object]:
        if start.startswith(b"GET"):
            return {"calls": len(self.calls), "last_at": self.last_at}
        key = headers[b"idempotency-key"].decode()
        if key not in self.calls:
            self.calls[key] = str(uuid4())
            self.last_at = time.time()
            self.events.put_nowait(_ended(self.calls[key], json.loads(body)))
        return {"success": True, "call_id": self.calls[key], "status": "initiated"}

    async def _post_all(self) -> None:
        parts = urlsplit(self.hook)
        while True:
            event = await self.events.get()
            try:
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
                while True:
                    writer.write(self._signed(parts.netloc, parts.path, event))
                    start, _, _ = await _message(reader)
                    if b" 200 " in start + b" ":
                        event = await self.events.get()
            except (asyncio.IncompleteReadError, ConnectionError):
                self.events.put_nowait(event)
                await asyncio.sleep(0.1)

    def _signed(self, host: str, path: str, event: bytes) -> bytes:
        id_, at = f"evt_{uuid4().hex}", int(time.time())
        digest = hmac.digest(self.secret, f"{id_}.{at}.".encode() + event, hashlib.sha256)
        lines = (
            f"POST {path} HTTP/1.1",
            f"Host: {host}",
            "Content-Type: application/json",
            f"Content-Length: {len(event)}",
            f"webhook-id: {id_}",
            f"webhook-timestamp: {at}",
            f"webhook-signature: v1,{base64.b64encode(digest).decode()}",
        )
        return "\r\n".join([*lines, "", ""]).encode() + event


def _ended(call_id: str, trigger: Mapping[str, object]) -> bytes:
    return json.dumps(
        {
            "event": "call_ended",
            "call_id": call_id,
            "status": "completed",
            "direction": "outbound",
            "to_number": trigger["phone_number"],
            "duration_seconds": 42,
            "summary": "They would like a demo next week and asked for an invitation.",
            "transcript": "Agent: Is now a good time?\nUser: Yes, go ahead.",
            "metadata": trigger["metadata"],
        }
    ).encode()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Read one request or answer: its first line, its headers by lower-case name, its body."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    pairs = (line.partition(b":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return start, headers, await reader.readexactly(int(headers.get(b"content-length", b"0")))


def main() -> None:
    """Arguments: port, the hook for call events, the `whsec_` secret that signs them."""
    port, hook, secret = sys.argv[1:]
    api = OtherApi(hook, base64.b64decode(secret.removeprefix("whsec_")))
    asyncio.run(api.serve(int(port)))


if __name__ == "__main__":
    main()
