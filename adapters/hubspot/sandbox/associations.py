"""The associations part of the sandbox's API: `/crm/v4/...`."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from adapters.hubspot.sandbox import account
from adapters.hubspot.sandbox.account import Json
from adapters.hubspot.sandbox.wire import answer, batch_answer, id_of, inputs_of, json_body, kind_of

if TYPE_CHECKING:
    from adapters.hubspot.sandbox.api import Account


def create_associations(served: "Account") -> Blueprint:
    """Read and create links, one by one and in batches."""
    bp = Blueprint("associations", __name__)
    state = served.state

    def labelled(kind: str, to_kind: str, labels: list[str]) -> list[Json]:
        own = {"": account.ASSOCIATION_IDS.get((kind, to_kind), 999)}
        if (kind, to_kind) in account.PRIMARY_IDS:
            own[account.PRIMARY] = account.PRIMARY_IDS[kind, to_kind]
        return [
            {"category": "HUBSPOT_DEFINED", "typeId": own[label], "label": label or None}
            if label in own
            else {"category": "USER_DEFINED", "typeId": 70 + len(label), "label": label}
            for label in labels
        ]

    def ends(kind: str, id_: str, to_kind: str) -> list[Json]:
        found = state.links(kind, id_, to_kind)
        return [
            {"toObjectId": int(other), "associationTypes": labelled(kind, to_kind, labels)}
            for other, labels in found.items()
        ]

    @bp.post("/v4/associations/<name>/<to>/batch/read")
    def batch_read(name: str, to: str) -> Response:
        kind, to_kind = kind_of(name), kind_of(to)
        served.need_object(kind, "read")
        ids = [id_of(each) for each in inputs_of(json_body())]
        with state.lock:
            found = {id_: ends(kind, id_, to_kind) for id_ in ids}
        return batch_answer(
            ({"from": {"id": id_}, "to": to_ends} for id_, to_ends in found.items() if to_ends),
            [_no_link(kind, to_kind, id_) for id_, to_ends in found.items() if not to_ends],
        )

    @bp.get("/v4/objects/<name>/<id_>/associations/<to>")
    def read(name: str, id_: str, to: str) -> Response:
        kind = kind_of(name)
        served.need_object(kind, "read")
        with state.lock:
            state.get(kind, id_)
            return answer({"results": ends(kind, id_, kind_of(to))})

    @bp.put("/v4/objects/<name>/<id_>/associations/default/<to>/<to_id>")
    @bp.put("/v4/objects/<name>/<id_>/associations/<to>/<to_id>")
    def create(name: str, id_: str, to: str, to_id: str) -> Response:
        kind, to_kind = kind_of(name), kind_of(to)
        served.need_object(kind, "write")
        state.associate(kind, id_, to_kind, to_id)
        ids = {"fromObjectId": id_, "toObjectId": to_id, "labels": []}
        kinds = {"fromObjectTypeId": account.TYPE_IDS[kind], "toObjectTypeId": account.TYPE_IDS[to_kind]}
        return answer(ids | kinds, 201)

    @bp.post("/v4/associations/<name>/<to>/batch/create")
    @bp.post("/v4/associations/<name>/<to>/batch/associate/default")
    def batch_create(name: str, to: str) -> Response:
        kind, to_kind = kind_of(name), kind_of(to)
        served.need_object(kind, "write")
        pairs = [(id_of(each.get("from")), id_of(each.get("to"))) for each in inputs_of(json_body())]
        for id_, to_id in pairs:
            state.associate(kind, id_, to_kind, to_id)
        done = [{"fromObjectId": id_, "toObjectId": to_id, "labels": []} for id_, to_id in pairs]
        return batch_answer(done, [], 201)

    return bp


def _no_link(kind: str, to_kind: str, id_: str) -> Json:
    """How a batch read reports a record without links."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {to_kind[:-1]} is associated with {kind[:-1]} {id_}.",
        "context": {"fromObjectId": [id_]},
    }
