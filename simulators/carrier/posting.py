"""Every HTTP request that the carrier makes for one call: built, signed, sent, timed, its answer parsed and noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import httpx

from .callbacks import USER_AGENT, BodyKind, CallFacts, CallState, callback_fields, encode_body, signature_headers
from .documents import parse_answer
from .fields import DocumentRefused
from .record import ANSWER_CHARS_KEPT, CallRecord, Post
from .settings import CarrierSettings
from .verbs import Document, Stream, verb_name

PostKind: TypeAlias = Literal["voice", "redirect", "status", "events", "digits", "dial"]


class AnswerFailed(Exception):
    """No usable answer: not 200, too late, unreachable, or a document that was refused."""


class Poster:
    """The callbacks of one call. Every request is noted in the record, whatever becomes of it."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: CarrierSettings,
        facts: CallFacts,
        record: CallRecord,
        now_ms: Callable[[], int],
    ) -> None:
        self._http = http
        self._settings = settings
        self._facts = facts
        self._record = record
        self._now_ms = now_ms
        self.voice_url = settings.voice_url

    async def ask(
        self,
        url: str,
        kind: PostKind,
        state: CallState,
        extra: Mapping[str, str] | None = None,
        method: Literal["GET", "POST"] = "POST",
    ) -> Document:
        """The verbs that `url` answers. `AnswerFailed` when there are none to be had; an empty answer is ()."""
        fields = callback_fields(self._facts, state, extra)
        if kind != "status":
            self._record.states.append(state)
        answer = await self._send(url, kind, state, fields, method)
        if state in self._settings.repeated_states:
            # The second delivery must change nothing: a correct application answers it like the first.
            await self._send(url, kind, state, fields, method)
        return answer

    async def tell(
        self, url: str, kind: PostKind, state: CallState, extra: Mapping[str, str] | None = None
    ) -> Document:
        """Like `ask`, for requests whose answer does not matter: a failure is only noted."""
        try:
            return await self.ask(url, kind, state, extra)
        except AnswerFailed:
            return ()

    async def edge(self, state: CallState, extra: Mapping[str, str]) -> Document:
        """Ask about a stream edge where edges go: a separate events URL diverts them from the voice URL."""
        if self._settings.events_url is not None:
            return await self.ask(self._settings.events_url, "events", state, extra)
        return await self.ask(self.voice_url, "voice", state, extra)

    async def deliver(self, url: str, state: str, payload: Mapping[str, object], kind: BodyKind) -> bool:
        """One attempt to deliver an event; whether it was accepted, which any 2xx means."""
        body, content_type = encode_body(payload, kind)
        post, _ = await self._request(url, "events", state, body, content_type, "POST")
        return post.status is not None and 200 <= post.status < 300

    def fields(self, state: CallState, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return callback_fields(self._facts, state, extra)

    async def _send(
        self, url: str, kind: PostKind, state: str, fields: Mapping[str, str], method: Literal["GET", "POST"]
    ) -> Document:
        if method == "GET":
            return await self._exchange(str(httpx.URL(url).copy_merge_params(fields)), kind, state, b"", "", method)
        body, content_type = encode_body(fields, self._settings.body)
        return await self._exchange(url, kind, state, body, content_type, method)

    async def _exchange(
        self, url: str, kind: PostKind, state: str, body: bytes, content_type: str, method: str
    ) -> Document:
        post, response = await self._request(url, kind, state, body, content_type, method)
        if response is not None and response.status_code != 200:
            post.error = f"status {response.status_code}"
        if response is None or post.error is not None:
            raise AnswerFailed(post.error)
        return self._read(post, response)

    async def _request(
        self, url: str, kind: PostKind, state: str, body: bytes, content_type: str, method: str
    ) -> tuple[Post, httpx.Response | None]:
        post = Post(url=url, kind=kind, state=state, at_ms=self._now_ms())
        self._record.posts.append(post)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
        if content_type:
            headers["Content-Type"] = content_type
        headers |= signature_headers(self._settings.signature, self._settings.signing_secret, body, int(time.time()))
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._settings.answer_limit_s):
                response = await self._http.request(method, url, content=body, headers=headers, timeout=None)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            post.error = f"{type(error).__name__}: {error}"
            return post, None
        finally:
            post.latency_ms = round((time.perf_counter() - began) * 1000, 2)
        post.status = response.status_code
        post.answer = response.text[:ANSWER_CHARS_KEPT]
        return post, response

    def _read(self, post: Post, response: httpx.Response) -> Document:
        if not response.content.strip():
            return ()
        if post.kind in ("status", "events") and not response.headers.get("content-type", "").startswith(
            ("application/xml", "text/xml")
        ):
            return ()  # these URLs may answer anything; only a document would be looked at
        try:
            document = parse_answer(response.headers.get("content-type", ""), response.content)
        except DocumentRefused as error:
            post.error = str(error)
            self._violation(f"{post.state}: {error}")
            raise AnswerFailed(post.error) from None
        post.verbs = tuple(verb_name(verb) for verb in document)
        if document and post.state == "Completed":
            self._violation(f"a document with {', '.join(post.verbs)} was answered to Completed")
        if post.state == "StreamStarted" and any(isinstance(verb, Stream) for verb in document):
            self._violation("a Stream was answered to StreamStarted: the call would fork twice")
        return document

    def _violation(self, what: str) -> None:
        self._record.violations.append(what)
