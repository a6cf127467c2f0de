"""Reading one verb's fields strictly: every field known, of the right type, and none left over.

The XML dialect writes everything as text, the JSON dialect demands real numbers and booleans: a subclass each,
so that one builder per verb serves both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

Choice = TypeVar("Choice", bound=str)

E164 = re.compile(r"^\+[1-9][0-9]{6,14}$")
HOST_CHARS_MAX = 512
PATH_CHARS_MAX = 4_096


class DocumentRefused(ValueError):
    """The carrier would not run this answer. The text is one sentence that names the verb and the mistake."""


class Fields:
    """The fields of one verb. Take each by name, then call `done()`, which refuses what nobody asked for."""

    def __init__(self, where: str, values: Mapping[str, object]) -> None:
        self.where = where
        self._values = dict(values)

    def done(self) -> None:
        if self._values:
            raise self.refusal(f"does not know the attribute {min(self._values)!r}")

    def refusal(self, what: str) -> DocumentRefused:
        return DocumentRefused(f"{self.where} {what}.")

    def rest(self, known: frozenset[str]) -> dict[str, str | int | bool]:
        """All remaining fields of `known`, as they were written."""
        taken: dict[str, str | int | bool] = {}
        for name in sorted(known & set(self._values)):
            value = self._values.pop(name)
            if not isinstance(value, str | int | bool):
                raise self.refusal(f"needs a plain value in {name!r}")
            taken[name] = value
        return taken

    def take(self, name: str) -> object | None:
        return self._values.pop(name, None)

    def text(self, name: str) -> str | None:
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refusal(f"needs text in {name!r}, not {value!r}")
        return value

    def required_text(self, name: str) -> str:
        value = self.text(name)
        if value is None or not value.strip():
            raise self.refusal(f"needs a {name}")
        return value

    def number(self, name: str, least: int, most: int) -> int | None:
        value = self._as_number(name, self.take(name))
        if value is not None and not least <= value <= most:
            raise self.refusal(f"has {name}={value}, outside {least} to {most}")
        return value

    def flag(self, name: str) -> bool | None:
        return self._as_flag(name, self.take(name))

    def choice(self, name: str, allowed: tuple[Choice, ...], default: Choice) -> Choice:
        value = self.text(name)
        if value is None:
            return default
        for candidate in allowed:
            if value == candidate:
                return candidate
        raise self.refusal(f"has {name}={value!r}, not one of {', '.join(allowed)}")

    def url(self, name: str, schemes: tuple[str, ...], *, required: bool = True) -> str | None:
        value = self.required_text(name) if required else self.text(name)
        if value is None:
            return None
        return check_url(value.strip(), schemes, self, name)

    def _as_number(self, name: str, value: object) -> int | None:
        raise NotImplementedError

    def _as_flag(self, name: str, value: object) -> bool | None:
        raise NotImplementedError


class XmlFields(Fields):
    def _as_number(self, name: str, value: object) -> int | None:
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}", value):
            raise self.refusal(f"has {name}={value!r}, which is not a whole number")
        return int(value)

    def _as_flag(self, name: str, value: object) -> bool | None:
        if value is None:
            return None
        if value not in ("true", "false"):
            raise self.refusal(f"has {name}={value!r}, which is neither true nor false")
        return value == "true"


class JsonFields(Fields):
    def _as_number(self, name: str, value: object) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refusal(f"has {name}={value!r}, which is not a whole number")
        return value

    def _as_flag(self, name: str, value: object) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        raise self.refusal(f"has {name}={value!r}, which is neither true nor false")


def check_url(value: str, schemes: tuple[str, ...], fields: Fields, name: str = "url") -> str:
    """An absolute URL of one of `schemes`, printable ASCII without blanks, within the media module's lengths."""
    if re.search(r"[^\x21-\x7e]", value):
        raise fields.refusal(f"has a {name} with blanks or characters that must be percent-encoded")
    try:
        parts = urlsplit(value)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise fields.refusal(f"has a {name} that is no URL") from None
    if parts.scheme not in schemes:
        raise fields.refusal(f"has a {name} that does not start with {' or '.join(f'{s}://' for s in schemes)}")
    if not host or len(host) > HOST_CHARS_MAX:
        raise fields.refusal(f"has a {name} without a usable host")
    if len(value) - len(parts.scheme) - len(parts.netloc) > PATH_CHARS_MAX:
        raise fields.refusal(f"has a {name} longer than {PATH_CHARS_MAX} characters")
    return value


def check_number(value: str, fields: Fields, name: str) -> str:
    if not E164.match(value):
        raise fields.refusal(f"has {name}={value!r}, which is not an E.164 number")
    return value
