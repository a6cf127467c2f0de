"""The scripted brain: says and calls what its script says, in order, whoever calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, assert_never

from simulators.live_api.brain import (
    BrainError,
    Event,
    Prompted,
    ToolsAnswered,
    UserSpeechEnded,
    UserText,
    UserWords,
)
from simulators.live_api.conversation import Conversation
from simulators.live_api.faults import Faults
from simulators.live_api.script import (
    Action,
    Call,
    CloseNow,
    EndTurn,
    Pause,
    Placed,
    Raw,
    Repeat,
    Say,
    Script,
    SetFaults,
    Think,
    WaitForPrompt,
    WaitForResult,
    WaitForSpeech,
    WaitForText,
    load_script,
    parse_script,
)
from simulators.live_api.stage import TurnInterrupted
from simulators.live_api.tool_calls import ToolRequest

_SAME_TURN = (Say, Call, Think, EndTurn)
_REFERENCE = re.compile(r"\{([A-Za-z]\w*)\.([\w.]+)\}")


@dataclass(slots=True)
class Position:
    """Where a conversation stands in its script: the next top-level step, and the last result of each tool."""

    step: int = 0
    results: dict[str, Mapping[str, object]] = field(default_factory=dict)


class ScriptedBrain:
    """A conversation that resumes from a handle goes on at the step where the handle was issued."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Raises ScriptError."""
        return cls(load_script(path))

    @classmethod
    def from_steps(cls, steps: Sequence[object]) -> Self:
        """The same as a file's steps, as Python objects. Raises ScriptError."""
        return cls(parse_script(list(steps)))

    async def run(self, talk: Conversation) -> None:
        position = talk.memory if isinstance(talk.memory, Position) else Position()
        await _Performance(self._script, talk, position).run()


class _Performance:
    def __init__(self, script: Script, talk: Conversation, position: Position) -> None:
        self._steps = script.steps
        self._talk = talk
        self._position = position
        talk.remember(position)  # it changes in place; a handle takes a copy

    async def run(self) -> None:
        while self._position.step < len(self._steps):
            placed = self._steps[self._position.step]
            if not isinstance(placed.action, _SAME_TURN):
                await self._end_turn()
            self._position.step += 1
            try:
                await self._perform(placed)
            except TurnInterrupted:
                # The rest of an interrupted turn is never said.
                while self._position.step < len(self._steps) and isinstance(
                    self._steps[self._position.step].action, _SAME_TURN
                ):
                    self._position.step += 1
        await self._end_turn()

    async def _end_turn(self) -> None:
        try:
            await self._talk.end_turn()
        except TurnInterrupted:
            return

    async def _all(self, steps: Sequence[Placed]) -> None:
        for placed in steps:
            if not isinstance(placed.action, _SAME_TURN):
                await self._end_turn()
            await self._perform(placed)

    async def _perform(self, placed: Placed) -> None:
        talk, action = self._talk, placed.action
        match action:
            case Say():
                await self._say(action)
            case Call():
                await self._call(placed.place, action)
            case WaitForSpeech() | WaitForText() | WaitForPrompt() | WaitForResult():
                await self._wait(placed.place, action)
            case Pause(seconds=seconds) | Think(seconds=seconds):
                await talk.clock.sleep(seconds)
            case EndTurn():
                await self._end_turn()
            case SetFaults(switches=switches):
                changed = Faults.model_validate(switches)
                for name in switches:
                    setattr(talk.faults, name, getattr(changed, name))
            case Raw(message=message):
                talk.send_raw(message)
            case CloseNow(code=code, reason=reason):
                talk.close(code, reason)
            case Repeat(times=times, steps=steps):
                for _ in range(times):
                    await self._all(steps)
            case _:
                assert_never(action)

    async def _say(self, action: Say) -> None:
        text = _REFERENCE.sub(lambda match: self._refer(match), action.text)
        while True:
            if not self._talk.resumed and not self._talk.history:
                await self._talk.learn_caller()
            # What the caller said before the model speaks belongs to the turn that is answered here.
            self._talk.forget_events(UserSpeechEnded, UserWords, UserText, Prompted)
            try:
                await self._talk.say(text)
            except TurnInterrupted:
                if action.on_interrupt == "skip_turn":
                    raise
                await self._next(UserSpeechEnded, UserWords, timeout_s=None)
            else:
                return

    async def _call(self, place: str, action: Call) -> None:
        requests = [ToolRequest(call.name, self._filled(call.args)) for call in action.calls]
        while True:
            try:
                results = await self._talk.call_tools(requests)
                break
            except TurnInterrupted as interruption:
                if action.on_cancel == "next" or not interruption.cancelled:
                    raise
                await self._next(UserSpeechEnded, UserWords, timeout_s=None)
        for result in results:
            self._position.results[result.name] = result.response
        if results:
            await self._judge(place, results[0].response, action)

    async def _judge(self, place: str, response: Mapping[str, object], action: Call | WaitForResult) -> None:
        for path, expected in action.expect.items():
            found = _at(response, path)
            if found != expected:
                raise BrainError(f"{place}: expected {path} {expected!r}, got {found!r}")
        await self._all(action.when.get(str(response.get("status")), ()))

    async def _wait(self, place: str, action: WaitForSpeech | WaitForText | WaitForPrompt | WaitForResult) -> None:
        while True:
            event = await self._next(*_awaited(action), timeout_s=action.timeout_s)
            match action, event:
                case _, None:
                    raise BrainError(f"{place}: nothing came within {action.timeout_s} s")
                case WaitForSpeech(min_ms=min_ms, heard=heard), UserSpeechEnded(speech_ms=speech_ms):
                    if speech_ms >= min_ms:
                        if heard is not None:
                            self._talk.transcribe(heard)
                        return
                case WaitForText(contains=contains), UserWords(text=text) | UserText(text=text):
                    # A blank text is how some clients set a model going, and is not spoken by anyone.
                    if text.strip() and (contains or "").casefold() in text.casefold():
                        return
                case WaitForResult(name=name), ToolsAnswered(result=result):
                    if result.name == name:
                        self._position.results[name] = result.response
                        await self._judge(place, result.response, action)
                        return
                case _:
                    return

    async def _next(self, *kinds: type[Event], timeout_s: float | None) -> Event | None:
        """The next event of these kinds; others are dropped."""
        clock = self._talk.clock
        until = None if timeout_s is None else clock.now() + timeout_s
        while True:
            event = await self._talk.next_event(None if until is None else max(0.0, until - clock.now()))
            if event is None or isinstance(event, kinds):
                return event

    def _filled(self, value: object) -> dict[str, object]:
        filled = self._fill(value)
        assert isinstance(filled, dict)
        return filled

    def _fill(self, value: object) -> object:
        if isinstance(value, str):
            whole = _REFERENCE.fullmatch(value)
            return self._look_up(whole) if whole else _REFERENCE.sub(lambda match: self._refer(match), value)
        if isinstance(value, Mapping):
            return {str(key): self._fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._fill(inner) for inner in value]
        return value

    def _refer(self, match: re.Match[str]) -> str:
        return str(self._look_up(match))

    def _look_up(self, match: re.Match[str]) -> object:
        found = _at(self._position.results.get(match[1], {}), match[2])
        if found is None:
            raise BrainError(f"nothing known of {match[0]}")
        return found


def _awaited(action: Action) -> tuple[type[Event], ...]:
    match action:
        case WaitForSpeech():
            return (UserSpeechEnded,)
        case WaitForText():
            return (UserWords, UserText)
        case WaitForPrompt():
            return (Prompted,)
        case WaitForResult():
            return (ToolsAnswered,)
        case _:
            return ()


def _at(value: object, path: str) -> object:
    """The value below a dotted path of keys and list positions; None when there is none."""
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
