"""What was released: the contracts that somebody may have built on, kept beside the code.

``released/schemas`` has the JSON Schema of every version of every event, ``released/orders-api.v1.json`` and
``released/asyncapi.v1.json`` the documents. Files are added and extended by ``make contracts-baseline``, which refuses
everything that breaks a reader or a client; today's contracts are compared with them in tests.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from agiza.contracts.events import EVENTS, Event
from agiza.contracts.schemas import name_of

FOLDER: Final = Path(__file__).parent / "released"
SCHEMAS: Final = FOLDER / "schemas"


@functools.cache
def released_schemas(folder: Path = SCHEMAS) -> Mapping[str, Any]:
    """By name, every version that was ever released."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def former_schemas(events: Iterable[type[Event]] = EVENTS, folder: Path = SCHEMAS) -> dict[str, Any]:
    """Of versions of these events that are not the present one any more."""
    released = released_schemas(folder)
    names = [name_of(event.type, version) for event in events for version in range(1, event.version)]
    return {name: released[name] for name in names if name in released}
