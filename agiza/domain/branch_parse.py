"""The whole branch document: the branch itself, its staff, and its menu."""

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agiza.domain.document import BranchFileError, Node, Problems
from agiza.domain.hours_parse import read_hours
from agiza.domain.ids import BranchId, ContactId
from agiza.domain.kitchen_parse import ACCEPT_MINUTES, parse_kitchen
from agiza.domain.menu_model import (
    ETA_MINUTES,
    FULFILMENTS,
    STRATEGIES,
    Branch,
    BranchFile,
    Contact,
    Delivery,
    Escalation,
    Fulfilment,
    Limits,
    Tax,
)
from agiza.domain.menu_parse import PRICE_MINOR_MAX, parse_menu
from agiza.domain.phone import is_domestic, is_e164
from agiza.domain.tax_parse import named_taxes, read_taxes, usual_taxes

_CURRENCY = re.compile(r"[A-Z]{3}")
_STAFF_MAX = 20


def parse_branch(document: Mapping[str, object]) -> BranchFile:
    """Turns a branch document (from YAML or JSON) into a branch, a menu and its contacts.

    Raises BranchFileError with every mistake of the document, each with its path.
    """
    problems = Problems()
    root = Node(document, "", problems)
    node = root.node("branch")
    branch = _parse_branch(node)
    contacts = _parse_staff(node, branch)
    node.finish()
    menu = parse_menu(root, branch)
    root.finish()
    if problems.found:
        raise BranchFileError(tuple(problems.found))
    return BranchFile(branch, menu, contacts)


def _parse_branch(node: Node) -> Branch:
    branch_id = BranchId(node.slug("id"))
    name = node.name("name")
    phone = node.text("phone")
    if phone and not is_e164(phone):
        node.note("phone", "must be a number in E.164 form such as +254709000002")
    timezone = _parse_timezone(node)
    currency = node.text("currency")
    if currency and not _CURRENCY.fullmatch(currency):
        node.note("currency", "must be a currency of three capital letters such as KES")
    fulfilment = _parse_fulfilment(node)
    taxes = read_taxes(node)
    return Branch(
        id=branch_id,
        name=name,
        phone=phone,
        timezone=timezone,
        currency=currency,
        languages=node.languages("languages"),
        hours=read_hours(node, "hours", timezone),
        taxes=taxes,
        fulfilment=fulfilment,
        delivery=_parse_delivery(node, fulfilment, taxes),
        limits=_parse_limits(node.node("limits")),
        escalation=_parse_escalation(node),
        kitchen=parse_kitchen(node),
        eta_minutes=_parse_eta(node),
    )


def _parse_timezone(node: Node) -> str:
    timezone = node.text("timezone")
    try:
        ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # ValueError: an absolute or escaping path; OSError: the name of a directory such as "Africa"
        node.note("timezone", f"{timezone!r} is not a time zone such as Africa/Nairobi")
        return "UTC"
    return timezone or "UTC"


def _parse_fulfilment(node: Node) -> tuple[Fulfilment, ...]:
    chosen = node.texts("fulfilment")
    for value in chosen:
        if value not in FULFILMENTS:
            node.note("fulfilment", f"{value!r} is none of {', '.join(FULFILMENTS)}")
    if not chosen and isinstance(node.raw("fulfilment"), list):
        node.note("fulfilment", "must hold at least one way")
    return tuple(known for value in chosen for known in FULFILMENTS if known == value)


def _parse_delivery(node: Node, fulfilment: tuple[Fulfilment, ...], taxes: tuple[Tax, ...]) -> Delivery | None:
    if not node.has("delivery"):
        node.raw("delivery")
        if "delivery" in fulfilment:
            node.note("delivery", "the branch delivers, so the fee and the minimum must be given")
        return None
    child = node.node("delivery")
    delivery = Delivery(
        fee_minor=child.integer("fee_minor", low=0, high=PRICE_MINOR_MAX),
        minimum_minor=child.integer("minimum_minor", low=0, high=PRICE_MINOR_MAX),
        taxes=named_taxes(child, taxes, usual_taxes(taxes)),
    )
    child.finish()
    return delivery


def _parse_limits(node: Node) -> Limits:
    limits = Limits(
        line_quantity_max=node.integer("line_quantity_max", low=1, high=1_000),
        order_total_max_minor=node.integer("order_total_max_minor", low=1, high=PRICE_MINOR_MAX),
        line_total_max_minor=_amount_or_none(node, "line_total_max_minor"),
        new_caller_total_max_minor=_amount_or_none(node, "new_caller_total_max_minor"),
        lines_max=node.integer("lines_max", low=1, high=100, default=40),
        orders_max=node.integer("orders_max", low=1, high=20, default=5),
    )
    node.finish()
    return limits


def _amount_or_none(node: Node, key: str) -> int | None:
    if not node.has(key):
        node.raw(key)
        return None
    return node.integer(key, low=1, high=PRICE_MINOR_MAX)


def _parse_eta(node: Node) -> Mapping[Fulfilment, int]:
    """Minutes that are promised for each way; the usual ones where the file says nothing."""
    if not node.has("eta_minutes"):
        node.raw("eta_minutes")
        return dict(ETA_MINUTES)
    child = node.node("eta_minutes")
    minutes = {way: child.integer(way, low=1, high=300, default=ETA_MINUTES[way]) for way in FULFILMENTS}
    child.finish()
    return minutes


def _parse_escalation(node: Node) -> Escalation:
    """Every part may be left out, and the whole."""
    usual = Escalation()
    if not node.has("escalation"):
        node.raw("escalation")
        return usual
    child = node.node("escalation")
    strategy = child.text("strategy") if child.has("strategy") else usual.strategy
    known = next((each for each in STRATEGIES if each == strategy), None)
    if known is None:
        child.note("strategy", f"{strategy!r} is none of {', '.join(STRATEGIES)}")

    def whole(key: str, low: int, high: int) -> int:
        value: int = getattr(usual, key)
        return child.integer(key, low=low, high=high) if child.has(key) else value

    escalation = Escalation(
        strategy=known or usual.strategy,
        callback_minutes=whole("callback_minutes", 0, 240),
        callback_attempts=whole("callback_attempts", 1, 10),
        ring_back=child.boolean("ring_back") if child.has("ring_back") else usual.ring_back,
        dials_per_hour=whole("dials_per_hour", 1, 10_000),
    )
    child.raw(ACCEPT_MINUTES)  # belongs to the kitchen
    child.finish()
    return escalation


def _parse_staff(node: Node, branch: Branch) -> tuple[Contact, ...]:
    contacts: list[Contact] = []
    for child in node.nodes("staff"):
        contact = _parse_contact(child, branch)
        if any(known.id == contact.id for known in contacts):
            child.note("id", f"contact {contact.id!r} is given twice")
        if any(known.order == contact.order for known in contacts):
            child.note("order", f"{contact.order} is given twice")
        contacts.append(contact)
    if not contacts:
        node.note("staff", "must hold at least one person, or nobody can be reached")
    if len(contacts) > _STAFF_MAX:
        node.note("staff", f"holds more than {_STAFF_MAX} people")
    return tuple(sorted(contacts, key=lambda contact: contact.order))


def _parse_contact(node: Node, branch: Branch) -> Contact:
    phone = node.text("phone")
    if phone and not is_e164(phone):
        node.note("phone", "must be a number in E.164 form such as +254700000001")
    elif phone and is_e164(branch.phone) and not is_domestic(phone, branch.phone):
        # a machine dials these numbers: no foreign and no premium ones
        node.note("phone", "must be an ordinary number of the branch's country")
    elif phone and phone == branch.phone:
        node.note("phone", "is the branch's own number, so the call would come back")
    contact = Contact(
        id=ContactId(node.slug("id")),
        name=node.name("name"),
        phone=phone,
        order=node.integer("order", low=1, high=100),
        hours=read_hours(node, "hours", branch.timezone),
        languages=node.languages("languages"),
    )
    node.finish()
    return contact
