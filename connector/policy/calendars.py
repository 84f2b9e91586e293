"""Public holidays of a country, or of a part of it, by the tables of the `holidays` package."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache

from connector.policy.words import did_you_mean, shown

_ANY_YEAR = 2026
"""Which country's parts keep days of their own is the same in all of them."""

# The package costs 0.1 s and 11 MB to import, so it is imported when first used: most windows name no country.


def check_countries(codes: Iterable[str]) -> frozenset[str]:
    """Return country codes as the table spells them: `us` becomes `US`, `gb-eng` becomes `GB-ENG`.

    A code is two or three letters, with `-` and a part of the country where only its holidays are meant too: `US`
    has the federal holidays, `US-CA` also those of California. ValueError names the code and the nearest right one.
    """
    if isinstance(codes, str):
        raise ValueError(f"{shown(codes)} is not a list of countries; write [{codes or 'US'}]")
    return frozenset(_checked(code) for code in codes)


@lru_cache(maxsize=1024)
def public_holidays(code: str, year: int) -> frozenset[date] | None:
    """Return the public holidays of one year, days given in lieu among them; None where that is not known.

    `code` is one that `check_countries` returned. The table of some countries ends (Sri Lanka: with the year that
    was proclaimed last), because their holidays follow the moon and are proclaimed.
    """
    import holidays

    country, _, part = _checked(code).partition("-")
    calendar = holidays.country_holidays(country, subdiv=part or None, years=year)
    if not calendar.start_year <= year <= calendar.end_year:
        return None
    return frozenset(calendar)


@lru_cache(maxsize=1024)
def part_that_keeps_more(code: str) -> str | None:
    """Return a part of the country, `GB-ENG` of `GB`, where every part has holidays beside those of the whole country.

    None where some part has no others, as in the United States, and for a part.
    """
    parts = sorted(_countries().get(code, ()))
    usual = public_holidays(code, _ANY_YEAR) or frozenset()
    keep_more = [(public_holidays(f"{code}-{part}", _ANY_YEAR) or frozenset()) > usual for part in parts]
    return f"{code}-{parts[0]}" if parts and all(keep_more) else None


@lru_cache(maxsize=1024)
def _checked(code: str) -> str:
    if not isinstance(code, str):
        raise ValueError(f"{shown(code)} is not a country code; write one like US or US-CA")
    country, dash, part = code.strip().partition("-")
    country = country.upper()
    if country not in _countries():
        near = did_you_mean(country, _names_of_parts() | _spellings())
        raise ValueError(f"{shown(code)} is not a known country code{near or '; write one like US or US-CA'}")
    if not dash:
        return country
    parts = _parts(country)
    spelt = next((each for each in set(parts.values()) if each.casefold() == part.casefold()), None)
    if spelt is None:
        raise ValueError(f"{shown(code)} is not a known part of {country}{_possible(country, part)}")
    return f"{country}-{spelt}"


def _possible(country: str, part: str) -> str:
    parts = _parts(country)
    near = did_you_mean(part, {word: f"{country}-{spelt}" for word, spelt in parts.items()})
    known = ", ".join(sorted(set(parts.values()))[:60])
    return near or (f"; there are: {known}" if known else f", which is one whole here; write {country}")


@cache
def _countries() -> Mapping[str, list[str]]:
    """Country codes of two and three letters, each with the codes of its parts."""
    import holidays

    return holidays.list_supported_countries(include_aliases=True)


@cache
def _spellings() -> dict[str, str]:
    """Codes and English names, in lower case, and the code of each."""
    from holidays.registry import COUNTRIES

    names = {name.replace("_", " "): codes[1] for name, codes in COUNTRIES.items()}
    return names | {code.casefold(): code for code in _countries()}


@cache
def _names_of_parts() -> dict[str, str]:
    """Names of the parts of every country, in lower case, and the code of each: GB-ENG of `england`."""
    found: dict[str, str] = {}
    for country, parts in _countries().items():
        if len(country) == 2 and parts:
            names = {name: code for name, code in _parts(country).items() if name != code.casefold()}
            found |= {name: f"{country}-{code}" for name, code in names.items() if name not in found}
    return found


def other_spelling_of_state(text: str) -> str | None:
    """The letters of a state or province of North America for its name, `CA` of California, and its name for them."""
    for country in ("US", "CA"):
        names = {code: name for name, code in _parts(country).items() if name != code.casefold()}
        if text in names:
            return names[text].title()
        if (code := _parts(country).get(text.casefold())) and len(text) > len(code):
            return code
    return None


@cache
def _parts(country: str) -> Mapping[str, str]:
    """Codes and names of a country's parts, in lower case, and the code of each."""
    import holidays

    names = holidays.country_holidays(country).get_subdivision_aliases()
    spelt = {alias.casefold(): code for code, aliases in names.items() for alias in aliases}
    return spelt | {code.casefold(): code for code in _countries()[country]}
