"""The offline agent: an order taker's mind without a model, a network or a clock.

    agent = OfflineAgent(AgentSetup(instruction, declarations))
    steps = agent.handle(CallStarted())            # [Say(greeting)]
    steps = agent.handle(Heard("a large coke"))    # [CallTools((ToolRequest("addItem", ...),))]
    steps = agent.handle(ToolResults((...,)))      # [Say("I have added one large soda. Anything else?")]

It is deterministic: equal inputs lead to equal steps. It never raises for anything that a caller says or a tool
answers. What it can and cannot do is written down in docs/simulators/offline-agent.md.
"""

from typing import assert_never

from simulators.live_api.offline.dialogue import Dialogue
from simulators.live_api.offline.intents import Intent, Unclear
from simulators.live_api.offline.menu_text import read_menu
from simulators.live_api.offline.outcomes import Outcomes
from simulators.live_api.offline.pending import Confirm
from simulators.live_api.offline.phases import Phase
from simulators.live_api.offline.reactions import Reactions
from simulators.live_api.offline.tongues import SWITCH_LANGUAGE, asked_language
from simulators.live_api.offline.turns import (
    AgentInput,
    AgentSetup,
    AgentStep,
    CallStarted,
    Heard,
    Interrupted,
    Silence,
    ToolRequest,
    ToolResults,
)
from simulators.live_api.offline.utterance import Utterance, corrected
from simulators.live_api.offline.wording import ANYTHING_ELSE, GET_A_PERSON, WHAT_WOULD_YOU_LIKE, describe

SILENCES_MAX = 3
"""Silences in a row after which the call ends, or a person takes over when an order is open."""

CHECKS_MAX = 6
"""Times in a row that "did you say ...?" is asked before a person takes over."""

_WORDS_KEPT = 3
_WORDS_CHARS_MAX = 200


class OfflineAgent:
    """One call. The driver carries out every step before the next input, except that an interruption during a `Say`
    drops the steps behind it."""

    def __init__(self, setup: AgentSetup) -> None:
        self._dialogue = Dialogue(read_menu(setup))
        self._reactions = Reactions(self._dialogue)
        self._outcomes = Outcomes(self._dialogue)

    @property
    def phase(self) -> Phase:
        return self._dialogue.phase

    def handle(self, event: AgentInput) -> list[AgentStep]:
        match event:
            case CallStarted():
                return self._start()
            case Heard():
                return self._hear(event)
            case ToolResults():
                steps = self._outcomes.handle(event.results)
                heard, self._dialogue.unheard = self._dialogue.unheard, ""
                return [*steps, *self._hear(Heard(heard))] if heard else steps
            case Interrupted():
                return []  # stop and listen; what was being asked stays asked
            case Silence():
                return self._prompt()
            case _:
                assert_never(event)

    def _start(self) -> list[AgentStep]:
        """Greet, or, when a lost session goes on, say no more than that."""
        d = self._dialogue
        if d.menu.continued:
            d.phase = Phase.ORDERING
            return d.say("Sorry about that, I am back.", ANYTHING_ELSE)
        return d.say(d.menu.greeting or f"Hello. I am an automated assistant. {WHAT_WOULD_YOU_LIKE}")

    def _prompt(self) -> list[AgentStep]:
        """Nobody speaks: ask twice, then end the call, or leave an open order to a person."""
        d = self._dialogue
        if d.phase in (Phase.HANDED_OVER, Phase.ENDED):
            return []
        d.silences += 1
        if d.phase is Phase.CLOSING or (d.silences >= SILENCES_MAX and not d.cart.lines):
            return d.hang_up()
        if d.silences >= SILENCES_MAX:
            return d.escalate("lost")
        return d.say("Are you still there?" if d.silences < 2 else "Hello, are you still there?", d.question())

    def _hear(self, heard: Heard) -> list[AgentStep]:
        d = self._dialogue
        if d.phase in (Phase.HANDED_OVER, Phase.ENDED) or not heard.text.strip():
            return []
        d.silences = 0
        d.words = [*d.words, heard.text.strip()[:_WORDS_CHARS_MAX]][-_WORDS_KEPT:]
        if (asked := asked_language(heard.text, d.menu.languages)) is not None:
            language, rest = asked
            d.unheard = "" if not rest or isinstance(self._intents(rest)[0], Unclear) else rest
            return d.call(ToolRequest(SWITCH_LANGUAGE, {"language": language}))
        said, sure = self._read(heard)
        refuted = said.intents in d.denied and said.changes_order
        return self._reactions.react(said) if (sure and not refuted) or said.harmless else self._check(said)

    def _read(self, heard: Heard) -> tuple[Utterance, bool]:
        """(the best reading, whether it is sure): sure when nobody else heard anything, or one more the same."""
        texts = list(dict.fromkeys((heard.text, *heard.alternatives)))
        readings = [self._intents(text) for text in texts]
        best = next((at for at, reading in enumerate(readings) if not isinstance(reading[0], Unclear)), 0)
        said = Utterance(texts[best], readings[best])
        alone = len(texts) == 1 and said.move != "yes"  # a yes that only one has heard could place an order
        return said, heard.agreed or alone or readings.count(readings[best]) > 1

    def _intents(self, text: str) -> tuple[Intent, ...]:
        d = self._dialogue
        intents = d.understanding.read(text, d.cart.items)
        recent = [line.item for line_id in d.focus if (line := d.cart.line(line_id)) is not None]
        return corrected(intents, recent)

    def _check(self, said: Utterance) -> list[AgentStep]:
        """Not heard for sure: nothing is done before the caller has said that it was heard rightly."""
        d = self._dialogue
        asked = d.pending[0] if d.pending else None
        if isinstance(asked, Confirm) and asked.checks_hearing:
            if asked.intents == said.intents and said.intents not in d.denied:
                return self._reactions.react(said)  # the same twice is heard
            d.pending.pop(0)
            d.go_back()
        if said.person is not None:
            return d.offer(Confirm(GET_A_PERSON, (said.person,)))
        if said.move == "yes":
            return d.repair(f"Sorry, was that a yes? {d.question()}")
        words = describe(said.intents, d.menu)
        if not words:
            return self._reactions.react(said) if d.phase is Phase.ORDERING and said.move == "unclear" else d.repair()
        d.checks += 1
        if d.checks > CHECKS_MAX:
            return d.escalate("lost")
        parts = tuple(intent for intent in said.intents if describe((intent,), d.menu))
        if said.intents in d.denied and len(parts) > 1:
            return d.ask_part(Confirm("", said.intents, checks_hearing=True, parts=parts))
        return d.offer(Confirm(f"Sorry, did you say {words}?", said.intents, checks_hearing=True))
