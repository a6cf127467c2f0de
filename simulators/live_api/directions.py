"""Stage directions: client content in brackets, which speaks to the model and not for the caller.

A real model follows any of them. The offline brain follows two: a sentence to say, and answers of functions that
came too late for their calls, as JSON. Every other direction only asks it to say something.

    [Say to the caller now: A colleague is being called.]
    [These functions have an answer now: [{"function": "escalate", "result": {"status": "ok"}}]]
"""

from __future__ import annotations

import json
import re

from simulators.live_api.offline.turns import Say, ToolResult, ToolResults

_SAY = re.compile(r"\[(?:.*?[.;]\s*)?say\b[^:\]]*:\s*(?P<words>.+?)\s*\]", re.IGNORECASE | re.DOTALL)
_JSON = re.compile(r"\[[^\[{]*:\s*(?P<json>\[.*\])\s*\]", re.DOTALL)


def is_direction(text: str) -> bool:
    return text.startswith(("[", "("))


def direction(text: str) -> Say | ToolResults | None:
    """What the direction wants, if it is one of the two that are understood."""
    answers = _answers(text)
    if answers:
        return ToolResults(answers)
    match = _SAY.fullmatch(text)
    return Say(match["words"]) if match else None


def _answers(text: str) -> tuple[ToolResult, ...]:
    match = _JSON.fullmatch(text)
    if match is None:
        return ()
    try:
        document = json.loads(match["json"])
    except ValueError:
        return ()
    return tuple(
        ToolResult(str(entry["function"]), entry["result"])
        for entry in document
        if isinstance(entry, dict) and "function" in entry and isinstance(entry.get("result"), dict)
    )
