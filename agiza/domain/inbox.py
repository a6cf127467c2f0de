"""The inbox: what a function call was answered, kept so that the same call always gets the same answer.

One row for each function call of a call; its key is the id that the model gave it, whichever leg and whichever way it
came. A tombstone is a row for a function call that was taken back before it was carried out.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

Response = dict[str, object]

TOMBSTONE = "(cancelled)"
"""Stands where the tool's name would; no tool has brackets in its name."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What stands in the inbox for one function call. `args_digest` is empty for a tombstone."""

    tool: str
    args_digest: str
    response: Response


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A row to be written. `cart_version` is that of the cart after the function call."""

    tool_call_id: str
    result: StoredResult
    cart_version: int

    @property
    def status(self) -> str:
        """The outcome in one word, for those who look through the inbox."""
        return str(self.result.response.get("status", ""))


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What comes of a cancellation: the tombstones to write. None for a leg that was taken over: it may not cancel."""

    tombstones: tuple[InboxRow, ...] = ()
    is_older_leg: bool = False


def cancel(fence: int | None, known: Collection[str], leg_epoch: int, tool_call_ids: Collection[str]) -> Cancelled:
    """Settle a cancellation of function calls: what was carried out stands, the rest never will be.

    `fence` is the leg epoch of the call's cart (None: no cart yet), `known` the ids that have a row already. Repeated,
    it leaves nothing to write.
    """
    if fence is not None and leg_epoch < fence:
        return Cancelled(is_older_leg=True)
    fresh = [id for id in dict.fromkeys(tool_call_ids) if id not in known]
    return Cancelled(tuple(InboxRow(id, StoredResult(TOMBSTONE, "", {"status": "cancelled"}), 0) for id in fresh))


def digest_of(args: Mapping[str, object]) -> str:
    """SHA-256 of the arguments in canonical JSON: the same call has the same digest on every replica."""
    canonical = json.dumps(args, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
