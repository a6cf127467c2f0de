"""``make peers-check``: other people's Live clients, unmodified, hold a conversation with our Live simulator.

Pipecat's and LiveKit's clients each set a session up, hear a greeting, send a caller's voice, are told what was heard,
get a function call, answer it, and hear the total from their answer spoken. What each saw, and what the simulator saw
of it, must agree. A simulator that only our own bridge can talk to would prove nothing about the real thing.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from simulators.live_api.scripted import ScriptedBrain
from simulators.live_api.server import LiveServer, LiveServerSettings

ROOT: Final = Path(__file__).parents[1]
CLIENTS: Final = ("pipecat", "livekit")
CLIENT_S: Final = 90.0
HEARD: Final = "two burgers please"
CALL: Final = {"name": "addItem", "args": {"name": "burger", "quantity": 2}}
RESULT: Final = {"output": "55000"}


def steps(client: str) -> list[object]:
    """The model's side. LiveKit leaves its functions non-blocking, as the newest model has them; Pipecat does not."""
    called: list[object] = [{"call": CALL, "expect": RESULT}]
    if client == "livekit":
        called = [{"call": CALL}, {"wait_for_result": {"name": "addItem", "expect": RESULT}}]
    return [
        "wait_for_prompt",
        {"say": "Welcome to the grill, what can I get you?"},
        {"wait_for_speech": {"min_ms": 300, "heard": HEARD}},
        *called,
        {"say": "Two burgers, {addItem.output} cents."},
        {"pause": 60},
    ]


def problems(seen: Mapping[str, Any]) -> list[str]:
    """What of the conversation is missing in a client's account; empty when it is whole."""
    found = [str(seen["why"])] if "why" in seen else []
    said = "".join(str(seen.get("said", "")).split())
    if "whatcanIgetyou" not in said:
        found.append("the greeting's words are missing")
    if HEARD not in str(seen.get("heard", "")):
        found.append("what the caller said is missing")
    calls = list(seen.get("tool_calls", ()))
    if calls != [CALL]:
        found.append(f"function calls: {calls}")
    if "55000cents" not in said:
        found.append("the answer that repeats the function's result is missing")
    # More than a second of 24 kHz: both sentences were spoken, not only written.
    if int(seen.get("audio_bytes", 0)) < 2 * 24_000 * 2:
        found.append(f"only {seen.get('audio_bytes', 0)} bytes of audio")
    return found


async def check(client: str) -> list[str]:
    """One client against a simulator of its own; what was wrong."""
    async with LiveServer(LiveServerSettings(brain=ScriptedBrain.from_steps(steps(client)))) as live:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GOOGLE_", "GEMINI_"))},
            "SSL_CERT_FILE": str(live.ca_file),
            "NO_PROXY": "localhost,127.0.0.1",
        }
        process = await asyncio.create_subprocess_exec(
            str(ROOT / f".venv-peer-{client}" / "bin" / "python"),
            str(ROOT / "benchmarks" / "peers" / client / "conversation.py"),
            live.url,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, errors = await asyncio.wait_for(process.communicate(), CLIENT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            return [f"it did not end in {CLIENT_S:.0f} s"]
    try:
        seen = json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        return [f"it ended with code {process.returncode}: {errors.decode(errors='replace')[-1500:]}"]
    found = problems(seen)
    return [*found, f"its log ends: {errors.decode(errors='replace')[-1500:]}"] if found else []


async def main() -> int:
    """Exit code 0 only when every client held the whole conversation."""
    chosen = sys.argv[1:] or list(CLIENTS)
    if unknown := [name for name in chosen if name not in CLIENTS]:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(CLIENTS)}", file=sys.stderr)
        return 2
    made = await asyncio.to_thread(subprocess.run, [str(ROOT / "scripts" / "peers.sh"), *chosen], check=False)
    if made.returncode:  # it has said why
        return made.returncode
    failed = False
    for client in chosen:
        found = await check(client)
        failed |= bool(found)
        print(f"{client:10} {'FAILED: ' + '; '.join(found) if found else 'held the whole conversation'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
