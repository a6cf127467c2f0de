"""Taxes in a branch document: which there are, and which of them a price bears."""

from agiza.domain.document import Node
from agiza.domain.menu_model import Tax

TAXES_MAX = 8


def read_taxes(node: Node) -> tuple[Tax, ...]:
    """`tax` of the branch: one tax, or a list of taxes with an id each."""
    if not isinstance(node.raw("tax"), list):
        child = node.node("tax")
        tax = Tax(child.name("name"), child.integer("rate_bp", low=0, high=10_000), child.boolean("included"))
        child.finish()
        return (tax,)
    taxes: list[Tax] = []
    for child in node.nodes("tax"):
        tax = Tax(
            name=child.name("name"),
            rate_bp=child.integer("rate_bp", low=0, high=10_000),
            included=child.boolean("included"),
            id=child.slug("id"),
            usual=child.boolean("usual") if child.has("usual") else child.raw("usual") is None,
        )
        if any(known.id == tax.id for known in taxes):
            child.note("id", f"tax {tax.id!r} is given twice")
        taxes.append(tax)
        child.finish()
    if not taxes:
        node.note("tax", "must hold at least one tax; a rate of 0 is no tax")
    if len(taxes) > TAXES_MAX:
        node.note("tax", f"holds more than {TAXES_MAX} taxes")
    return tuple(taxes)


def usual_taxes(taxes: tuple[Tax, ...]) -> tuple[Tax, ...]:
    """What a price bears where the file names nothing else."""
    return tuple(tax for tax in taxes if tax.usual)


def named_taxes(node: Node, taxes: tuple[Tax, ...], otherwise: tuple[Tax, ...]) -> tuple[Tax, ...]:
    """The taxes that the node names under `taxes`, in the branch's order; an empty list is none at all."""
    if not node.has("taxes"):
        node.raw("taxes")
        return otherwise
    names = node.texts("taxes")
    for name in names:
        if all(tax.id != name for tax in taxes):
            node.note("taxes", f"the branch has no tax {name!r}")
    return tuple(tax for tax in taxes if tax.id in names)
