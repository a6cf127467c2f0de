"""Tool results, read for what the agent has to say and do about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulators.live_api.offline.cart import CartView, read_cart
from simulators.live_api.offline.choosing import Offered
from simulators.live_api.offline.menu_text import Menu
from simulators.live_api.offline.pending import Choose, Confirm, Missing, Pending
from simulators.live_api.offline.turns import ToolRequest, ToolResult
from simulators.live_api.offline.wording import listed, sentences

EDITING_TOOLS = frozenset(("addItem", "applyModifier", "removeItem", "changeQuantity", "setCustomer"))
_FULFILMENT_SPOKEN = {
    "pickup": ("pickup", "pick up", "collect", "collection", "takeaway"),
    "delivery": ("delivery", "deliver"),
    "dine-in": ("eating in", "eat in", "dine in", "eat here"),
}


@dataclass(slots=True)
class Report:
    """What a batch of results comes to: the cart after it, what was done, what was refused, what is asked."""

    cart: CartView | None = None
    touched: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    questions: list[Pending] = field(default_factory=list)
    again: list[ToolRequest] = field(default_factory=list)
    failed: bool = False
    adds_only: bool = True

    @property
    def confirmation(self) -> str:
        """What was done, in the server's words: one message as it is, of several only the lines they led to."""
        if len(self.done) < 2 or self.cart is None or not self.adds_only:
            return sentences(*self.done)
        spoken = [line.spoken for line in self.cart.lines if line.id in self.touched and line.spoken]
        return f"I have {listed(spoken)}." if spoken else sentences(*self.done)


def read_results(results: Sequence[ToolResult], requests: Sequence[ToolRequest], menu: Menu) -> Report:
    """The report of a batch of editing calls. `requests` are the calls in the same order, as far as known."""
    report = Report()
    for place, result in enumerate(results):
        request = requests[place] if place < len(requests) and requests[place].name == result.name else None
        report.cart = read_cart(result.response) or report.cart
        if result.name in EDITING_TOOLS:
            _read_edit(report, result, request, menu)
            report.adds_only = report.adds_only and result.name == "addItem"
    return report


def _read_edit(report: Report, result: ToolResult, request: ToolRequest | None, menu: Menu) -> None:
    response = result.response
    status, code, message = (str(response.get(name, "")) for name in ("status", "code", "message"))
    if status == "ok":
        lines = response.get("lines")
        report.touched += [str(line) for line in lines] if isinstance(lines, list) else []
        if message.rstrip().endswith("?"):
            report.questions.append(_question(message, response, request, menu))
        else:
            report.done.append(message)
    elif status == "ask":
        report.questions.append(_question(message, response, request, menu))
    elif code == "stale_cart" and request is not None:
        report.again.append(request)
    elif status == "refused":
        report.refused.append(message)
    else:
        report.failed = True
        report.refused.append(message or "I am sorry, something went wrong on my side.")


def _question(message: str, response: Mapping[str, object], request: ToolRequest | None, menu: Menu) -> Pending:
    options = offered(response, menu)
    if options and request is not None:
        return Choose(message, request, options)
    argument = str(response.get("argument", "address" if "address" in message.lower() else ""))
    if argument == "address":
        return Missing(message, argument)
    return Confirm(message, ())


def offered(response: Mapping[str, object], menu: Menu) -> tuple[Offered, ...]:
    """The options of an ask-back, with every way to say them that the menu knows."""
    options = response.get("options")
    found: list[Offered] = []
    for option in options if isinstance(options, list) else []:
        if isinstance(option, Mapping) and option.get("id"):
            option_id, name = str(option["id"]), str(option.get("name", option["id"]))
            found.append(Offered(option_id, tuple(dict.fromkeys((name, *_spoken(option_id, menu))))))
    return tuple(found)


def _spoken(thing: str, menu: Menu) -> tuple[str, ...]:
    if thing in _FULFILMENT_SPOKEN:
        return _FULFILMENT_SPOKEN[thing]
    if thing in menu.items:
        return menu.items[thing].spoken
    options = (option for group in menu.groups.values() if (option := group.option(thing)) is not None)
    return tuple(name for option in options for name in option.spoken)


def completed(choose: Choose, chosen: str, menu: Menu, cart: CartView) -> ToolRequest:
    """The request that was asked back about, with the answer in it."""
    request = choose.request
    args = dict(request.args)
    if request.name == "setCustomer":
        args = {"fulfilment": chosen}
    elif request.name in ("orderStatus", "cancelOrder"):
        args["order"] = chosen
    elif cart.line(chosen) is not None:
        args["line"] = chosen
    elif chosen in menu.items:
        args["name" if request.name == "addItem" else "item"] = chosen
    elif request.name == "addItem":
        others = {option.id for option in choose.options}
        modifiers = args.get("modifiers")
        kept = [option for option in modifiers if option not in others] if isinstance(modifiers, list) else []
        args["modifiers"] = [*kept, chosen]
    else:
        args["modifier"] = chosen
        if args.get("quantity") == 0:
            args.pop("quantity")  # an option that must be replaced by another one cannot just be taken off
    return ToolRequest(request.name, args)
