"""A stack that ``agiza up`` started: where it is, so that other commands can call into it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from agiza.cli.call import Line
from agiza.cli.errors import CliError
from agiza.cli.result import Endpoints
from agiza.cli.up_note import HOME

STATE_FILE = "up.json"


def write_line(line: Line, home: Path = HOME) -> Path:
    """Note where the stack is. The file holds its token, so only its owner may read it."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / STATE_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(line), file)
    return path


def forget_line(home: Path = HOME) -> None:
    """The stack has stopped."""
    (home / STATE_FILE).unlink(missing_ok=True)


def running_line(voice_url: str, home: Path = HOME) -> Line:
    """The running stack with this voice URL.

    Its other addresses come from the note of ``agiza up`` in this folder, else from AGIZA_WEBHOOK_URL,
    AGIZA_ORDERS_URL, AGIZA_ESCALATION_URL, AGIZA_INTERNAL_TOKEN and REDIS_URL. Raises :class:`CliError`.
    """
    path = home / STATE_FILE
    if path.exists():
        note = json.loads(path.read_text())
        if note["voice_url"] == voice_url:
            return Line(voice_url, Endpoints(**note["endpoints"]), note["redis_url"])
    names = ("AGIZA_WEBHOOK_URL", "AGIZA_ORDERS_URL", "AGIZA_ESCALATION_URL", "AGIZA_INTERNAL_TOKEN", "REDIS_URL")
    values = {name: os.environ.get(name, "") for name in names}
    if missing := [name for name, value in values.items() if not value]:
        raise CliError(
            f"no stack with that voice URL was started by `agiza up` in this folder; else set {', '.join(missing)}"
        )
    webhook, orders, escalation, token, redis_url = values.values()
    return Line(voice_url, Endpoints(webhook, orders, escalation, token), redis_url)


def noted_redis_url(home: Path = HOME) -> str | None:
    """Redis of the stack that ``agiza up`` runs in this folder, if one does."""
    path = home / STATE_FILE
    url = json.loads(path.read_text()).get("redis_url") if path.exists() else None
    return url if isinstance(url, str) else None
