"""What other programs call our keys and words, and what they have that is not here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from connector.policy.numbers import region_of

KEYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("to", "end", "ends", "till", "close", "closes"), "until"),
    **dict.fromkeys(("start", "starts", "begin", "open", "opens"), "from"),
    **dict.fromkeys(("timezone", "time_zone", "time zone", "tz"), "zone"),
    **dict.fromkeys(("stage", "entered", "enter", "to_stage", "stages"), "enters"),
    **dict.fromkeys(
        ("notes", "memo", "comment", "timeline", "timeline_note", "add_note", "activity_note"), "note"
    ),
    **dict.fromkeys(("log", "call_log", "log_the_call", "record_call"), "log_call"),
    **dict.fromkeys(
        ("not_placed", "not_called", "not called", "error", "on_error", "failure", "on_failure"), "failed"
    ),
    **dict.fromkeys(("started", "calling", "initiated", "dialed"), "placed"),
    **dict.fromkeys(("then", "action", "actions", "do"), "call"),
    **dict.fromkeys(("trigger", "triggers", "on", "event"), "when"),
    **dict.fromkeys(("source", "changed_by", "by", "who"), "only_source"),
    **dict.fromkeys(("max_calls", "max_calls_per_day", "daily_cap", "daily_limit", "per_day"), "max_per_day"),
    **dict.fromkeys(("hourly_cap", "hourly_limit", "per_hour"), "max_per_hour"),
    **dict.fromkeys(("country", "allowed_countries"), "countries"),
    **dict.fromkeys(("condition", "conditions", "filter", "where", "only if", "only_if"), "if"),
    **dict.fromkeys(("number", "phone", "to_number", "mobile"), "phone_number"),
    **dict.fromkeys(("voice_agent", "assistant", "bot"), "agent"),
    **dict.fromkeys(
        (
            "cooldown",
            "wait",
            "pause",
            "frequency",
            "interval",
            "every",
            "gap",
            "never_again",
            "call_again_after",
        ),
        "cool_down",
    ),
    **dict.fromkeys(
        (
            "expire",
            "expiry",
            "expires_after",
            "expires_in",
            "give_up_after",
            "drop_after",
            "max_wait",
            "ttl",
            "timeout",
            "valid_for",
            "deadline",
        ),
        "expires",
    ),
    **dict.fromkeys(("hours", "calling_hours", "calling_window", "schedule"), "window"),
    **dict.fromkeys(("test", "test_mode", "dryrun", "dry run"), "dry_run"),
    **dict.fromkeys(
        ("holiday", "public_holidays", "no_holidays", "skip_holidays", "exclude_holidays"), "holidays"
    ),
    **dict.fromkeys(
        (
            "completed",
            "success",
            "succeeded",
            "finished",
            "done",
            "after",
            "after_call",
            "on_end",
            "call_ended",
        ),
        "ended",
    ),
}
"""Our key, by what other programs call it."""

_ONCE = "a call is placed once; who was not reached is called again when the record enters the stage again"
_AGENTS = "it belongs to the agent (`stagecall agents`), which `agent` names"
_OFF = "policy.dry_run: true calls nobody, `stagecall pause` stops a rule at once"
_WISHES = (
    "nobody is called who has opted out (`stagecall optouts`) or whom the CRM marks; fields of your own that forbid"
    " calls stand at the connection, as do_not_call"
)

ELSEWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("retry", "retries", "attempts", "max_attempts", "max_retries", "max_tries", "redial", "tries"), _ONCE
    ),
    **dict.fromkeys(
        ("from_number", "caller_id", "callerid", "caller", "script", "prompt", "voice", "language"), _AGENTS
    ),
    **dict.fromkeys(("enabled", "active", "disabled", "paused", "off"), _OFF),
    **dict.fromkeys(
        (
            "do_not_call",
            "dnc",
            "dnd",
            "opt_out",
            "optout",
            "optouts",
            "suppress",
            "suppression",
            "exclude",
            "exclusions",
            "blacklist",
            "respect_optout",
            "respect_optouts",
        ),
        _WISHES,
    ),
    **dict.fromkeys(
        ("variables", "dynamic_variables", "custom_data", "data", "payload", "params", "context"),
        "what the agent is told of a call beside name and email is its `metadata`",
    ),
    **dict.fromkeys(
        ("delay", "wait_before", "after_minutes", "call_after", "after", "wait_until"),
        "a call is placed as soon as its window allows; a later stage of the pipeline is a later moment",
    ),
    **dict.fromkeys(
        (
            "quiet_hours",
            "quiet_time",
            "blackout",
            "do_not_disturb",
            "business_hours",
            "working_hours",
            "office_hours",
        ),
        'the hours in which people may be called are its `window`: {days: mon-fri, from: "09:00", until: "18:00"}',
    ),
    **dict.fromkeys(("unless", "if_not", "exclude_if"), "write it as `if: not (...)`"),
    **dict.fromkeys(
        ("else", "otherwise", "elif", "else_if"),
        "what is for the other records is a rule of its own below; stop: true ends the list in this one",
    ),
    **dict.fromkeys(
        ("lunch", "lunch_break", "break", "breaks", "not", "except", "without"),
        'hours with a break are written hours: {mon-fri: ["09:00-12:00", "13:00-17:00"]}',
    ),
    **dict.fromkeys(("hold", "skip"), "what happens outside the window is `outside: hold` or skip"),
    **dict.fromkeys(
        (
            "limit",
            "limits",
            "caps",
            "cap",
            "rate_limit",
            "max",
            "max_per_week",
            "max_per_month",
            "max_per_minute",
        ),
        "there are caps an hour and a day: max_per_hour, max_per_day",
    ),
    **dict.fromkeys(
        ("max_per_contact", "max_per_person", "max_per_lead", "max_per_record", "max_per_number"),
        "one call each is `once_per: record`, or number",
    ),
    **dict.fromkeys(
        ("task", "tasks", "activity", "reminder"), "tasks are not made; a `note` stands on the timeline"
    ),
    **dict.fromkeys(
        ("workflow", "workflows", "automation", "webhook", "sms", "send_email", "notify", "slack"),
        "that is the CRM's own to do: a workflow there can start when a property is written",
    ),
    **dict.fromkeys(
        ("add_tag", "add_tags", "remove_tag", "remove_tags"),
        "tags are written tags: {add: called}, and with remove in its place to take one away",
    ),
    **dict.fromkeys(("priority", "order"), "rules are asked in the order of the file"),
    **dict.fromkeys(("description", "comments"), "a comment begins with #"),
}
"""What to say of keys that other programs have."""

INSTEAD: Final[Mapping[tuple[str, str], str]] = {
    **{("once_per", word): "once a day is `cool_down: 24h`" for word in ("day", "daily", "24h")},
    ("once_per", "week"): "once a week is `cool_down: 7d`",
    ("once_per", "month"): "once a month is `cool_down: 30d`",
    **{
        (
            "number_types",
            word,
        ): "name the types in a list, such as [mobile, landline]; left out: the usual ones"
        for word in ("any", "all", "every", "*")
    },
    **{
        ("how", word): "who changed it is `only_source: person`"
        for word in ("manual", "manually", "by hand", "person")
    },
    **{
        ("once_per", word): "for a call at each event leave the key out"
        for word in ("none", "never", "always")
    },
}
"""What to write for words of another meaning, by key and word."""

OF_CALL: Final[Mapping[str, str]] = {
    **dict.fromkeys(("result", "disposition", "answered", "state"), "outcome"),
    **dict.fromkeys(("duration", "length", "seconds", "duration_sec", "talk_time"), "duration_seconds"),
    **dict.fromkeys(("notes", "note", "text", "description", "body"), "summary"),
    **dict.fromkeys(("recording", "recordingurl", "audio", "url", "link"), "recording_url"),
    **dict.fromkeys(("time", "date", "start", "start_time", "timestamp", "created_at"), "started_at"),
    **dict.fromkeys(("end", "end_time"), "ended_at"),
    **dict.fromkeys(("agent", "assistant", "bot"), "agent_name"),
    **dict.fromkeys(("phone", "number", "phone_number", "to"), "to_number"),
    **dict.fromkeys(("call_id", "uuid"), "id"),
    **dict.fromkeys(("cost", "price"), "cost_cents"),
    **dict.fromkeys(("mood", "tone"), "sentiment"),
}
"""A field of a call, by what other programs call it."""

RECORDS: Final = frozenset({"deal", "deals", "opportunity", "opportunities", "lead", "record", "ticket"})
_FIELDS: Final = tuple(
    frozenset(group.split())
    for group in (
        "value amount price revenue deal_value deal_amount lead_value leadvalue opportunity_value monetaryvalue",
        "owner owner_id owner_name owner_email deal_owner contact_owner assigned_to assignedto hubspot_owner_id",
        "mobile mobilephone mobile_phone cell cellphone phone phone_number telephone",
        "stage dealstage stage_name pipelinestageid pipeline_stage",
        "title dealname deal_name name",
        "timezone time_zone hs_timezone",
        "language hs_language lang",
        "source lead_source leadsource original_source hs_analytics_source",
        "employees number_of_employees employee_count numemployees numberofemployees",
    )
)
"""Names of one and the same in several CRMs, in small letters."""


def record_of(objects: Sequence[str], word: str) -> str:
    """What the record is called here, for a word that is another CRM's; nothing for other words."""
    ours = word in objects or word.removesuffix("s") in objects
    return f"the record is called {objects[0]} here" if word in RECORDS and objects and not ours else ""


COUNTRY_CODE: Final = "hs_country_region_code"
"""Where HubSpot keeps the two letters of a country; in other CRMs `country` holds them."""


def is_field_word(word: str) -> bool:
    """Is it the name of a field in some CRM?"""
    return any(word in group for group in _FIELDS)


def same_field(key: str, known: Iterable[str]) -> str | None:
    """The known field that another CRM calls so."""
    group = next((each for each in _FIELDS if key.casefold() in each), frozenset[str]())
    return next((each for each in sorted(known) if each.casefold() in group), None)


EXCLUDED: Final[Mapping[str, str]] = {
    "only_source": "whoever is not to count stands in `not_source`: {word}",
    "number_types": "name those that are called, in a list; {word} is then left out",
    "countries": "name those that are called, in a list; {word} is then left out",
    "enters": "a stage cannot be left out; name those that count, in a list",
    "from": "a stage cannot be left out; name those that count, in a list",
}
"""What to write for `not premium`, by key."""

WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("deal", "opportunity", "lead", "each record"), "record"),
    **dict.fromkeys(("contact", "person", "customer", "client", "phone", "phone_number"), "number"),
    **dict.fromkeys(("stage", "entry", "stage entry", "event"), "stage_entry"),
    **dict.fromkeys(("wait", "queue", "later", "delay", "postpone", "defer"), "hold"),
    **dict.fromkeys(("drop", "reject", "ignore", "cancel", "never", "discard"), "skip"),
    **dict.fromkeys(("create", "new", "added", "creation"), "created"),
    **dict.fromkeys(("move", "change", "changed", "updated", "update"), "moved"),
    **dict.fromkeys(("manual", "manually", "human", "user", "people", "by hand", "crm_ui"), "person"),
    **dict.fromkeys(("automation", "automated", "automation_platform"), "workflow"),
    **dict.fromkeys(("api", "app", "zapier", "make", "n8n"), "integration"),
    **dict.fromkeys(("bulk", "mass", "mass_edit"), "bulk_edit"),
    **dict.fromkeys(("csv", "imports", "imported", "upload"), "import"),
    **dict.fromkeys(("cell", "cellphone", "cellular"), "mobile"),
    **dict.fromkeys(("fixed", "fixed_line", "home", "office"), "landline"),
    **dict.fromkeys(("tollfree", "toll-free", "freephone", "toll free"), "toll_free"),
}
"""Our word for a value, by what people write."""

_DAYS_TOO: Final = frozenset({"MO", "TU", "WE", "TH", "FR", "SA", "SU"})


def by_country(key: str) -> str:
    """What to write for hours below the letters of a country; nothing for other words."""
    if not key.isupper() or key in _DAYS_TOO or region_of(key) is None:
        return ""
    return f"other hours for another country are a rule of their own, with if: contact.country == '{region_of(key)}'"


_NOT: Final = re.compile(
    r"(?:not|no|non|except|excluding|everything but|all but|!)(?:[\s-]+|(?<=!))(\S.*)", re.IGNORECASE
)


def left_out(word: str) -> str:
    """What `not import` leaves out; nothing for other words."""
    found = _NOT.fullmatch(word.strip())
    return found[1] if found else ""


def excluded(key: str, word: str) -> str:
    """What to write for `not import`, where a key takes those that count; nothing for other words."""
    instead = left_out(word)
    return EXCLUDED[key].format(word=instead) if instead and key in EXCLUDED else ""
