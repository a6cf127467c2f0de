"""``agiza replay``: a recorded call gone through again, step by step."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agiza.cli.errors import CliError
from services.bridge.recording import SUFFIX
from services.bridge.replay import NotARecording, Step, replay

_MANY = frozenset({"CallerAudio", "ModelAudio", "CallerSpoke", "Tick"})
_OF_SOUND = frozenset({"SendCallerAudio", "PlayAudio"})


def replay_command(
    what: Annotated[str, typer.Argument(help="A recording's file, or the id of a call that was recorded.")],
    folder: Annotated[Path, typer.Option("--folder", help="Where a call is looked for by its id.")] = Path("recorded"),
    everything: Annotated[bool, typer.Option("--all", help="Also what only carries sound.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Show what was said. Personal: mind who sees it.")] = False,
) -> None:
    """Go through a recorded call again: inputs, actions, phases. Ends with 1 when it does not come out as recorded."""
    if show(find(what, folder), Console(), everything=everything, words=words):
        raise typer.Exit(1)


def find(what: str, folder: Path) -> Path:
    """The file, or the newest leg of the call with this id. Raises :class:`CliError`."""
    if Path(what).is_file():
        return Path(what)
    found = sorted(folder.glob(f"*-{what}-*{SUFFIX}")) if what.replace("_", "").replace("-", "").isalnum() else []
    if not found:
        raise CliError(f"there is no file {what}, and no recording of such a call in {folder}")
    return found[-1]


def show(path: Path, console: Console, *, everything: bool, words: bool) -> int:
    """Print the steps; how many of them were not as recorded. Raises :class:`CliError`."""
    console.print(f"{path.name}", highlight=False)
    phase, others, count = None, 0, 0
    try:
        for step in replay(path.read_bytes()):
            count = step.number
            others += not step.is_as_recorded
            if everything or step.phase is not phase or not step.is_as_recorded or _matters(step):
                console.print(_line(step, words=words), highlight=False, soft_wrap=True)
            phase = step.phase
    except (NotARecording, OSError) as error:
        raise CliError(f"{path}: {error}") from None
    as_recorded = "all as recorded" if not others else f"{others} not as recorded"
    console.print(f"{count} inputs, {as_recorded}, ended in phase {phase or 'none'}", highlight=False)
    return others


def _matters(step: Step) -> bool:
    names = {type(action).__name__ for action in step.actions}
    return bool(names - _OF_SOUND) or type(step.event).__name__ not in _MANY


def _line(step: Step, *, words: bool) -> str:
    mark = " " if step.is_as_recorded else "!"
    done = ", ".join(_told(action, words=words) for action in step.actions) or "-"
    return f"{mark}{step.at_ms / 1000:8.3f}  {step.phase:12}  {_told(step.event, words=words)} -> {done}"


def _told(what: Any, *, words: bool) -> str:
    """Its name; with ``words`` also what is in it, sound as its length. Any: an input or an action."""
    name = type(what).__name__
    if not words:
        return name
    values = {each.name: getattr(what, each.name) for each in fields(what)}
    plain = [
        f"{key}={f'{len(value)} bytes' if isinstance(value, bytes) else repr(value)}" for key, value in values.items()
    ]
    return escape(f"{name}({', '.join(plain)})")
