"""The speech model: one session is set up as a call would, with a branch's real instruction and tools, and left."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Final

from agiza.cli.doctor.findings import Finding, failure, ok
from agiza.cli.site import SiteSettings
from agiza.domain.menu import BranchFile
from agiza.runtime.metrics import Metrics
from services.bridge.legs.live_model import LiveModel, ModelRefused
from services.bridge.legs.uplink import Uplink
from services.bridge.menu_cache import setup_of

SUBJECT: Final = "model"
CLOSE_S: Final = 2.0
_MENDS: Final = (
    (re.compile(r"refused_(400|401|403)$"), "look at GEMINI_API_KEY: valid, and allowed to use the Live API?"),
    (re.compile(r"refused_404$"), "look at AGIZA_MODEL and AGIZA_LIVE_URL"),
    (re.compile(r"refused_429$"), "the quota is used up: ask for more, or wait"),
    (re.compile(r"refused_(1007|1008)$"), "the key, the model's name or the setup is refused: look at GEMINI_API_KEY"
     " and AGIZA_MODEL"),
    (re.compile(r"refused_5\d\d$|setup_timeout$"), "the model's servers are in trouble: try again later"),
    (re.compile(r"handshake_failed$"), "look at AGIZA_LIVE_URL and AGIZA_LIVE_CA_FILE"),
)  # fmt: skip


async def look(site: SiteSettings, branch: BranchFile | None) -> list[Finding]:
    """Connect for a moment; nothing is said."""
    if site.gemini_api_key is None:
        return [failure(SUBJECT, "GEMINI_API_KEY is not set", "make a key and set it: the agent cannot speak without")]
    if branch is None:
        return [failure(SUBJECT, "not asked: there is no branch whose menu could be set up", "mend the branch files")]
    metrics = Metrics()
    try:
        # It reads certificates and builds models of the whole API, which takes half a second: the other checks go on.
        model = await asyncio.to_thread(
            LiveModel,
            api_key=site.gemini_api_key.get_secret_value(),
            model=site.agiza_model,
            voice=site.agiza_voice,
            base_url=site.agiza_live_url,
            ca_file=site.agiza_live_ca_file,
            metrics=metrics,
        )
    except OSError:
        return [failure(SUBJECT, "AGIZA_LIVE_CA_FILE cannot be read", "give a file with the server's authority")]
    began = time.monotonic()
    try:
        async with model.session(setup_of(branch, branch.branch.languages[0]), Uplink(metrics)):
            took_ms = round(1000 * (time.monotonic() - began))
        return [ok(SUBJECT, f"{site.agiza_model}: a session is set up in {took_ms} ms")]
    except ModelRefused as refused:
        return [judge_refusal(refused.reason)]
    finally:
        async with asyncio.timeout(CLOSE_S):
            await model.close()


def judge_refusal(reason: str) -> Finding:
    """What to mend, by the bridge's word for it."""
    mend = next((mend for pattern, mend in _MENDS if pattern.search(reason)), "look at the network and AGIZA_LIVE_URL")
    return failure(SUBJECT, f"no session ({reason})", mend)
