"""Logs are events with fields, as JSON lines on standard error.

    log = get_logger(__name__)
    with bound(call_id=call_id):
        log.info("ticket_issued", order_id=..., branch_id=...)

What a caller said, their name, number and address go only into fields named ``pii_...``; those are dropped unless
AGIZA_LOG_PII is on. Secrets are blanked by field name, by type, and inside texts. Texts of exceptions often repeat
input, so only the parts that cannot are kept: the kind, a scrubbed first line, and the places in the code.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final, TextIO, cast

import msgspec
import structlog
from pydantic import SecretStr

FIELD_CHARS_MAX: Final = 2000
FRAMES_MAX: Final = 30
BLANK: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(r"token|secret|password|passwd|authorization|api_?key|signature|cookie", re.IGNORECASE)
_HARMLESS_NAMES: Final = frozenset({"tokens", "prompt_tokens", "response_tokens", "total_tokens", "token_expires_at"})
_SECRET_TEXT: Final = (
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@"), rf"\1{BLANK}@"),  # a password inside a URL
    (re.compile(r"((?:token|key|signature|secret|password)=)[^\s&\"']+", re.IGNORECASE), rf"\1{BLANK}"),
    (re.compile(r"(bearer\s+)[\w.~+/=-]+", re.IGNORECASE), rf"\1{BLANK}"),
)
_PHONE: Final = re.compile(r"(?<![\w.:-])\+?\d(?:[ -]?\d){8,14}(?![\w.:])")
_OUR_PACKAGES: Final = frozenset({"agiza", "services"})
_MACHINERY: Final = frozenset(
    {
        "redis.ConnectionError",
        "redis.TimeoutError",
        "redis.ResponseError",
        "psycopg.OperationalError",
        "psycopg.IntegrityError",  # names the constraint; what it repeats of a row stands in DETAIL
        "psycopg_pool.PoolTimeout",
    }
)
"""Packages and classes by name, so that a service without a database need not import its driver for this."""
_DATABASE_DETAIL: Final = re.compile(r"\n(?:DETAIL|CONTEXT|HINT|LINE \d+).*", re.DOTALL)
_CHATTY: Final = (
    "httpx", "httpcore", "websockets", "uvicorn", "uvicorn.error", "uvicorn.access", "google_genai", "asyncio", "arq",
)  # fmt: skip
"""Libraries that write sentences about each request; only their warnings are of use."""

Event = MutableMapping[str, Any]


def configure_logging(
    service: str, *, level: str = "info", log_pii: bool = False, stream: TextIO | None = None
) -> None:
    """Set up logging for this process; everything of the standard library's loggers goes the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service(service),
        _shape_exception,
    ]
    guard: list[structlog.typing.Processor] = [_redact_secrets]
    if not log_pii:
        guard.insert(0, _drop_pii)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _scrub_foreign_text],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *guard,
                structlog.processors.JSONRenderer(serializer=_to_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for one module."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


@contextlib.contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Every line of this task, and of tasks that it starts, carries these fields: ``bound(call_id=...)``."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def _add_service(service: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: Event) -> Event:
        event["service"] = service
        return event

    return add


def _drop_pii(_logger: object, _method: str, event: Event) -> Event:
    return _without_pii(event)


def _without_pii(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _pii_inside(value) for name, value in fields.items() if not str(name).startswith("pii_")}


def _pii_inside(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _without_pii(value)
    if isinstance(value, (list, tuple)):
        return [_pii_inside(item) for item in value]
    return value


def _redact_secrets(_logger: object, _method: str, event: Event) -> Event:
    return {name: _without_secret(str(name), value) for name, value in event.items()}


def _without_secret(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr) or (
        _SECRET_NAME.search(name) and name not in _HARMLESS_NAMES and value is not None
    ):
        return BLANK
    if isinstance(value, str):
        return scrub_secrets(value[:FIELD_CHARS_MAX])
    if isinstance(value, Mapping):
        return {str(key): _without_secret(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secret(name, item) for item in value]
    return value


def scrub_secrets(text: str) -> str:
    """Blank passwords, tokens and keys that stand inside a text, such as a URL."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def scrub_error(error: BaseException) -> str:
    """What may be kept of an exception's text: nothing of a foreign one that may repeat its input.

    Our own exceptions promise not to; those of the operating system, Redis and a lost database speak of machinery.
    """
    if not _speaks_of_machinery(error):
        return ""
    text = _DATABASE_DETAIL.sub("", str(error)).split("\n", 1)[0]
    return scrub_secrets(_PHONE.sub("[number]", text))[:FIELD_CHARS_MAX]


def _speaks_of_machinery(error: BaseException) -> bool:
    kind = type(error)
    if kind.__module__.split(".", 1)[0] in _OUR_PACKAGES or isinstance(error, OSError):
        return True
    names = {f"{base.__module__.split('.', 1)[0]}.{base.__qualname__}" for base in kind.__mro__}
    return not names.isdisjoint(_MACHINERY)


def _shape_exception(_logger: object, _method: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if not isinstance(error, BaseException):
        return event
    chain = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)[-FRAMES_MAX:]
        chain.append(
            {
                "kind": f"{type(current).__module__}.{type(current).__qualname__}".removeprefix("builtins."),
                "text": scrub_error(current),
                "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
            }
        )
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    event["exception"] = chain
    return event


def _scrub_foreign_text(_logger: object, _method: str, event: Event) -> Event:
    """Libraries write sentences, with whatever they were given in them."""
    event["event"] = _PHONE.sub("[number]", str(event["event"]))[:FIELD_CHARS_MAX]
    return event


def _to_json(event: Any, **_options: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
