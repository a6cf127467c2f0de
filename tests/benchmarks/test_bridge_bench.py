"""``make bench-bridge``: its frames, its ends against each other, its verdicts and its page."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bridge import report, wire
from benchmarks.bridge.caller import Caller
from benchmarks.bridge.gauge import FRAME_BYTES, Gauge, mark, percentile_ms
from benchmarks.bridge.model import ModelConnection
from benchmarks.bridge.result import Result, Row
from benchmarks.bridge.sound import UTTERANCE_MS, caller_bodies, utterance
from benchmarks.bridge.subjects import BY_NAME
from benchmarks.peers_check import CALL, HEARD, problems
from services.bridge.legs.live_codec import decode, encode_audio
from services.bridge.session.inputs import ModelAudio, TurnCompleted, UsageReported

ROOT = Path(__file__).parents[2]


@given(st.lists(st.binary(max_size=70_000), max_size=4), st.integers(1, 50_000), st.booleans())
def test_frames_are_the_same_however_the_bytes_are_cut(payloads: list[bytes], cut: int, masked: bool) -> None:
    make = wire.from_client if masked else wire.from_server
    stream = b"".join(make(wire.BINARY, payload) for payload in payloads)
    frames = wire.Frames()
    found = [frame for at in range(0, len(stream), cut) for frame in frames.feed(stream[at : at + cut])]
    assert found == [(wire.BINARY, payload) for payload in payloads]


def test_what_is_no_websocket_frame_is_refused() -> None:
    with pytest.raises(wire.Broken):
        wire.Frames().feed(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("part_ms", [20, 40, 100, 320, 400])
def test_an_utterance_is_whole_in_parts_of_any_size(part_ms: int) -> None:
    said = utterance(part_ms)
    inputs = [each for _, body in wire.Frames().feed(b"".join(said.steps)) for each in decode(body)]
    audio = b"".join(each.pcm for each in inputs if isinstance(each, ModelAudio))
    assert len(audio) == UTTERANCE_MS * 48
    assert any(audio[:200])
    assert isinstance(inputs[-1], TurnCompleted)
    assert any(isinstance(each, UsageReported) for each in inputs)
    first = [each for _, body in wire.Frames().feed(said.steps[0]) for each in decode(body)]
    assert sum(len(each.pcm) for each in first if isinstance(each, ModelAudio)) >= 240 * 48


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data


def hearing(caller: Caller, gauge: Gauge) -> ModelConnection:
    model = ModelConnection({caller.index: caller}, utterance(40), gauge)
    model.connection_made(Transport())
    model.data_received(b"GET /ws HTTP/1.1\r\nSec-WebSocket-Key: eA==\r\n\r\n")
    model.data_received(wire.from_client(wire.TEXT, b'{"setup": {"model": "models/x"}}'))
    assert model.is_set_up
    return model


async def test_the_model_sees_every_frame_and_misses_those_that_are_lost() -> None:
    gauge = Gauge()
    caller = Caller(7, caller_bodies(), gauge, 1.0)
    model = hearing(caller, gauge)
    frames = [mark(n, 7) + body for n, body in enumerate(caller_bodies()[:12])]
    for pcm in (frames[2] + frames[3], frames[4], frames[5] + frames[6][:100], frames[6][100:], frames[9]):
        model.data_received(wire.from_client(wire.TEXT, encode_audio(pcm)))
    assert gauge.lost_up == 2  # 7 and 8; what came before the model was set up is no loss
    assert len(gauge.up) == 5


async def test_an_utterance_that_is_not_there_in_full_is_counted_and_gives_no_latency() -> None:
    gauge = Gauge()
    caller = Caller(0, caller_bodies(), gauge, 1000.0)
    caller.is_open.set_result(None)
    caller.on_model_speaks(1.0)
    caller.data_received(wire.from_server(wire.BINARY, b"\1" * 1000 + bytes(200)))
    caller.on_model_speaks(2.0)
    assert (gauge.utterances, gauge.short_down, len(gauge.down)) == (1, 0, 1)
    caller.data_received(wire.from_server(wire.BINARY, bytes(600)))  # zeros are no audio
    assert len(gauge.down) == 1
    caller.on_model_speaks(3.0)
    caller.data_received(wire.from_server(wire.BINARY, b"\1" * FRAME_BYTES))
    assert (gauge.utterances, gauge.short_down, len(gauge.down)) == (2, 1, 1)


def test_percentiles_are_of_milliseconds() -> None:
    assert percentile_ms([n / 1000 for n in range(100)], 0.99) == pytest.approx(99)


def row(subject: str, calls: int, cpu_ms: float, **changes: float) -> Row:
    fine = Row(subject, calls, cpu_ms, 1.0, 2.0, 1.0, 2.0, 0.3, 0, 0, 100, 0, 0.5, 1.0)
    return dataclasses.replace(fine, **changes)  # type: ignore[arg-type]


def results(ours_cpu_ms: float = 2.0, **changes: float) -> dict[str, Result]:
    ours = [row("ours", 100, ours_cpu_ms, **changes), row("ours", 150, ours_cpu_ms)]
    return {
        "ours": Result(BY_NAME["ours"], ours, 400),
        "node": Result(BY_NAME["node"], [row("node", 150, 4.0)], 250),
        "pipecat": Result(BY_NAME["pipecat"], [row("pipecat", 10, 40.0), row("pipecat", 20, 30.0, short_down=3)], 15),
    }


def verdicts(of: dict[str, Result]) -> list[str]:
    return [bar.verdict for bar in report.bars(of)]


def test_all_bars_are_met_by_a_bridge_that_is_good_enough() -> None:
    assert verdicts(results()) == ["met"] * 7
    assert report.is_good(report.bars(results()))


@pytest.mark.parametrize(
    ("of", "missed"),
    [
        (results(4.1), [0, 2]),
        (results(up_p99=10.1), [4]),
        (results(down_p99=10.1), [5]),
        (results(memory_mb=1.1), [6]),
        (results(lost_up=1), [4, 5]),
        ({**results(), "ours": dataclasses.replace(results()["ours"], knee=140)}, [1, 3]),
    ],
)
def test_each_bar_can_be_missed(of: dict[str, Result], missed: list[int]) -> None:
    assert [n for n, verdict in enumerate(verdicts(of)) if verdict == "MISSED"] == missed
    assert not report.is_good(report.bars(of))


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert verdicts({}) == ["not measured"] * 7
    assert verdicts({"node": results()["node"]})[0] == "not measured"


def test_the_page_keeps_all_else() -> None:
    of = results()
    part = report.page_part(list(of.values()), report.bars(of), ["Some day, some machine."])
    page = f"# Measured\n{report.BEGIN}\nstale\n{report.END}\nmore\n"
    written = report.into_page(page, part)
    assert written.startswith("# Measured\n")
    assert written.endswith("\nmore\n")
    assert "stale" not in written
    assert "3 of 100 utterances short" in written
    assert report.into_page(written, part) == written
    with pytest.raises(ValueError, match="bench-bridge"):
        report.into_page("# Measured\n", part)


def test_the_page_of_this_repository_has_its_markers() -> None:
    report.into_page(report.PAGE.read_text(), "")


def test_the_lock_file_names_no_address() -> None:
    lock = (ROOT / "benchmarks" / "peers" / "node" / "package-lock.json").read_text()
    assert '"integrity": "sha512-' in lock
    assert "resolved" not in lock
    assert "://" not in lock


WHOLE = {"said": "what can I get you? 55000 cents.", "heard": HEARD, "audio_bytes": 140_000, "tool_calls": [CALL]}


@pytest.mark.parametrize("changes", [{"said": "what can I get you?"}, {"heard": ""}, {"tool_calls": [CALL, CALL]},
                                     {"audio_bytes": 100}, {"why": "late"}, {"said": "55000 cents."}])  # fmt: skip
def test_a_peer_must_have_held_the_whole_conversation(changes: dict[str, object]) -> None:
    assert problems(WHOLE) == []
    assert len(problems(WHOLE | changes)) == 1


@pytest.mark.alone
@pytest.mark.integration
@pytest.mark.timeout(260)
def test_the_short_run_loses_no_audio() -> None:
    """The harness against our bridge and one peer: 10 calls each, some half a minute."""
    command = [sys.executable, "-m", "benchmarks.bridge", "--quick"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "plain" in run.stdout
    assert "fastapi" in run.stdout
