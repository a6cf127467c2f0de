"""The scripted caller frame by frame, without a line: when it speaks, when it waits, when it hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from carrier_application import CALLER, NUMBER, Application
from websockets.asyncio.server import ServerConnection

from simulators.carrier.caller import Moment
from simulators.carrier.carrier import Carrier
from simulators.carrier.record import Party
from simulators.carrier.scripted import AgentWords, BargeIn, Manners, ScriptedCaller
from simulators.carrier.settings import CarrierSettings
from simulators.carrier.sounds import FRAME_BYTES, LINE_RATE, SILENCE, is_sound, tone
from simulators.speech import marked

SPEECH = tone(200, 20)
ORDER = "two burgers"


class Talk:
    """Plays the agent to one caller in frames, and knows when the caller spoke."""

    def __init__(self, caller: ScriptedCaller) -> None:
        self.caller = caller
        self.at_ms = 0
        self.said: list[bytes] = []
        self.hung_up = False

    def hear(self, pcm: bytes, party: Party = "agent") -> None:
        for at in range(0, len(pcm), FRAME_BYTES):
            said = self.caller.tick(Moment(pcm[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0"), party, self.at_ms))
            self.at_ms += 20
            if said is None:
                self.hung_up = True
                return
            self.said.append(said)

    def hear_ms(self, frame: bytes, ms: int, party: Party = "agent") -> None:
        self.hear(frame * (ms // 20), party)

    def turn(self, pause_ms: int = 800) -> None:
        self.hear_ms(SPEECH, 600)
        self.hear_ms(SILENCE, pause_ms)

    def finish_speaking(self) -> None:
        while is_sound(self.said[-1]) and not self.hung_up:
            self.hear(SILENCE)

    @property
    def speaking(self) -> bool:
        return is_sound(self.said[-1])

    def lines(self) -> list[str]:
        return [line.text for line in self.caller.talk() if line.who == "caller"]


async def prepared(words: list[AgentWords], *lines: str, manners: Manners | None = None) -> Talk:
    caller = ScriptedCaller(lines, agent_words=lambda: words, manners=manners)
    await caller.prepare()
    return Talk(caller)


async def test_it_speaks_when_the_agent_has_finished_and_not_before() -> None:
    words = [AgentWords("What would you like?", 0)]
    talk = await prepared(words, ORDER)
    talk.hear_ms(SILENCE, 1_000)
    talk.hear_ms(SPEECH, 600)
    talk.hear_ms(SILENCE, 660)
    assert talk.lines() == []
    assert not any(is_sound(frame) for frame in talk.said)
    talk.hear_ms(SILENCE, 60)
    assert talk.lines() == [ORDER]
    assert talk.speaking


async def test_it_never_starts_over_a_talking_agent() -> None:
    talk = await prepared([AgentWords("What would you like?", 0)], ORDER)
    talk.hear_ms(SPEECH, 5_000)
    assert talk.lines() == []


async def test_sound_without_words_is_waited_for_and_then_taken_as_a_turn() -> None:
    words: list[AgentWords] = []
    talk = await prepared(words, ORDER)
    talk.turn(pause_ms=2_600)
    assert talk.lines() == []
    talk.hear_ms(SILENCE, 200)
    assert talk.lines() == [ORDER]


async def test_words_that_come_in_pieces_make_one_turn() -> None:
    words = [AgentWords("Sorry, I did", 0)]
    talk = await prepared(words, ORDER, "yes")
    words += [AgentWords(" not catch", 0)]
    talk.turn()
    talk.finish_speaking()
    words[-1] = AgentWords(" not catch that.", 0)
    words += [AgentWords("Could you repeat?", 0)]
    talk.turn()
    assert talk.lines() == [ORDER, ORDER]
    assert [line.text for line in talk.caller.talk() if line.who == "agent"][1] == "that. Could you repeat?"


async def test_words_may_come_from_something_slow() -> None:
    async def fetch() -> Sequence[AgentWords]:
        await asyncio.sleep(0)
        return [AgentWords("What would you like?", 0)]

    talk = Talk(ScriptedCaller([ORDER], agent_words=fetch))
    await talk.caller.prepare()
    for _ in range(40):
        talk.hear_ms(SPEECH, 20)
        await asyncio.sleep(0)
    talk.hear_ms(SILENCE, 720)
    assert talk.lines() == [ORDER]


async def test_one_moment_does_not_make_it_speak() -> None:
    words = [AgentWords("What would you like?", 0)]
    talk = await prepared(words, ORDER, "yes")
    talk.turn()
    talk.finish_speaking()
    words.append(AgentWords("One moment, please.", 0))
    talk.turn(pause_ms=3_000)
    assert talk.lines() == [ORDER]
    words.append(AgentWords("Two burgers. Is that right?", 0))
    talk.turn()
    assert talk.lines() == [ORDER, "yes"]


async def test_what_was_heard_while_speaking_is_no_answer() -> None:
    talk = await prepared([AgentWords("What would you like?", 0)], ORDER, "yes")
    talk.turn()
    while talk.speaking:
        talk.hear(SPEECH)
    talk.hear_ms(SILENCE, 5_000)
    assert talk.lines() == [ORDER]


async def test_it_hangs_up_after_a_long_silence_of_everybody() -> None:
    talk = await prepared([], ORDER)
    talk.hear_ms(SILENCE, 7_980, "nobody")
    assert not talk.hung_up
    talk.hear(SILENCE, "nobody")
    assert talk.hung_up


async def test_ringing_is_not_silence_and_not_a_question() -> None:
    talk = await prepared([], ORDER)
    for _ in range(5):
        talk.hear_ms(SPEECH, 1_000, "carrier")
        talk.hear_ms(SILENCE, 4_000, "carrier")
    assert talk.lines() == []
    assert not talk.hung_up


async def test_a_call_has_a_longest_length() -> None:
    talk = await prepared([], ORDER, manners=Manners(call_ms_max=1_000))
    talk.hear_ms(SPEECH, 1_000)
    assert talk.hung_up


async def test_it_barges_in_only_when_told_to() -> None:
    talk = await prepared([], ORDER, manners=Manners(barge_in=(BargeIn(line=0, after_ms=400),)))
    talk.hear_ms(SPEECH, 380)
    assert talk.lines() == []
    talk.hear_ms(SPEECH, 40)
    assert talk.lines() == [ORDER]
    assert talk.speaking


async def test_text_mode_says_so_first_and_speaks_marked_sound() -> None:
    talk = Talk(ScriptedCaller([ORDER], text_mode=True))
    await talk.caller.prepare()
    talk.hear_ms(SILENCE, 1_500)
    talk.hear(marked.encode("What would you like?", LINE_RATE))
    talk.hear_ms(SILENCE, 500)
    talk.finish_speaking()
    talk.hear_ms(SILENCE, 500)
    assert talk.lines() == [ORDER]
    assert marked.MarkedDecoder(LINE_RATE).feed(b"".join(talk.said)) == [marked.BEACON, ORDER]


async def test_text_mode_says_so_again_to_an_agent_that_answers_in_sound_but_not_for_ever() -> None:
    talk = Talk(ScriptedCaller([ORDER], text_mode=True))
    await talk.caller.prepare()
    for _ in range(6):
        talk.hear_ms(SPEECH, 1_000)
        talk.hear_ms(SILENCE, 1_400)
    messages = marked.MarkedDecoder(LINE_RATE).feed(b"".join(talk.said))
    assert messages.count(marked.BEACON) == 3


@pytest.mark.parametrize("lines", [[ORDER, "that's all", "yes"], [ORDER, "yes"]])
async def test_a_whole_call_by_text(application: Application, lines: list[str]) -> None:
    """A tiny agent of our own: asks back once, then takes the order, reads it back, and says goodbye."""
    understood: list[str] = []

    async def agent(socket: ServerConnection) -> None:
        ear = marked.MarkedDecoder(LINE_RATE)

        async def say(text: str) -> None:
            await socket.send(marked.encode(text, LINE_RATE) + bytes(160 * 32))

        await say("What would you like?")
        async for message in socket:
            for heard in ear.feed(message) if isinstance(message, bytes) else ():
                if heard == marked.BEACON:
                    continue
                understood.append(heard)
                if len(understood) == 1:
                    await say("Did you say three burgers?")
                elif heard == "no":
                    await say("Sorry, could you say that again?")
                elif heard == "that's all":
                    await say("Two burgers. Is that right?")
                elif heard == "yes" and understood[-2] == "that's all":
                    await say("Thank you, goodbye.")
                    await asyncio.sleep(1.5)
                    await socket.close()
                    return
                else:
                    await say("Anything else?")

    application.media = agent
    application.answers = {("/voice", "Ringing"): application.stream("<Hangup/>")}
    carrier = Carrier(CarrierSettings(voice_url=application.url("/voice")))
    record = await carrier.call(ScriptedCaller(lines, text_mode=True), CALLER, NUMBER)
    early_yes = [] if "that's all" in lines else ["yes"]
    assert understood == [ORDER, "no", ORDER, *early_yes, "that's all", "yes"]
    assert next(line.text for line in record.talk if line.who == "agent") == "What would you like?"
    assert record.ended_by == "document_end"
    assert record.violations == []


def test_last_words_of_the_agent_are_kept_when_the_line_goes_down() -> None:
    words = [AgentWords("Your order number is seven. Goodbye.", 0.0)]
    talk = Talk(ScriptedCaller([], agent_words=lambda: words))
    talk.hear_ms(SPEECH, 400)
    assert [line.text for line in talk.caller.talk() if line.who == "agent"] == ["Your order number is seven. Goodbye."]


async def test_a_request_to_wait_is_kept_when_the_line_goes_down_after_it() -> None:
    talk = await prepared([AgentWords("One moment please.", 0)], ORDER)
    talk.turn(pause_ms=1_000)
    assert talk.lines() == [], "the caller waits"
    assert [line.text for line in talk.caller.talk()] == ["One moment please."]


async def test_what_was_noted_at_the_end_is_noted_once() -> None:
    talk = await prepared([AgentWords("What would you like?", 0)], ORDER)
    talk.turn()
    talk.finish_speaking()
    first = talk.caller.talk()
    assert [line.text for line in first] == ["What would you like?", ORDER]
    assert talk.caller.talk() == first
