"""The carrier as a server: place calls over HTTP, and the part of the REST interface that a live call needs.

Control (loopback only, no key):

    GET  /healthz                 {"status": "ok"}
    POST /calls                   {"from", "to", "caller": {"say": [...]} | {"wav": path} | {"silent_s": n},
                                   "text": bool, "wait": bool} -> the record, or {"session_id"} when wait is false
    GET  /calls/{session_id}      the record so far, with "status"
    POST /calls/{session_id}/words  {"text"}: what the agent just said, for a caller that listens by transcript

REST (bearer key) is in `rest.py` and `numbers.py`.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from .caller import Caller, CallerError, SilentCaller, WavCaller
from .carrier import Carrier, new_session_id
from .numbers import NumbersDesk
from .rest import RestDesk, RestFaults, add_rest
from .scripted import AgentWords, ScriptedCaller
from .settings import Voice

CALLS_AT_ONCE_MAX = 500
WORDS_MAX = 2_000


class CallerRequest(BaseModel):
    """Exactly one of the three kinds of caller."""

    model_config = ConfigDict(extra="forbid")
    say: list[Annotated[str, Field(max_length=1_000)]] | None = Field(default=None, max_length=200)
    wav: Path | None = None
    silent_s: float | None = Field(default=None, gt=0, le=3_600)


class CallRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    from_number: str = Field(alias="from")
    to_number: str = Field(alias="to")
    caller: CallerRequest
    text: bool = False
    wait: bool = True


class WordsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=4_000)


class CallDesk:
    """The calls that this server has placed, and the words pushed to their callers."""

    def __init__(self, carrier: Carrier, voice: Voice | None) -> None:
        self._carrier = carrier
        self._voice = voice
        self._words: dict[str, list[AgentWords]] = {}
        self._running: set[asyncio.Task[Any]] = set()

    async def place(self, request: CallRequest) -> dict[str, Any]:
        if len(self._running) >= CALLS_AT_ONCE_MAX:
            raise HTTPException(503, f"{CALLS_AT_ONCE_MAX} calls are running already")
        session_id = new_session_id()
        caller = self._caller(request, session_id)
        try:
            await caller.prepare()
            task = asyncio.create_task(self._call(caller, request, session_id))
        except CallerError as error:
            raise HTTPException(422, str(error)) from None
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if not request.wait:
            return {"session_id": session_id}
        return await asyncio.shield(task)

    async def _call(self, caller: Caller, request: CallRequest, session_id: str) -> dict[str, Any]:
        try:
            record = await self._carrier.call(caller, request.from_number, request.to_number, session_id=session_id)
        except (ValueError, TimeoutError) as error:
            raise HTTPException(422, str(error)) from None
        finally:
            self._words.pop(session_id, None)
        return record.to_json()

    def _caller(self, request: CallRequest, session_id: str) -> Caller:
        asked = request.caller
        if sum(kind is not None for kind in (asked.say, asked.wav, asked.silent_s)) != 1:
            raise HTTPException(422, "a caller is exactly one of say, wav, silent_s")
        if asked.wav is not None:
            return WavCaller(asked.wav)
        if asked.silent_s is not None:
            return SilentCaller(round(asked.silent_s * 1000))
        words = self._words.setdefault(session_id, [])
        return ScriptedCaller(asked.say or [], voice=self._voice, agent_words=lambda: words, text_mode=request.text)

    def push_words(self, session_id: str, text: str) -> None:
        words = self._words.get(session_id)
        if words is None:
            raise HTTPException(404, "no such live call")
        if len(words) < WORDS_MAX:
            words.append(AgentWords(text, time.time()))

    async def close(self) -> None:
        await self._carrier.aclose()
        await asyncio.gather(*self._running, return_exceptions=True)


def make_app(
    carrier: Carrier,
    *,
    voice: Voice | None = None,
    api_key: str,
    wallet_minor: int = 500_000,
    faults: RestFaults | None = None,
) -> FastAPI:
    """The ASGI application around one carrier; `api_key` guards the REST part.

    `app.state.rest` holds purse, faults and numbers of the REST part, all to be changed at will.
    """
    app = FastAPI(title="Simulated carrier", docs_url=None, redoc_url=None)
    desk = CallDesk(carrier, voice)
    app.state.desk = desk
    _add_control(app, carrier, desk)
    app.state.rest = RestDesk(carrier, wallet_minor, faults or RestFaults(), NumbersDesk(carrier))
    add_rest(app, app.state.rest, api_key)
    return app


def _add_control(app: FastAPI, carrier: Carrier, desk: CallDesk) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/calls")
    async def place(request: CallRequest) -> dict[str, Any]:
        return await desk.place(request)

    @app.get("/calls/{session_id}")
    async def look(session_id: str) -> dict[str, Any]:
        live = carrier.calls.get(session_id)
        if live is None:
            raise HTTPException(404, "no such call")
        return {**live.record.to_json(), "status": live.status}

    @app.post("/calls/{session_id}/words", status_code=204)
    async def words(session_id: str, request: WordsRequest) -> None:
        desk.push_words(session_id, request.text)
