"""A script whose bridge has cues."""

from __future__ import annotations

from session_script import Script, only

from services.bridge.cue_book import load_cues
from services.bridge.session import Limits
from services.bridge.session import actions as a

CUES = load_cues().times
MS = CUES["en"]
NO_OTHER_MODEL = Limits(model_losses_max=0)


def script(limits: Limits = NO_OTHER_MODEL) -> Script:
    """Where the ladder is not what is tested, a silent model is not replaced."""
    return Script(limits=limits, cue_times=CUES)


def cues(actions: list[a.Action]) -> list[str]:
    return [each.name for each in only(actions, a.PlayCue)]
