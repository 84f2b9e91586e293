"""HighLevel's API: the few requests we need, one record each, within its limits.

https://marketplace.gohighlevel.com/docs (API v2, `Version: 2021-07-28`, read 2026-11) and highlevel-api-docs,
apps/*.json. There is no batch: neither opportunities nor contacts can be asked for by several ids, and a search leaves
`dndSettings` out (issue 43). So a hundred opportunities with their contacts are two hundred requests, of which
HighLevel takes a hundred in ten seconds: they go several at once, and when HighLevel says that it is enough (429, or
no requests remaining) nothing more is asked until its interval is over.

The vendor's SDK is not used: asynchronous only, `Version: v3` forced on every call, half a minute's time-out, no
answer to 429, and seventy megabytes. Every failure leaves this module as TemporaryError or PermanentError.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any, Final
from urllib.parse import quote

import requests

from adapters.ghl.document import storable
from adapters.ghl.failures import Refused, failure, is_used_up, wait_after
from connector.adapter import TIMEOUT
from connector.errors import TemporaryError

CACHE_SECONDS: Final = 300.0
"""How long the list of custom fields is believed; a field that is not on it is looked for again."""
_CACHE_MIN: Final = 10.0

Json = dict[str, Any]


class Client:
    """One location's API. Serves many threads."""

    def __init__(
        self,
        http: requests.Session,
        access_token: str,
        location_id: str,
        api_url: str,
        api_version: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.location_id = location_id
        self._http = http
        self._url = api_url
        self._headers = {
            "Authorization": f"Bearer {access_token}",
            "Version": api_version,
            "Accept": "application/json",
        }
        self._now = monotonic
        self._lock = Lock()
        self._closed_until = float("-inf")
        self._fields: dict[str, tuple[float, dict[str, Json]]] = {}

    def opportunity(self, id_: str) -> Json | None:
        """Return an opportunity, None if it is gone."""
        return self._find(f"read opportunity {id_}", f"/opportunities/{_path(id_)}", "opportunity")

    def contact(self, id_: str) -> Json | None:
        """Return a contact, None if it is gone."""
        return self._find(f"read contact {id_}", f"/contacts/{_path(id_)}", "contact")

    def pipelines(self) -> list[Json]:
        """Return the location's pipelines with their stages."""
        answer = self._ask(
            "list pipelines", "GET", "/opportunities/pipelines", params={"locationId": self.location_id}
        )
        return _objects(answer.get("pipelines"))

    def custom_fields(self, model: str, wanted: str | None = None) -> dict[str, Json]:
        """Return the custom fields of `opportunity` or `contact` by the key that rules write, without the model's name.

        Five minutes old at most; ten seconds where `wanted` is not among them.
        """
        with self._lock:
            known = self._fields.get(model)
        age = self._now() - known[0] if known else CACHE_SECONDS
        if (
            known is None
            or age >= CACHE_SECONDS
            or (wanted is not None and wanted not in known[1] and age > _CACHE_MIN)
        ):
            known = (self._now(), self._list_fields(model))
            with self._lock:
                self._fields[model] = known
        return known[1]

    def update_opportunity(self, id_: str, values: Json) -> None:
        """Change what is named of an opportunity."""
        self._ask(f"update opportunity {id_}", "PUT", f"/opportunities/{_path(id_)}", body=values)

    def update_contact(self, id_: str, values: Json) -> None:
        """Change what is named of a contact."""
        self._ask(f"update contact {id_}", "PUT", f"/contacts/{_path(id_)}", body=values)

    def add_tags(self, contact_id: str, tags: list[str]) -> None:
        """Give a contact tags; those it has already stay as they are."""
        self._ask(
            f"tag contact {contact_id}", "POST", f"/contacts/{_path(contact_id)}/tags", body={"tags": tags}
        )

    def remove_tags(self, contact_id: str, tags: list[str]) -> None:
        """Take tags from a contact; those it has not are no mistake."""
        self._ask(
            f"untag contact {contact_id}",
            "DELETE",
            f"/contacts/{_path(contact_id)}/tags",
            body={"tags": tags},
        )

    def add_note(self, contact_id: str, text: str) -> str:
        """Put a note on a contact; return its id."""
        doing = f"put a note on contact {contact_id}"
        answer = self._ask(doing, "POST", f"/contacts/{_path(contact_id)}/notes", body={"body": text})
        note = answer.get("note")
        if not isinstance(note, dict) or not note.get("id"):
            raise TemporaryError(f"HighLevel's answer names no note when asked to {doing}")
        return str(note["id"])

    def notes(self, contact_id: str) -> list[Json]:
        """Return the notes of a contact."""
        answer = self._ask(
            f"read the notes of contact {contact_id}", "GET", f"/contacts/{_path(contact_id)}/notes"
        )
        return _objects(answer.get("notes"))

    def _list_fields(self, model: str) -> dict[str, Json]:
        answer = self._ask(
            f"list custom fields of {model}",
            "GET",
            f"/locations/{_path(self.location_id)}/customFields",
            params={"model": model},
        )
        found = _objects(answer.get("customFields"))
        return {
            str(each["fieldKey"]).removeprefix(f"{model}."): each
            for each in found
            if each.get("fieldKey") and each.get("id")
        }

    def _find(self, doing: str, path: str, name: str) -> Json | None:
        try:
            found = self._ask(doing, "GET", path).get(name)
        except _Gone:
            return None
        if not isinstance(found, dict):
            raise TemporaryError(f"HighLevel's answer has no {name} in it when asked to {doing}")
        return found

    def _ask(
        self,
        doing: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Json:
        self._wait_turn(doing)
        try:
            response = self._http.request(
                method,
                self._url + path,
                params=params,
                json=body,
                headers=self._headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as why:
            raise TemporaryError(f"HighLevel could not be reached to {doing}: {why}") from why
        if response.status_code == 429 or is_used_up(response.headers):
            self._close(wait_after(response.headers))
        if not 200 <= response.status_code < 300:
            error = failure(doing, response.status_code, response.headers, response.content)
            if response.status_code == 404 and isinstance(error, Refused):
                raise _Gone(str(error)) from None
            raise error
        return _read(doing, response.content)

    def _wait_turn(self, doing: str) -> None:
        """Ask nothing while HighLevel would refuse it."""
        with self._lock:
            left = self._closed_until - self._now()
        if left > 0:
            raise TemporaryError(
                f"HighLevel's limit of requests is used up; it is asked to {doing} in {left:.0f} s",
                after=timedelta(seconds=left),
            )

    def _close(self, for_: timedelta) -> None:
        with self._lock:
            self._closed_until = max(self._closed_until, self._now() + for_.total_seconds())


class _Gone(Refused):
    """There is no such record."""


def _read(doing: str, content: bytes) -> Json:
    try:
        found = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not storable(found):
        raise TemporaryError(f"HighLevel's answer could not be read when asked to {doing}")
    return found


def _objects(found: Any) -> list[Json]:
    return [each for each in found or () if isinstance(each, dict)] if isinstance(found, list) else []


def _path(id_: str) -> str:
    return quote(id_, safe="")
