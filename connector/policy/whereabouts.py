"""In which time zones is a lead: by the CRM's word, else by the number, else by the rule's last resort."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.policy.facts import Facts
from connector.policy.terms import Terms
from connector.policy.zones import find_zone, zone_of, zones_of_number


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The zones in all of which a window must be open; none where nobody knows."""

    zones: Sequence[str]
    source: str
    """Who says so: `the rule`, `the CRM`, `the number`."""

    def words(self) -> str:
        """Name the zones for a sentence."""
        named = ", ".join(self.zones[:3])
        return named if len(self.zones) <= 3 else f"{named} and {len(self.zones) - 3} more time zones"

    def clock(self, at: datetime) -> str:
        """Say what the clocks show there: `Mon 21:30 in America/New_York (as the number says)`."""
        first = at.astimezone(zone_of(self.zones[0]))
        here = f"{first:%a %H:%M} in {self.zones[0]}"
        others = len(self.zones) - 1
        also = f" and must be right in {others} more time zone{'s' if others > 1 else ''}" if others else ""
        return f"{here}{also} (by {self.source})"


def whereabouts(terms: Terms, facts: Facts) -> Whereabouts:
    """Find out where the lead is: a fixed zone of the rule goes first, its `otherwise` last.

    What the CRM says counts only if it is a time zone: "EST" or "Eastern" is none.
    """
    if terms.zone is not None:
        return Whereabouts((terms.zone,), "the rule")
    said = find_zone(facts.zone)
    if said is not None:
        return Whereabouts((said,), "the CRM")
    by_number = zones_of_number(facts.phone_number)
    if by_number:
        return Whereabouts(by_number, "the number")
    if terms.otherwise is not None:
        return Whereabouts((terms.otherwise,), "the rule's otherwise")
    return Whereabouts((), "nobody")
