"""Deals by the hundred with their contact and company: contexts, values written back, and the catalog of stages."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from adapters.hubspot.client import BATCH, Client, Json, Properties
from adapters.hubspot.failures import Refused
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import Catalog, Context, Pipeline, RecordRef, Stage, WriteBack

RECORD: Final = "deal"
WRITABLE: Final = ("deal", "contact")
ALWAYS: Final = frozenset({"dealstage", "pipeline"})
ASSOCIATED: Final = ("contact", "company")
"""The objects of which a deal's first one is read with it."""

T = TypeVar("T")
Results = dict[RecordRef, ConnectorError | None]


def catalog(client: Client) -> Catalog:
    """Return the account's pipelines; an archived stage stays, for a deal may still stand in it."""
    return Catalog(tuple(_pipeline(found) for found in client.pipelines()))


def read(
    client: Client, records: Sequence[RecordRef], fields: Mapping[str, Collection[str]]
) -> dict[RecordRef, Context | ConnectorError]:
    """Return each deal as it stands, with its first contact and company if a field of theirs is wanted."""
    contexts: dict[RecordRef, Context | ConnectorError] = {}
    readable = []
    for record in records:
        wrong = _not_a_deal(record)
        if wrong:
            contexts[record] = wrong
        else:
            readable.append(record)
    for chunk in _chunks(readable):
        contexts.update(_read_chunk(client, chunk, fields))
    return contexts


def write(client: Client, writes: Sequence[WriteBack]) -> Results:
    """Put the values on deals and contacts: None where it is done, else why not."""
    results: Results = {write.record: _unwritable(write) for write in writes}
    wanted = {write.record: _values(write) for write in writes if results[write.record] is None}
    answered: Results = {}
    troubles: Results = {}
    for kind in WRITABLE:
        own = [record for record, values in wanted.items() if record.type == kind and values]
        try:
            for chunk in _chunks(own):
                _update(client, kind, {record: wanted[record] for record in chunk}, answered)
        except TemporaryError as trouble:
            # what is done is done: only the rest waits
            troubles |= dict.fromkeys(own, trouble)
    if troubles and not answered:
        raise next(each for each in troubles.values() if each)
    return results | troubles | answered


def _values(write: WriteBack) -> Mapping[str, str]:
    return write.properties if write.stage is None else {**write.properties, "dealstage": write.stage}


def _update(
    client: Client, kind: str, todo: Mapping[RecordRef, Mapping[str, str]], answered: Results
) -> None:
    """Update at once what HubSpot takes at once; halve what it refuses until the bad record stands alone."""
    try:
        done = client.update(kind, {record.id: properties for record, properties in todo.items()})
    except Refused as refused:
        # a property that the account lacks names its records by itself, without a search for them
        guilty = [record for record in todo if refused.missing & todo[record].keys()]
        if guilty or len(todo) == 1:
            answered |= dict.fromkeys(guilty or todo, refused)
        parts = 1 if guilty else 2
    else:
        answered |= {record: None for record in todo if record.id in done}
        parts = 1
    rest = [record for record in todo if record not in answered]
    for part in (rest[start::parts] for start in range(parts)):
        if part:
            _update(client, kind, {record: todo[record] for record in part}, answered)


def _read_chunk(
    client: Client, records: Sequence[RecordRef], fields: Mapping[str, Collection[str]]
) -> dict[RecordRef, Context | ConnectorError]:
    ids = list(dict.fromkeys(record.id for record in records))
    deals = client.objects(RECORD, ids, {*fields.get(RECORD, ()), *ALWAYS} - {"id"})
    firsts = {
        kind: _firsts(client, kind, list(deals), fields[kind]) if kind in fields and deals else {}
        for kind in ASSOCIATED
    }

    def context(record: RecordRef) -> Context | PermanentError:
        associated = {kind: found.get(record.id, {}) for kind, found in firsts.items()}
        return _context(record, deals.get(record.id), associated)

    return {record: context(record) for record in records}


def _context(
    record: RecordRef, deal: Properties | None, associated: Mapping[str, Mapping[str, Any]]
) -> Context | PermanentError:
    if deal is None:
        return PermanentError(f"{record} is gone from HubSpot: deleted, or merged into another")
    fields = {RECORD: {**deal, "id": record.id}, **associated}
    return Context(record, deal.get("dealstage"), deal.get("pipeline"), fields)


def _firsts(
    client: Client, kind: str, deal_ids: Sequence[str], properties: Collection[str]
) -> dict[str, Mapping[str, Any]]:
    """Return each deal's first contact, or company, that still exists."""
    candidates = {deal: _in_order(links) for deal, links in client.linked(RECORD, deal_ids, kind).items()}
    known: dict[str, Properties] = {}
    chosen: dict[str, Mapping[str, Any]] = {}
    while candidates := {deal: ids for deal, ids in candidates.items() if ids and deal not in chosen}:
        wanted = dict.fromkeys(ids[0] for ids in candidates.values() if ids[0] not in known)
        for chunk in _chunks(list(wanted)):
            known |= client.objects(kind, chunk, set(properties) - {"id"})
        for deal, ids in candidates.items():
            first = ids.pop(0)
            if first in known:
                chosen[deal] = {**known[first], "id": first}
    return chosen


def _in_order(links: Sequence[Json]) -> list[str]:
    """Contacts, or companies, once each: the primary one first, then labelled ones, then the oldest (lowest id).

    HubSpot promises no order, has no primary contact on a deal but by a label, a primary company by a label of its
    own, and lists a contact once for each of its labels.
    """
    ranks: dict[str, int] = {}
    for link in links:
        other = str(link.get("toObjectId", ""))
        if other:
            ranks[other] = min(_rank(link), ranks.get(other, 9))
    return sorted(ranks, key=lambda other: (ranks[other], len(other), other))


def _rank(link: Json) -> int:
    types = link.get("associationTypes")
    labels = (
        [type_.get("label") for type_ in types if isinstance(type_, dict)] if isinstance(types, list) else []
    )
    if any(str(label).casefold() == "primary" for label in labels):
        return 0
    return 1 if any(labels) else 2


def _pipeline(found: Json) -> Pipeline:
    stages = found.get("stages") or []
    return Pipeline(
        id=str(found.get("id")),
        label=str(found.get("label") or found.get("id")),
        stages=tuple(Stage(str(stage["id"]), str(stage.get("label") or stage["id"])) for stage in stages),
    )


def _unwritable(write: WriteBack) -> ConnectorError | None:
    record = write.record
    if record.type == RECORD or record.type not in WRITABLE:
        return _not_a_deal(record)
    if write.stage is not None:
        return PermanentError(f"HubSpot's deals stand in stages, and this is a {record.type}")
    return wrong_id(record)


def _not_a_deal(record: RecordRef) -> ConnectorError | None:
    """One id that is no number would spoil a whole batch, so it is not sent."""
    if record.type != RECORD:
        return PermanentError(f"HubSpot's records are deals, and this is a {record.type}")
    return wrong_id(record)


def wrong_id(record: RecordRef) -> ConnectorError | None:
    """Why HubSpot would not know this id; None where it may."""
    if record.id.isascii() and record.id.isdigit() and len(record.id) < 20:
        return None
    return PermanentError(f'"{record.id[:40]}" is not the id of a HubSpot {record.type}: those are numbers')


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
