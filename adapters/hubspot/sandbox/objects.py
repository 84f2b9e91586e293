"""The objects part of the sandbox's API: `/crm/v3/objects/...`."""

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from adapters.hubspot.sandbox import account
from adapters.hubspot.sandbox.account import Json
from adapters.hubspot.sandbox.state import Refusal, iso
from adapters.hubspot.sandbox.wire import (
    answer,
    batch_answer,
    id_of,
    inputs_of,
    json_body,
    kind_of,
    missing,
    properties_of,
)

if TYPE_CHECKING:
    from adapters.hubspot.sandbox.api import Account


def create_objects(served: "Account") -> Blueprint:
    """Get, create, update, delete, batch read, create and update, search."""
    bp = Blueprint("objects", __name__)
    state = served.state

    def update(kind: str, updates: list[tuple[str, Any]]) -> tuple[list[Json], list[str]]:
        with state.lock:
            records, absent = state.update(kind, updates, served.app)
            values = dict(updates)
            if kind == "deals":
                served.ledger.write(iso(g.now), {record.id: values[record.id] for record in records})
            known = state.properties[kind]
            return [record.rendered(values[record.id], known) for record in records], absent

    def create(kind: str, inputs: list[Json]) -> list[Json]:
        """Create all of them or, if one is refused, none."""
        with state.lock:
            linked = [[_link(kind, wanted) for wanted in each.get("associations") or []] for each in inputs]
            for links in linked:
                for to_kind, to_id in links:
                    state.get(to_kind, to_id)
            for each in inputs:
                state.check_new(kind, properties_of(each))
            made = []
            for each, links in zip(inputs, linked, strict=True):
                record = state.create(kind, properties_of(each), served.app)
                for to_kind, to_id in links:
                    state.associate(kind, record.id, to_kind, to_id)
                made.append(record.rendered(record.properties, state.properties[kind]))
            return made

    @bp.post("/v3/objects/<name>")
    def create_one(name: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "write")
        return answer(create(kind, [json_body()])[0], 201)

    @bp.post("/v3/objects/<name>/batch/create")
    def batch_create(name: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "write")
        # the order of the answer is not promised
        return batch_answer(reversed(create(kind, inputs_of(json_body()))), [], 201)

    @bp.get("/v3/objects/<name>/<id_>")
    def get(name: str, id_: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "read")
        names = [part for value in request.args.getlist("properties") for part in value.split(",")]
        with state.lock:
            shown = state.get(kind, id_).rendered(names, state.properties[kind])
            wanted = [part for value in request.args.getlist("associations") for part in value.split(",")]
            found = {to: state.links(kind, id_, kind_of(to)) for to in wanted}
        shown_links = {
            to: {"results": [{"id": other, "type": f"{kind[:-1]}_to_{to[:-1]}"} for other in links]}
            for to, links in found.items()
            if links
        }
        return answer(shown | ({"associations": shown_links} if shown_links else {}))

    @bp.patch("/v3/objects/<name>/<id_>")
    def patch(name: str, id_: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "write")
        state.get(kind, id_)
        shown, _ = update(kind, [(id_, properties_of(json_body()))])
        return answer(shown[0])

    @bp.delete("/v3/objects/<name>/<id_>")
    def delete(name: str, id_: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "write")
        state.archive(kind, id_, served.app)
        return Response(status=204)

    @bp.post("/v3/objects/<name>/batch/read")
    def batch_read(name: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "read")
        body = json_body()
        ids = dict.fromkeys(id_of(each) for each in inputs_of(body))
        shown, absent = state.read(kind, ids, body.get("properties") or [])
        return batch_answer(shown, missing(kind, absent))

    @bp.post("/v3/objects/<name>/batch/update")
    def batch_update(name: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "write")
        updates = [(id_of(each), properties_of(each)) for each in inputs_of(json_body())]
        if len({id_ for id_, _ in updates}) < len(updates):
            raise Refusal(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")
        shown, absent = update(kind, updates)
        return batch_answer(shown, missing(kind, absent))

    @bp.post("/v3/objects/<name>/search")
    def search(name: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "read")
        body = json_body()
        with state.lock:
            found = [
                record.rendered(body.get("properties") or [], state.properties[kind])
                for record in state.objects[kind].values()
                if not record.archived and _meets(body, {**record.properties, "hs_object_id": record.id})
            ]
        return answer({"total": len(found), "results": found[: int(body.get("limit") or 10)]})

    return bp


def _link(kind: str, wanted: Any) -> tuple[str, str]:
    """Which record an association in a create means: its type id says what kind it is."""
    types = wanted.get("types") if isinstance(wanted, dict) else None
    if isinstance(types, list) and types and isinstance(types[0], dict):
        type_id = types[0].get("associationTypeId")
        for (here, there), known in account.ASSOCIATION_IDS.items():
            if here == kind and known == type_id:
                return there, id_of(wanted.get("to"))
    raise Refusal(400, "VALIDATION_ERROR", f"{wanted!r} is not an association from {kind}")


def _meets(body: Json, properties: dict[str, str]) -> bool:
    """Does a record meet one of the groups of filters? EQ and IN are enough here."""
    groups = body.get("filterGroups") or [{"filters": body.get("filters") or []}]
    return any(all(_passes(each, properties) for each in group.get("filters") or []) for group in groups)


def _passes(wanted: Json, properties: dict[str, str]) -> bool:
    value = properties.get(str(wanted.get("propertyName")), "")
    match wanted.get("operator"):
        case "EQ":
            return value == str(wanted.get("value"))
        case "IN":
            return value in [str(each) for each in wanted.get("values") or []]
        case operator:
            raise Refusal(400, "VALIDATION_ERROR", f"the sandbox searches by EQ and IN, not {operator}")
