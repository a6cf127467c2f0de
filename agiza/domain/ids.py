"""Names of things, as types: a call's id is not an order's id, although both are strings."""

from typing import NewType

BranchId = NewType("BranchId", str)
CallId = NewType("CallId", str)
CartId = NewType("CartId", str)
CategoryId = NewType("CategoryId", str)
ContactId = NewType("ContactId", str)
GroupId = NewType("GroupId", str)
ItemId = NewType("ItemId", str)
LineId = NewType("LineId", str)
OptionId = NewType("OptionId", str)
OrderId = NewType("OrderId", str)
QuoteId = NewType("QuoteId", str)
