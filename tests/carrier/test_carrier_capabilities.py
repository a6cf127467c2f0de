"""What a probe call's observations amount to, and the file in which that is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.capabilities import (
    Answers,
    Capabilities,
    CapabilitiesRefused,
    Observation,
    Posted,
    SocketClosed,
    Waited,
    conclude,
    is_ambiguous,
    read_capabilities,
    write_capabilities,
)

NOW = datetime(2026, 3, 6, 9, tzinfo=UTC)
RINGING = Posted(0.0, "voice")
STARTED = Posted(0.2, "voice")
CLOSED = SocketClosed(5.0, by_us=True)
STOPPED = Posted(5.1, "voice", speaks_of_stream=True)
STOPPED_STATUS = Posted(5.1, "status", speaks_of_stream=True)
END = Posted(6.0, "voice", is_end=True)
WAITED = Waited(13.0)
CALL = (RINGING, STARTED, CLOSED)


def ending(*seen: Observation, heard: bool | None = None) -> tuple[object, object, object]:
    learnt = conclude(seen, Answers(heard_farewell=heard), probed_at=NOW)
    return learnt.stream_end, learnt.asked_at, learnt.redirect


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ((STOPPED, Posted(5.2, "told_by_voice"), END, WAITED), ("R1", "voice", True)),
        ((STOPPED_STATUS, Posted(5.2, "told_by_status"), END, WAITED), ("R1", "status", True)),
        ((Posted(5.1, "next"), END, WAITED), ("R2", "next", True)),
        ((STOPPED_STATUS, Posted(5.2, "next"), END, WAITED), ("R2", "next", True)),
        ((WAITED, END), ("R3", None, None)),
        ((STOPPED, WAITED, END), ("R3", None, None)),
        ((STOPPED_STATUS, WAITED), ("R3", None, None)),
        ((END, WAITED), ("R4", None, None)),
        ((STOPPED, END, WAITED), ("R4", None, None)),
    ],
)
def test_each_reading_has_its_marks(after: tuple[Observation, ...], found: tuple[str, str | None, bool | None]) -> None:
    assert ending(*CALL, *after) == found


@pytest.mark.parametrize(
    ("after", "heard", "found"),
    [
        ((STOPPED, END, WAITED), True, ("R1", "voice", False)),
        ((STOPPED_STATUS, END, WAITED), True, ("R1", "status", False)),
        ((END, WAITED), True, ("R2", "next", False)),
        ((END, WAITED), False, ("R4", None, None)),
        ((STOPPED, END, WAITED), False, ("R4", None, None)),
    ],
)
def test_the_ear_tells_a_refused_redirect_from_a_hang_up(
    after: tuple[Observation, ...], heard: bool, found: tuple[str, str | None, bool | None]
) -> None:
    assert is_ambiguous([*CALL, *after])
    assert ending(*CALL, *after, heard=heard) == found


def test_what_is_clear_is_not_asked() -> None:
    assert not is_ambiguous([*CALL, STOPPED, Posted(5.2, "told_by_voice"), END, WAITED])
    assert not is_ambiguous([*CALL, WAITED, END])
    assert not is_ambiguous([RINGING])


@pytest.mark.parametrize(
    "seen",
    [
        (),
        (RINGING, WAITED),
        (RINGING, END, WAITED),
        (RINGING, STARTED, SocketClosed(1.0, by_us=False), END, WAITED),
        (RINGING, STARTED, END, CLOSED, WAITED),
    ],
)
def test_a_call_that_ended_too_early_shows_nothing(seen: tuple[Observation, ...]) -> None:
    assert ending(*seen, heard=True) == (None, None, None)


@pytest.mark.parametrize(
    ("verdicts", "found"),
    [([], None), (["good", "good"], "good"), (["good", "missing"], "mixed"), (["unjudged"], "unjudged")],
)
def test_signing_is_that_of_all_requests(verdicts: list[str], found: str | None) -> None:
    seen = [Posted(0.0, "voice", signature=verdict) for verdict in verdicts]  # type: ignore[arg-type]
    assert conclude(seen, Answers(), probed_at=NOW).signature == found


_POSTS = st.builds(
    Posted,
    at_s=st.floats(0, 20),
    place=st.sampled_from(["voice", "status", "next", "told_by_voice", "told_by_status", "told_by_next"]),
    is_end=st.booleans(),
    speaks_of_stream=st.booleans(),
)
_SEEN = st.lists(_POSTS | st.builds(SocketClosed, at_s=st.just(1.0), by_us=st.booleans()) | st.just(WAITED))


@given(_SEEN, st.sampled_from([None, True, False]))
def test_any_sequence_gives_a_reading_that_agrees_with_itself(seen: list[Observation], heard: bool | None) -> None:
    end, asked_at, redirect = ending(*seen, heard=heard)
    assert (asked_at is None) == (redirect is None) == (end not in ("R1", "R2"))
    if end is not None:
        assert any(isinstance(each, SocketClosed) and each.by_us for each in seen)


FULL = Capabilities(
    probed_at=NOW,
    direction="inbound",
    stream_end="R1",
    asked_at="voice",
    redirect=True,
    signature="good",
    kill_audio=True,
    marks=False,
    hang_up=None,
)


@pytest.mark.parametrize("learnt", [FULL, Capabilities(NOW, "outbound")])
def test_the_file_reads_back(tmp_path: Path, learnt: Capabilities) -> None:
    path = tmp_path / "carrier-capabilities.yaml"
    for _ in range(2):
        write_capabilities(path, learnt)
    assert read_capabilities(path) == learnt
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "nothing is left beside it"


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("stream_end: R1", "stream_end: R9"),
        ("version: 1", "version: 2"),
        ("marks: false", "marks: maybe"),
        ("marks: false\n", ""),
        ("probed_at: '2026-03-06T09:00:00+00:00'", "probed_at: yesterday"),
        ("direction: inbound", "direction: [inbound]"),
        ("version: 1", "version: [1"),
    ],
)
def test_a_file_that_was_changed_by_hand_is_refused(tmp_path: Path, line: str, instead: str) -> None:
    path = tmp_path / "carrier-capabilities.yaml"
    write_capabilities(path, FULL)
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, instead))
    with pytest.raises(CapabilitiesRefused, match="carrier-capabilities"):
        read_capabilities(path)


def test_a_file_that_is_not_there_is_no_refusal(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_capabilities(tmp_path / "none.yaml")
