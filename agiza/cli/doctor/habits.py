"""What a probe call found out about the carrier, against how the services are set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from agiza.carrier.capabilities import Capabilities, CapabilitiesRefused, read_capabilities
from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.cli.site import SiteSettings
from agiza.domain.menu import BranchFile

SUBJECT: Final = "carrier's habits"
ENDING: Final = "end of a stream"
SIGNATURE: Final = "signature"
DAYS_OLD: Final = 90
_PROBE: Final = "run agiza carrier probe"


async def look(path: Path, site: SiteSettings, branches: Sequence[BranchFile], now: datetime) -> list[Finding]:
    """The file's age and what follows from it."""
    try:
        learnt = read_capabilities(path)
    except FileNotFoundError:
        unknown = warning(SUBJECT, f"not found out yet: there is no {path.name}", _PROBE)
        return [unknown, judge_signature(None, site)]
    except (CapabilitiesRefused, OSError) as error:
        seen = str(error) if isinstance(error, CapabilitiesRefused) else f"{path.name} cannot be read"
        return [failure(SUBJECT, seen, f"{_PROBE} again"), judge_signature(None, site)]
    return [judge_age(learnt, now), judge_ending(learnt, site, branches), judge_signature(learnt, site)]


def judge_age(learnt: Capabilities, now: datetime) -> Finding:
    """A carrier changes."""
    days = (now - learnt.probed_at).days
    seen = f"found out {days} days ago by an {learnt.direction} call"
    return warning(SUBJECT, seen, f"{_PROBE} again") if days > DAYS_OLD else ok(SUBJECT, seen)


def judge_ending(learnt: Capabilities, site: SiteSettings, branches: Sequence[BranchFile]) -> Finding:
    """R3 and R4 leave a caller alone whom the agent hands over: they must be rung back, better with somebody there."""
    match learnt.stream_end:
        case None:
            return warning(ENDING, "the call was too short to tell", f"{_PROBE} again")
        case "R1" | "R2":
            return ok(ENDING, f"{learnt.stream_end}: hand-offs by Dial work")
        case "R3" | "R4":
            fate = "sits in silence" if learnt.stream_end == "R3" else "is cut off"
            seen = f"{learnt.stream_end}: a caller who is handed over {fate}, and has to be rung back"
            mends = []
            if site.agiza_carrier_api_url is None or site.agiza_carrier_api_key is None:
                mends.append("set AGIZA_CARRIER_API_URL and AGIZA_CARRIER_API_KEY for escalation: it rings them back")
            if not site.agiza_outbound:
                mends.append("do not set AGIZA_OUTBOUND=false")
            if mends:
                return failure(ENDING, seen, "; ".join(mends))
            late = [each.branch.id for each in branches if each.branch.escalation.strategy != "answer_first"]
            if late:
                mend = f"set escalation: {{strategy: answer_first}} in the files of {', '.join(late)}"
                return warning(ENDING, seen, f"{mend}: then a person has picked up before the agent goes")
            return ok(ENDING, f"{learnt.stream_end}, and a person answers before the agent goes")


def judge_signature(learnt: Capabilities | None, site: SiteSettings) -> Finding:
    """The policy against what was seen of the carrier's signatures."""
    policy, has_secrets = site.agiza_carrier_signature, bool(site.signing_secrets)
    seen = f"policy {policy}, {'with' if has_secrets else 'without'} a secret"
    found = learnt.signature if learnt else None
    if policy == "enforce" and not has_secrets:
        return failure(SIGNATURE, seen, "set AGIZA_CARRIER_SIGNING_SECRETS: no request could pass")
    if found is None:
        if policy == "enforce":
            return warning(SIGNATURE, f"{seen}; not seen in a call", f"{_PROBE} before callers are refused")
        return warning(SIGNATURE, f"{seen}; not seen in a call", _PROBE)
    seen = f"{seen}; in the call it was {found}"
    if found == "good":
        if policy == "enforce":
            return ok(SIGNATURE, seen)
        secret = "" if has_secrets else "set AGIZA_CARRIER_SIGNING_SECRETS to the number's secret and "
        return warning(SIGNATURE, seen, f"{secret}set AGIZA_CARRIER_SIGNATURE=enforce")
    if policy == "enforce":
        return failure(SIGNATURE, seen, "set AGIZA_CARRIER_SIGNATURE=warn: callers are refused")
    if found == "unjudged":
        return warning(
            SIGNATURE, seen, f"set AGIZA_CARRIER_SIGNING_SECRETS to the number's secret, then {_PROBE} again"
        )
    if found == "forged":
        return warning(SIGNATURE, seen, "the secret is not the number's: correct AGIZA_CARRIER_SIGNING_SECRETS")
    if found == "missing" and not has_secrets:
        return ok(SIGNATURE, seen)  # the secret path is the guard
    return warning(SIGNATURE, seen, f"leave it at warn; {_PROBE} again later")
