"""Arguments of the model, cleaned before anything else touches them."""

from __future__ import annotations

from typing import Any

TEXT_CHARS_MAX = 2000
ITEMS_MAX = 64
DEPTH_MAX = 6


def cleaned(value: Any, depth: int = 0) -> Any:
    """The value without what no menu word contains and no database column takes.

    Control characters and lone surrogates go, longer texts and lists are cut, deeper nesting becomes null. The rules
    judge what is left; this only makes sure that a hostile argument can be stored, compared and answered.
    """
    if isinstance(value, str):
        text = value[:TEXT_CHARS_MAX].encode("utf-8", "ignore").decode("utf-8")
        return "".join(char for char in text if char.isprintable() or char in " \n\t")
    if isinstance(value, dict):
        if depth >= DEPTH_MAX:
            return None
        pairs = list(value.items())[:ITEMS_MAX]
        return {str(cleaned(str(key))): cleaned(item, depth + 1) for key, item in pairs}
    if isinstance(value, list | tuple):
        return None if depth >= DEPTH_MAX else [cleaned(item, depth + 1) for item in value[:ITEMS_MAX]]
    if isinstance(value, float) and value != value:  # NaN has no JSON
        return None
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**15:
        return 10**15 if value > 0 else -(10**15)
    return value
