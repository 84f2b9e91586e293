"""The adapter: GoHighLevel's answers to the five questions of connector/adapter.py."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import requests

from adapters.ghl import donotdisturb, events, notes, records, signature
from adapters.ghl.client import Client
from adapters.ghl.document import document
from adapters.ghl.settings import Settings
from adapters.ghl.signature import Trust
from connector import adapter
from connector.adapter import ConnectionSettings
from connector.errors import ConnectorError, PermanentError
from connector.model import Activity, Catalog, Context, News, RecordRef, Request, Source, WriteBack


class Adapter(adapter.Adapter):
    """One GoHighLevel sub-account."""

    title = "HighLevel"
    record = "opportunity"
    objects = ("opportunity", "contact", events.CUSTOM)
    writable = ("opportunity", "contact")
    stage_field = "opportunity.pipelineStageId"
    moves_stage = True
    tags_on = "contact"
    notes_on = ("contact",)
    instead: ClassVar[Mapping[str, str]] = {
        "log_call": "HighLevel takes calls from phone providers only; write note: with what you want to keep of the call"
    }
    standard_fields: ClassVar[Mapping[str, frozenset[str]]] = records.STANDARD
    usual_words: ClassVar[Mapping[str, frozenset[str]]] = {
        "opportunity.status": frozenset({"open", "won", "lost", "abandoned"})
    }
    sources = frozenset({Source.WORKFLOW, Source.UNKNOWN})
    read_only: ClassVar[Mapping[str, frozenset[str]]] = {
        name: known - records.SETTABLE[name] for name, known in records.STANDARD.items()
    }
    do_not_call = ("contact.dnd", donotdisturb.FIELD)
    lead_zone = "contact.timezone"
    signs_body = True
    Settings: ClassVar[type[ConnectionSettings]] = Settings

    def __init__(self, name: str, settings: ConnectionSettings, http: requests.Session) -> None:
        super().__init__(name, settings, http)
        if not isinstance(settings, Settings):
            raise TypeError("a GoHighLevel connection needs GoHighLevel's Settings")
        self._settings = settings

    def verify(self, request: Request) -> None:
        """HighLevel's signature and our location, or the secret of a workflow's webhook."""
        signature.verify(request, self._trust)

    def sign(self, request: Request) -> Mapping[str, str]:
        """The secret, for a workflow's webhook; only HighLevel has the key that signs its own events."""
        if "type" in document(request.body):
            raise PermanentError(
                "only HighLevel itself can sign its events; a workflow's webhook can be sent, and the sandbox"
                " (python -m adapters.ghl.sandbox) signs events with a key of its own"
            )
        if not self._trust.secrets:
            raise PermanentError(
                f'connection "{self.name}" has no webhook_secret, which proves workflows\' webhooks'
            )
        return {self._trust.secret_header: self._trust.secrets[0]}

    def parse(self, request: Request) -> News:
        """Opportunities that entered a stage or were created, and workflows that ask for a call."""
        return events.parse(request)

    def catalog(self) -> Catalog:
        """The location's pipelines."""
        return records.catalog(self._client)

    def properties(self, object_name: str) -> frozenset[str] | None:
        """HighLevel's fields and the location's custom fields; what Custom Data holds nobody can know."""
        return None if object_name == events.CUSTOM else records.field_names(self._client, object_name)

    def forbids_call(self, fields: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Do-not-disturb for everything, or for calls."""
        person = fields.get("contact", {})
        others = {**person, donotdisturb.KEY: None}
        return donotdisturb.forbids_call(person) or super().forbids_call({**fields, "contact": others})

    def read(
        self, records_: Sequence[RecordRef], fields: Mapping[str, Collection[str]]
    ) -> Mapping[RecordRef, Context | ConnectorError]:
        """Opportunities, several at once, each with its contact."""
        return records.read(self._client, records_, fields)

    def write(self, writes: Sequence[WriteBack]) -> Mapping[RecordRef, ConnectorError | None]:
        """Fields of opportunities and contacts, stages, tags; several records at once."""
        return records.write(self._client, writes)

    def log(self, activities: Sequence[Activity]) -> Mapping[str, str | ConnectorError]:
        """Notes on the contact."""
        return notes.log(self._client, activities)

    def logged(self, activities: Sequence[Activity]) -> Mapping[str, str]:
        """Those that stand on their contact, found by the mark in their text."""
        return notes.logged(self._client, activities)

    @cached_property
    def _trust(self) -> Trust:
        settings = self._settings
        ed25519, rsa = signature.keys(settings.public_keys)
        return Trust(
            location_id=settings.location_id,
            ed25519=ed25519,
            rsa=rsa if "rsa" in settings.allow_signatures else (),
            secrets=tuple(secret.get_secret_value() for secret in settings.webhook_secret),
            secret_header=settings.secret_header,
            secret_in_url=settings.secret_in_url,
            window=settings.replay_window,
        )

    @cached_property
    def _client(self) -> Client:
        settings = self._settings
        return Client(
            self.http,
            settings.access_token.get_secret_value(),
            settings.location_id,
            settings.api_url,
            settings.api_version,
        )
