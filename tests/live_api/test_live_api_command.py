"""`python -m simulators.live_api` as a process of its own, with its control API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.live_api.raw_client import PATH, PROMPT, RawClient, transcript

SCRIPT = """
- wait_for_prompt
- say: "Hello from the script."
"""


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.live_api", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def fetch(url: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@contextlib.asynccontextmanager
async def dialled(ready: dict[str, Any]) -> AsyncIterator[RawClient]:
    context = ssl.create_default_context(cafile=ready["ca_file"])
    url = ready["url"].replace("https", "wss") + PATH
    async with connect(url, ssl=context, additional_headers={"x-goog-api-key": "k"}, proxy=None) as socket:
        client = RawClient(socket)
        await client.send({"setup": {"model": "models/gemini-3.8-live", "outputAudioTranscription": {}}})
        await client.receive()
        await client.send(PROMPT)
        yield client


async def test_a_scripted_server_serves_and_ends_cleanly(tmp_path: Path) -> None:
    script, ca_file = tmp_path / "hello.yaml", tmp_path / "ca.pem"
    script.write_text(SCRIPT)
    arguments = ["--brain", "scripted", "--script", str(script), "--voice", "tone", "--ca-file", str(ca_file)]
    async with running(*arguments, "--speed", "20", "--control-port", "0") as (process, ready):
        assert ready["ca_file"] == str(ca_file)
        control = ready["control_url"]
        assert await asyncio.to_thread(fetch, f"{control}/healthz") == (200, {"status": "ok"})
        async with dialled(ready) as client:
            assert transcript(await client.turn()) == "Hello from the script."
        _, listed = await asyncio.to_thread(fetch, f"{control}/sessions")
        assert [line["text"] for line in listed["sessions"][0]["transcript"]] == ["Hello from the script."]
        assert listed["sessions"][0]["setup"]["model"] == "models/gemini-3.8-live"

        status, queued = await asyncio.to_thread(fetch, f"{control}/faults", {"reject_upgrade_status": 429})
        assert (status, queued) == (202, {"queued": {"reject_upgrade_status": 429}})
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(ready):
                pass
        assert refused.value.response.status_code == 429
        status, problem = await asyncio.to_thread(fetch, f"{control}/faults", {"reject_upgrade": 429})
        assert status == 422
        assert problem["problems"] == ["reject_upgrade: Extra inputs are not permitted"]
        assert (await asyncio.to_thread(fetch, f"{control}/elsewhere"))[0] == 404

        async with dialled(ready) as client:
            await client.turn()
            process.send_signal(signal.SIGTERM)
            assert (await client.closed())[0] == 1001
        assert await process.wait() == 0


async def test_a_broken_script_is_one_clear_message(tmp_path: Path) -> None:
    script = tmp_path / "broken.yaml"
    script.write_text("- say: hello\n- shout: hello\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.live_api", "--brain", "scripted", "--script", str(script), "--voice", "tone",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 2
    assert out == b""
    assert b"step 2: exactly one of" in err
    assert b"Traceback" not in err


async def test_a_script_is_required_for_the_scripted_brain() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.live_api", "--brain", "scripted", stderr=subprocess.PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"--brain scripted needs --script FILE" in err
