"""What the agent does about the answers to its function calls."""

from collections.abc import Mapping, Sequence

from simulators.live_api.offline.answers import answer, answer_from
from simulators.live_api.offline.dialogue import Dialogue, Steps
from simulators.live_api.offline.intents import Add, Person
from simulators.live_api.offline.menu_text import Menu
from simulators.live_api.offline.pending import Choose, Confirm, Missing
from simulators.live_api.offline.people import People
from simulators.live_api.offline.phases import Phase
from simulators.live_api.offline.results import EDITING_TOOLS, Report, offered, read_results
from simulators.live_api.offline.turns import ToolRequest, ToolResult
from simulators.live_api.offline.wording import (
    GOODBYE,
    IS_THAT_RIGHT,
    SHALL_I_PLACE,
    SOMETHING_WRONG,
    WHAT_TO_CHANGE,
)

FAILURES_MAX = 3
REREADS_MAX = 3
_READ_AGAIN = frozenset(
    ("not_read_back", "quote_outdated", "price_changed", "read_back_unheard", "still_reading", "stale_cart")
)
Response = Mapping[str, object]


class Outcomes:
    """Reads the results of the last calls and goes on with the conversation."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._menu: Menu = dialogue.menu
        self._people = People(dialogue)
        self._tried_again = False

    def handle(self, results: Sequence[ToolResult]) -> Steps:
        """The next steps. Results of calls that the talk has left behind only tell how the cart stands."""
        d = self._dialogue
        requests, d.requests = d.requests, ()
        report = read_results(results, requests, self._menu)
        if report.cart is not None:
            d.cart, d.cart_known = report.cart, True
        touched = [line for line in report.touched if d.cart.line(line) is not None]
        d.focus = list(dict.fromkeys(touched)) or [line for line in d.focus if d.cart.line(line) is not None]
        names = [result.name for result in results]
        expected = names == [request.name for request in requests]
        if names and set(names) <= EDITING_TOOLS:
            return self._edited(report) if expected else []
        steps: Steps = []
        for result in results:
            if expected or result.name in ("placeOrder", "escalate", "endCall", "orderStatus"):
                steps = self._one(result.name, result.response) or steps
        return steps

    def _one(self, name: str, response: Response) -> Steps:
        match name:
            case "getTotal":
                return self._total(response)
            case "placeOrder":
                return self._placed(response)
            case "escalate":
                return self._people.answered(response)
            case "searchMenu":
                return self._found(response)
            case "switchLanguage":
                return self._switched(response)
            case "endCall":
                self._dialogue.phase = Phase.ENDED
                return []
            case _:
                return self._told(name, response)

    def _edited(self, report: Report) -> Steps:
        """Say what was done and what was refused; ask what was asked back."""
        d = self._dialogue
        if report.again and not self._tried_again:
            self._tried_again = True
            return d.call(*report.again)
        self._tried_again = False
        if d.notes_phone:
            return self._people.noted(report)
        if report.failed:
            d.failures += 1
            if d.failures >= FAILURES_MAX:
                return d.escalate("lost")
        d.pending = [*report.questions, *d.pending]
        reads_next = d.reading and not d.pending and bool(d.cart.lines)
        done = "" if reads_next and report.adds_only else report.confirmation
        d.remarks = [part for part in (done, *report.refused, *d.remarks) if part]
        return d.go_on()

    def _switched(self, response: Response) -> Steps:
        """Say so in the new language; then the talk goes on where it was."""
        d = self._dialogue
        if _status(response) == "ok" and isinstance(language := response.get("language"), str):
            d.language = language
        return d.say(_message(response), "" if d.unheard else d.question())

    # -- total and placing

    def _total(self, response: Response) -> Steps:
        d = self._dialogue
        remarks, d.remarks = d.remarks, []
        price_only, d.price_only = d.price_only, False
        if _status(response) != "ok":
            d.reading = False
            d.phase = Phase.ORDERING
            return d.say(*remarks, _message(response) or SOMETHING_WRONG, *_unless_asked(response, d.question()))
        if price_only:
            return d.say(*remarks, f"So far that is {response.get('total_words', 'not known')}.", d.question())
        text = str(response.get("read_back") or _message(response))
        blocked = str(response.get("blocked", ""))
        if blocked:
            d.phase = Phase.ORDERING
            if "address" in blocked:
                d.pending.insert(0, Missing("What is the address for the delivery?", "address"))
                d.phase = Phase.CHOOSING
            return d.say(*remarks, text)
        d.phase, d.quoted, d.reading = Phase.READ_BACK, True, True
        return d.say(*remarks, text, "" if text.rstrip().endswith("?") else IS_THAT_RIGHT)

    def _placed(self, response: Response) -> Steps:
        d = self._dialogue
        status, code, message = _status(response), str(response.get("code", "")), _message(response)
        if status == "ok":
            d.placed, d.quoted, d.reading, d.rereads, d.empty_ends = True, False, False, 0, 0
            d.phase = Phase.CLOSING
            return [*d.say(message, GOODBYE), *d.call(ToolRequest("endCall"))]
        options = offered(response, self._menu)
        if status == "ask" and options:
            return self._ask(Choose(message, ToolRequest("setCustomer"), options))
        if status == "ask" and response.get("argument") == "address":
            return self._ask(Missing(message, "address"))
        if status == "ask" or code == "no_answer":
            return d.say(message)  # the read-back was cut off: one short question, and the next yes counts
        if status == "error":
            d.failures += 1
            if d.failures >= FAILURES_MAX:
                return d.escalate("lost")
            return d.say(message or SOMETHING_WRONG, SHALL_I_PLACE)
        d.quoted = False
        if code in _READ_AGAIN and d.rereads < REREADS_MAX:
            d.rereads += 1
            d.remarks.append(message)
            return d.call(ToolRequest("getTotal"))
        d.phase = Phase.ORDERING
        line = response.get("line")
        if isinstance(line, str) and d.cart.line(line) is not None:
            drop = (ToolRequest("removeItem", {"line": line}),)
            return d.offer(Confirm("Shall I take it off?", (), drop), message.replace("Shall I take it off?", ""))
        return d.say(message, *_unless_asked(response, WHAT_TO_CHANGE))

    def _ask(self, pending: Choose | Missing) -> Steps:
        d = self._dialogue
        d.quoted, d.phase = False, Phase.CHOOSING
        d.pending.insert(0, pending)
        return d.say(pending.question)

    # -- other answers

    def _found(self, response: Response) -> Steps:
        d = self._dialogue
        asked, d.asked = d.asked, None
        if asked is None:
            return d.say(_message(response), d.question())
        matches = response.get("matches")
        found = [match for match in matches if isinstance(match, Mapping)] if isinstance(matches, list) else []
        wanted = next((match for match in found if match.get("id") in asked.items), None)
        if wanted is None:
            return d.say(answer(asked, self._menu), d.question())
        words, item = answer_from(asked, wanted, self._menu)
        d.topic = item
        if item is None or asked.about != "have" or d.phase is Phase.CHECKING:
            return d.say(words, d.question())
        return d.offer(Confirm("Would you like one?", (Add(item),)), words)

    def _told(self, name: str, response: Response) -> Steps:
        """orderStatus, cancelOrder, and tools that only have a message."""
        d = self._dialogue
        options = offered(response, self._menu)
        if _status(response) == "ask" and options:
            return self._ask(Choose(_message(response), ToolRequest(name), options))
        if response.get("offer") == "person":
            if d.phase in (Phase.CLOSING, Phase.ENDED):
                d.phase = Phase.ORDERING  # the goodbye was none
            return d.offer(Confirm(_message(response), (Person("asked"),)))
        return d.say(_message(response) or SOMETHING_WRONG, *_unless_asked(response, d.question()))


def _status(response: Response) -> str:
    return str(response.get("status", ""))


def _message(response: Response) -> str:
    return str(response.get("message", ""))


def _unless_asked(response: Response, question: str) -> tuple[str, ...]:
    """The question, unless the message asks one already."""
    return () if _message(response).rstrip().endswith("?") else (question,)
