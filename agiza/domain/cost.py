"""What a call costs us: the model by its tokens, telephony by its time. Prices come from the operator, never from here.

Amounts are whole millionths of a currency's minor unit (``micro_minor``), since one token costs less than a cent. Each
priced amount is rounded to one such millionth, half up, and to whole minor units only when it is shown
(:attr:`Cost.minor`), so that a day of calls adds up. Two currencies are never added.

Beside the metered figure stands the most that it can have been: what is not metered is taken at its highest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from agiza.domain.money import divide_half_up

MICRO: Final = 1_000_000
AUDIO_TOKENS_PER_SECOND: Final = 25
"""Of Live audio, in both directions."""
TRANSCRIPT_CHARS_PER_TOKEN: Final = 2
"""For an estimate that is rather too high; English has about four."""

CarrierLeg = Literal["inbound", "outbound", "stream"]


@dataclass(frozen=True, slots=True)
class Cost:
    """A metered amount and its upper bound, both >= 0, in ``micro_minor`` of one ISO currency."""

    currency: str
    micro_minor: int
    upper_micro_minor: int

    @property
    def minor(self) -> int:
        """Whole minor units, halves up. Round a sum, do not sum what was rounded."""
        return divide_half_up(self.micro_minor, MICRO)

    @property
    def upper_minor(self) -> int:
        """The upper bound in whole minor units, halves up."""
        return divide_half_up(self.upper_micro_minor, MICRO)

    def __add__(self, other: Cost) -> Cost:
        """The sum. Raises ValueError for two currencies: no rate is known here."""
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Cost(
            self.currency, self.micro_minor + other.micro_minor, self.upper_micro_minor + other.upper_micro_minor
        )


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """Minor units per million tokens, so that one token costs as many ``micro_minor``."""

    currency: str
    text_in: Fraction
    audio_in: Fraction
    text_out: Fraction
    audio_out: Fraction

    def cost(self, tokens: Mapping[str, int], *, listened_ms: int, transcript_chars: int) -> Cost:
        """Of one leg. ``tokens`` are sums by direction and modality, with keys such as ``prompt_audio``.

        Tokens of an unknown modality, and thoughts, count as text. Upper bound: the model is taken to have been
        charged for all the time it listened, and for a transcript of both sides, on top of what was metered.
        """
        metered = sum((count * self._rate(name) for name, count in tokens.items()), Fraction(0))
        listening = Fraction(listened_ms * AUDIO_TOKENS_PER_SECOND, 1_000) * self.audio_in
        transcription = -(-transcript_chars // TRANSCRIPT_CHARS_PER_TOKEN) * self.text_out
        return Cost(self.currency, _whole(metered), _whole(metered + listening + transcription))

    def _rate(self, name: str) -> Fraction:
        direction, _, modality = name.rpartition("_")
        if direction == "response":
            return self.audio_out if modality == "audio" else self.text_out
        if name.startswith("thoughts"):
            return self.text_out
        return self.audio_in if modality == "audio" else self.text_in


@dataclass(frozen=True, slots=True)
class CarrierPrices:
    """Minor units per minute, and how many seconds the carrier counts as begun.

    ``stream`` is the media stream's, beside the call's own minutes.
    """

    currency: str
    inbound: Fraction
    outbound: Fraction
    stream: Fraction
    call_increment_s: int = 1
    stream_increment_s: int = 1

    def cost(self, leg: CarrierLeg, ms: int) -> Cost:
        """Of one leg that lasted so long. Upper bound: every minute that was begun is counted whole."""
        increment_s = self.stream_increment_s if leg == "stream" else self.call_increment_s
        return Cost(self.currency, self._amount(leg, ms, increment_s), self._amount(leg, ms, 60))

    def _amount(self, leg: CarrierLeg, ms: int, increment_s: int) -> int:
        rate = {"inbound": self.inbound, "outbound": self.outbound, "stream": self.stream}[leg]
        billed_s = -(-ms // (increment_s * 1_000)) * increment_s
        return _whole(rate * MICRO * billed_s / 60)


def added(one: Cost | None, other: Cost | None) -> Cost | None:
    """The sum of what is known: None is not zero, it is unknown. Raises ValueError for two currencies."""
    if one is None or other is None:
        return one or other
    return one + other


def _whole(amount: Fraction) -> int:
    return divide_half_up(amount.numerator, amount.denominator)
