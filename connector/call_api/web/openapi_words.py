"""What the OpenAPI document says in words: the introduction, the tags, the headers. Read by people."""

from typing import Any

from connector.call_api.web.answering import PREFIX

TITLE = "Trigger Call API"
SUMMARY = "One POST makes a voice agent call somebody; when the call has ended you are told how it went."

DESCRIPTION = f"""\
Send `POST {PREFIX}/calls/trigger` with a phone number, and a voice agent calls it. Ask for the result with
`GET {PREFIX}/calls/{{call_id}}`, or be told: name a URL of yours with `POST {PREFIX}/webhooks`.

## Keys

Every request carries a key: `Authorization: Bearer bvai_sk_...`. The person who runs the server makes one with
`stagecall keys create`. A key has scopes: `trigger` (make calls), `read` (look at calls, agents and its own
webhooks), `admin` (change agents, see every webhook).

## Requests and answers

Bodies and answers are JSON in UTF-8. A body is at most 64 KiB and 64 levels deep. Fields that are not known here
are ignored; a field of the wrong type is refused. Times are ISO 8601 in UTC, such as
`2026-11-02T15:00:04.000Z`. Phone numbers are `+`, country code and number, without spaces.

## When it says no

Every refusal has the same shape: `{{"success": false, "error": "...", "code": "..."}}`. `error` is for people,
`code` is for programs and does not change, and `field` names the field to blame where there is one. 400, 401,
403, 404, 405, 409, 413 and 415 stay as they are until you change the request. 429 and 503 go away: wait as many
seconds as `Retry-After` says.

## Never call twice

Send an `Idempotency-Key` with every trigger: any string up to 255 characters that names this one call to make, such
as the number of an order; characters beyond ASCII go percent-encoded, as headers want it. If no answer reaches you, send the same request with the same key again. You get the
first answer, marked `Idempotent-Replayed: true`, and nobody is called twice. A key is kept for 7 days.

## Limits

A key may trigger 100 calls a minute, counted over any 60 seconds (the server can be set otherwise). The headers
`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` say where you stand; beyond it the answer is
429 with `Retry-After`. Of the calls of one key, 10 are under way at once; the next waits in line."""

TAGS = {
    "Calls": ("calls", "Make a call, look at it, list calls, cancel one that waits."),
    "Agents": ("agents", "Who speaks, from which number, and at which hours people may be called."),
    "Webhooks": ("webhooks", "Where call events are sent, and what became of each."),
    "Account": ("auth account", "Whether a key works, and what it may do."),
    "Carriers": ("carriers", "For voice providers, which tell us of their calls. Nothing that you need."),
}
"""By tag: the first parts of the paths that have it, and what it is about."""

_UUID = "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11"
PATH_PARAMETERS = {
    "call_id": ("The call's id: a UUID, as the trigger answered it. Any other text is 404.", _UUID),
    "agent_id": ("The agent's id: a UUID. Any other text is 404.", "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"),
    "webhook_id": (
        "The webhook's id: a UUID. Any other text is 404.",
        "6f1b8c7e-2f1d-4c39-9c4e-0a6d5b1f7e21",
    ),
    "delivery_id": ("The delivery's id: a number, as text. Anything else is 404.", "17"),
    "carrier_name": ("The carrier, as the configuration names it.", "simulated"),
}
"""By name: what it is, and an example."""

BEARER = "An API key, `bvai_sk_...`, made with `stagecall keys create`. Each operation says which scope the key needs."

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names this one call to make: any string, characters beyond ASCII percent-encoded. The same key and body again gives the first answer, "
    "and nobody is called twice; the same key with another body is 409. Kept for 7 days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "order-1148",
}
REQUEST_HEADERS: dict[str, dict[str, Any]] = {"Idempotency-Key": IDEMPOTENCY_KEY}


def _header(description: str, schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {"description": description, "schema": schema, "example": example}


_COUNT = {"type": "integer", "minimum": 0}
ANSWER_HEADERS = {
    "Idempotent-Replayed": _header(
        "`true` where this is the first answer to the same Idempotency-Key, given again.",
        {"type": "string", "const": "true"},
        "true",
    ),
    "Retry-After": _header("Seconds to wait before the same request is sent again.", _COUNT, 12),
    "WWW-Authenticate": _header("How to say who asks.", {"type": "string"}, "Bearer"),
    "X-RateLimit-Limit": _header("Triggers that this key may send in 60 seconds.", _COUNT, 100),
    "X-RateLimit-Remaining": _header("How many of them are left just now.", _COUNT, 99),
    "X-RateLimit-Reset": _header("Seconds until one more is free.", _COUNT, 60),
}

CAUSES = {
    400: "The request cannot be understood or carried out as it is.",
    401: "The key is missing, wrong, expired or revoked.",
    403: "The key is good, but may not do this.",
    404: "There is nothing of this id.",
    409: "It cannot be done as things stand.",
    413: "Too large.",
    415: "The body is not said to be JSON, or is compressed.",
    429: "Too many requests just now.",
    500: "A defect of the server. It is in its log.",
    503: "The server cannot answer just now.",
}

EVENTS = {
    "call_started": "Somebody or something took the call",
    "call_ended": "A call is over",
    "test": "You asked for a test",
}

DELIVERY = """\
We send this to every webhook that wants it. Answer any 2xx within 10 seconds, then do your work. An event may come
twice: `id` stays the same. The events of one call come in order.

It is signed as [Standard Webhooks](https://www.standardwebhooks.com) describes; libraries for many languages check
it. Refuse what is not genuine."""

DELIVERY_HEADERS = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }
    for name, description, example in (
        (
            "webhook-id",
            "The event's `id`: the same when it is sent again.",
            "evt_095e872eb6cd46aab460c23895105be5",
        ),
        (
            "webhook-timestamp",
            "When this try was made, in Unix seconds. Refuse what is older than five minutes.",
            "1793631604",
        ),
        (
            "webhook-signature",
            "`v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`; several, with spaces between, while a secret is changed.",
            "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        ),
    )
]

DELIVERY_ANSWERS = {
    "2XX": {"description": "Taken."},
    "410": {"description": "Nobody wants this any more: the webhook is ended, and gets nothing again."},
    "4XX": {"description": "Not taken, and not sent again; but 408 and 429 (`Retry-After` is obeyed) are."},
    "5XX": {"description": "Not taken: sent again, ten tries over three days."},
}
