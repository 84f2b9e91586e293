"""The adapter: HubSpot's answers to the questions of connector/adapter.py."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import requests

from adapters.hubspot import activities, events, records, signature
from adapters.hubspot.client import Client
from adapters.hubspot.fields import COMPANY_FIELDS, CONTACT_FIELDS, DEAL_FIELDS, STANDARD_CATALOG, USUAL_WORDS
from adapters.hubspot.settings import Settings
from connector import adapter
from connector.adapter import ConnectionSettings
from connector.errors import ConnectorError
from connector.model import Activity, Catalog, Context, News, RecordRef, Request, WriteBack


class Adapter(adapter.Adapter):
    """One HubSpot account."""

    title = "HubSpot"
    record = "deal"
    objects = ("deal", "contact", "company")
    writable = records.WRITABLE
    stage_field = f"deal.{events.STAGE_PROPERTY}"
    moves_stage = True
    notes_on = activities.TIMELINES
    calls_on = activities.TIMELINES
    instead: ClassVar[Mapping[str, str]] = {
        "tags": "HubSpot gives apps no tags; write a property of your own, such as deal: {ai_call_tags: called}"
    }
    standard_fields: ClassVar[Mapping[str, frozenset[str]]] = {
        "deal": DEAL_FIELDS,
        "contact": CONTACT_FIELDS,
        "company": COMPANY_FIELDS,
    }
    usual_words = USUAL_WORDS
    standard_catalog = STANDARD_CATALOG
    # hs_do_not_call stands in some accounts (its owner is not documented), do_not_call is what many create
    # themselves; a property that an account lacks is left out of HubSpot's answer. hs_email_optout is about email.
    do_not_call = ("contact.hs_do_not_call", "contact.do_not_call")
    lead_zone = "contact.hs_timezone"
    signs_body = True
    Settings: ClassVar[type[ConnectionSettings]] = Settings

    def __init__(self, name: str, settings: ConnectionSettings, http: requests.Session) -> None:
        super().__init__(name, settings, http)
        if not isinstance(settings, Settings):
            raise TypeError("a HubSpot connection needs HubSpot's Settings")
        self._settings = settings

    def verify(self, request: Request) -> None:
        """HubSpot's signature over method, URL, body and time."""
        signature.verify(request, self._secrets, self._settings.allow_signatures)

    def sign(self, request: Request) -> Mapping[str, str]:
        """HubSpot's v3 headers, signed at the request's time of arrival."""
        return signature.v3_headers(request, self._secrets[0])

    def parse(self, request: Request) -> News:
        """Deals that entered a stage or were created."""
        return events.parse(request, self._settings.portal_id)

    def catalog(self) -> Catalog:
        """The account's deal pipelines; archived stages too, since deals may still stand in them."""
        return records.catalog(self._client)

    def properties(self, object_name: str) -> frozenset[str]:
        """The names of the account's properties; `id` is ours, HubSpot gives it beside them."""
        return self._client.property_names(object_name) | {"id"}

    def zone_of(self, fields: Mapping[str, Mapping[str, Any]]) -> str:
        """HubSpot spells America/New_York `america_slash_new_york`, and a hyphen `_hyphen_`."""
        return super().zone_of(fields).replace("_slash_", "/").replace("_hyphen_", "-")

    def read(
        self, records_: Sequence[RecordRef], fields: Mapping[str, Collection[str]]
    ) -> Mapping[RecordRef, Context | ConnectorError]:
        """Deals by the hundred, each with its first contact and company."""
        return records.read(self._client, records_, fields)

    def write(self, writes: Sequence[WriteBack]) -> Mapping[RecordRef, ConnectorError | None]:
        """Values onto deals and contacts by the hundred; one bad record does not spoil the others."""
        return records.write(self._client, writes)

    def log(self, activities_: Sequence[Activity]) -> Mapping[str, str | ConnectorError]:
        """Notes and calls by the hundred, on the deal's timeline and its contact's."""
        dispositions = {**activities.DISPOSITIONS, **self._settings.call_dispositions}
        return activities.log(self._client, activities_, dispositions)

    def logged(self, activities_: Sequence[Activity]) -> Mapping[str, str]:
        """Those that stand on their deal, found by the mark in their text."""
        return activities.logged(self._client, activities_)

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(secret.get_secret_value() for secret in self._settings.client_secret)

    @cached_property
    def _client(self) -> Client:
        # the official client brings its own HTTP (urllib3), so self.http is not used
        return Client(self._settings.access_token.get_secret_value(), self._settings.api_url)
