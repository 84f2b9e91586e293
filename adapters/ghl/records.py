"""Opportunities with their contact: contexts, write-backs, and the catalog of stages."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from adapters.ghl import fields as names
from adapters.ghl.client import Client, Json
from connector.errors import ConnectorError, PermanentError, TemporaryError
from connector.model import Catalog, Context, Pipeline, RecordRef, Stage, WriteBack

RECORD: Final = "opportunity"
CONTACT: Final = "contact"
AT_ONCE: Final = 8
"""Requests under way for one batch: a hundred records then take seconds, and no more than the limit allows."""
STANDARD: Final = {RECORD: names.OPPORTUNITY_FIELDS, CONTACT: names.CONTACT_FIELDS}
SETTABLE: Final = {RECORD: names.WRITABLE_OPPORTUNITY, CONTACT: names.WRITABLE_CONTACT}

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Results = dict[RecordRef, ConnectorError | None]


def catalog(client: Client) -> Catalog:
    """Return the location's pipelines, their stages in the order that people see."""
    return Catalog(tuple(_pipeline(found) for found in client.pipelines()))


def read(
    client: Client, records: Sequence[RecordRef], wanted: Mapping[str, Collection[str]]
) -> dict[RecordRef, Context | ConnectorError]:
    """Return each opportunity as it stands, with its contact if a contact's field is wanted.

    What could not be read for the moment maps to a TemporaryError, and is raised only if nothing could be read.
    """
    found = each(records, lambda record: _read(client, record, wanted))
    troubles = [answer for answer in found.values() if isinstance(answer, TemporaryError)]
    if troubles and len(troubles) == len(found):
        raise troubles[0]
    return found


def write(client: Client, writes: Sequence[WriteBack]) -> Results:
    """Put the values on the opportunities and contacts: None where it is done, else why not."""
    by_record = {write.record: write for write in writes}
    results = each(list(by_record), lambda record: _write(client, by_record[record]))
    troubles = [answer for answer in results.values() if isinstance(answer, TemporaryError)]
    if troubles and len(troubles) == len(results):
        raise troubles[0]
    return results


def field_names(client: Client, model: str) -> frozenset[str]:
    """All fields of an object in this location."""
    return STANDARD[model] | client.custom_fields(model).keys()


def each(keys: Sequence[K], do: Callable[[K], T]) -> dict[K, T | ConnectorError]:
    """Do it for every key, several at once; what goes wrong with one is its own answer."""

    def tried(key: K) -> T | ConnectorError:
        try:
            return do(key)
        except ConnectorError as error:
            return error

    distinct = list(dict.fromkeys(keys))
    if len(distinct) < 2:
        return {key: tried(key) for key in distinct}
    with ThreadPoolExecutor(min(AT_ONCE, len(distinct))) as pool:
        return dict(zip(distinct, pool.map(tried, distinct), strict=True))


def _read(
    client: Client, record: RecordRef, wanted: Mapping[str, Collection[str]]
) -> Context | ConnectorError:
    found = _opportunity(client, record)
    contact: Mapping[str, Any] = {}
    if CONTACT in wanted and found.get("contactId"):
        contact = _shown(client, CONTACT, client.contact(str(found["contactId"])) or {}, wanted[CONTACT])
    shown = _shown(client, RECORD, found, wanted.get(RECORD, ()))
    return Context(
        record,
        _text(found.get("pipelineStageId")),
        _text(found.get("pipelineId")),
        {RECORD: {**shown, "id": record.id}, CONTACT: contact},
    )


def _opportunity(client: Client, record: RecordRef) -> Json:
    """Return an opportunity of this location; raise PermanentError if there is none."""
    if record.type != RECORD:
        raise PermanentError(f"HighLevel's records are opportunities, and this is a {record.type}")
    found = client.opportunity(record.id)
    if found is None:
        raise PermanentError(f"{record} is gone from HighLevel")
    if found.get("locationId") not in (None, client.location_id):
        raise PermanentError(f"{record} is of another location than the connection's location_id")
    return found


def _shown(client: Client, model: str, found: Json, wanted: Collection[str]) -> dict[str, Any]:
    """The wanted fields by name, custom ones among them: an answer names those by id only."""
    shown = {key: found.get(key) for key in wanted if key in STANDARD[model]}
    custom = {
        str(each.get("id")): _value(each)
        for each in found.get("customFields") or ()
        if isinstance(each, dict)
    }
    for key in wanted:
        if key not in shown and found:
            field = client.custom_fields(model, key).get(key)
            shown[key] = custom.get(str(field["id"])) if field else None
    if found:
        shown["id"] = found.get("id")
    return shown


def _value(entry: Json) -> Any:
    """`fieldValue` by the specification, `fieldValueString` and the like in real answers (issue 87), `value` on contacts."""
    for key in sorted(entry):
        if (key == "value" or key.startswith("fieldValue")) and entry[key] is not None:
            return entry[key]
    return None


def contact_of(client: Client, record: RecordRef) -> str:
    """Return the id of an opportunity's contact; raise PermanentError if it has none."""
    found = _text(_opportunity(client, record).get("contactId"))
    if found is None:
        raise PermanentError(f"{record} has no contact in HighLevel")
    return found


def _write(client: Client, write: WriteBack) -> None:
    record = write.record
    if record.type not in SETTABLE:
        raise PermanentError(
            f"results can be written on the opportunity and its contact, not on: {record.type}"
        )
    body = _body(client, record.type, write.properties)
    if record.type == RECORD:
        if write.stage is not None:
            # with its pipeline, for the two belong together; whether HighLevel wants that is not documented
            pipeline = _opportunity(client, record).get("pipelineId")
            body |= {"pipelineId": pipeline, "pipelineStageId": write.stage}
        if body:
            client.update_opportunity(record.id, body)
        return
    if body:
        client.update_contact(record.id, body)
    # by the calls for tags, because tags in an update replace all that there are
    if write.add_tags:
        client.add_tags(record.id, list(write.add_tags))
    if write.remove_tags:
        client.remove_tags(record.id, list(write.remove_tags))


def _body(client: Client, model: str, values: Mapping[str, str]) -> Json:
    """The body of an update: fields of HighLevel's own beside custom fields by id.

    Custom fields as `{id, field_value}`, https://marketplace.gohighlevel.com/docs (2021-07-28); which form a key would
    have is not documented, and arrays need the id.
    """
    body: Json = {}
    custom: list[Json] = []
    for key, value in values.items():
        if key in SETTABLE[model]:
            body[key] = _number(key, value) if key in names.NUMBERS else value
        elif key in STANDARD[model]:
            raise PermanentError(
                f"{model}.{key} cannot be written; custom fields and these can: {_listed(SETTABLE[model])}"
            )
        else:
            field = client.custom_fields(model, key).get(key)
            if field is None:
                known = _listed(client.custom_fields(model))
                raise PermanentError(
                    f'the location has no custom field "{key}" of {model}; there are: {known or "none"}. Create it in'
                    " Settings, Custom Fields"
                )
            custom.append({"id": str(field["id"]), "field_value": _custom_value(field, value)})
    return {**body, "customFields": custom} if custom else body


def _custom_value(field: Json, value: str) -> str | list[str]:
    if field.get("dataType") not in names.LISTS:
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _number(key: str, value: str) -> float:
    try:
        return float(value or 0)
    except ValueError:
        raise PermanentError(f'{key} is a number, and "{value[:40]}" is none') from None


def _listed(found: Collection[str]) -> str:
    return ", ".join(sorted(found)[:30])


def _pipeline(found: Json) -> Pipeline:
    stages = [each for each in found.get("stages") or () if isinstance(each, dict) and each.get("id")]
    return Pipeline(
        id=str(found.get("id")),
        label=str(found.get("name") or found.get("id")),
        stages=tuple(Stage(str(each["id"]), str(each.get("name") or each["id"])) for each in stages),
    )


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
