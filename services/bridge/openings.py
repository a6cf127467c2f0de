"""How a leg begins: anew, or with the cart that a lost leg or a lost call has left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agiza.contracts import instructions
from agiza.domain.menu import Branch
from agiza.runtime.logs import get_logger
from services.bridge.past import NOTHING, Past, in_words
from services.bridge.session import CallFacts

ASK_S: Final = 0.5
"""A caller hears nothing while this is asked. Without an answer the leg begins anew, and the cart is still there."""

_log = get_logger(__name__)


class Opening(BaseModel):
    """What ``orders`` knows of the cart at the beginning of a leg. ``lines`` and ``total`` are spoken.

    ``cart_version`` is None where nobody knows it.
    ``past`` is what the call's record has of the legs before.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    resumed: Literal["none", "leg", "ring_back", "redial"] = "none"
    lines: str = Field(default="", max_length=4000)
    total: str | None = Field(default=None, max_length=200)
    placed: tuple[int, ...] = ()
    cart_version: int | None = None
    past: Past = NOTHING


ANEW: Final = Opening()


@dataclass(frozen=True, slots=True)
class Openings:
    """Asks ``orders``."""

    http: httpx.AsyncClient

    async def of(self, facts: CallFacts) -> Opening:
        """How this leg begins. Never raises: what is not known begins anew, and a further leg without a cart."""
        otherwise = Opening(resumed="leg") if facts.leg_epoch else ANEW
        try:
            response = await self.http.post(
                f"/internal/calls/{facts.call_id}/open",
                json={"branch_id": facts.branch_id, "leg_epoch": facts.leg_epoch, "language": facts.language},
                timeout=ASK_S,
            )
            response.raise_for_status()
            opening = Opening.model_validate_json(response.content)
        except (httpx.HTTPError, ValidationError) as error:
            _log.warning("opening_unknown", why=type(error).__name__)
            return otherwise
        if opening.resumed == "none":
            return otherwise.model_copy(update={"cart_version": opening.cart_version})
        return opening


def earlier_words(opening: Opening) -> str | None:
    """What the model is told of the time before this leg; None when there was none."""
    if opening.resumed == "none":
        return None
    cart = instructions.earlier(opening.lines, opening.total, opening.placed)
    return "\n".join(part for part in (cart, in_words(opening.past)) if part)


def first_words(opening: Opening, branch: Branch, language: str) -> str:
    """The text that makes the model speak first."""
    words = instructions.opening(opening.resumed, opening.lines, branch, language, opening.placed)
    return f"[The caller is on the line. Say: {words}]"
