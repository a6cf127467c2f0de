"""Which numbers a machine may ring: ordinary ones of the branch's own country, nothing that anybody earns from.

    refusal(number, branch_phone) -> Refusal | None

Toll fraud is a Dial to a number whose owner is paid for each minute. So a number is judged by the numbering plans that
the ``phonenumbers`` library brings along, not by its calling code alone: +1 is two dozen countries, and a premium
number looks like any other of its country. What the plans do not know is refused.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from agiza.domain.phone import is_e164

Refusal: TypeAlias = Literal["malformed", "invalid", "foreign", "premium", "short", "unordinary"]

MEANINGS: Final[dict[Refusal, str]] = {
    "malformed": "is not written as an international number (+ and 8 to 15 digits)",
    "invalid": "is a number that nobody can have",
    "foreign": "is not a number of the branch's country",
    "premium": "is a premium or shared-cost number",
    "short": "is a short code or an emergency number",
    "unordinary": "is neither a mobile nor a fixed line",
}
"""Each refusal as the rest of a sentence. A reason may be logged and counted; the number may not."""

_ORDINARY: Final = frozenset((PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE))
_PREMIUM: Final = frozenset((PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST))
# What the library calls the plans of satellites and other networks without a country.
_NO_COUNTRY: Final = "001"


def refusal(number: str, branch_phone: str) -> Refusal | None:
    """Why this number must not be rung for the branch; None when it may.

    To a branch whose own number has no country, every number is foreign.
    """
    parsed = _parsed(number)
    if parsed is None:
        return "malformed"
    home = region_of(branch_phone)
    if home is None or home not in phonenumbers.region_codes_for_country_code(parsed.country_code or 0):
        return "foreign"
    if phonenumbers.is_valid_short_number_for_region(parsed, home):
        return "short"
    kind = phonenumbers.number_type(parsed)
    region = phonenumbers.region_code_for_number(parsed)
    if region is None or not phonenumbers.is_valid_number(parsed):
        return "invalid"
    if region != home:
        return "foreign"
    if kind in _PREMIUM:
        return "premium"
    return None if kind in _ORDINARY else "unordinary"


def region_of(number: str) -> str | None:
    """The country whose plan has this number ("KE"); None when no country's has."""
    parsed = _parsed(number)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return None
    region = phonenumbers.region_code_for_number(parsed)
    return None if region == _NO_COUNTRY else region


def _parsed(number: str) -> PhoneNumber | None:
    if not number.isascii() or not is_e164(number):
        return None
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    # The library forgives a trunk zero after the calling code. The carrier would ring what was written.
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return parsed if written == number else None
