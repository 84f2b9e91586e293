"""Parse: what a delivery of HighLevel means. Pure.

Three kinds of bodies come to one address (https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide and
.../docs/category/webhook, read 2026-11; highlevel-api-docs, issues 27 and 264):

    a marketplace event     flat, camelCase, with `type`, `locationId`, `timestamp` (when it was sent), `webhookId`
    a workflow's webhook    flat, snake_case, with `workflow` and `customData`; the stage by its name only, under the
                            key `pipleline_stage` (so spelt), no time and no id of the event
    a Custom Webhook        whatever its author typed; the README tells which keys to type

One move of an opportunity sends OpportunityUpdate *and* OpportunityStageUpdate, each with a webhookId of its own, and a
creation sends Update and Create. OpportunityUpdate names no change and no previous stage, and our own write-backs
cause it, so it is never followed: what it could tell of a stage, StageUpdate tells.
HighLevel never says who changed an opportunity (`source` is where the lead came from), nor that we did.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from adapters.ghl.document import KINDS, document, location_of, moment, storable
from connector.errors import MalformedDelivery
from connector.model import EventKind, News, RecordRef, Request, Source, StageEvent

RECORD: Final = "opportunity"
CUSTOM: Final = "custom"
"""The object whose fields are the Custom Data of a workflow's webhook: `{{ custom.agent }}`."""

OURS: Final[Mapping[str, EventKind]] = {
    "OpportunityStageUpdate": EventKind.MOVED,
    "OpportunityCreate": EventKind.CREATED,
}
KNOWN: Final = frozenset(
    [
        "INSTALL",
        "UNINSTALL",
        "AppInstall",
        "AppUninstall",
        "AppUpdate",
        "AppPaymentStatus",
        "PlanChange",
        "ExternalAuthConnected",
        "AppointmentCreate",
        "AppointmentDelete",
        "AppointmentUpdate",
        "AssociationCreate",
        "AssociationDelete",
        "AssociationUpdate",
        "CampaignStatusUpdate",
        "ContactCreate",
        "ContactDelete",
        "ContactDndUpdate",
        "ContactTagUpdate",
        "ContactUpdate",
        "ConversationUnreadWebhook",
        "ConversationUnreadUpdate",
        "ConversationUpdate",
        "InboundMessage",
        "OutboundMessage",
        "ProviderOutboundMessage",
        "InvoiceCreate",
        "InvoiceDelete",
        "InvoicePaid",
        "InvoicePartiallyPaid",
        "InvoiceSent",
        "InvoiceUpdate",
        "InvoiceVoid",
        "LCEmailStats",
        "LocationCreate",
        "LocationUpdate",
        "NoteCreate",
        "NoteDelete",
        "NoteUpdate",
        "ObjectSchemaCreate",
        "ObjectSchemaUpdate",
        "OpportunityAssignedToUpdate",
        "OpportunityDelete",
        "OpportunityMonetaryValueUpdate",
        "OpportunityStatusUpdate",
        "OpportunityUpdate",
        "OrderCreate",
        "OrderStatusUpdate",
        "PriceCreate",
        "PriceDelete",
        "PriceUpdate",
        "ProductCreate",
        "ProductDelete",
        "ProductUpdate",
        "RecordCreate",
        "RecordDelete",
        "RecordUpdate",
        "RelationCreate",
        "RelationDelete",
        "TaskComplete",
        "TaskCreate",
        "TaskDelete",
        "UserCreate",
        "UserDelete",
        "UserUpdate",
        "VoiceAiCallEnd",
    ]
)
"""HighLevel's other events; what is not here either is counted as unknown."""

_MAX_TEXT: Final = 200
_MAX_CUSTOM: Final = 100
_OPPORTUNITY_KEYS: Final = (
    "pipeline_id",
    "pipleline_stage",
    "pipeline_stage",
    "opportunity_name",
    "pipeline_name",
)


class _Unreadable(Exception):
    """The event cannot be read; its sentence says why."""


def parse(request: Request) -> News:
    """Return what a delivery says; raise MalformedDelivery if it is nothing that HighLevel sends."""
    body = document(request.body)
    try:
        if not storable(body):
            raise _Unreadable("text with a NUL or half a character in it")
        if {"meta", "extras", "data"} <= body.keys():
            return News(ignored={"marketplace action": 1})
        if "type" in body and "locationId" in body:
            return _marketplace(body)
        if {"contact_id", "workflow", "opportunity_id", "customData"} & body.keys():
            return News(events=(_workflow(body, request),))
    except _Unreadable as why:
        return News(malformed=(str(why),))
    raise MalformedDelivery(
        "the body is neither an event of HighLevel (type, locationId) nor a workflow's webhook (contact_id, workflow,"
        " or at least opportunity_id)"
    )


def _marketplace(body: Mapping[str, Any]) -> News:
    name = _text(body, "type")
    kind = OURS.get(name)
    if kind is None:
        return News(ignored={name: 1}) if name in KNOWN else News(unknown={name: 1})
    location, record = _text(body, "locationId"), _text(body, "id")
    stage = _text(body, "pipelineStageId")
    occurred_at = moment(body.get("timestamp"))
    if occurred_at is None:
        raise _Unreadable(
            "timestamp is not a time: without it a repeat could not be told from a new stage entry"
        )
    webhook = body.get("webhookId")
    event = StageEvent(
        id=_text(body, "webhookId")
        if webhook not in (None, "")
        else _digest(name, location, record, stage, occurred_at),
        record=RecordRef(RECORD, record),
        stage=stage,
        occurred_at=occurred_at,
        kind=kind,
        pipeline=_text(body, "pipelineId") if body.get("pipelineId") not in (None, "") else None,
        raw=body,
    )
    return News(events=(event,))


def _workflow(body: Mapping[str, Any], request: Request) -> StageEvent:
    """A workflow asks for a call now: the opportunity entered the stage that it names, or the one it stands in."""
    custom = _custom(body)
    record = custom.get("opportunity_id") or _opportunity(body)
    stage = custom.get("pipeline_stage_id")
    pipeline = custom.get("pipeline_id") or body.get("pipeline_id") or None
    label = next((body[key] for key in ("pipleline_stage", "pipeline_stage") if body.get(key)), None)
    own_id = custom.get("event_id") or custom.get("idempotency_key")
    location = location_of(body) or ""
    return StageEvent(
        id=_digest("workflow", location, own_id)
        if own_id
        else _digest("workflow", request.body, request.received_at),
        record=RecordRef(RECORD, _checked("opportunity_id", record)),
        stage=_checked("pipeline_stage_id", stage) if stage else None,
        stage_label=_checked("pipleline_stage", label) if label and not stage else None,
        occurred_at=request.received_at,
        pipeline=_checked("pipeline_id", pipeline) if pipeline else None,
        source="workflow",
        changed_by=Source.WORKFLOW,
        fields={CUSTOM: custom},
        raw=body,
    )


def _opportunity(body: Mapping[str, Any]) -> Any:
    """`id` at the root is the opportunity's, where an opportunity started the workflow."""
    if body.get("id") and any(key in body for key in _OPPORTUNITY_KEYS):
        return body["id"]
    raise _Unreadable(
        "the workflow's webhook names no opportunity: start the workflow with an opportunity trigger, or add"
        " opportunity_id = {{opportunity.id}} to the webhook's Custom Data"
    )


def _custom(body: Mapping[str, Any]) -> dict[str, Any]:
    """Custom Data, or the whole of a body that a person typed; a merge field that HighLevel left unfilled is refused.

    HighLevel sends merge fields that it cannot fill empty or as literal text (public set-ups; not documented).
    """
    holder = body.get("customData") if "customData" in body or "workflow" in body else body
    if not isinstance(holder, dict | None):
        raise _Unreadable(f"customData is not an object but {KINDS[type(holder)]}")
    values = {
        key: value
        for key, value in (holder or {}).items()
        if isinstance(value, str | int | float | bool) and len(key) <= _MAX_TEXT
    }
    if len(values) > _MAX_CUSTOM:
        raise _Unreadable(f"customData has {len(values)} values; at most {_MAX_CUSTOM} are read")
    for key, value in values.items():
        if "{{" in str(value):
            raise _Unreadable(
                f'{key} is "{str(value)[:80]}": HighLevel did not fill in this merge field; correct it in the workflow'
            )
    return values


def _digest(*parts: object) -> str:
    told = [
        part.isoformat()
        if isinstance(part, datetime)
        else part.hex()
        if isinstance(part, bytes)
        else str(part)
        for part in parts
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def _text(body: Mapping[str, Any], key: str) -> str:
    return _checked(key, body.get(key))


def _checked(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Unreadable(
            f"{key} is not text but {'empty' if isinstance(value, str) else KINDS[type(value)]}"
        )
    if len(value) > _MAX_TEXT:
        raise _Unreadable(f"{key} has {len(value)} characters")
    if "{{" in value:
        raise _Unreadable(f'{key} is "{value[:80]}": HighLevel did not fill in this merge field')
    return value
