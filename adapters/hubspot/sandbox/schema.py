"""The schema part of the sandbox's API: `/crm/v3/pipelines/...` and `/crm/v3/properties/...`."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from adapters.hubspot.sandbox.account import Json, Pipeline, Property
from adapters.hubspot.sandbox.state import Refusal
from adapters.hubspot.sandbox.wire import answer, json_body, kind_of

if TYPE_CHECKING:
    from adapters.hubspot.sandbox.api import Account

BORN = "2026-01-01T00:00:00.000Z"


def create_schema(served: "Account") -> Blueprint:
    """List pipelines; list, get and create properties and their groups."""
    bp = Blueprint("schema", __name__)
    state = served.state

    @bp.get("/v3/pipelines/<name>")
    def pipelines(name: str) -> Response:
        served.need("crm.objects.deals.read", "crm.schemas.deals.read")
        if kind_of(name) != "deals":
            return answer({"results": []})
        return answer({"results": [_pipeline(order, each) for order, each in enumerate(state.pipelines)]})

    @bp.get("/v3/properties/<name>")
    def properties(name: str) -> Response:
        kind = kind_of(name)
        served.need(f"crm.objects.{kind}.read", "crm.schemas.deals.read")
        return answer({"results": [_property(each) for each in state.properties[kind].values()]})

    @bp.get("/v3/properties/<name>/<property_name>")
    def get_property(name: str, property_name: str) -> Response:
        found = state.properties[kind_of(name)].get(property_name)
        if found is None:
            raise Refusal(404, "OBJECT_NOT_FOUND", f"Property {property_name} does not exist")
        return answer(_property(found))

    @bp.post("/v3/properties/<name>")
    def create_property(name: str) -> Response:
        kind, body = kind_of(name), json_body()
        served.need("crm.schemas.deals.write")
        own = str(body.get("name", ""))
        if own in state.properties[kind]:
            raise Refusal(
                409,
                "OBJECT_ALREADY_EXISTS",
                f"A property named '{own}' already exists.",
                subCategory="Properties.PROPERTY_WITH_NAME_EXISTS",
            )
        if body.get("groupName") not in state.groups[kind]:
            raise Refusal(400, "VALIDATION_ERROR", f"Property group {body.get('groupName')} does not exist")
        state.properties[kind][own] = created = _property_of(own, body)
        return answer(_property(created), 201)

    @bp.get("/v3/properties/<name>/groups")
    def groups(name: str) -> Response:
        return answer({"results": [_group(each) for each in sorted(state.groups[kind_of(name)])]})

    @bp.post("/v3/properties/<name>/groups")
    def create_group(name: str) -> Response:
        kind, own = kind_of(name), str(json_body().get("name", ""))
        served.need("crm.schemas.deals.write")
        if own in state.groups[kind]:
            raise Refusal(409, "OBJECT_ALREADY_EXISTS", f"A group named '{own}' already exists.")
        state.groups[kind].add(own)
        return answer(_group(own), 201)

    return bp


def _pipeline(order: int, pipeline: Pipeline) -> Json:
    stages = [
        {
            "id": stage.id,
            "label": stage.label,
            "displayOrder": place,
            "metadata": {"isClosed": str(stage.closed).lower(), "probability": "0.5"},
            "archived": stage.archived,
            "createdAt": BORN,
            "updatedAt": BORN,
        }
        for place, stage in enumerate(pipeline.stages)
    ]
    about = {"id": pipeline.id, "label": pipeline.label, "displayOrder": order, "archived": False}
    return about | {"stages": stages, "createdAt": BORN, "updatedAt": BORN}


def _property(prop: Property) -> Json:
    return {
        "name": prop.name,
        "label": prop.label or prop.name,
        "type": prop.type,
        "fieldType": prop.field_type,
        "groupName": prop.group or "dealinformation",
        "description": "",
        "options": [
            {"label": option, "value": option, "displayOrder": place, "hidden": False}
            for place, option in enumerate(prop.options)
        ],
        "modificationMetadata": {"readOnlyValue": prop.read_only, "archivable": True},
    }


def _property_of(name: str, body: Json) -> Property:
    options = [str(option.get("value")) for option in body.get("options") or [] if isinstance(option, dict)]
    return Property(
        name=name,
        type=str(body.get("type") or "string"),
        field_type=str(body.get("fieldType") or "text"),
        label=str(body.get("label") or name),
        group=str(body.get("groupName")),
        options=tuple(options),
    )


def _group(name: str) -> Json:
    return {"name": name, "label": name, "displayOrder": -1, "archived": False}
