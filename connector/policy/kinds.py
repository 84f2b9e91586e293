"""Of which type is a phone number, and of which country?

Who answers a premium, satellite or shared-cost number earns on the call: such numbers in a CRM are mistakes or
fraud. What libphonenumber (https://github.com/google/libphonenumber, as the `phonenumbers` package) says of a number's
type is put into the few words that a rule may name.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneNumber,
    PhoneNumberType,
    shortnumberinfo,
)


class NumberType(StrEnum):
    """What a number is for, in the words of a rule's `number_types`."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    VOIP = "voip"
    COMPANY = "company"
    """One number for a whole company, wherever it has its lines (UAN)."""
    TOLL_FREE = "toll_free"
    PERSONAL = "personal"
    """It follows a person around, often at a high price."""
    PAGER = "pager"
    VOICEMAIL = "voicemail"
    SHARED_COST = "shared_cost"
    PREMIUM = "premium"
    SATELLITE = "satellite"
    UNKNOWN = "unknown"
    """No known range: not given out, or given out only lately."""
    SHORT = "short"
    EMERGENCY = "emergency"


CALLED: Final = frozenset({NumberType.MOBILE, NumberType.LANDLINE, NumberType.VOIP, NumberType.COMPANY})
"""The types of a rule that names none: where leads answer."""
NEVER_CALLED: Final = frozenset({NumberType.SHORT, NumberType.EMERGENCY})
"""Types that no rule may name."""

_TYPES: Final = {
    PhoneNumberType.FIXED_LINE: frozenset({NumberType.LANDLINE}),
    PhoneNumberType.MOBILE: frozenset({NumberType.MOBILE}),
    # one cannot tell them apart in the United States, so it is both
    PhoneNumberType.FIXED_LINE_OR_MOBILE: frozenset({NumberType.LANDLINE, NumberType.MOBILE}),
    PhoneNumberType.TOLL_FREE: frozenset({NumberType.TOLL_FREE}),
    PhoneNumberType.PREMIUM_RATE: frozenset({NumberType.PREMIUM}),
    PhoneNumberType.SHARED_COST: frozenset({NumberType.SHARED_COST}),
    PhoneNumberType.VOIP: frozenset({NumberType.VOIP}),
    PhoneNumberType.PERSONAL_NUMBER: frozenset({NumberType.PERSONAL}),
    PhoneNumberType.PAGER: frozenset({NumberType.PAGER}),
    PhoneNumberType.UAN: frozenset({NumberType.COMPANY}),
    PhoneNumberType.VOICEMAIL: frozenset({NumberType.VOICEMAIL}),
}
_SATELLITE: Final = frozenset({870, 881, 882})
"""Country codes of networks in the sky: Inmarsat, Iridium and Globalstar, Thuraya (ITU-T E.164 assigned codes)."""
_PREMIUM_EXCHANGE: Final = "976"
"""In North America, 976 after any area code is a premium service; libphonenumber does not know it."""


@lru_cache(maxsize=4096)
def types_of(phone_number: str) -> frozenset[NumberType]:
    """Return the type of an E.164 number; two where nobody can tell them apart (a US mobile or landline)."""
    number = _parsed(phone_number)
    if number is None:
        return frozenset({NumberType.UNKNOWN})
    if number.country_code in _SATELLITE:
        return frozenset({NumberType.SATELLITE})
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 1 and len(national) == 10 and national[3:6] == _PREMIUM_EXCHANGE:
        return frozenset({NumberType.PREMIUM})
    return _TYPES.get(phonenumbers.number_type(number)) or _unlisted(national, number.country_code or 0)


@lru_cache(maxsize=4096)
def country_of(phone_number: str) -> str | None:
    """Return the country (ISO 3166 alpha-2) that an E.164 number belongs to; None where it is of none.

    +1 809 is the Dominican Republic, however much it looks like the United States. A number of no known range is
    counted to the main country of its country code: only a rule that names `unknown` lets one pass at all.
    """
    number = _parsed(phone_number)
    if number is None:
        return None
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    return region if region in phonenumbers.SUPPORTED_REGIONS else None


def _parsed(phone_number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(phone_number, None)
    except NumberParseException:
        return None


def _unlisted(national: str, country_code: int) -> frozenset[NumberType]:
    """Tell 911 behind a country code, and other short numbers, from those of no known range."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(country_code, ())
    if any(shortnumberinfo.is_emergency_number(national, region) for region in regions):
        return frozenset({NumberType.EMERGENCY})
    short = PhoneNumber(country_code=country_code, national_number=int(national or 0))
    if any(shortnumberinfo.is_valid_short_number_for_region(short, region) for region in regions):
        return frozenset({NumberType.SHORT})
    return frozenset({NumberType.UNKNOWN})
