"""Clock, traces, metrics, settings: the parts without a server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.runtime.clock import Clock, StoppedClock
from agiza.runtime.metric_names import COUNTERS, GAUGES, HISTOGRAMS, CounterName, GaugeName, HistogramName
from agiza.runtime.metrics import Metrics
from agiza.runtime.settings import DatabaseUrl, Port, RedisUrl, Secret, ServiceSettings, SettingsError, read_settings
from agiza.runtime.traces import Trace

MOMENT = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


# --- clock


def test_clock_shows_real_time_in_utc() -> None:
    before = datetime.now(UTC)
    shown = Clock().now()
    assert before <= shown <= datetime.now(UTC)
    assert shown.tzinfo is UTC


def test_clock_runs_on_from_the_given_moment() -> None:
    clock = Clock.starting_at(MOMENT)
    first = clock.now()
    assert timedelta(0) <= first - MOMENT < timedelta(minutes=1)
    assert clock.now() >= first
    assert abs(Clock.starting_at(None).now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_stopped_clock_moves_only_when_told() -> None:
    clock = StoppedClock(datetime(2026, 3, 6, 12, 0, tzinfo=timezone(timedelta(hours=3))))
    assert clock.now() == clock.now() == MOMENT
    clock.advance(1.5)
    assert (clock.now() - MOMENT, clock.monotonic()) == (timedelta(seconds=1.5), 1.5)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="time zone"):
        StoppedClock(datetime(2026, 3, 6))  # noqa: DTZ001


# --- traces


def counting() -> Callable[[int], str]:
    numbers = iter(range(1_000_000))
    return lambda length: f"{next(numbers):0{2 * length}x}"


def test_trace_never_uses_the_id_of_zeros() -> None:
    trace = Trace.new(counting())  # its first number is 0
    assert str(trace) == f"00-{1:032x}-{2:016x}-01"


def test_child_stays_in_the_trace_with_its_own_span() -> None:
    trace = Trace.new()
    child = trace.child()
    assert child.trace_id == trace.trace_id
    assert child.span_id != trace.span_id
    assert Trace.parse(str(child)) == child


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        (" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00 ", True),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", True),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra", False),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", False),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("00-0af7-b7ad6b7169203331-01", False),
        ("", False),
        (None, False),
    ],
)
def test_only_valid_headers_are_followed(header: str | None, valid: bool) -> None:
    assert (Trace.parse(header) is not None) is valid
    if valid:
        assert Trace.continued(header).trace_id == "0af7651916cd43dd8448eb211c80319c"
    else:
        assert Trace.continued(header).trace_id != "0af7651916cd43dd8448eb211c80319c"


def test_sampling_choice_of_the_first_sender_is_kept() -> None:
    quiet = Trace.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
    assert quiet is not None
    assert str(quiet.child()).endswith("-00")


@given(st.text(max_size=80))
def test_no_header_makes_the_parser_fail(header: str) -> None:
    trace = Trace.parse(header)
    assert trace is None or Trace.parse(str(trace)) == trace


# --- metrics


def test_names_as_types_and_tables_are_the_same() -> None:
    assert set(get_args(CounterName)) == set(COUNTERS)
    assert set(get_args(GaugeName)) == set(GAUGES)
    assert set(get_args(HistogramName)) == set(HISTOGRAMS)


def test_names_carry_their_unit() -> None:
    assert all(name.endswith("_total") for name in COUNTERS)
    assert not [name for name in (*GAUGES, *HISTOGRAMS) if name.endswith("_total")]
    assert all(name.endswith(("_seconds", "_tokens")) for name in HISTOGRAMS)
    assert all(list(spec.buckets) == sorted(set(spec.buckets)) for spec in HISTOGRAMS.values())


def test_no_label_can_hold_a_call_or_a_person() -> None:
    labels = {label for spec in (*COUNTERS.values(), *GAUGES.values(), *HISTOGRAMS.values()) for label in spec.labels}
    assert not labels & {"call", "call_id", "caller", "number", "phone", "order_id", "session"}


def test_every_metric_can_be_used_and_is_rendered(metrics: Metrics) -> None:
    for name, spec in COUNTERS.items():
        metrics.add(name, **dict.fromkeys(spec.labels, "x"))
    for name, spec in GAUGES.items():
        metrics.set(name, 2, **dict.fromkeys(spec.labels, "x"))
    for name, spec in HISTOGRAMS.items():
        metrics.observe(name, 0.01, **dict.fromkeys(spec.labels, "x"))
    text = metrics.render().decode()
    for name in (*COUNTERS, *GAUGES, *HISTOGRAMS):
        assert f"\n{name}" in text, name
    assert 'voice_calls_total{outcome="x"} 1.0' in text
    assert metrics.value("voice_calls_total", outcome="x") == 1
    assert metrics.value("voice_call_active") == 2
    assert metrics.observations("tool_apply_seconds", tool="x") == 1


def test_forgotten_or_foreign_labels_are_refused(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="label"):
        metrics.add("voice_calls_total")
    with pytest.raises(ValueError, match="label"):
        metrics.add("voice_calls_total", outcome="placed", call_id="HD_1")
    with pytest.raises(ValueError, match="label"):
        metrics.set("voice_call_active", 1, branch="x")


def test_timed_block_is_observed_when_it_fails(metrics: Metrics) -> None:
    with pytest.raises(ZeroDivisionError), metrics.timed("tool_apply_seconds", tool="addItem"):
        _ = 1 / 0
    assert metrics.observations("tool_apply_seconds", tool="addItem") == 1


# --- settings


class ExampleSettings(ServiceSettings):
    database_url: DatabaseUrl
    redis_url: RedisUrl
    internal_token: Secret
    http_port: Port = 8080


GOOD = {
    "DATABASE_URL": "postgresql://agiza_orders:hidden-word@127.0.0.1/agiza",
    "REDIS_URL": "redis://orders:hidden-word@127.0.0.1/0",
    "INTERNAL_TOKEN": "hidden-word-" * 4,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*GOOD, "HTTP_PORT", "AGIZA_NOW", "AGIZA_LOG_LEVEL", "AGIZA_LOG_PII"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    for name, value in {**GOOD, "HTTP_PORT": "0", "AGIZA_NOW": "2026-03-06T12:00:00+03:00", "UNKNOWN": "x"}.items():
        environment.setenv(name, value)
    settings = read_settings(ExampleSettings)
    assert settings.database_url.get_secret_value() == GOOD["DATABASE_URL"]
    assert settings.http_port == 0
    assert settings.agiza_now == MOMENT
    assert "hidden-word" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.http_port = 1


def test_all_missing_variables_are_named_at_once(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as failure:
        read_settings(ExampleSettings)
    assert failure.value.problems == (
        "DATABASE_URL is not set",
        "REDIS_URL is not set",
        "INTERNAL_TOKEN is not set",
    )


def test_empty_variable_counts_as_missing(environment: pytest.MonkeyPatch) -> None:
    for name, value in {**GOOD, "REDIS_URL": ""}.items():
        environment.setenv(name, value)
    with pytest.raises(SettingsError, match="REDIS_URL is not set"):
        read_settings(ExampleSettings)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("INTERNAL_TOKEN", "hidden-word", "INTERNAL_TOKEN: must have at least 32 characters"),
        ("DATABASE_URL", "mysql://u:hidden-word@h/d", "DATABASE_URL: must begin with postgresql://"),
        ("REDIS_URL", "http://u:hidden-word@h", "REDIS_URL: must begin with redis://"),
        ("HTTP_PORT", "70000", "HTTP_PORT: "),
        ("AGIZA_NOW", "2026-03-06T12:00:00", "AGIZA_NOW: "),
        ("AGIZA_LOG_LEVEL", "loud", "AGIZA_LOG_LEVEL: "),
    ],
)
def test_wrong_variable_is_named_without_its_value(
    environment: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    for key, good in GOOD.items():
        environment.setenv(key, good)
    environment.setenv(name, value)
    with pytest.raises(SettingsError) as failure:
        read_settings(ExampleSettings)
    assert len(failure.value.problems) == 1
    assert failure.value.problems[0].startswith(problem)
    assert "hidden-word" not in str(failure.value)


def test_given_values_go_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    for key, good in GOOD.items():
        environment.setenv(key, good)
    assert read_settings(ExampleSettings, http_port=9).http_port == 9
