"""Branch and menu: the public face of their parts. Others import from here."""

from agiza.domain.branch_parse import parse_branch
from agiza.domain.document import BranchFileError, Problem
from agiza.domain.menu_model import (
    FULFILMENTS,
    Branch,
    BranchFile,
    Category,
    Contact,
    Delivery,
    Escalation,
    Fulfilment,
    Group,
    Item,
    Kitchen,
    Limits,
    Menu,
    Option,
    Strategy,
    Tax,
)

__all__ = [
    "FULFILMENTS",
    "Branch",
    "BranchFile",
    "BranchFileError",
    "Category",
    "Contact",
    "Delivery",
    "Escalation",
    "Fulfilment",
    "Group",
    "Item",
    "Kitchen",
    "Limits",
    "Menu",
    "Option",
    "Problem",
    "Strategy",
    "Tax",
    "parse_branch",
]
