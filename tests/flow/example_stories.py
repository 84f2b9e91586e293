"""What each example of examples/workflows/ is shown, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MONDAY_TEN = "2026-12-07T10:00-05:00"
"""In Washington, where the number 202 555 0147 is."""
ADA = {
    "firstname": "Ada",
    "lastname": "Lovelace",
    "email": "ada@example.com",
    "mobilephone": "(202) 555-0147",
}


@dataclass(frozen=True)
class Story:
    """What an example is shown, and what must come of it."""

    stage: str = "Demo requested"
    before: str = "Appointment Scheduled"
    deal: Mapping[str, str] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=lambda: ADA)
    company: Mapping[str, str] = field(default_factory=dict)
    at: str = MONDAY_TEN
    opens_at: str | None = None
    """When a call that has to wait may be placed."""
    previewed: str = "calls +12025550147"
    number: str | None = "+12025550147"
    """None: nobody is called."""
    agent: str = "Lead Qualifier"
    told: Mapping[str, Any] = field(default_factory=dict)
    """Metadata of the call, beside the ids."""
    meanwhile: Mapping[str, str] = field(default_factory=dict)
    """On the deal while the call waits."""
    stands: Mapping[str, str] = field(default_factory=lambda: {"ai_call_outcome": "answered"})
    """On the deal afterwards."""
    notes: tuple[str, ...] = ()
    """How the notes on its timeline begin."""


STORIES = {
    "call-demo-requests": [
        Story(
            deal={"amount": "4800"},
            told={"amount": 4800},
            stands={"ai_call_status": "ended", "ai_call_outcome": "answered", "ai_call_duration": "2"},
        ),
        Story(
            contact={**ADA, "mobilephone": "+12025550191"},
            previewed="calls +12025550191",
            number="+12025550191",
            stands={"ai_call_status": "ended", "ai_call_outcome": "no_answer"},
        ),
    ],
    "two-pipelines-two-agents": [
        Story(told={"pipeline": "Sales Pipeline"}, stands={"ai_call_agent": "Lead Qualifier"}),
        Story(
            stage="Renewal due",
            before="Renewed",
            deal={"pipeline": "727164920", "closedate": "2026-12-24"},
            contact={"firstname": "Ada"},
            company={"name": "Analytical Engines", "phone": "202-555-0148"},
            previewed="calls +12025550148",
            number="+12025550148",
            agent="Account Manager",
            told={"company": "Analytical Engines", "renews_on": "24 December 2026"},
            stands={"ai_call_agent": "Account Manager"},
        ),
    ],
    "agent-by-owner": [
        Story(
            deal={"hubspot_owner_id": "71", "closedate": "2026-12-24T00:00:00Z"},
            agent="Senior Closer",
            told={"closes_on": "Thursday, 24 December 2026"},
            stands={"ai_call_agent": "Senior Closer"},
        ),
        Story(deal={"hubspot_owner_id": "99"}, stands={"ai_call_agent": "Lead Qualifier"}),
    ],
    "agent-by-amount": [
        Story(
            stage="Qualification",
            deal={"amount": "25000"},
            agent="Senior Closer",
            told={"large": True},
            stands={"ai_call_status": "ended", "ai_call_agent": "Senior Closer"},
        ),
        Story(stage="Qualification", deal={"amount": "24999"}, told={"large": False}),
    ],
    "agent-by-country-and-language": [
        Story(
            contact={**ADA, "hs_language": "en-us", "hs_country_region_code": "US"},
            agent="English agent",
            told={"language": "en-us"},
        ),
        Story(
            contact={
                "firstname": "Grace",
                "phone": "020 7946 0123",
                "hs_language": "de",
                "hs_country_region_code": "GB",
            },
            previewed="calls +442079460123",
            number="+442079460123",
            agent="German agent",
        ),
        Story(
            contact={**ADA, "hs_country_region_code": "BR"},
            previewed="no call: the condition of the rule is false",
            number=None,
            stands={},
        ),
        Story(
            contact={**ADA, "hs_language": "ja", "hs_country_region_code": "US"},
            previewed="no call: agent is given",
            number=None,
            stands={},
        ),
    ],
    "high-value-deals-only": [
        Story(
            stage="Proposal sent",
            deal={"amount": "12000", "dealname": "Engine"},
            told={"deal_name": "Engine", "amount": 12000, "spoken_amount": "12000 USD"},
        ),
        Story(
            stage="Proposal sent",
            deal={"amount": "9999"},
            previewed='deal.amount is "9999"',
            number=None,
            stands={},
        ),
    ],
    "re-engage-lost-deals": [
        Story(
            stage="Win back",
            deal={"closed_lost_reason": "Price"},
            told={"lost_because": "Price"},
        ),
        Story(
            stage="Win back",
            deal={"closed_lost_reason": "Asked not to be called"},
            previewed="no call",
            number=None,
            stands={"ai_call_status": "not called: the condition of the rule is false"},
        ),
    ],
    "appointment-reminder": [
        Story(
            stage="Appointment tomorrow",
            deal={"appointment_at": "2026-12-08T19:30:00Z"},
            agent="Appointment Reminder",
            told={"appointment": "Tuesday, 8 December, 2:30 PM"},
            notes=("Reminder call: answered.",),
        ),
        Story(
            stage="Appointment tomorrow",
            deal={"appointment_at": "2026-12-08T19:30:00Z"},
            contact={"firstname": "Ada", "phone": "ask her"},
            previewed="no call yet",
            number=None,
            stands={},
            notes=("No reminder call: ",),
        ),
    ],
    "night-leads-in-the-morning": [
        Story(
            contact={**ADA, "hs_timezone": "america_slash_los_angeles"},
            at="2026-12-07T23:30-05:00",
            opens_at="2026-12-08T09:00-08:00",
            previewed="holds the call to +12025550147: it is Mon 20:30 in America/Los_Angeles (by the CRM)",
            meanwhile={"ai_call_status": "waiting: it is Mon 20:30 in America/Los_Angeles"},
        )
    ],
    "move-the-stage-by-outcome": [
        Story(stands={"dealstage": "Qualified", "ai_call_outcome": "answered"}),
        Story(
            contact={**ADA, "mobilephone": "+12025550193"},
            previewed="calls +12025550193",
            number="+12025550193",
            stands={"dealstage": "Call back", "ai_call_outcome": "voicemail"},
        ),
    ],
    "not-for-imports": [
        Story(stage="Proposal sent", deal={"amount": "10000"}, agent="Senior Closer"),
        Story(stage="Proposal sent", deal={"amount": "10"}),
    ],
    "two-stages-one-rule": [
        Story(
            stage="Trial ending",
            agent="Onboarding",
            told={"stage": "Trial ending", "topic": "how the trial went"},
            stands={"ai_call_status": "answered"},
        ),
        Story(
            stage="Trial started",
            agent="Onboarding",
            told={"topic": "welcome"},
            stands={"ai_call_status": "answered"},
        ),
    ],
    "dry-run": [Story(previewed="dry run", number=None, stands={})],
}
