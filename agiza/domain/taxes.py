"""Taxes of an order, exact to the minor unit.

A price that contains taxes is split by their rates together; a tax that is added is taken of the price without the
taxes in it, so no tax is paid on a tax. The delivery fee contains all of its taxes. Each tax is summed over the whole
order as an exact fraction and rounded once, half up, so what is paid never depends on how lines were split.
"""

from collections.abc import Iterable
from fractions import Fraction

from agiza.domain.menu_model import Tax
from agiza.domain.money import divide_half_up
from agiza.domain.placed import TaxLine

_BASIS = 10_000
Taxed = tuple[tuple[Tax, ...], int]  # which taxes an amount bears, and the amount as it is listed


def tax_lines(goods: Iterable[Taxed], fees: Iterable[Taxed], taxes: tuple[Tax, ...]) -> tuple[int, tuple[TaxLine, ...]]:
    """(what is added to the listed amounts, one line for each tax of the branch that was borne by anything)."""
    shown: dict[str, Fraction] = {}
    added: dict[str, Fraction] = {}
    for borne, amount_minor in goods:
        for tax in borne:
            share = Fraction(amount_minor * tax.rate_bp, _BASIS + _rate(borne, only_included=True))
            shown[tax.id] = shown.get(tax.id, Fraction()) + share
            if not tax.included:
                added[tax.id] = added.get(tax.id, Fraction()) + share
    for borne, amount_minor in fees:
        for tax in borne:
            share = Fraction(amount_minor * tax.rate_bp, _BASIS + _rate(borne, only_included=False))
            shown[tax.id] = shown.get(tax.id, Fraction()) + share
    lines = tuple(
        TaxLine(tax.id, tax.name, tax.rate_bp, tax.included, _whole(shown[tax.id])) for tax in taxes if tax.id in shown
    )
    return sum(_whole(amount) for amount in added.values()), lines


def _rate(taxes: tuple[Tax, ...], *, only_included: bool) -> int:
    return sum(tax.rate_bp for tax in taxes if tax.included or not only_included)


def _whole(amount: Fraction) -> int:
    return divide_half_up(amount.numerator, amount.denominator)
