"""What ``agiza up`` leaves in the folder for the commands that look after its orders: address, database, clock.

Beside the note for callers (agiza.cli.running), and without what only the simulators have, so that the commands of a
menu run inside the services' image too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HOME: Final = Path(".agiza")
_FILE: Final = "orders.json"
_NOTED: Final = ("DATABASE_URL", "AGIZA_NOW", "AGIZA_NOW_SET_AT", "AGIZA_ORDERS_URL")


def note_orders(environment: Mapping[str, str], home: Path = HOME) -> None:
    """Keep what the commands need of the orders service's environment. Only the owner may read it."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / _FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        json.dump({name: environment[name] for name in _NOTED if name in environment}, file)


def forget_orders(home: Path = HOME) -> None:
    """The stack has stopped."""
    (home / _FILE).unlink(missing_ok=True)


def noted_orders(home: Path = HOME) -> dict[str, str]:
    """The noted variables; empty where no stack runs in this folder."""
    path = home / _FILE
    if not path.exists():
        return {}
    noted: dict[str, str] = json.loads(path.read_text())
    return noted
