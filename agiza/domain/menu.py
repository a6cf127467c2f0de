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
    Fulfilment,
    Group,
    Item,
    Limits,
    Menu,
    Option,
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
    "Fulfilment",
    "Group",
    "Item",
    "Limits",
    "Menu",
    "Option",
    "Problem",
    "Tax",
    "parse_branch",
]
