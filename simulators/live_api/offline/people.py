"""What the agent does about the answer to `escalate`: be quiet, go on, or offer to be rung back."""

from collections.abc import Mapping

from simulators.live_api.offline.customer import phone_in
from simulators.live_api.offline.dialogue import REPAIRS_MAX, Dialogue, Steps
from simulators.live_api.offline.intents import Person
from simulators.live_api.offline.pending import Confirm, Missing
from simulators.live_api.offline.phases import Phase
from simulators.live_api.offline.results import Report
from simulators.live_api.offline.turns import ToolRequest
from simulators.live_api.offline.utterance import Utterance
from simulators.live_api.offline.wording import PUTTING_THROUGH, RING_YOU_BACK, SOMETHING_WRONG, WHAT_NUMBER

GOES_ON = frozenset(("being_rung", "callback_promised"))
"""Codes behind which the talk goes on; behind any other "ok" a person takes over and the agent is quiet."""


class People:
    """The talk about persons. It may be interrupted by anything: a wish for the order is always heard."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def answered(self, response: Mapping[str, object]) -> Steps:
        """`escalate` was answered, at once or long after: nobody came who was being rung."""
        d = self._dialogue
        status, code, message = (str(response.get(name, "")) for name in ("status", "code", "message"))
        if status in ("ok", "") and code not in GOES_ON:
            d.phase = Phase.HANDED_OVER
            return d.say(message or PUTTING_THROUGH)
        if d.phase is Phase.HANDED_OVER:
            d.phase, d.repairs = d.back, 0
        callback = response.get("callback")
        if callback == "offered":
            return self._offer(message)
        if callback == "number_needed":
            return self._ask_number(message or WHAT_NUMBER)
        return d.say(message or SOMETHING_WRONG, *([] if message.rstrip().endswith("?") else [d.question()]))

    def fill_in(self, said: Utterance) -> Steps | None:
        """The answer to "what is your number?"; None when it is about something else, and the question is dropped."""
        d = self._dialogue
        phone = said.customer.phone if said.customer is not None else ""
        phone = phone or phone_in(said.text)
        if phone:
            d.notes_phone = True
            return d.call(ToolRequest("setCustomer", {"phone": phone}))
        if said.move == "yes":
            return self._ask_number(WHAT_NUMBER)
        if said.move in ("unclear", "number"):
            return self._ask_again(WHAT_NUMBER)
        d.go_back()
        if said.move in ("no", "wrong", "done"):
            d.remarks.append("All right.")
            return d.go_on()
        return None

    def noted(self, report: Report) -> Steps:
        """The number was noted, or was none."""
        d = self._dialogue
        d.notes_phone = False
        if not (report.refused or report.questions):
            return d.escalate("callback")
        return self._ask_again((report.refused or [report.questions[0].question])[0])

    def _offer(self, message: str) -> Steps:
        asks = message.rstrip().endswith("?")
        confirm = Confirm(message if asks else RING_YOU_BACK, (Person("callback"),))
        return self._dialogue.offer(confirm, *([] if asks else [message]))

    def _ask_again(self, question: str) -> Steps:
        """Too often in a row, and it is left: a person could not be called for it either."""
        d = self._dialogue
        d.repairs += 1
        if d.repairs < REPAIRS_MAX:
            return self._ask_number(question)
        d.repairs = 0
        d.remarks.append("Let us leave that.")
        return d.go_on()

    def _ask_number(self, question: str) -> Steps:
        d = self._dialogue
        if d.phase not in (Phase.CHOOSING, Phase.CHECKING):
            d.back = d.phase
        d.phase = Phase.CHOOSING
        d.pending.insert(0, Missing(question, "phone"))
        return d.say(question)
