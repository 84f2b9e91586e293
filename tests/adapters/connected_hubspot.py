"""An adapter that is connected to a sandbox HubSpot, and what tests ask it."""

from collections.abc import Mapping
from typing import Any

import requests

from adapters.hubspot import Adapter
from adapters.hubspot.sandbox.server import ACCESS_TOKEN, CLIENT_SECRET
from connector.errors import ConnectorError
from connector.model import Context, RecordRef, WriteBack

FIELDS = {"deal": {"dealname", "amount"}, "contact": {"firstname", "phone"}}


def settings(**other: Any) -> Any:
    given = {"adapter": "hubspot", "access_token": ACCESS_TOKEN, "client_secret": CLIENT_SECRET}
    return Adapter.Settings(**{**given, **other})


def connect(url: str, **other: Any) -> Adapter:
    return Adapter("sales", settings(api_url=url, **other), requests.Session())


def deal(id_: str) -> RecordRef:
    return RecordRef("deal", id_)


def writes(ids: list[str], **properties: str) -> list[WriteBack]:
    return [WriteBack(deal(id_), properties) for id_ in ids]


def context(found: Mapping[RecordRef, Context | ConnectorError], id_: str) -> Context:
    answer = found[deal(id_)]
    assert isinstance(answer, Context), answer
    return answer
