"""What all calls of a bridge process have in common."""

from __future__ import annotations

from dataclasses import dataclass

from agiza.runtime.metrics import Metrics
from services.bridge.beginnings import Beginnings
from services.bridge.breaker import ModelBreaker
from services.bridge.costs import UNKNOWN, Prices
from services.bridge.cue_book import CueBook
from services.bridge.legs.judge import Judge
from services.bridge.legs.live_model import LiveModel
from services.bridge.menu_cache import MenuCache
from services.bridge.outlet import Outlet
from services.bridge.record import RecordWriter
from services.bridge.recording import Recordings
from services.bridge.replies import Replies
from services.bridge.session import Limits


@dataclass(frozen=True, slots=True)
class Shared:
    """What all calls of this process share."""

    model: LiveModel
    menus: MenuCache
    beginnings: Beginnings
    outlet: Outlet
    replies: Replies
    records: RecordWriter
    metrics: Metrics
    limits: Limits
    breaker: ModelBreaker
    bridge_id: str
    cues: CueBook
    prices: Prices = UNKNOWN
    judge: Judge | None = None
    recordings: Recordings | None = None
