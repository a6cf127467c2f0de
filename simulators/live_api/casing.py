"""JSON keys of the Live protocol: clients write camelCase, snake_case or both in one object."""

from __future__ import annotations

import re
from typing import Any

Json = Any  # parsed JSON: whoever reads it checks its shape field by field
JsonObject = dict[str, Any]

# Values below these keys belong to the application: their keys are data, not protocol.
_FREE_FORM = frozenset({"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"})
# Keys of these objects are names chosen by the application; what is below them is protocol again.
_NAMED = frozenset({"properties"})
_SNAKE = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")


def camel_key(key: str) -> str:
    return _SNAKE.sub(lambda match: match[1].upper(), key) if "_" in key else key


def camel_case(value: Json) -> Json:
    """The same JSON with every protocol key in camelCase; application data is left as it came."""
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    result: JsonObject = {}
    for key, inner in value.items():
        name = camel_key(key)
        if name in _FREE_FORM:
            result[name] = inner
        elif name in _NAMED and isinstance(inner, dict):
            result[name] = {own: camel_case(below) for own, below in inner.items()}
        else:
            result[name] = camel_case(inner)
    return result
