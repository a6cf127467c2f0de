"""Refusals of the orders API as RFC 9457 problems: ``application/problem+json`` with a stable code and what to do.

Raised anywhere below a route as :class:`Problem`. What FastAPI and Starlette refuse by themselves (a field that does
not fit, an unknown path, a wrong method, a body that is too large) is put into the same shape.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Literal

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from agiza.runtime.http import BodyLimit
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE

PREFIX: Final = "/v1"
MEDIA_TYPE: Final = "application/problem+json"
BODY_BYTES_MAX: Final = 16 * 1024
ERRORS_MAX: Final = 20

Code = Literal[
    "not-authenticated",
    "right-missing",
    "not-found",
    "method-not-allowed",
    "move-not-allowed",
    "nothing-to-own",
    "stock-refused",
    "sequence-ahead",
    "sequence-behind",
    "range-empty",
    "too-many-cursors",
    "webhook-refused",
    "events-forgotten",
    "body-too-large",
    "invalid-request",
    "idempotency-key-reused",
    "too-many-requests",
    "internal-error",
    "unavailable",
    "no-place",
]

_MEANINGS: Final[Mapping[Code, tuple[int, str, str]]] = {
    "not-authenticated": (
        401,
        "No valid key",
        "send 'Authorization: Bearer KEY' with a key of agiza keys create that has neither expired nor been revoked",
    ),
    "right-missing": (403, "The key lacks a right", "ask for a key with the right that is named"),
    "not-found": (404, "Not there, or not for this key", "look at the id, and at the branches of the key"),
    "method-not-allowed": (405, "Not a method of this address", "use one of those in the header Allow"),
    "move-not-allowed": (409, "Not a move of this state", "read the order, and say one of the words in 'allowed'"),
    "nothing-to-own": (409, "The order needs no owner", "read the order: the kitchen has it, or it is over"),
    "stock-refused": (409, "The stock cannot be set so", "send what the detail asks for"),
    "sequence-ahead": (
        409,
        "The feed has not come so far",
        "use a sequence up to 'newest'; one above it is of another branch, or of a database that was set back",
    ),
    "sequence-behind": (
        409,
        "More is acknowledged already",
        "go on from 'acknowledged'; to read again, set the cursor back with PUT",
    ),
    "range-empty": (409, "The range has nothing in it", "send a 'to' that is not below 'from'"),
    "too-many-cursors": (409, "The branch has too many cursors", "delete those that nobody reads by any more"),
    "webhook-refused": (409, "The webhook cannot be set so", "send what the detail asks for"),
    "events-forgotten": (
        410,
        "What follows is older than what is kept",
        "go on from 'oldest' - 1, and read the orders once for what was missed",
    ),
    "body-too-large": (413, "The body is too large", f"send at most {BODY_BYTES_MAX} bytes"),
    "invalid-request": (422, "The request does not fit", "mend what stands in 'errors'; docs: /v1/openapi.json"),
    "idempotency-key-reused": (422, "The Idempotency-Key stands for another request", "use a new one for each request"),
    "too-many-requests": (429, "Too many requests", "wait for the seconds in the header Retry-After"),
    "internal-error": (500, "An error of ours", "try again with the same Idempotency-Key; tell us if it stays"),
    "unavailable": (503, "The database does not answer", "send the same request again, with the same Idempotency-Key"),
    "no-place": (503, "No place for one more", "wait for the seconds in the header Retry-After, or pull"),
}
STATUSES: Final[Mapping[int, tuple[Code, ...]]] = {
    status: tuple(code for code, meaning in _MEANINGS.items() if meaning[0] == status)
    for status in sorted({meaning[0] for meaning in _MEANINGS.values()})
}
_BY_STATUS: Final[Mapping[int, Code]] = {
    400: "invalid-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    422: "invalid-request",
}

_log = get_logger(__name__)


def _may_grow(schema: dict[str, Any]) -> None:
    """Codes come on top without a new version: a list that is no limit (docs/contracts.md)."""
    schema["x-extensible-enum"] = schema.pop("enum")


class ProblemError(BaseModel):
    """One field that does not fit: where it stands, and what is wrong. The value is not repeated."""

    where: str
    problem: str


class ProblemBody(BaseModel):
    """An RFC 9457 problem. ``code`` and ``type`` are stable, ``remedy`` says what to do."""

    type: str = Field(examples=["urn:agiza:problem:not-found"])
    title: str
    status: int = Field(ge=400, le=599)
    code: Code = Field(json_schema_extra=_may_grow)
    detail: str
    remedy: str
    errors: list[ProblemError] | None = None
    state: str | None = Field(default=None, description="Of a move that is not allowed: where the order is")
    reason: str | None = Field(default=None, description="Of a stock or a webhook that cannot be set so: a stable word")
    oldest: int | None = Field(default=None, description="Of a branch's feed: the oldest sequence that is still there")
    newest: int | None = Field(default=None, description="Of a branch's feed: the newest sequence; 0 for none")
    acknowledged: int | None = Field(default=None, description="Of a cursor: where it stands")
    allowed: list[str] | None = Field(default=None, description="The words that would be right, or may be meant")


class Problem(Exception):
    """A refusal. ``more`` are further members of the body, ``headers`` go with the answer."""

    retryable = False

    def __init__(self, code: Code, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.code: Code = code
        self.status = _MEANINGS[code][0]
        self.headers = dict(headers or {})
        self._more = more

    def body(self) -> dict[str, Any]:
        """The members of the answer."""
        status, title, remedy = _MEANINGS[self.code]
        return {
            "type": f"urn:agiza:problem:{self.code}",
            "title": title,
            "status": status,
            "code": self.code,
            "detail": str(self),
            "remedy": remedy,
            **self._more,
        }

    def response(self) -> Response:
        """The answer."""
        return JSONResponse(self.body(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


class PublicRoute(APIRoute):
    """A route whose refusals, expected or not, are problems."""

    def on_invalid(self, request: Request, error: RequestValidationError) -> None:
        """Told of a request that does not fit, before it is refused. Whoever sent it has a key with the right."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with every exception turned into an answer."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                return problem.response()
            except RequestValidationError as error:
                self.on_invalid(request, error)
                return _invalid(error).response()
            except StarletteHTTPException as error:
                return _of_http(error).response()
            except UNAVAILABLE:
                return Problem("unavailable", "nothing was changed").response()
            except Exception as error:
                _log.error("api_request_failed", route=self.path, exc_info=error)
                request.app.state.orders_api.metrics.add("unexpected_error_total", where="http")
                return Problem("internal-error", "the request could not be carried out").response()

        return answer


def handle_problems(app: FastAPI) -> None:
    """Put what is refused outside of any route, under the API's prefix, into the same shape."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        if not _is_public(request.scope):
            return await http_exception_handler(request, error)
        return _of_http(error).response()

    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_middleware(PublicBodyLimit)


class PublicBodyLimit:
    """Middleware: a problem for a body that is too large for this API. Other paths keep the service's own limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limited = BodyLimit(app, BODY_BYTES_MAX, refuse=_too_large)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        is_limited = scope["type"] == "http" and _is_public(scope)
        await (self._limited if is_limited else self._app)(scope, receive, send)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem("body-too-large", "the body is larger than this API takes", headers={"connection": "close"})
    await problem.response()(scope, receive, send)


def _is_public(scope: Scope) -> bool:
    path = str(scope["path"])
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _of_http(error: StarletteHTTPException) -> Problem:
    code = _BY_STATUS.get(error.status_code, "internal-error")
    return Problem(code, str(error.detail), headers=error.headers)


def _invalid(error: RequestValidationError) -> Problem:
    found = error.errors()[:ERRORS_MAX]
    errors = [{"where": ".".join(str(part) for part in item["loc"]), "problem": _words(item)} for item in found]
    more: dict[str, Any] = {"errors": errors}
    for item in found:  # a word of a POS that is not ours: say which are
        if item["type"] == "union_tag_invalid":
            more["allowed"] = [word.strip(" '") for word in str(item["ctx"]["expected_tags"]).split(",")]
    where = errors[0]["where"] if errors else "request"
    return Problem("invalid-request", f"{where}: {errors[0]['problem'] if errors else 'not valid'}", **more)


def _words(item: Mapping[str, Any]) -> str:
    """What is wrong, without the value that was sent: it may be personal."""
    match item["type"]:
        case "union_tag_invalid":
            return f"must be one of {item['ctx']['expected_tags']}"
        case "json_invalid":
            return "is not JSON"
        case "value_error":
            return "is not allowed"
        case _:
            return str(item["msg"])
