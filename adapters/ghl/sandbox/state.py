"""The records of the sandbox's location: what stands where, what HighLevel would refuse, what has changed."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Any, Final

from adapters.ghl.sandbox import account
from adapters.ghl.sandbox.account import Json

Tell = Callable[[str, Json], None]
"""Called with the name of an event and the opportunity as it stands."""

_SETTABLE: Final = {
    "opportunity": frozenset(
        {"pipelineId", "name", "pipelineStageId", "status", "monetaryValue", "assignedTo", "customFields"}
    ),
    "contact": frozenset(
        {"firstName", "lastName", "name", "email", "phone", "address1", "city", "state", "postalCode", "website",
         "timezone", "dnd", "dndSettings", "inboundDndSettings", "tags", "customFields", "source", "dateOfBirth",
         "country", "assignedTo"}
    ),
}  # fmt: skip
"""The keys of highlevel-api-docs' UpdateOpportunityDto and UpdateContactDto."""
_STATUSES: Final = ("open", "won", "lost", "abandoned", "all")


class Refusal(Exception):
    """HighLevel says no."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(str(message))
        self.status = status
        self.body: Json = {
            "statusCode": status,
            "message": message,
            "traceId": "8f712294-b015-42a8-8c69-7fcb960560aa",
        }


class State:
    """One location. Every method may be called from any thread."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.time) -> None:
        self.lock = RLock()
        self.records: dict[str, dict[str, Json]] = {"opportunity": {}, "contact": {}}
        self.fields = account.custom_fields()
        self.notes: dict[str, list[Json]] = {}
        self._tell = tell
        self.clock = clock
        self._numbers = count(1)

    def now(self) -> str:
        """The time as HighLevel writes it."""
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add(self, kind: str, values: Mapping[str, Any]) -> Json:
        """Add a record as it is."""
        with self.lock:
            id_ = account.new_id(kind, next(self._numbers))
            record = {"id": id_, "locationId": account.LOCATION_ID, "customFields": [], "tags": [], **values}
            self.records[kind][id_] = record
            return record

    def get(self, kind: str, id_: str) -> Json:
        """Return a record; refuse if it is not there (that it is 404 is not documented for opportunities)."""
        with self.lock:
            found = self.records[kind].get(id_)
            if found is None:
                raise Refusal(404, f"{kind.capitalize()} not found")
            return found

    def update(self, kind: str, id_: str, values: Mapping[str, Any]) -> Json:
        """Change what is named, or refuse all of it; tell what an opportunity's change makes HighLevel tell."""
        with self.lock:
            record = self.get(kind, id_)
            self._check(kind, record, values)
            moved = values.get("pipelineStageId") not in (None, record.get("pipelineStageId"))
            custom = {each["id"]: each["field_value"] for each in values.get("customFields", ())}
            known = {each["id"]: each for each in record["customFields"]}
            for field, value in custom.items():
                named = "fieldValue" if kind == "opportunity" else "value"
                known[field] = {"id": field, named: value}
            record |= {**values, "customFields": list(known.values())}
            if moved:
                record["lastStageChangeAt"] = self.now()
            if kind == "opportunity":
                self._tell("OpportunityUpdate", dict(record))
                if moved:
                    self._tell("OpportunityStageUpdate", dict(record))
            return record

    def created(self, record: Json) -> None:
        """Tell of a new opportunity."""
        self._tell("OpportunityUpdate", dict(record))
        self._tell("OpportunityCreate", dict(record))

    def stage(self, name: str) -> tuple[str, str]:
        """Return pipeline and stage of this id or label."""
        for pipeline, (_, stages) in account.PIPELINES.items():
            for id_, label in stages.items():
                if name in (id_, label):
                    return pipeline, id_
        raise Refusal(400, f"there is no stage {name}")

    def shown(self, kind: str, id_: str) -> Json:
        """A record's fields with custom ones by their key, for tests and people."""
        with self.lock:
            record = self.get(kind, id_)
            keys = {each["id"]: each["fieldKey"].removeprefix(f"{kind}.") for each in self.fields[kind]}
            custom = {
                keys[each["id"]]: each.get("fieldValue", each.get("value")) for each in record["customFields"]
            }
            return {**record, **custom}

    def _check(self, kind: str, record: Json, values: Mapping[str, Any]) -> None:
        wrong = [f"property {key} should not exist" for key in values if key not in _SETTABLE[kind]]
        known = {each["id"] for each in self.fields[kind]}
        for each in values.get("customFields", ()):
            if set(each) != {"id", "field_value"}:
                wrong.append("customFields must have id and field_value")
            elif each["id"] not in known:
                wrong.append(f"customFields {each['id']} does not exist")
        if values.get("status", "open") not in _STATUSES:
            wrong.append(f"status must be one of the following values: {', '.join(_STATUSES)}")
        if not isinstance(values.get("monetaryValue", 0), int | float):
            wrong.append("monetaryValue must be a number")
        if "pipelineStageId" in values:
            pipeline = values.get("pipelineId", record.get("pipelineId"))
            if values["pipelineStageId"] not in account.PIPELINES.get(pipeline, ("", {}))[1]:
                wrong.append("pipelineStageId is no stage of the pipeline")
        if wrong:
            raise Refusal(422, wrong)
