"""Phone numbers as people type them into a CRM, made into the one form that is dialled: E.164."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from connector.policy.words import did_you_mean

# A possible number, not a valid one: libphonenumber calls documented ranges such as +1 555 invalid, and lags
# behind new ranges. Whether a number may be called is judged apart, by policy.

_DIALLED = re.compile(r"\+[1-9][0-9]{6,14}")
"""What the Trigger Call API takes."""

_MAX_LENGTH = 250
"""Longer texts are not phone numbers; libphonenumber draws the line here too."""

_ALSO_CALLED = {"UK": "GB", "USA": "US"}


@dataclass(frozen=True, slots=True)
class Number:
    """A phone number without doubt about its country; an extension, which cannot be dialled, is dropped."""

    e164: str
    country_code: int

    @property
    def is_dialable(self) -> bool:
        """Does it have the form and length that the Trigger Call API takes?"""
        return _DIALLED.fullmatch(self.e164) is not None

    def __str__(self) -> str:
        return self.e164


def normalise(raw: str, region: str | None) -> Number | None:
    """Return the number in `raw`, or None where there is none.

    `region` is the country of numbers written without a country code (ISO 3166 alpha-2); without one only
    numbers that begin with + are understood.
    """
    return _normalised(raw, region) if raw and len(raw) <= _MAX_LENGTH else None


@lru_cache(maxsize=4096)
def _normalised(raw: str, region: str | None) -> Number | None:
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException:
        return None
    length = phonenumbers.is_possible_number_with_reason(number)
    if number.country_code is None or length != ValidationResult.IS_POSSIBLE:
        return None  # too short, too long, or without its area code: "555-0147" is nobody's number
    return Number(phonenumbers.format_number(number, PhoneNumberFormat.E164), number.country_code)


def region_of(text: str) -> str | None:
    """Return the region that a text names by its two letters (`us`, `GB`), None where it names none."""
    code = text.strip().upper()
    code = _ALSO_CALLED.get(code, code)
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def region_meant(text: str) -> str | None:
    """Return the region of two letters or of a country's name: `CA` for `Canada`; None where it names none."""
    return region_of(text) or _names().get(text.strip().casefold())


def not_a_region(text: str) -> str:
    """Say that a text names no region, and which is meant where it is a country's name: `Canada`."""
    meant = did_you_mean(text, _names(), cutoff=0.8)
    return f'"{text[:60]}" is not a country{meant or "; write its two letters, such as US or GB"}'


def region_name(code: str) -> str:
    """`GG (Guernsey)` for `GG`."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # 1 MB, and only sentences need it

    names = LOCALE_DATA.get(code, {})
    name = names.get("en", "")
    name = names.get(name[1:], "") if name.startswith("*") else name  # "*aa": as in that language
    return f"{code} ({name})" if name else code


@cache
def _names() -> dict[str, str]:
    """Names of countries in small letters, in English and in their own languages, and the code of each."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # 1 MB, and only mistakes need it

    return {
        name.casefold(): code
        for code, names in LOCALE_DATA.items()
        if code in phonenumbers.SUPPORTED_REGIONS
        for name in names.values()
        if not name.startswith("*")
    }
