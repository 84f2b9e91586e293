"""HubSpot's own property names and pipeline, for `stagecall check` and `preview` without an account.

Every account has these; what an account adds comes from its properties API.
https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide (read 2026-11).
"""

from typing import Final

from connector.model import Catalog, Pipeline, Stage

_COMMON: Final = frozenset(
    {"id", "createdate", "hs_object_id", "hs_object_source", "hs_object_source_label",
     "hubspot_owner_assigneddate", "hubspot_owner_id", "hubspot_team_id", "hs_createdate",
     "hs_all_owner_ids", "hs_created_by_user_id", "hs_updated_by_user_id", "hs_merged_object_ids",
     "notes_last_contacted", "notes_last_updated", "notes_next_activity_date", "num_contacted_notes",
     "num_notes", "hs_analytics_source", "hs_analytics_source_data_1", "hs_analytics_source_data_2"}
)  # fmt: skip

DEAL_FIELDS: Final = _COMMON | frozenset(
    {"amount", "amount_in_home_currency", "closed_lost_reason", "closed_won_reason", "closedate",
     "days_to_close", "deal_currency_code", "dealname", "dealstage", "dealtype", "description",
     "engagements_last_meeting_booked", "hs_acv", "hs_arr", "hs_campaign", "hs_closed_amount",
     "hs_deal_stage_probability", "hs_forecast_amount", "hs_forecast_probability", "hs_is_closed",
     "hs_is_closed_won", "hs_lastmodifieddate", "hs_manual_forecast_category", "hs_mrr", "hs_next_step",
     "hs_num_associated_companies", "hs_priority", "hs_projected_amount", "hs_tcv",
     "hs_v2_date_entered_current_stage", "num_associated_contacts", "pipeline"}
)  # fmt: skip
"""Own names beside these: `hs_v2_date_entered_<stage id>` and `hs_v2_date_exited_<stage id>`."""

CONTACT_FIELDS: Final = _COMMON | frozenset(
    {"address", "annualrevenue", "associatedcompanyid", "city", "closedate", "company", "company_size",
     "country", "date_of_birth", "degree", "email", "fax", "field_of_study", "firstname", "gender",
     "graduation_date", "hs_calculated_mobile_number", "hs_calculated_phone_number",
     "hs_calculated_phone_number_area_code", "hs_calculated_phone_number_country_code",
     "hs_calculated_phone_number_region_code", "hs_country_region_code", "hs_email_domain",
     "hs_email_optout", "hs_language", "hs_latest_source", "hs_lead_status", "hs_legal_basis",
     "hs_marketable_status", "hs_persona", "hs_state_code", "hs_timezone", "hs_whatsapp_phone_number",
     "industry", "ip_country", "ip_country_code", "job_function", "jobtitle", "lastmodifieddate",
     "lastname", "lifecyclestage", "marital_status", "message", "mobilephone", "num_associated_deals",
     "numemployees", "phone", "recent_deal_amount", "relationship_status", "salutation", "school",
     "seniority", "start_date", "state", "total_revenue", "twitterhandle", "website",
     "work_email", "zip"}
)  # fmt: skip

COMPANY_FIELDS: Final = _COMMON | frozenset(
    {"about_us", "address", "address2", "annualrevenue", "city", "closedate", "country", "days_to_close",
     "description", "domain", "founded_year", "hs_additional_domains", "hs_country_code", "hs_lastmodifieddate",
     "hs_lead_status", "hs_num_child_companies", "hs_parent_company_id", "industry", "is_public", "lifecyclestage",
     "name", "num_associated_contacts", "num_associated_deals", "numberofemployees", "phone", "recent_deal_amount",
     "state", "timezone", "total_money_raised", "total_revenue", "type", "web_technologies", "website", "zip"}
)  # fmt: skip

_STAGES: Final = {
    "appointmentscheduled": "Appointment Scheduled",
    "qualifiedtobuy": "Qualified To Buy",
    "presentationscheduled": "Presentation Scheduled",
    "decisionmakerboughtin": "Decision Maker Bought-In",
    "contractsent": "Contract Sent",
    "closedwon": "Closed Won",
    "closedlost": "Closed Lost",
}
STANDARD_CATALOG: Final = Catalog(
    (Pipeline("default", "Sales Pipeline", tuple(Stage(id_, label) for id_, label in _STAGES.items())),)
)
"""The pipeline of a fresh account; stages that an account adds have ids of digits."""

USUAL_WORDS: Final = {
    "deal.dealtype": frozenset({"newbusiness", "existingbusiness"}),
    "deal.hs_priority": frozenset({"low", "medium", "high"}),
    "contact.hs_analytics_source": frozenset(
        {"ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS", "OTHER_CAMPAIGNS",
         "DIRECT_TRAFFIC", "OFFLINE", "PAID_SOCIAL", "AI_REFERRALS"}
    ),
    "contact.lifecyclestage": frozenset(
        {"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
         "other"}
    ),
    "contact.hs_lead_status": frozenset(
        {"NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"}
    ),
}  # fmt: skip
"""Internal values of HubSpot's own properties; an account may have others (custom lifecycle stages, lead statuses).
https://knowledge.hubspot.com/contacts/use-lifecycle-stages (labels; read 2026-11)."""
