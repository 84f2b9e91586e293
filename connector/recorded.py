"""A delivery in a file: start line, headers, blank line, and the exact bytes of the body."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.errors import PermanentError
from connector.model import Request
from connector.near_files import not_read


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands in a `.http` file; a file of another kind is a bare body without path and headers."""

    method: str
    path: str
    headers: dict[str, str]
    """Keys in lower case."""
    body: bytes

    @property
    def adapter(self) -> str | None:
        """The adapter named in the path /hooks/<adapter>/<connection>."""
        steps = self.path.strip("/").split("/")
        return steps[1] if len(steps) == 3 and steps[0] == "hooks" else None

    @property
    def connection(self) -> str | None:
        """The connection named in the path."""
        steps = self.path.strip("/").split("/")
        return steps[2] if self.adapter else None

    def request(self, url: str, received_at: datetime) -> Request:
        """The delivery as if it had arrived at `url` just now."""
        return Request(self.method, url, self.headers, self.body, received_at)


def read(file: Path) -> Recorded:
    """Read a recorded delivery; raises PermanentError where the file cannot be read as one."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise PermanentError(f"{file} {not_read(file, error)}") from None
    if file.suffix != ".http":
        return Recorded("POST", "", {}, content)
    newline = b"\r\n" if b"\r\n" in content.split(b"\n", 1)[0] + b"\n" else b"\n"
    head, separator, body = content.partition(newline * 2)
    start, *rest = head.decode("latin-1").splitlines() or [""]
    words = start.split(" ")
    if not separator or len(words) < 2:
        raise PermanentError(f"{file} is not a recorded delivery: start line, headers, blank line, body")
    path = "/" + words[1].split("://", 1)[-1].partition("/")[2] if "://" in words[1] else words[1]
    pairs = (line.partition(":") for line in rest if line.strip())
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Recorded(words[0], path, headers, body)
