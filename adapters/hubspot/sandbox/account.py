"""What an account has before anyone has worked in it: pipelines, stages, properties, association types."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

DEMO_REQUESTED: Final = "1138327390"
QUALIFIED: Final = "1138327391"
CALL_BACK: Final = "1138327392"
"""Stages an account adds get ids of digits; HubSpot's own are words."""

TYPES: Final = {
    name: plural
    for plural, names in {
        "contacts": ("contacts", "contact", "0-1"),
        "companies": ("companies", "company", "0-2"),
        "deals": ("deals", "deal", "0-3"),
        "notes": ("notes", "note", "0-46"),
        "calls": ("calls", "call", "0-48"),
    }.items()
    for name in names
}
"""Every spelling of an object type that a path may have."""

TYPE_IDS: Final = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "notes": "0-46", "calls": "0-48"}

ASSOCIATION_IDS: Final = {
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("calls", "contacts"): 194,
    ("contacts", "calls"): 193,
    ("calls", "deals"): 206,
    ("deals", "calls"): 205,
    ("notes", "contacts"): 202,
    ("contacts", "notes"): 201,
    ("notes", "deals"): 214,
    ("deals", "notes"): 213,
}
"""HubSpot's own unlabelled association types; the direction matters."""

PRIMARY: Final = "Primary"
PRIMARY_IDS: Final = {("deals", "companies"): 5, ("companies", "deals"): 6}
"""Types of HubSpot's own whose label is `Primary`."""

CALL_STATUSES: Final = (
    "BUSY", "CALLING_CRM_USER", "CANCELED", "COMPLETED", "CONNECTING", "FAILED", "IN_PROGRESS", "NO_ANSWER",
    "QUEUED", "RINGING", "MISSED",
)  # fmt: skip
CALL_DISPOSITIONS: Final = (
    "9d9162e7-6cf3-4944-bf63-4dff82258764",
    "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff",
    "b2cf5968-551e-4856-9783-52b3da59a7d0",
    "73a0d17f-1163-4015-bdd5-ec830791da20",
    "17b47fee-58de-441e-a44c-c6300d46f273",
)
"""The outcomes of calls that every account has; an account may add others."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object."""

    name: str
    type: str = "string"
    field_type: str = "text"
    label: str = ""
    group: str = ""
    options: tuple[str, ...] = ()
    read_only: bool = False
    required: bool = False
    """Must be given when an object is created."""
    https: bool = False
    """Takes addresses that begin with https only."""


@dataclass(slots=True)
class Stage:
    """One stage of a pipeline."""

    id: str
    label: str
    archived: bool = False
    closed: bool = False


@dataclass(slots=True)
class Pipeline:
    """One pipeline of deals."""

    id: str
    label: str
    stages: list[Stage] = field(default_factory=list)


def pipelines() -> list[Pipeline]:
    """HubSpot's default pipeline, with the stages that the examples use."""
    return [
        Pipeline(
            "default",
            "Sales Pipeline",
            [
                Stage("appointmentscheduled", "Appointment Scheduled"),
                Stage(DEMO_REQUESTED, "Demo requested"),
                Stage(QUALIFIED, "Qualified"),
                Stage(CALL_BACK, "Call back"),
                Stage("1138327393", "Qualification"),
                Stage("1138327394", "Proposal sent"),
                Stage("1138327395", "Trial started"),
                Stage("1138327396", "Trial ending"),
                Stage("1138327397", "Appointment tomorrow"),
                Stage("1138327398", "Win back"),
                Stage("qualifiedtobuy", "Qualified To Buy"),
                Stage("presentationscheduled", "Presentation Scheduled"),
                Stage("decisionmakerboughtin", "Decision Maker Bought-In"),
                Stage("contractsent", "Contract Sent"),
                Stage("closedwon", "Closed Won", closed=True),
                Stage("closedlost", "Closed Lost", closed=True),
                Stage("1138327399", "Trial (old)", archived=True),
            ],
        ),
        Pipeline(
            "727164920",
            "Renewals",
            [Stage("1138327410", "Renewal due"), Stage("1138327411", "Renewed", closed=True)],
        ),
    ]


def as_json(value: Any) -> str:
    """JSON without spaces, as HubSpot puts it into messages."""
    return json.dumps(value, separators=(",", ":"))


def properties() -> dict[str, dict[str, Property]]:
    """HubSpot's usual properties, and those that the README and the examples tell people to create."""
    return {kind: {prop.name: prop for prop in listed} for kind, listed in _PROPERTIES.items()}


def _named(names: str, **how: Any) -> list[Property]:
    return [Property(name, **how) for name in names.split()]


_PROPERTIES: Final = {
    "deals": [
        *_named("dealname description hs_next_step deal_currency_code hubspot_owner_id closed_lost_reason"),
        *_named("amount hs_mrr hs_arr hs_acv hs_tcv", type="number", field_type="number"),
        *_named("closedate", type="datetime", field_type="date"),
        *_named("dealstage pipeline", type="enumeration", field_type="radio"),
        Property("dealtype", "enumeration", "radio", options=("newbusiness", "existingbusiness")),
        Property("hs_priority", "enumeration", "select", options=("low", "medium", "high")),
        *_named("createdate hs_lastmodifieddate hs_v2_date_entered_current_stage", read_only=True),
        *_named("hs_object_id hs_is_closed num_associated_contacts", read_only=True),
        *_named("ai_call_status ai_call_id ai_call_outcome ai_call_agent", label="AI call", group="ai_call"),
        Property("ai_call_summary", "string", "textarea", "AI call summary", "ai_call"),
        Property("ai_call_duration", "number", "number", "AI call duration", "ai_call"),
        Property("appointment_at", "datetime", "date", "Appointment"),
    ],
    "contacts": [
        *_named("firstname lastname email phone mobilephone company jobtitle address city state zip country"),
        *_named("hs_timezone hs_language hs_country_region_code hs_whatsapp_phone_number hubspot_owner_id"),
        *_named("lifecyclestage hs_lead_status website message industry"),
        Property("hs_email_optout", "bool", "booleancheckbox", options=("true", "false")),
        Property("do_not_call", "bool", "booleancheckbox", options=("true", "false")),
        *_named("createdate lastmodifieddate hs_object_id", read_only=True),
    ],
    "companies": [
        *_named("name domain phone address city state zip country industry description website timezone"),
        *_named("hubspot_owner_id lifecyclestage type"),
        *_named("annualrevenue numberofemployees", type="number", field_type="number"),
        *_named("createdate hs_lastmodifieddate hs_object_id", read_only=True),
    ],
    "calls": [
        Property("hs_timestamp", "datetime", "date", required=True),
        *_named("hs_call_title hs_call_body hs_call_from_number hs_call_to_number hs_call_source"),
        *_named("hs_call_external_id hs_activity_type hs_call_callee_object_id hubspot_owner_id"),
        Property("hs_call_direction", "enumeration", "select", options=("INBOUND", "OUTBOUND")),
        Property("hs_call_status", "enumeration", "select", options=CALL_STATUSES),
        Property("hs_call_disposition", "enumeration", "select", options=CALL_DISPOSITIONS),
        Property("hs_call_recording_url", https=True),
        *_named("hs_call_duration", type="number", field_type="number"),
        *_named("hs_createdate hs_lastmodifieddate hs_object_id", read_only=True),
    ],
    "notes": [
        Property("hs_timestamp", "datetime", "date", required=True),
        *_named("hs_note_body hubspot_owner_id"),
        *_named("hs_createdate hs_lastmodifieddate hs_object_id", read_only=True),
    ],
}
