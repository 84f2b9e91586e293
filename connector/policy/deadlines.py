"""Until when may a call that is allowed now still be placed?"""

from datetime import datetime

from connector.policy.facts import Facts
from connector.policy.terms import Terms
from connector.policy.whereabouts import whereabouts
from connector.policy.windows import next_closed


def placed_by(terms: Terms, facts: Facts) -> datetime:
    """Return when a call that is allowed at `facts.at` must not begin any more: its window closes, or it expires.

    ValueError where the window is closed at that moment.
    """
    expires_at = facts.entered_at + terms.expires
    if terms.window is None:
        return expires_at
    closes_at = next_closed(terms.window, facts.at, whereabouts(terms, facts).zones)
    return expires_at if closes_at is None else min(closes_at, expires_at)
