"""The operator's prices, as settings. Without them a call's cost is unknown, which is not the same as nothing.

Amounts are minor units (cents), written as a decimal number: the model's per million tokens, telephony's per minute.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from agiza.domain.cost import CarrierPrices, ModelPrices
from agiza.runtime.settings import ServiceSettings

PRICE_MAX: Final = 10_000_000


def _a_currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise ValueError("must be the three capital letters of a currency, such as KES or USD")
    return text


def _a_price(amount: Decimal) -> Decimal:
    if not amount.is_finite() or not 0 <= amount <= PRICE_MAX or amount.as_tuple().exponent < -6:  # type: ignore[operator]
        raise ValueError(f"must be an amount in minor units (cents) from 0 to {PRICE_MAX}, with at most 6 decimals")
    return amount


Currency = Annotated[str, AfterValidator(_a_currency)]
Price = Annotated[Decimal, AfterValidator(_a_price)]


class ModelPriceSettings(ServiceSettings):
    """What the model costs: all five, or none."""

    agiza_price_model_currency: Currency | None = None
    agiza_price_text_in: Price | None = None
    """Minor units per million tokens, as the next three."""
    agiza_price_audio_in: Price | None = None
    agiza_price_text_out: Price | None = None
    agiza_price_audio_out: Price | None = None

    @model_validator(mode="after")
    def _all_model_prices(self) -> Self:
        _all_or_none(self, _MODEL, "the model's cost")
        return self

    @property
    def model_prices(self) -> ModelPrices | None:
        """None while they are not set."""
        currency, *prices = (getattr(self, name) for name in _MODEL)
        return ModelPrices(currency, *map(Fraction, prices)) if currency is not None else None


class CarrierPriceSettings(ServiceSettings):
    """What telephony costs: the first four, or none. The increments have the carrier's usual rounding."""

    agiza_price_call_currency: Currency | None = None
    agiza_price_call_in: Price | None = None
    """Minor units per minute, as the next two."""
    agiza_price_call_out: Price | None = None
    agiza_price_stream: Price | None = None
    agiza_price_call_increment_s: int = Field(default=1, ge=1, le=60)
    """60 where the carrier counts every minute that was begun."""
    agiza_price_stream_increment_s: int = Field(default=1, ge=1, le=60)

    @model_validator(mode="after")
    def _all_carrier_prices(self) -> Self:
        _all_or_none(self, _CARRIER, "telephony's cost")
        return self

    @property
    def carrier_prices(self) -> CarrierPrices | None:
        """None while they are not set."""
        currency, *prices = (getattr(self, name) for name in _CARRIER)
        if currency is None:
            return None
        inbound, outbound, stream = map(Fraction, prices)
        return CarrierPrices(
            currency,
            inbound,
            outbound,
            stream,
            call_increment_s=self.agiza_price_call_increment_s,
            stream_increment_s=self.agiza_price_stream_increment_s,
        )


_MODEL: Final = (
    "agiza_price_model_currency", "agiza_price_text_in", "agiza_price_audio_in", "agiza_price_text_out",
    "agiza_price_audio_out",
)  # fmt: skip
_CARRIER: Final = ("agiza_price_call_currency", "agiza_price_call_in", "agiza_price_call_out", "agiza_price_stream")


def _all_or_none(settings: ServiceSettings, names: tuple[str, ...], of_what: str) -> None:
    missing = [name.upper() for name in names if getattr(settings, name) is None]
    if missing and len(missing) < len(names):
        raise ValueError(
            f"set {', '.join(missing)} as well, or unset all of {', '.join(name.upper() for name in names)}:"
            f" {of_what} cannot be told from some of its prices"
        )
