"""The certification kit judges rightly: the good sample POS passes all of it, each bad habit fails where it must."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from agiza.cli.errors import CliError
from agiza.cli.pos.certify import CHECKS, CertifyOptions, certify, run_checks
from agiza.cli.pos.report import Finding, Report
from agiza.runtime.clock import StoppedClock
from benchmarks.pos_habits import FAILS, FORMER, MAY_FAIL, NOON, PATIENCE, SECRET, certified, free_port, running_pos
from simulators.pos.settings import PosSettings
from simulators.pos.sloppy import HABITS, sloppy_parts

TOGETHER = (
    ("slow", "one-secret", "gap-blind"),
    ("redirects", "no-dedupe"),
    ("closes-connections", "ignores-timestamp", "fresh-keys"),
    ("refuses-large", "reserialised", "unknown-500", "ignores-cancel"),
    ("busy", "no-signature-check", "big-response", "older-over-newer"),
    ("answers-before-storing", "first-signature-only"),
)
"""Habits that do not touch each other: a third of the runs shows the same. `make eval-pos` runs each on its own."""


async def test_each_habit_fails_exactly_where_it_is_bad(tmp_path: Path) -> None:
    assert sorted(FAILS) == sorted(HABITS) == sorted(kind for kinds in TOGETHER for kind in kinds)
    for half in (TOGETHER[:3], TOGETHER[3:]):
        reports = await asyncio.gather(*(certified(tmp_path / kinds[0], *kinds) for kinds in half))
        for kinds, report in zip(half, reports, strict=True):
            seen = {finding.check: finding.seen for finding in report.findings if finding.outcome == "fail"}
            required = set().union(*(FAILS[kind] for kind in kinds))
            allowed = required.union(*(MAY_FAIL.get(kind, frozenset()) for kind in kinds))
            assert required <= set(seen) <= allowed, (kinds, seen)
            closes = {"closes-connections", "big-response"} & set(kinds)
            assert (report.outcome("keep-alive") == "warn") == bool(closes), kinds


async def test_the_good_pos_passes_every_check(tmp_path: Path) -> None:
    report = await certified(tmp_path)
    assert {finding.check: finding.outcome for finding in report.findings} == {check.id: "pass" for check in CHECKS}
    slips = (tmp_path / "slips.txt").read_text()
    tickets = [line for line in slips.splitlines() if line.startswith("order ")]
    stopped = slips.count("=== STOP")
    assert len(set(tickets)) == slips.count("=== ticket"), "each order is printed once"
    assert len(tickets) == slips.count("=== ticket") + stopped


async def test_what_cannot_be_seen_is_said_and_not_failed(tmp_path: Path) -> None:
    settings = PosSettings(secrets=(SECRET,), ledger=tmp_path / "ledger.sqlite", printer=tmp_path / "slips.txt")
    clock = StoppedClock(NOON)
    async with running_pos(settings, clock) as pos:
        assert pos.opened is not None
        options = CertifyOptions(url=pos.opened.webhooks_url, secret=SECRET, patience=PATIENCE)
        report = await run_checks(options, clock=clock)
    unseen = {finding.check for finding in report.findings if finding.outcome == "not observable"}
    effects = {"duplicates", "disorder", "words.accepted", "words.idempotent", "words.cancel", "gap"}
    assert unseen == effects | {"rotation.new-only", "crash", "digest"}
    assert report.passed, "what is not known is not held against it, but it is named"


async def test_a_silent_pos_fails_for_its_silence_alone(tmp_path: Path) -> None:
    short = replace(PATIENCE, words_s=0.3)
    report = await certified(tmp_path, api_key="another key than the till has", patience=short)
    assert report.failed == ["words.accepted", "digest"]
    assert "without the right key" in finding_of(report, "words.accepted").seen


async def test_the_report_says_what_to_mend_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = StoppedClock(NOON)
    settings = PosSettings(secrets=(SECRET,), ledger=tmp_path / "ledger.sqlite", printer=tmp_path / "slips.txt")
    async with running_pos(settings, clock, sloppy_parts({"refuses-large"})) as pos:
        assert pos.opened is not None
        file = tmp_path / "report.json"
        options = CertifyOptions(url=pos.opened.webhooks_url, secret=SECRET, patience=PATIENCE, report=file)
        assert await certify(options, Console(width=120), clock) == 1
    shown = capsys.readouterr().out
    assert "large: a large ticket is taken" in shown
    assert "seen  agiza.order.placed, as large as a ticket may be: answered 413" in shown
    assert "docs/certification.md#large" in shown
    kept = json.loads(file.read_text())
    assert not kept["passed"]
    assert [check["check"] for check in kept["checks"] if check["outcome"] == "fail"] == ["large"]


async def test_what_cannot_be_run_says_why(tmp_path: Path) -> None:
    quiet = Console(quiet=True)
    with pytest.raises(CliError, match="nothing answers"):
        await certify(CertifyOptions(url=f"http://127.0.0.1:{free_port()}/x", secret=SECRET), quiet)
    with pytest.raises(CliError, match="must begin with http"):
        await certify(CertifyOptions(url="127.0.0.1:80", secret=SECRET), quiet)
    with pytest.raises(CliError, match="--secret: the secret must begin with whsec_"):
        await certify(CertifyOptions(url="http://127.0.0.1/x", secret="hunter2"), quiet)
    both = CertifyOptions(url="http://127.0.0.1/x", secret=SECRET, former_secret=FORMER, new_secret=FORMER)
    with pytest.raises(CliError, match="not both"):
        await certify(both, quiet)


def test_every_check_is_explained_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "certification.md").read_text()
    headings = {line.removeprefix("### ").strip() for line in page.splitlines() if line.startswith("### ")}
    assert headings == {check.id for check in CHECKS}


def finding_of(report: Report, check: str) -> Finding:
    return next(finding for finding in report.findings if finding.check == check)
