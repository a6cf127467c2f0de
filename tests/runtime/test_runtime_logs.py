"""Logs: fields as JSON, without personal data and without secrets."""

from __future__ import annotations

import io
import json
import logging

import psycopg
import pytest
from captured_logs import Logged
from pydantic import SecretStr

from agiza.runtime.logs import bound, configure_logging, get_logger

NUMBER = "+254711000001"
WORDS = "two chicken burgers please"


def test_an_event_is_one_json_line_with_its_fields(logged: Logged) -> None:
    with bound(call_id="HD_1"):
        get_logger("services.orders").info("ticket_issued", order_id="o-1", total_minor=55000)
    [line] = logged.lines
    assert line["event"] == "ticket_issued"
    assert (line["call_id"], line["order_id"], line["total_minor"]) == ("HD_1", "o-1", 55000)
    assert (line["service"], line["level"], line["logger"]) == ("test", "info", "services.orders")
    assert line["timestamp"].endswith("Z")


def test_call_id_is_bound_for_the_block_only(logged: Logged) -> None:
    log = get_logger("x")
    with bound(call_id="HD_1"):
        log.info("inside")
    log.info("outside")
    assert "call_id" in logged.events("inside")[0]
    assert "call_id" not in logged.events("outside")[0]


def test_personal_fields_are_dropped_at_every_depth(logged: Logged) -> None:
    get_logger("x").info(
        "turn", pii_text=WORDS, call={"pii_caller": NUMBER, "legs": [{"pii_words": WORDS, "epoch": 1}]}, count=1
    )
    assert WORDS not in logged.text
    assert NUMBER not in logged.text
    assert logged.lines[0]["call"] == {"legs": [{"epoch": 1}]}


def test_personal_fields_are_logged_when_asked_for() -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    configure_logging("test", log_pii=True, stream=stream)
    try:
        get_logger("x").info("turn", pii_text=WORDS)
    finally:
        logging.getLogger().handlers[:] = before
    assert json.loads(stream.getvalue())["pii_text"] == WORDS


@pytest.mark.parametrize(
    "fields",
    [
        {"media_token": "s3cr3t-value"},
        {"internal_secret": SecretStr("s3cr3t-value")},
        {"anything": SecretStr("s3cr3t-value")},
        {"headers": {"Authorization": "Bearer s3cr3t-value"}},
        {"url": "postgresql://agiza:s3cr3t-value@host/db"},
        {"path": "/media?token=s3cr3t-value&x=1"},
        {"said": "header was: Bearer s3cr3t-value"},
        {"items": ["https://u:s3cr3t-value@h/"]},
    ],
)
def test_secrets_are_blanked(logged: Logged, fields: dict[str, object]) -> None:
    get_logger("x").warning("refused", **fields)
    assert "s3cr3t-value" not in logged.text
    assert "[redacted]" in logged.text


def test_token_counts_are_no_secrets(logged: Logged) -> None:
    get_logger("x").info("usage", total_tokens=7)
    assert logged.lines[0]["total_tokens"] == 7


def test_exception_shows_kind_and_place_but_no_number(logged: Logged) -> None:
    try:
        raise OSError(f"cannot dial {NUMBER}\nsecond line with more input")
    except OSError:
        get_logger("x").exception("dial_failed")
    [cause] = logged.lines[0]["exception"]
    assert cause["kind"] == "OSError"
    assert cause["text"] == "cannot dial [number]"
    assert any("test_exception_shows_kind_and_place" in frame for frame in cause["frames"])
    assert NUMBER not in logged.text


@pytest.mark.parametrize(
    "error",
    [
        KeyError("two chicken burgers for Wanjiku"),
        ValueError("invalid literal for int(): 'two chicken burgers for Wanjiku'"),
        psycopg.errors.InvalidTextRepresentation('invalid input syntax: "two chicken burgers for Wanjiku"'),
        UnicodeEncodeError("utf-8", "two chicken burgers for Wanjiku", 0, 3, "why"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_foreign_errors_that_repeat_their_input_lose_their_text(logged: Logged, error: Exception) -> None:
    get_logger("x").error("failed", exc_info=error)
    assert type(error).__name__ in logged.text
    assert "Wanjiku" not in logged.text


def test_row_contents_of_a_database_error_stay_out(logged: Logged) -> None:
    error = psycopg.errors.UniqueViolation(
        f'duplicate key value violates unique constraint "calls_pkey"\nDETAIL:  Key (pii_caller)=({NUMBER}) exists.'
    )
    get_logger("x").error("insert_failed", exc_info=error)
    assert "calls_pkey" in logged.text
    assert NUMBER not in logged.text
    assert "Key (" not in logged.text


def test_causes_of_an_exception_are_listed(logged: Logged) -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise RuntimeError("outer") from inner
    except RuntimeError:
        get_logger("x").exception("failed")
    assert [cause["kind"] for cause in logged.lines[0]["exception"]] == ["RuntimeError", "KeyError"]


def test_loggers_of_libraries_go_the_same_way(logged: Logged) -> None:
    library = logging.getLogger("some.library")
    library.warning("connect to %s failed", "redis://u:s3cr3t-value@h", extra={"pii_x": WORDS})
    [line] = logged.lines
    library.error("cannot dial %s", NUMBER)
    assert NUMBER not in logged.text
    assert line["event"] == "connect to redis://u:[redacted]@h failed"
    assert line["service"] == "test"
    assert WORDS not in logged.text


def test_a_field_cannot_grow_without_limit(logged: Logged) -> None:
    get_logger("x").info("big", answer="x" * 100_000)
    assert len(logged.text) < 5_000


def test_values_that_are_no_json_are_written_as_text(logged: Logged) -> None:
    get_logger("x").info("odd", value={1, 2}.__class__, other=object())
    assert "<class 'set'>" in logged.lines[0]["value"]
