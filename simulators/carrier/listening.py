"""What a caller who listens says next: a pure decision over the agent's words. No audio, no clock.

    listener = Listener(("two chicken burgers and a soda", "that's all", "yes"))
    listener.hear("Welcome! What would you like?")        -> Speak("two chicken burgers and a soda")
    listener.hear("Did you say three chicken burgers?")   -> Speak("no")
    listener.hear("Sorry, could you say that again?")     -> Speak("two chicken burgers and a soda")

A turn of the agent is one `hear`. `Wait` means that the agent is not done ("one moment"), so the same words will be
heard again together with those that follow; `StaySilent` means that this caller has nothing to say to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias, assert_never

from .agreeing import agrees, is_part
from .words import chunks, is_affirmation, is_closer, pieces, plain, was_said

YES = "yes"
NO = "no"
THATS_ALL = "that's all"
REPEATS_MAX = 4


@dataclass(frozen=True, slots=True)
class Speak:
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    pass


@dataclass(frozen=True, slots=True)
class StaySilent:
    pass


Reply: TypeAlias = Speak | Wait | StaySilent


class Kind(Enum):
    """What the agent's turn asks of the caller."""

    ASK_BACK = auto()
    CHECK = auto()
    PART = auto()
    EVERYTHING = auto()
    ANYTHING_ELSE = auto()
    CONFIRM = auto()
    GOODBYE = auto()
    HOLD = auto()
    OTHER = auto()


_ASK_BACK = re.compile(
    r"did(?:n't| not) (?:quite |really )?(?:catch|hear|get|understand)|"
    r"could(?:n't| not) (?:quite )?(?:hear|catch|understand)|"
    r"(?:say|tell me|repeat) (?:that|it|this|your order|the order) (?:again|once more|one more time)|"
    r"(?:could|can|would|will) you (?:please )?repeat|please repeat|repeat (?:that|it),? please|"
    r"(?:what is|what's) the (?:first|next) (?:thing|one|item)|"
    r"say again|come again|pardon|one more time,? please|once more,? please|what was that|"
    r"sijasikia|sikusikia|sijaelewa|rudia|sema tena"
)
_OWN_REPEAT = re.compile(
    r"(?:let me|i'll|i will|shall i|should i|would you like me to) [^.!?]*(?:repeat|say)[^.!?]*[.!?]?"
)
_CHECK = re.compile(
    r"(?:did you (?:say|mean|ask for)|do you mean|did i hear|was that|was it|you said|you mean|ulisema|unamaanisha)\s+"
    r"(?P<what>[^?]+?)(?:,? (?:is that |is it |am i )?(?:right|correct)|, yes)?\s*\?"
)
_PART = re.compile(
    r"\b(?:is that|is there|is it|is one of them) "
    r"(?!(?:all|it|everything|(?:all )?(?:right|correct|ok|okay|good|fine))\b)(?P<what>[^?]+)\?"
)
_EVERYTHING = re.compile(r"(?:is|was|will|would) that (?:be )?(?:all|it|everything)(?: of it)?\b")
_ELSE = re.compile(r"anything else|something else|what else|any(?:thing)? more|kitu kingine|nini kingine|kingine")
_CONFIRM = re.compile(
    r"(?:is|was) (?:that|this|it|everything|your order|the order) (?:all )?(?:right|correct|ok|okay|good|fine)|"
    r"\b(?:right|correct|sawa)\?|(?:shall|should|can|may) i (?:place|send|confirm|go ahead|put)|"
    r"(?:would you like|do you want) (?:me )?to (?:place|confirm|send|go ahead)|do you confirm|please confirm|"
    r"to confirm|(?:say|answer) yes|yes or no|ready to order|go ahead with|"
    r"sound (?:right|good|correct)|ni sawa|nithibitishe"
)
_GOODBYE = re.compile(
    r"\bgood ?bye\b|\bbye\b|\bkwaheri\b|\bsee you\b|have a (?:nice|good|great|lovely|pleasant|wonderful) |"
    r"enjoy your (?:meal|food|day|evening)"
)
_HOLD = re.compile(
    r"(?:one|just a|a) (?:moment|second|minute)|let me (?:check|see|add|look|put|get)|"
    r"please (?:hold|wait|stay)|hold on|bear with me|"
    r"connecting you|transferring you|(?:putting|put) you through|i am calling|i'm calling|subiri"
)


def kind_of(text: str) -> Kind:
    """What one turn of the agent asks for, judged by its last question, or by its last sentence if it has none."""
    said = plain(text)
    questions = re.findall(r"[^.!?]*\?", said)
    last = questions[-1].strip() if questions else _last_sentence(said)
    if questions and (match := _CHECK.search(last)) and chunks(match["what"]):
        return Kind.CHECK
    if _EVERYTHING.search(last) and questions:
        return Kind.EVERYTHING
    asks_back = bool(_ASK_BACK.search(_OWN_REPEAT.sub(" ", said)))
    if asks_back and _ASK_BACK.search(last):
        return Kind.ASK_BACK
    if _CONFIRM.search(last):
        return Kind.CONFIRM
    if _ELSE.search(last):
        return Kind.ANYTHING_ELSE
    if questions and (match := _PART.search(last)) and chunks(match["what"]):
        return Kind.PART
    if asks_back:
        return Kind.ASK_BACK
    if not questions and _GOODBYE.search(said):
        return Kind.GOODBYE
    if not questions and _HOLD.search(last):
        return Kind.HOLD
    return Kind.OTHER


class Listener:
    """The caller's mind: its lines in order, what it said last, and how often it has repeated itself."""

    def __init__(self, lines: Iterable[str], *, repeats_max: int = REPEATS_MAX) -> None:
        self._lines = [line.strip() for line in lines if line.strip()]
        self._repeats_max = repeats_max
        self._next = 0
        self._last: str | None = None  # line
        self._uttered: str | None = None  # line, or a yes, no, that's all
        self._repeats = 0
        self._closers = 0
        self._denied = False
        self._confirmed: list[str] = []  # parts of the last line

    @property
    def lines_left(self) -> int:
        return len(self._lines) - self._next

    @property
    def lines_said(self) -> int:
        return self._next

    def sentences(self) -> frozenset[str]:
        """Everything that this caller may ever say, so that a voice can prepare it."""
        parts = (piece for line in self._lines for piece in pieces(line))
        return frozenset((*self._lines, *parts, YES, NO, THATS_ALL))

    def speak_next(self) -> Reply:
        """The next line, whatever the agent said; silence when there is none."""
        if not self.lines_left:
            return StaySilent()
        self._last = self._lines[self._next]
        self._next += 1
        self._repeats = 0
        self._denied = False
        self._confirmed = []
        return Speak(self._last)

    def hear(self, text: str) -> Reply:
        """The answer to one whole turn of the agent; empty words are a turn that was not understood."""
        reply = self._answer(kind_of(text), text)
        if isinstance(reply, Speak):
            self._uttered = reply.text
        return reply

    def _answer(self, kind: Kind, text: str) -> Reply:
        if self._last is None and kind not in (Kind.GOODBYE, Kind.HOLD):
            return self.speak_next()
        match kind:
            case Kind.GOODBYE:
                return StaySilent()
            case Kind.HOLD:
                return Wait()
            case Kind.CHECK:
                return self._answer_check(text)
            case Kind.PART:
                return self._answer_part(text)
            case Kind.ASK_BACK:
                return self._repeat()
            case Kind.EVERYTHING:
                return self._answer_everything()
            case Kind.ANYTHING_ELSE if not self._denied and (forgotten := self._forgotten()) is not None:
                return Speak(forgotten)
            case Kind.ANYTHING_ELSE | Kind.CONFIRM | Kind.OTHER:
                return self._repeat() if self._denied else self._go_on(kind, text)
            case _:
                assert_never(kind)

    def _go_on(self, kind: Kind, text: str) -> Reply:
        if self.lines_left:
            return self.speak_next()
        if kind is Kind.CONFIRM and (yes := self._standing_yes()) is not None and self._may_repeat():
            return Speak(yes)
        if _ELSE.search(plain(text)) and self._closers < self._repeats_max:
            self._closers += 1
            return Speak(THATS_ALL)
        return StaySilent()

    def _answer_check(self, text: str) -> Reply:
        """Yes or no to "did you say X?"; of "X or Y?" the one that was said."""
        what = re.sub(r"^an? (?=yes|no\b)", "", [match["what"] for match in _CHECK.finditer(plain(text))][-1])
        if not self._may_repeat():
            return self.speak_next()
        mine = [line for line in (self._last, self._last_order()) if line is not None]
        alternatives = re.split(r",?\s+(?:or|au)\s+", what)
        for line in mine:
            for alternative in alternatives if len(alternatives) > 1 else ():
                if was_said(alternative, line):
                    return Speak(self._own_words_for(alternative, line))
        if len(alternatives) > 1:
            return Speak(self._last or NO)
        earlier = ", ".join(self._lines[: max(0, self._next - 1)])
        if any(agrees(what, line, earlier) or (is_affirmation(what) and is_affirmation(line)) for line in mine):
            self._denied = False
            return Speak(YES)
        self._denied = True
        return Speak(NO)

    def _answer_part(self, text: str) -> Reply:
        """Yes or no to "is that X?", where X is one of the things that were said."""
        what = [match["what"] for match in _PART.finditer(plain(text))][-1]
        order = self._last_order()
        if order is not None and is_part(what, order):
            self._denied = False
            self._confirmed.append(what)
            return Speak(YES)
        self._denied = True
        return Speak(NO)

    def _answer_everything(self) -> Reply:
        """Yes when there is nothing to add; the thing that is missing or the next line otherwise."""
        if self._denied:
            return self._repeat()
        if (forgotten := self._forgotten()) is not None:
            return Speak(forgotten)
        upcoming = self._lines[self._next] if self.lines_left else ""
        if upcoming and not is_closer(upcoming) and not is_affirmation(upcoming):
            return self.speak_next()
        if self._closers >= self._repeats_max:
            return self.speak_next()
        self._closers += 1
        self._next += is_closer(upcoming)  # the yes has said it
        return Speak(YES)

    def _forgotten(self) -> str | None:
        """Asked part by part, a caller notices what was not asked about."""
        order = self._last_order()
        told, self._confirmed = ", ".join(self._confirmed), []
        return next((piece for piece in pieces(order or "") if not is_part(piece, told)), None) if told else None

    def _own_words_for(self, alternative: str, line: str) -> str:
        return next((piece for piece in pieces(line) if was_said(alternative, piece)), line)

    def _repeat(self) -> Reply:
        """What was said last, again; after a "no" the line that was misheard. After too often, on to the next one."""
        if not self._may_repeat():
            return self.speak_next()
        again = self._last if self._denied else self._uttered or self._last
        self._denied = False
        return Speak(again or "")

    def _may_repeat(self) -> bool:
        self._repeats += 1
        return self._repeats <= self._repeats_max

    def _last_order(self) -> str | None:
        """The newest line that was said and is more than a yes or a "that's all"."""
        said = reversed(self._lines[: self._next])
        return next((line for line in said if not is_affirmation(line) and not is_closer(line)), None)

    def _standing_yes(self) -> str | None:
        """The last line if it was a yes, looking past a "that's all"; a yes before anything else does not stand."""
        said = reversed(self._lines[: self._next])
        newest = next((line for line in said if not is_closer(line)), None)
        return newest if newest is not None and is_affirmation(newest) else None


def _last_sentence(said: str) -> str:
    sentences = [part.strip() for part in re.findall(r"[^.!?]+[.!?]?", said) if part.strip()]
    return sentences[-1] if sentences else ""
