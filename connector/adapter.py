"""The contract for a CRM: five questions, two without I/O and three with; what it can do besides; discovery.

A CRM is one folder in `adapters/` whose package exports a class `Adapter`. Nothing else in the
connector names a CRM. Vendor's facts, words and errors stay inside the folder; every failure
leaves it as one of two: TemporaryError (try later, `after` where the vendor said) or PermanentError
(a person must act), with a sentence that says what.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import requests
from pydantic import BaseModel, ConfigDict, Field

import adapters
from connector.errors import ConnectorError, PermanentError
from connector.model import Activity, Catalog, Context, News, RecordRef, Request, Source, WriteBack

TIMEOUT = (5.0, 15.0)
"""Seconds to connect and to wait for an answer, for every request an adapter makes."""


class ConnectionSettings(BaseModel):
    """What every connection says in stagecall.yaml; an adapter adds its own (secrets as SecretStr)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    adapter: str
    default_region: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    """Country of phone numbers written without a country code: ISO 3166 alpha-2."""
    countries: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Countries that may be called, where a rule names none; left out: that of `default_region`."""
    do_not_call: tuple[str, ...] = ()
    """Fields (`contact.no_calls`) that forbid to call a person where they are filled with anything but a no; beside
    those that the adapter knows."""
    max_per_hour: int | None = Field(default=None, ge=1)
    """Calls in any 60 minutes, of all rules together."""
    max_per_day: int | None = Field(default=None, ge=1)
    """Calls in any 24 hours."""

    @property
    def allowed_countries(self) -> frozenset[str]:
        """The countries that may be called, ISO 3166 alpha-2."""
        return frozenset(self.countries or (self.default_region,))


class Adapter(ABC):
    """One CRM, one connection. Subclass once; do not subclass another adapter.

    An instance serves many threads at once, so it keeps no state of a delivery between calls.
    """

    title: ClassVar[str]
    """The CRM's name as its vendor spells it."""
    record: ClassVar[str]
    """The CRM's word for the record that moves through stages: `deal`, `opportunity`."""
    objects: ClassVar[tuple[str, ...]]
    """The names that merge fields may begin with, the record first: `("deal", "contact")`."""
    writable: ClassVar[tuple[str, ...]]
    """The objects whose properties a write-back may set."""
    usual_words: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Fields that usually hold one of a few values, by `object.field`: a rule that compares them with another is warned."""
    stage_field: ClassVar[str | None] = None
    """The record's own field that holds its stage's id, such as deal.dealstage; None: it has none."""
    moves_stage: ClassVar[bool] = False
    """Can `write` put the record into another stage of its pipeline?"""
    tags_on: ClassVar[str | None] = None
    """The object whose tags `write` can add and remove; None: the CRM has no tags that an app can change."""
    notes_on: ClassVar[tuple[str, ...]] = ()
    """The objects on whose timeline `log` can put a note; none: it can not."""
    calls_on: ClassVar[tuple[str, ...]] = ()
    """The objects on whose timeline `log` can put a call; none: it can not."""
    instead: ClassVar[Mapping[str, str]] = {}
    """For what a write-back cannot do (`tags`), what people can write instead; told by `stagecall check`."""
    standard_fields: ClassVar[Mapping[str, frozenset[str]]] = {}
    """The vendor's own field names by object, for `stagecall check` without an account."""
    standard_catalog: ClassVar[Catalog] = Catalog()
    """The pipelines of a fresh account, for `stagecall preview` without one."""
    do_not_call: ClassVar[tuple[str, ...]] = ()
    """The CRM's own fields (`contact.dnd`) that say that a person must not be called, where it has such."""
    lead_zone: ClassVar[str | None] = None
    """The CRM's own field (`contact.timezone`) that says in which time zone a person lives."""
    sources: ClassVar[frozenset[Source]] = frozenset(Source)
    """Who changed a record, as far as the CRM tells: a rule that asks for somebody else would never be for anything."""
    read_only: ClassVar[Mapping[str, frozenset[str]]] = {}
    """The CRM's own fields that `write` cannot set, by object."""
    tells_previous_stage: ClassVar[bool] = False
    """Do its stage events say where the record came from? Only then may a rule ask with `from`."""
    signs_body: ClassVar[bool]
    """Does the vendor's proof cover the body?"""
    Settings: ClassVar[type[ConnectionSettings]] = ConnectionSettings

    def __init__(self, name: str, settings: ConnectionSettings, http: requests.Session) -> None:
        self.name = name
        self.settings = settings
        self.http = http

    @abstractmethod
    def verify(self, request: Request) -> None:
        """Return if the CRM sent this for us; raise InvalidSignature if not. No I/O."""

    def sign(self, request: Request) -> Mapping[str, str]:
        """Return the headers that prove `request` to come from the CRM (for `stagecall send` and tests).

        Raises PermanentError where only the CRM can make its proof.
        """
        raise PermanentError(f"only {self.title} itself can sign a delivery")

    @abstractmethod
    def parse(self, request: Request) -> News:
        """Return what happened; raise MalformedDelivery only if nothing of it can be read. No I/O."""

    @abstractmethod
    def catalog(self) -> Catalog:
        """Return the account's pipelines and stages."""

    @abstractmethod
    def read(
        self, records: Sequence[RecordRef], fields: Mapping[str, Collection[str]]
    ) -> Mapping[RecordRef, Context | ConnectorError]:
        """Return each record as it stands, with the named fields of each object (`{"deal": {"amount"}}`).

        Any number of records, read in the vendor's batches. A record that is gone maps to a
        PermanentError; trouble with the whole request is raised.
        """

    @abstractmethod
    def write(self, writes: Sequence[WriteBack]) -> Mapping[RecordRef, ConnectorError | None]:
        """Put the values on the records, at most one WriteBack a record; None where it is done.

        Records are of the types in `writable` and `tags_on`. Called again after a failure: be idempotent.
        Trouble with the whole request is raised.
        """

    def watched(self) -> Mapping[str, frozenset[str]]:
        """The fields, by object, that are read of every record before it is called, whatever its rule names."""
        names = (*self.do_not_call, *self.settings.do_not_call, *filter(None, [self.lead_zone]))
        pairs = [name.partition(".") for name in names]
        return {each: frozenset(key for found, _, key in pairs if found == each) for each, _, _ in pairs}

    def forbids_call(self, fields: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Say in a sentence why the CRM forbids to call the person of a record; None where it does not. No I/O.

        Override it where a yes is more than a filled field.
        """
        for name in (*self.do_not_call, *self.settings.do_not_call):
            if says_yes(value := value_of(name, fields)):
                return f'{name} is "{str(value)[:60]}" in {self.title}: this person must not be called'
        return None

    def zone_of(self, fields: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the time zone of a record's person as the CRM says it, empty where it does not. No I/O.

        Override it where the CRM spells zones in its own way: an IANA name is wanted, in any capitals.
        """
        return str(value_of(self.lead_zone, fields) or "") if self.lead_zone else ""

    def log(self, activities: Sequence[Activity]) -> Mapping[str, str | ConnectorError]:
        """Put notes and calls on timelines; return by key the vendor's id of each, or why there is none.

        Called once for each activity, and again only if `logged` did not find it. Where no answer came (or one
        that is not understood) the error is a TemporaryError: whether it was made is then asked of `logged`.
        """
        why = PermanentError(f"{self.title} takes no notes and no calls on a timeline")
        return {each.key: why for each in activities}

    def logged(self, activities: Sequence[Activity]) -> Mapping[str, str]:
        """Return by key the vendor's id of those of these activities that stand on a timeline already.

        Asked after a crash, or after an answer that did not come, half a minute later at the earliest. What it
        does not return is made (again). Trouble is raised.
        """
        return {}

    def properties(self, object_name: str) -> frozenset[str] | None:
        """The names of all fields that the account has for an object, for `stagecall check --live`.

        None where the CRM cannot say.
        """
        return None

    def holds(self, writes: Sequence[WriteBack]) -> Mapping[RecordRef, bool]:
        """Say which records already stand as the write-back would have them (asked after a crash).

        Only of records of the type `record`, and never of tags.
        """
        fields: dict[str, set[str]] = {}
        for write in writes:
            fields.setdefault(write.record.type, set()).update(write.properties)
        contexts = self.read([write.record for write in writes], fields)
        return {write.record: _stands(contexts.get(write.record), write) for write in writes}


_NO = frozenset({"", "false", "no", "n", "0", "off", "none", "null"})


def value_of(name: str, fields: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the value of a field by its name in rules (`contact.phone`), None where it has none."""
    found, _, key = name.partition(".")
    return fields.get(found, {}).get(key)


def says_yes(value: Any) -> bool:
    """Is a checkbox ticked, a choice made, a date set? CRMs send text; what is no clear no is a yes."""
    return str(value).strip().casefold() not in _NO if value is not None else False


def _stands(context: Context | ConnectorError | None, write: WriteBack) -> bool:
    if not isinstance(context, Context) or write.stage not in (None, context.stage):
        return False
    stands = context.fields.get(write.record.type, {})
    return all((stands.get(key) or "") == value for key, value in write.properties.items())


@cache
def adapter_names() -> tuple[str, ...]:
    """The folders in `adapters/` that can be used, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(adapters.__path__) if module.ispkg))


@cache
def find_adapter(name: str) -> type[Adapter]:
    """Return the adapter in the folder of that name.

    Raises PermanentError where there is no such folder or it exports no Adapter.
    """
    if name not in adapter_names():
        raise PermanentError(f'"{name}" is not an adapter; there are: {", ".join(adapter_names())}')
    package = importlib.import_module(f"adapters.{name}")
    found = getattr(package, "Adapter", None)
    if not (isinstance(found, type) and issubclass(found, Adapter) and found is not Adapter):
        raise PermanentError(f"adapters/{name}/__init__.py exports no class Adapter")
    return found
