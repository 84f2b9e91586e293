"""HubSpot's API through its official client: the few requests we need, in batches.

Only the generic packages of hubspot-api-client 12 are used (one package for deals, contacts and calls), each
imported when first used, because `import hubspot` and its generated code cost 0.3 s and 20 MiB. The client's
api objects hold the connection pool, so each is kept. Three things are switched off on purpose: its retries
(urllib3 would sleep silently on a Retry-After), its endless time-outs, and its models (reading 100 deals into
them takes 16 ms, and a field that HubSpot forgets raises ValueError).

Every failure leaves this module as TemporaryError or PermanentError.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Final, TypeVar

from urllib3.exceptions import HTTPError

from adapters.hubspot.failures import failure, refusal, storable
from connector.adapter import TIMEOUT
from connector.errors import ConnectorError, TemporaryError

BATCH: Final = 100
"""HubSpot's largest batch, https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide."""
CONNECTIONS: Final = 32
_MAX_PAGES: Final = 10

T = TypeVar("T")
Json = dict[str, Any]
Properties = Mapping[str, str | None]

# object type in our words -> in the API's paths
OBJECT_TYPES: Final[Mapping[str, str]] = {
    "deal": "deals",
    "contact": "contacts",
    "company": "companies",
    "note": "notes",
    "call": "calls",
}

_APIS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "objects": lambda crm: crm.objects.batch_api,
    "associations": lambda crm: crm.associations.v4.batch_api,
    "pipelines": lambda crm: crm.pipelines.pipelines_api,
    "properties": lambda crm: crm.properties.core_api,
}


class Client:
    """One account's API. Serves many threads."""

    def __init__(self, access_token: str, api_url: str, timeout: tuple[float, float] = TIMEOUT) -> None:
        self._timeout = timeout
        self._config = {
            "access_token": access_token,
            "host": api_url,
            "base_url": api_url,
            "retry": False,
            "connection_pool_maxsize": CONNECTIONS,
        }
        self._apis: dict[str, Any] = {}
        self._lock = Lock()

    def objects(
        self, object_name: str, ids: Sequence[str], properties: Collection[str]
    ) -> dict[str, Properties]:
        """Return the properties of up to 100 records by id; those that are gone are left out."""
        kind = OBJECT_TYPES[object_name]
        body = {
            "inputs": [{"id": id_} for id_ in ids],
            "properties": sorted(properties),
            "propertiesWithHistory": [],
        }
        return self._ask(
            f"read {kind}",
            "objects",
            lambda api, **how: api.read(kind, body, **how),
            lambda answer: {str(found["id"]): dict(found["properties"] or {}) for found in answer["results"]},
        )

    def update(self, object_name: str, properties: Mapping[str, Mapping[str, str]]) -> set[str]:
        """Set properties of up to 100 records by id, and return the ids where it is done.

        Raises Refused where HubSpot takes none of them: one bad record is enough to refuse a batch.
        """
        kind = OBJECT_TYPES[object_name]
        doing = f"update {kind}"
        body = {"inputs": [{"id": id_, "properties": dict(values)} for id_, values in properties.items()]}
        done, errors = self._ask(
            doing,
            "objects",
            lambda api, **how: api.update(kind, body, **how),
            lambda answer: (
                {str(found["id"]) for found in answer["results"]},
                _objects(answer.get("errors")),
            ),
        )
        if not errors:
            return set(properties)
        done &= set(properties)
        if not done:
            raise refusal(doing, errors[0])
        return done

    def create(self, object_name: str, inputs: Sequence[Json]) -> Mapping[str, Properties]:
        """Create up to 100 objects with their associations; return the properties of those created by id.

        Raises Refused where HubSpot creates none of them: one bad input is enough to refuse a batch. An
        answer of 207 that leaves some out is no error: what is not returned may not have been created.
        https://developers.hubspot.com/docs/api-reference/crm-objects-v3/batch/post-crm-v3-objects-objectType-batch-create
        """
        kind = OBJECT_TYPES[object_name]
        doing = f"create {kind}"
        made, errors = self._ask(
            doing,
            "objects",
            lambda api, **how: api.create(kind, {"inputs": list(inputs)}, **how),
            lambda answer: (
                {str(found["id"]): dict(found["properties"] or {}) for found in answer["results"]},
                _objects(answer.get("errors")),
            ),
        )
        if errors and not made:
            raise refusal(doing, errors[0])
        return made

    def linked(
        self, object_name: str, ids: Sequence[str], to: str, pages: int = _MAX_PAGES
    ) -> dict[str, list[Json]]:
        """Return the associations of up to 100 objects with those of another type, by id.

        Each is `{toObjectId, associationTypes}`; what fills more than so many `pages` is left out.
        """
        found: dict[str, list[Json]] = {}
        asked: list[Json] = [{"id": id_} for id_ in ids]
        for _ in range(pages):
            links, asked = self._associations(object_name, to, asked)
            for id_, more in links:
                found.setdefault(id_, []).extend(more)
            if not asked:
                break
        return found

    def pipelines(self) -> list[Json]:
        """Return the account's deal pipelines."""
        return self._ask(
            "list pipelines",
            "pipelines",
            lambda api, **how: api.get_all("deals", **how),
            lambda answer: _objects(answer["results"]),
        )

    def property_names(self, object_name: str) -> frozenset[str]:
        """Return the names of all properties of an object."""
        kind = OBJECT_TYPES[object_name]
        return self._ask(
            f"list properties of {kind}",
            "properties",
            lambda api, **how: api.get_all(kind, **how),
            lambda answer: frozenset(str(found["name"]) for found in answer["results"]),
        )

    def _associations(
        self, object_name: str, to: str, inputs: list[Json]
    ) -> tuple[list[tuple[str, list[Json]]], list[Json]]:
        """Return one page of links by id, and what to ask for the next page."""
        kind, to_kind = OBJECT_TYPES[object_name], OBJECT_TYPES[to]

        def read(answer: Json) -> tuple[list[tuple[str, list[Json]]], list[Json]]:
            # an object without links is among `errors` of a 207: that is an answer, not a failure
            results = _objects(answer["results"])
            links = [(str(entry["from"]["id"]), _objects(entry["to"])) for entry in results]
            return links, list(_next_pages(results))

        return self._ask(
            f"read the {to_kind} of {kind}",
            "associations",
            lambda api, **how: api.get_page(kind, to_kind, {"inputs": inputs}, **how),
            read,
        )

    def _ask(self, doing: str, api_name: str, call: Callable[..., Any], read: Callable[[Json], T]) -> T:
        try:
            response = call(self._api(api_name), _request_timeout=self._timeout, _preload_content=False)
            return read(_document(response.data))
        except Exception as why:
            raise _ours(doing, why) from why

    def _api(self, name: str) -> Any:
        with self._lock:
            if name not in self._apis:
                from hubspot import HubSpot

                self._apis[name] = _APIS[name](HubSpot(**self._config).crm)
            return self._apis[name]


def _ours(doing: str, why: Exception) -> ConnectorError:
    """The generated packages share no exception class: a vendor's error is known by its `status`."""
    status = getattr(why, "status", None)
    if isinstance(status, int):
        return failure(doing, status, getattr(why, "headers", None) or {}, getattr(why, "body", None))
    if isinstance(why, HTTPError | OSError):
        return TemporaryError(f"HubSpot could not be reached to {doing}: {why}")
    return TemporaryError(f"HubSpot's answer could not be read when asked to {doing}: {why!r}")


def _document(data: bytes) -> Json:
    document: Json = json.loads(data)
    # only an escape can bring in what the database cannot hold
    return storable(document) if b"\\u" in data else document


def _objects(found: Any) -> list[Json]:
    return [entry for entry in found or () if isinstance(entry, dict)]


def _next_pages(results: Iterable[Json]) -> Iterator[Json]:
    for entry in results:
        after = ((entry.get("paging") or {}).get("next") or {}).get("after")
        if after:
            yield {"id": str(entry["from"]["id"]), "after": str(after)}
