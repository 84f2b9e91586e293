"""Do-not-disturb: may a contact be called, by what HighLevel says of it? Pure.

highlevel-api-docs, apps/contacts.json (read 2026-11): `dnd` is for every channel; `dndSettings` has one entry for each,
`{"Call": {"status": "active"}}`, where `active` and `permanent` forbid and `inactive` allows. Some answers write the
channel small. `dnd` can be true with every channel inactive (issue 264): that forbids. `inboundDndSettings` is about
what the contact sends us, and forbids nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

KEY: Final = "dndSettings"
FIELD: Final = f"contact.{KEY}"
_ALLOWS: Final = frozenset({"inactive", ""})


def forbids_call(contact: Mapping[str, Any]) -> str | None:
    """Say why a contact's settings forbid a call; None where they do not, or are not there."""
    settings = contact.get(KEY)
    if not isinstance(settings, dict):
        return None
    for channel, setting in settings.items():
        status = setting.get("status") if isinstance(setting, dict) else setting
        if str(channel).casefold() == "call" and str(status or "").casefold() not in _ALLOWS:
            return (
                f'do-not-disturb for calls is "{str(status)[:60]}" on the contact in HighLevel: this person must not'
                " be called"
            )
    return None
