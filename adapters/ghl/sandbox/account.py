"""What a location has before anyone has worked in it: pipelines, stages, custom fields; and who is who."""

import base64
import hashlib
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Json = dict[str, Any]

LOCATION_ID: Final = "ve9EPM428h8vShlRW1KT"
ACCESS_TOKEN: Final = "pit-sandbox"  # noqa: S105
WEBHOOK_SECRET: Final = "sandbox-secret-0123456789"  # noqa: S105
SECRET_HEADER: Final = "X-Stagecall-Secret"  # noqa: S105
_KEY: Final = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the key of this sandbox").digest())
PUBLIC_KEY: Final = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
"""Only HighLevel has HighLevel's key: a connection to the sandbox says `public_keys` with this one."""

PIPELINES: Final = {
    "VDm7RPYC2GLUvdpKmBfC": (
        "Sales",
        {
            "7915dedc-8f18-44d5-8bc3-77c04e994a10": "New",
            "e93ba61a-53b3-45e7-985a-c7732dbcdb69": "AI Call",
            "4b7c1f9e-0000-4000-8000-000000000003": "Qualified",
            "4b7c1f9e-0000-4000-8000-000000000004": "Call back",
        },
    ),
    "WQ7tyljQSXAg7GuTgYdd": ("Renewals", {"4b7c1f9e-0000-4000-8000-000000000011": "Renewal due"}),
}
OPPORTUNITY_FIELDS: Final = (
    ("ai_call_status", "TEXT"),
    ("ai_call_id", "TEXT"),
    ("ai_call_outcome", "TEXT"),
    ("ai_call_summary", "LARGE_TEXT"),
    ("ai_call_duration", "NUMERICAL"),
    ("products", "MULTIPLE_OPTIONS"),
)
CONTACT_FIELDS: Final = (("last_ai_call", "TEXT"), ("preferred_language", "TEXT"))


def sign(body: bytes) -> str:
    """X-GHL-Signature of a body."""
    return base64.b64encode(_KEY.sign(body)).decode()


def new_id(kind: str, number: int) -> str:
    """An id as HighLevel makes them: twenty letters and digits."""
    return base64.b32encode(hashlib.sha256(f"{kind} {number}".encode()).digest()).decode()[:20]


def custom_fields() -> dict[str, list[Json]]:
    """The location's custom fields by model, as the API lists them."""
    listed = {"opportunity": OPPORTUNITY_FIELDS, "contact": CONTACT_FIELDS}
    return {
        model: [
            {
                "id": new_id(f"{model} field {key}", 0),
                "name": key.replace("_", " ").capitalize(),
                "fieldKey": f"{model}.{key}",
                "dataType": type_,
                "locationId": LOCATION_ID,
                "model": model,
            }
            for key, type_ in fields
        ]
        for model, fields in listed.items()
    }
