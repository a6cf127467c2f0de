"""A synthesised caller who listens: speaks when the agent has finished, answers ask-backs, hangs up on silence.

The agent's words come from `agent_words`, which returns everything heard so far (the live transcript of the call), or
in text mode from the sound itself, where both sides carry text as marked PCM. What to say is `listening.Listener`'s
decision; this file only knows when.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from simulators.speech import marked

from .caller import Moment
from .hearing import TurnEar
from .listening import Listener, Reply, Speak, StaySilent, Wait
from .record import TalkLine
from .settings import Voice
from .sounds import FRAME_MS, LINE_RATE, SILENCE, FrameQueue, is_sound, spoken_tone, to_rate

DECODE_FRAMES = 5
BEACONS_MAX = 3


@dataclass(frozen=True, slots=True)
class AgentWords:
    """A piece of what the agent said: a whole turn or a few words of one. `at` is only for display."""

    text: str
    at: float


WordsSource: TypeAlias = Callable[[], "Sequence[AgentWords] | Awaitable[Sequence[AgentWords]]"]


@dataclass(frozen=True, slots=True)
class BargeIn:
    """Say line number `line` (from 0) over the agent, once it has been talking for `after_ms`."""

    line: int
    after_ms: int = 600


@dataclass(frozen=True, slots=True)
class Manners:
    """How patient this caller is. A turn is over after `pause_ms` of silence; missing words are awaited `words_ms`."""

    pause_ms: int = 700
    words_ms: int = 2_000
    hang_up_after_ms: int = 8_000
    call_ms_max: int = 600_000
    barge_in: tuple[BargeIn, ...] = ()


TEXT_MANNERS = Manners(pause_ms=400)


class ScriptedCaller:
    """One person for one call. `prepare` synthesises everything; without a voice the lines are tones."""

    def __init__(
        self,
        lines: Sequence[str],
        *,
        voice: Voice | None = None,
        agent_words: WordsSource | None = None,
        text_mode: bool = False,
        manners: Manners | None = None,
    ) -> None:
        self._listener = Listener(lines)
        self._voice = voice
        self._text_mode = text_mode
        self._manners = manners or (TEXT_MANNERS if text_mode else Manners())
        self._ear = TurnEar()
        self._words = _MarkedWords() if text_mode else _TranscriptWords(agent_words)
        self._mouth = FrameQueue()
        self._sounds: dict[str, bytes] = {}
        self._talk: list[TalkLine] = []
        self._answered_turn = ""
        self._silence_ms = 0
        self._elapsed_ms = 0
        self._beacons = 0

    async def prepare(self) -> None:
        if self._text_mode or self._sounds:
            return
        for sentence in sorted(self._listener.sentences()):
            if self._voice is None:
                self._sounds[sentence] = spoken_tone(sentence)
            else:
                pcm = await asyncio.to_thread(self._voice.synthesize, sentence)
                self._sounds[sentence] = await asyncio.to_thread(to_rate, pcm, self._voice.rate, LINE_RATE)

    def talk(self) -> Sequence[TalkLine]:
        """The conversation so far, with what the agent said last, even if the line went down before an answer."""
        last = self._words.pending  # not noted yet, also where this caller had decided to wait
        return (*self._talk, TalkLine("agent", last, self._elapsed_ms)) if last else tuple(self._talk)

    @property
    def lines_left(self) -> int:
        return self._listener.lines_left

    def tick(self, moment: Moment) -> bytes | None:
        sound = is_sound(moment.heard)
        self._elapsed_ms += FRAME_MS
        self._silence_ms = 0 if sound or self._mouth else self._silence_ms + FRAME_MS
        if self._silence_ms >= self._manners.hang_up_after_ms or self._elapsed_ms >= self._manners.call_ms_max:
            return None
        self._words.hear(moment.heard)
        if self._mouth:
            frame = self._mouth.take()
            if not self._mouth:
                self._ear.reset()  # what was heard while talking was not an answer
            return frame
        if moment.party not in ("agent", "staff"):
            self._ear.reset()
            return SILENCE
        if self._needs_beacon(moment):
            return self._mouth.take()
        self._ear.feed(sound)
        self._consider(moment)
        return self._mouth.take() if self._mouth else SILENCE

    def _needs_beacon(self, moment: Moment) -> bool:
        """Tell a listening machine that this caller speaks text; again when it answers in sound that carries none."""
        if not self._text_mode or moment.party != "agent":
            return False
        unread = self._ear.has_finished(self._manners.pause_ms) and not self._words.understood
        if self._beacons == 0 or (unread and self._beacons < BEACONS_MAX):
            self._beacons += 1
            self._mouth.add(marked.encode(marked.BEACON, LINE_RATE))
            return True
        return False

    def _consider(self, moment: Moment) -> None:
        """Decide whether to speak now, and what."""
        if self._barges_in():
            self._act(self._listener.speak_next(), moment)
            return
        words = self._words.pending
        # A marked message is a whole turn, also one that came while this caller was still talking.
        whole = self._text_mode and bool(words) and self._ear.quiet_ms >= self._manners.pause_ms
        if self._words.arriving or not (whole or self._ear.has_finished(self._manners.pause_ms)):
            return
        if not words and self._ear.quiet_ms < self._manners.pause_ms + self._manners.words_ms:
            return
        if words and words == self._answered_turn:
            return  # "one moment": nothing new was said since
        self._answered_turn = words
        self._act(self._listener.hear(words), moment)

    def _act(self, reply: Reply, moment: Moment) -> None:
        match reply:
            case Wait():
                self._ear.reset()
            case StaySilent():
                self._note_agent(moment)
                self._ear.reset()
            case Speak(text=text):
                self._note_agent(moment)
                self._talk.append(TalkLine("caller", text, moment.at_ms))
                self._mouth.add(marked.encode(text, LINE_RATE) if self._text_mode else self._sounds[text])

    def _note_agent(self, moment: Moment) -> None:
        words = self._words.take()
        self._answered_turn = ""
        if words:
            self._talk.append(TalkLine("agent", words, moment.at_ms))

    def _barges_in(self) -> bool:
        line = self._listener.lines_said
        return any(barge.line == line and self._ear.running_ms >= barge.after_ms for barge in self._manners.barge_in)


class _MarkedWords:
    """The agent's words, read out of the sound."""

    def __init__(self) -> None:
        self._decoder = marked.MarkedDecoder(LINE_RATE)
        self._unread = bytearray()
        self._messages: list[str] = []
        self.understood = False

    @property
    def pending(self) -> str:
        return " ".join(self._messages)

    @property
    def arriving(self) -> bool:
        return bool(self._decoder.receiving)

    def hear(self, frame: bytes) -> None:
        """Decoding costs less in larger pieces; a tenth of a second late is still well inside a pause."""
        self._unread += frame
        if len(self._unread) < DECODE_FRAMES * len(SILENCE):
            return
        messages = [text for text in self._decoder.feed(bytes(self._unread)) if text != marked.BEACON]
        self._unread.clear()
        self._messages += messages
        self.understood = self.understood or bool(messages)

    def take(self) -> str:
        words = self.pending
        self._messages.clear()
        return words


class _TranscriptWords:
    """The agent's words from a list that only grows; its last entry may grow too."""

    arriving = False
    understood = True

    def __init__(self, source: WordsSource | None) -> None:
        self._source = source
        self._seen = 0
        self._seen_of_last = 0
        self._parts: list[str] = []
        self._frames = 0
        self._asking: asyncio.Future[Sequence[AgentWords]] | None = None

    @property
    def pending(self) -> str:
        return " ".join("".join(self._parts).split())

    def hear(self, frame: bytes) -> None:
        self._frames += 1
        if self._source is None or self._frames % DECODE_FRAMES:
            return
        if self._asking is not None:
            if self._asking.done():
                self._read(self._asking.result())
                self._asking = None
            return
        answer = self._source()
        if inspect.isawaitable(answer):
            self._asking = asyncio.ensure_future(answer)
        else:
            self._read(answer)

    def _read(self, words: Sequence[AgentWords]) -> None:
        for place in range(max(0, self._seen - 1), len(words)):
            text = words[place].text
            fresh = text[self._seen_of_last :] if place == self._seen - 1 else text
            if fresh:
                # Pieces of one turn bring their own blanks; whole turns do not.
                glued = not self._parts or fresh[0] in " ,.!?;:'" or place == self._seen - 1
                self._parts.append(fresh if glued else f" {fresh}")
            self._seen_of_last = len(text)
        self._seen = max(self._seen, len(words))

    def take(self) -> str:
        words = self.pending
        self._parts.clear()
        return words
