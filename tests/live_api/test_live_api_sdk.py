"""The unmodified google-genai SDK, current major and the one before, holds a conversation with the server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_api.raw_client import serving

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("sdk_conversation.py")
PREVIOUS = ROOT / ".venv-genai-previous" / "bin" / "python"

STEPS = [
    "wait_for_prompt",
    {"say": "Welcome to the grill, what can I get you?"},
    {"wait_for_speech": {"min_ms": 300, "heard": "two burgers please"}},
    {
        "call": {"name": "addItem", "args": {"name": "burger", "quantity": 2}},
        "expect": {"cart_total.total_minor": 55000},
    },
    {"say": "Two burgers, {addItem.cart_total.total_minor} cents."},
    {"wait_for_text": "story"},
    {"say": "Once upon a time there was a burger. " * 30},
    "wait_for_speech",
    {"say": "Yes?"},
    "wait_for_speech",
    {"say": "Welcome back."},
    {"raw": {"goAway": {"timeLeft": "5s"}}},
    {"close": {"code": 1011, "reason": "Deadline expired before operation could complete."}},
]


def _is_there(interpreter: Path) -> bool:
    return interpreter.exists()


@pytest.mark.parametrize(("interpreter", "major"), [(Path(sys.executable), "3."), (PREVIOUS, "2.")], ids=["3", "2"])
async def test_a_whole_conversation_through_the_sdk(interpreter: Path, major: str) -> None:
    assert _is_there(interpreter), f"{interpreter} is missing: run `make setup`, which makes it"
    async with serving(STEPS, speed=4.0) as server:
        process = await asyncio.create_subprocess_exec(
            str(interpreter),
            str(SCRIPT),
            server.url,
            env={**os.environ, "SSL_CERT_FILE": str(server.ca_file), "NO_PROXY": "localhost"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        problems = [record.problem for record in server.sessions]
    seen = json.loads(out)
    assert seen["version"].startswith(major)
    assert problems == [None, None]

    greeting, ordered, story, answered, back = seen["turns"]
    assert greeting["said"] == "Welcome to the grill, what can I get you?"
    assert greeting["generation_complete"]
    assert greeting["audio_bytes"] > 48_000
    assert greeting["total_tokens"] > 0
    assert ordered["heard"] == "two burgers please"
    assert ordered["tool_calls"] == [{"name": "addItem", "args": {"name": "burger", "quantity": 2}}]
    assert ordered["said"].strip() == "Two burgers, 55000 cents."
    assert story["interrupted"]
    assert not story["generation_complete"]
    assert [turn["said"] for turn in (answered, back)] == ["Yes?", "Welcome back."]
    assert seen["go_away"] == "5s"
    assert seen["end"]["code"] == 1011
    assert "Deadline expired" in seen["end"]["reason"]
    first, second = server.sessions
    assert second.resumed_from in first.handles
