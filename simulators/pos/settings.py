"""Every switch of the sample POS, in one frozen object. The defaults are a good integration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Reading: TypeAlias = Literal["webhooks", "pull", "sse"]


@dataclass(frozen=True, slots=True)
class Waits:
    """How long it waits for what, in seconds.

    ``gap_s``: a hole is given this time to be filled by deliveries that overtook each other, before it is fetched.
    ``poll_s``: how often it asks for what is new although nothing came. ``kitchen_s``: the time of each step of
    cooking; None: people press the buttons.
    """

    gap_s: float = 1.0
    poll_s: float = 30.0
    retry_s: float = 0.5
    retry_max_s: float = 30.0
    request_s: float = 10.0
    kitchen_s: float | None = None


@dataclass(frozen=True, slots=True)
class PosSettings:
    """One sample POS. Without ``api`` it prints tickets and stays silent: nothing is said, and no hole can be filled.

    ``branch`` None: every branch that messages speak of. ``reading`` other than "webhooks" needs ``api`` and
    ``branch``.
    """

    secrets: Sequence[str]
    ledger: Path
    printer: Path | None = None
    api: str | None = None
    key: str | None = None
    branch: str | None = None
    reading: Reading = "webhooks"
    first_number: int | None = None
    accept_minutes: int = 20
    waits: Waits = field(default_factory=Waits)
    body_bytes_max: int = 1024 * 1024
