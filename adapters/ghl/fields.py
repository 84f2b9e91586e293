"""HighLevel's own field names, and which of them can be written. Custom fields come from the location's list.

highlevel-api-docs, apps/opportunities.json and apps/contacts.json (read 2026-11). Custom fields go by their key as
HighLevel shows it, without the model's name: `{{ opportunity.ai_call_status }}`.
"""

from typing import Final

OPPORTUNITY_FIELDS: Final = frozenset(
    {"id", "name", "monetaryValue", "pipelineId", "pipelineStageId", "assignedTo", "status", "source", "contactId",
     "locationId", "createdAt", "updatedAt", "lastStageChangeAt", "lastStatusChangeAt", "lostReasonId"}
)  # fmt: skip
CONTACT_FIELDS: Final = frozenset(
    {"id", "name", "firstName", "lastName", "fullNameLowerCase", "email", "emailLowerCase", "phone", "companyName",
     "address1", "city", "state", "country", "postalCode", "website", "timezone", "dnd", "dndSettings",
     "inboundDndSettings", "type", "source", "assignedTo", "tags", "dateAdded", "dateUpdated", "dateOfBirth",
     "businessId", "locationId"}
)  # fmt: skip

WRITABLE_OPPORTUNITY: Final = frozenset({"name", "status", "monetaryValue", "assignedTo"})
"""Beside custom fields. The stage is not a field here: it is written as a stage."""
WRITABLE_CONTACT: Final = frozenset(
    {"firstName", "lastName", "name", "email", "address1", "city", "state", "postalCode", "website", "timezone",
     "source", "country", "assignedTo"}
)  # fmt: skip
"""Beside custom fields. `phone`, `dnd` and `tags` are left alone: the first two decide who is called, and tags would
be overwritten as a whole."""
NUMBERS: Final = frozenset({"monetaryValue"})
LISTS: Final = frozenset({"CHECKBOX", "MULTIPLE_OPTIONS", "TEXTBOX_LIST"})
"""Data types of custom fields whose value is an array of texts."""
