"""Telephone numbers: E.164 checks, and a spoken number brought into that form for the branch's country.

Only numbers of the branch's own country are accepted from a caller or a branch file: a number that may be rung by a
machine must never be a foreign or a premium one.
"""

import re

_E164 = re.compile(r"\+[1-9]\d{7,14}")
# ITU-T E.164 calling codes have one, two or three digits; these are all of the shorter ones, every other has three.
_CODES_1 = frozenset({"1", "7"})
_CODES_2_WORDS = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
    "90 91 92 93 94 95 98"
)
_CODES_2 = frozenset(_CODES_2_WORDS.split())
# Digits after the calling code, where a country has one length; elsewhere six to twelve are taken.
_NATIONAL_DIGITS = {"254": 9, "255": 9, "256": 9, "250": 9, "251": 9, "1": 10}
# National prefixes that cost the dialler a premium.
_PREMIUM = {"254": ("900",), "1": ("900", "976"), "44": ("9",)}
_SEPARATORS = re.compile(r"[\s().\-/]+")


def is_e164(text: str) -> bool:
    return _E164.fullmatch(text) is not None


def calling_code(number: str) -> str:
    """The country's calling code of an E.164 number: '254' of '+254709000002'."""
    digits = number.removeprefix("+")
    if digits[:1] in _CODES_1:
        return digits[:1]
    return digits[:2] if digits[:2] in _CODES_2 else digits[:3]


def is_domestic(number: str, branch_phone: str) -> bool:
    """Whether an E.164 number is an ordinary one of the branch's country."""
    if not is_e164(number):
        return False
    code = calling_code(branch_phone)
    if calling_code(number) != code:
        return False
    national = number.removeprefix("+" + code)
    if national.startswith(_PREMIUM.get(code, ())):
        return False
    wanted = _NATIONAL_DIGITS.get(code)
    return len(national) == wanted if wanted else 6 <= len(national) <= 12


def normalise_phone(text: str, branch_phone: str) -> str | None:
    """The E.164 form of what a caller said ('0712 345 678', '+254 712...', '00254...'), or None when it is no ordinary
    number of the branch's country."""
    digits = _SEPARATORS.sub("", text)
    code = calling_code(branch_phone)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not digits.startswith("+"):
        if not digits.isascii() or not digits.isdigit():
            return None
        # The trunk zero is not dialled from abroad; the code itself may be said without its plus.
        national = digits.removeprefix("0")
        digits = f"+{digits}" if is_domestic(f"+{digits}", branch_phone) else f"+{code}{national}"
    return digits if is_domestic(digits, branch_phone) else None
