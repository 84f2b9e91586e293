"""Every write that the app made on a deal, in order: in memory, and in a file that outlives a kill."""

import json
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from adapters.hubspot.sandbox.account import Json


class Ledger:
    """The writes of one sandbox. Each line is in the operating system's hands before the answer is sent."""

    def __init__(self, path: Path | None = None) -> None:
        self._entries: list[Json] = []
        self._lock = Lock()
        self._file = path.open("a", encoding="utf-8") if path else None

    def write(self, at: str, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Note the properties set on each deal by one request."""
        with self._lock:
            entries = [{"at": at, "deal": id_, "properties": dict(each)} for id_, each in values.items()]
            self._entries += entries
            if self._file:
                self._file.writelines(json.dumps(entry) + "\n" for entry in entries)
                self._file.flush()

    def entries(self, deal_id: str | None = None) -> list[Json]:
        """Return all writes, or those on one deal, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if deal_id is None or entry["deal"] == deal_id]

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
