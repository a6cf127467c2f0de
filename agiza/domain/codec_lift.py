"""Stored carts and events of version 1, lifted to version 2, and back where nothing is lost.

Version 2 knows choices within choices (`under`), kitchen names of options, what a part's configuration costs more, and
the taxes of an order one by one. Nothing else changed, so each of these is recognised by the fields it stands among.
"""

from collections.abc import Mapping

# fields of a version 1 object -> what version 2 has besides
_NEW: tuple[tuple[frozenset[str], Mapping[str, object]], ...] = (
    (frozenset({"group", "option", "quantity"}), {"under": []}),
    (frozenset({"group", "id", "name", "quantity", "price_minor", "chosen"}), {"kitchen": None, "under": []}),
    (
        frozenset({"choice", "item", "name", "kitchen", "quantity", "options"}),
        {"under": [], "extra_minor": 0},
    ),
    (frozenset({"subtotal_minor", "delivery_minor", "tax_minor", "total_minor", "currency"}), {"taxes": []}),
)
_BY_OLD = dict(_NEW)
_BY_NEW = {old | frozenset(new): new for old, new in _NEW}


class CodecError(ValueError):
    """A stored document is not what this version reads. Not worth retrying."""

    retryable = False


def lifted(body: Mapping[str, object]) -> dict[str, object]:
    """A body of version 1 as version 2 writes it. What is no shape of version 1 is left for the reader to refuse, but
    what only version 2 can have written raises CodecError here."""
    return {key: _lift(value) for key, value in body.items()}


def lowered(body: Mapping[str, object]) -> tuple[int, dict[str, object]]:
    """(1, the body as version 1 wrote it) if that holds all of it, else (2, the body)."""
    try:
        return 1, {key: _lower(value) for key, value in body.items()}
    except _NotOld:
        return 2, dict(body)


class _NotOld(Exception):
    """Something that version 1 has no place for; stays inside this file."""


def _lift(value: object) -> object:
    if isinstance(value, list):
        return [_lift(entry) for entry in value]
    if isinstance(value, Mapping):
        if frozenset(value) in _BY_NEW:
            raise CodecError(f"version 1 has the wrong fields: {sorted(value)}")
        return {key: _lift(part) for key, part in value.items()} | dict(_BY_OLD.get(frozenset(value), {}))
    return value


def _lower(value: object) -> object:
    if isinstance(value, list):
        return [_lower(entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    new = _BY_NEW.get(frozenset(value), {})
    if any(value[key] != usual for key, usual in new.items()):
        raise _NotOld
    return {key: _lower(part) for key, part in value.items() if key not in new}
