"""What the doctor makes of what it sees; and that no check can hide another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from carrier_desk import BRANCHES
from pydantic import SecretStr
from rich.console import Console

from agiza.carrier.capabilities import Capabilities, write_capabilities
from agiza.carrier.rest import Wallet
from agiza.carrier.routing import OwnNumber, Routing
from agiza.cli.branches import branch_to_call
from agiza.cli.doctor import (
    branches,
    carrier,
    certificate,
    clocks,
    database,
    habits,
    media,
    memory,
    model,
    public,
    services,
    settings,
)
from agiza.cli.doctor.clocks import Told
from agiza.cli.doctor.findings import Check, Finding, examine, failure, ok
from agiza.cli.doctor.media import Refused
from agiza.cli.doctor.report import scrub, show
from agiza.cli.site import SiteSettings
from simulators.live_api.certificate import make_certificate

NOW = datetime(2026, 3, 6, 9, tzinfo=UTC)
WESTLANDS = branch_to_call(BRANCHES, "westlands")
VOICE = "https://here.example/carrier/token-of-the-path-0123456789abcdef/voice"


def levels(findings: Sequence[Finding]) -> list[str]:
    return [finding.level for finding in findings]


# --- running ---------------------------------------------------------------------------------------------------------


async def test_a_broken_or_endless_check_hides_no_other() -> None:
    async def good() -> list[Finding]:
        return [ok("good", "well")]

    async def broken() -> list[Finding]:
        raise RuntimeError("with a secret in it")

    async def endless() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    checks = [Check("broken", broken), Check("endless", endless), Check("good", good)]
    found = await examine(checks, limit_s=0.05)
    assert [(each.subject, each.level) for each in found] == [
        ("broken", "failure"),
        ("endless", "failure"),
        ("good", "ok"),
    ]
    assert "secret" not in str(found)


async def test_checks_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(3)

    async def meet() -> list[Finding]:
        await meeting.wait()
        return [ok("met", "")]

    assert levels(await examine([Check("met", meet)] * 3, limit_s=10)) == ["ok"] * 3


def test_nothing_secret_is_shown() -> None:
    told = [failure("x", "calls +254711000001 with the-secret-key-1", "use the-secret-key-1 for +254711000001")]
    [clean] = scrub(told, ["the-secret-key-1", "key"])
    assert (clean.seen, clean.mend) == ("calls +254...01 with ...", "use ... for +254...01")
    console = Console(record=True, width=40, quiet=False)
    show([ok("short", "[red]as it is[/red] " + "word " * 20), *told], console)
    lines = console.export_text().splitlines()
    assert len(lines) == 3, "a line each, and the sum"
    assert "[red]" in lines[0]
    assert lines[2] == "1 failure, 0 warnings, 1 ok"


# --- settings and files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secrets", "found"),
    [
        ({}, ["warning"]),
        ({"A": "3f9a1c07d2e84b65" * 2, "B": "9c07d2e84b653f1a" * 2}, ["ok"]),
        ({"A": "3f9a1c07d2e84b65" * 2, "B": "3f9a1c07d2e84b65" * 2}, ["failure"]),
        ({"A": "abcabc" * 8}, ["failure"]),
        ({"AGIZA_CARRIER_SIGNING_SECRETS[0]": "abcabc" * 8}, ["ok"]),
        ({"A": "ChangeMe-3f9a1c07d2e84b65-3f9a1c07"}, ["failure"]),
    ],
)
def test_weak_and_equal_secrets_are_found(secrets: dict[str, str], found: list[str]) -> None:
    told = settings.judge_secrets(secrets)
    assert levels(told) == found
    assert not any(secret in str(told) for secret in secrets.values())


def test_signing_secrets_count_among_the_secrets() -> None:
    environment = {"AGIZA_CARRIER_SIGNING_SECRETS": "one , two", "AGIZA_PATH_TOKEN": "p", "HOME": "/root"}
    assert sorted(settings.secrets_in(environment).values()) == ["one", "p", "two"]


def test_what_no_service_refuses_is_told() -> None:
    odd = SiteSettings(agiza_now=NOW, agiza_log_pii=True, agiza_dial=False)
    assert levels(settings.judge_oddities(odd, ("AGIZA_DIAL: bad",))) == ["failure", "failure", "warning", "warning"]


def test_a_number_that_must_not_be_rung_is_told_without_the_number(tmp_path: Path) -> None:
    text = (BRANCHES / "westlands.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text.replace("+254700000001", "+254900000001"))
    (tmp_path / "b.yaml").write_text("branch: [")
    (tmp_path / "c.yaml").write_text((BRANCHES / "kilimani.yaml").read_text())
    usable, found = branches.look_at_files(tmp_path)
    assert [each.branch.id for each in usable] == ["kilimani"]
    assert sorted({each.subject for each in found}) == ["branch files", "numbers of people"]
    assert levels(found) == ["failure"] * len(found)
    assert "+254900000001" not in str(scrub(found, []))


def test_a_branch_without_people_is_told() -> None:
    assert levels(branches.judge_people([replace(WESTLANDS, contacts=())])) == ["warning"]
    assert levels(branches.judge_people([WESTLANDS])) == ["ok"]


# --- stores and services ---------------------------------------------------------------------------------------------

ROLES = frozenset({"agiza_webhook", "agiza_orders", "agiza_escalation"})


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (database.Seen(170006, "0002", ROLES), ["ok", "ok", "ok"]),
        (database.Seen(140011, "0001", frozenset()), ["failure", "failure", "failure"]),
        (database.Seen(150000, None, ROLES), ["ok", "failure", "ok"]),
        (database.Seen(150000, "hidden", ROLES), ["ok", "warning", "ok"]),
    ],
)
def test_postgres_is_judged(seen: database.Seen, found: list[str]) -> None:
    assert levels(database.judge(seen, "0002")) == found


GOOD = {"redis_version": "7.2.4", "valkey_version": "8.1.4", "maxmemory_policy": "noeviction", "aof_enabled": 1}


@pytest.mark.parametrize(
    ("changes", "switch", "found"),
    [
        ({}, None, ["ok", "ok", "ok", "ok"]),
        ({}, "off", ["ok", "ok", "ok", "warning"]),
        ({"valkey_version": "7.10.0"}, None, ["ok", "ok", "ok", "ok"]),
        ({"valkey_version": "6.2.0", "aof_enabled": 0}, None, ["failure", "ok", "warning", "ok"]),
        ({"maxmemory_policy": "allkeys-lru"}, None, ["ok", "warning", "ok", "ok"]),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": 1}, "hidden", ["ok", "failure", "ok", "warning"]),
    ],
)
def test_redis_is_judged(changes: dict[str, Any], switch: str | None, found: list[str]) -> None:
    assert levels(memory.judge(memory.Seen({**GOOD, **changes}, switch))) == found


def test_a_user_who_may_not_ask_is_told_so() -> None:
    assert levels(memory.judge(memory.Seen(None, None))) == ["warning", "ok"]


@pytest.mark.parametrize(
    ("alive", "ready", "answer", "level", "says"),
    [
        (200, 200, {}, "ok", "alive and ready"),
        (404, 404, {}, "failure", "/healthz answers 404"),
        (200, 503, {"phase": "ready", "checks": {"redis": False, "http": True}}, "failure", "without: redis"),
        (200, 503, {"phase": "draining", "checks": {}}, "warning", "draining"),
        (200, 500, {}, "failure", "/readyz answers 500"),
    ],
)
def test_services_are_judged(alive: int, ready: int, answer: dict[str, Any], level: str, says: str) -> None:
    found = services.judge("orders", alive, ready, answer)
    assert found.level == level
    assert says in found.seen


# --- doors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("https://a.example", "ok"),
        ("wss://a.example", "ok"),
        ("http://a.example", "failure"),
        ("ws://10.0.0.1", "failure"),
        ("ws://127.0.0.1:1", "warning"),
    ],
)
def test_an_open_line_is_for_this_machine_only(url: str, level: str) -> None:
    assert public.judge_scheme("URL", url).level == level


@pytest.mark.parametrize(
    ("ours", "other", "level"),
    [
        (400, 404, "ok"),
        (401, 404, "warning"),
        (404, 404, "failure"),
        (200, 200, "failure"),
        (502, 502, "failure"),
        (502, 404, "failure"),
        (400, 400, "failure"),
        (204, 404, "failure"),
    ],
)
def test_the_voice_callback_is_judged(ours: int, other: int, level: str) -> None:
    assert public.judge(public.Seen(ours, other)).level == level


TOKEN = "token_malformed"


@pytest.mark.parametrize(
    ("forged", "mute", "level"),
    [
        (Refused(403, TOKEN), Refused(400, "subprotocol"), "ok"),
        (Refused(403, "cloud says no"), Refused(403), "failure"),
        (Refused(101), Refused(400), "failure"),
        (Refused(403, TOKEN), Refused(101), "failure"),
        (Refused(400, "subprotocol"), Refused(400, "subprotocol"), "failure"),
        (Refused(426), Refused(426), "failure"),
        (Refused(502), Refused(502), "failure"),
    ],
)
def test_the_media_socket_is_judged(forged: Refused, mute: Refused, level: str) -> None:
    assert media.judge(forged, mute).level == level


@pytest.mark.parametrize(("days", "level"), [(60.0, "ok"), (13.9, "warning"), (1.5, "failure"), (-3.0, "failure")])
def test_a_certificate_is_judged_by_its_days(days: float, level: str) -> None:
    assert certificate.judge("c", days).level == level


async def test_certificates_are_read_from_the_server(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, now=datetime.now(UTC) - timedelta(days=20))  # of 30

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=made.context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        urls = [f"https://127.0.0.1:{port}/x", f"wss://127.0.0.1:{port}", "http://127.0.0.1:1", "https://127.0.0.1:9"]
        trusted = ssl.create_default_context(cafile=str(made.ca_file))
        gone, found = sorted(await certificate.look(urls, trusted), key=lambda each: each.level)
        assert (found.level, gone.level) == ("warning", "failure"), "one finding for each host"
        assert found.seen in ("good for 9 more days", "good for 10 more days")
        [distrusted] = await certificate.look(urls[:1])
        assert distrusted.level == "failure"
        assert "not trusted" in distrusted.seen


@pytest.mark.parametrize(
    ("ahead_s", "level"), [(0.4, "ok"), (-8.0, "ok"), (30.0, "warning"), (-90.0, "failure"), (400.0, "failure")]
)
def test_the_clock_is_judged(ahead_s: float, level: str) -> None:
    assert clocks.judge([Told("carrier", ahead_s), Told("public URL", 0.0)]).level == level


def test_without_a_clock_to_compare_it_is_said() -> None:
    assert clocks.judge([]).level == "warning"


def test_a_date_header_is_read() -> None:
    response: Any = SimpleNamespace(
        headers=httpx.Headers({"date": "Fri, 06 Mar 2026 09:00:30 GMT"}), elapsed=timedelta(seconds=2)
    )
    told = clocks.told_by("carrier", response, NOW)
    assert told == Told("carrier", pytest.approx(31.5))
    assert clocks.told_by("carrier", httpx.Response(200, headers={"date": "yesterday"})) is None


# --- the carrier and the model ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minor", "level"), [(0, "failure"), (-5, "failure"), (49_999, "warning"), (50_000, "ok")])
def test_the_wallet_is_judged(minor: int, level: str) -> None:
    assert carrier.judge_wallet(Wallet(minor, "KES")).level == level


@pytest.mark.parametrize("pasted", ["key-1", "'key-1'", "Bearer key-1", 'KEY="key-1"'])
def test_an_accepted_key_is_well_however_it_was_pasted(pasted: str) -> None:
    assert carrier.judge_key(pasted).level == "ok"
    assert ("pasted" in carrier.judge_key(pasted).seen) == (pasted != "key-1")


@pytest.mark.parametrize(
    ("routing", "status", "level"),
    [
        (Routing(VOICE, None), "active", "ok"),
        (Routing(VOICE, VOICE), "active", "ok"),
        (Routing(VOICE, VOICE), "suspended", "warning"),
        (Routing(VOICE, "https://here.example/events"), "active", "failure"),
        (Routing("https://other.example/voice", None), "active", "failure"),
        (Routing(None, None), "active", "failure"),
    ],
)
def test_routing_is_judged(routing: Routing, status: str, level: str) -> None:
    number = OwnNumber("n1", WESTLANDS.branch.phone, status, routing)
    found = carrier.judge_routing(WESTLANDS, [number], VOICE)
    assert found.level == level
    assert "token-of-the-path" not in found.seen


def test_a_number_of_somebody_else_cannot_be_routed() -> None:
    assert carrier.judge_routing(WESTLANDS, [], VOICE).level == "failure"
    assert carrier.judge_routing(WESTLANDS, [], None).level == "failure"


def learnt(end: Any, signature: Any = "good", days: int = 3) -> Capabilities:
    return Capabilities(NOW - timedelta(days=days), "inbound", stream_end=end, signature=signature)


def test_habits_that_need_a_person_first_are_told() -> None:
    site = SiteSettings()
    assert habits.judge_ending(learnt("R1"), site, [WESTLANDS]).level == "ok"
    assert habits.judge_ending(learnt(None), site, [WESTLANDS]).level == "warning"
    able = SiteSettings.model_validate(
        {"agiza_carrier_api_url": "https://api.example", "agiza_carrier_api_key": "key-of-the-carrier"}
    )
    branch = replace(WESTLANDS.branch, escalation=replace(WESTLANDS.branch.escalation, strategy="answer_first"))
    careful = replace(WESTLANDS, branch=branch)
    for end in ("R3", "R4"):
        found = habits.judge_ending(learnt(end), site, [careful])
        assert (found.level, "AGIZA_CARRIER_API_URL" in found.mend) == ("failure", True)
        mute = able.model_copy(update={"agiza_outbound": False})
        assert habits.judge_ending(learnt(end), mute, [careful]).level == "failure"
        late = habits.judge_ending(learnt(end), able, [WESTLANDS, careful])
        assert (late.level, "answer_first" in late.mend, "westlands" in late.mend) == ("warning", True, True)
        assert habits.judge_ending(learnt(end), able, [careful]).level == "ok"


@pytest.mark.parametrize(
    ("signature", "policy", "secret", "level"),
    [
        ("good", "enforce", "s", "ok"),
        ("good", "warn", "s", "warning"),
        ("missing", "warn", "", "ok"),
        ("missing", "enforce", "s", "failure"),
        ("good", "enforce", "", "failure"),
        ("unjudged", "warn", "", "warning"),
        ("forged", "warn", "s", "warning"),
        ("mixed", "enforce", "s", "failure"),
        (None, "warn", "", "warning"),
        (None, "enforce", "s", "warning"),
    ],
)
def test_the_policy_is_held_against_what_was_seen(signature: Any, policy: Any, secret: str, level: str) -> None:
    site = SiteSettings(agiza_carrier_signature=policy, agiza_carrier_signing_secrets=SecretStr(secret))
    assert habits.judge_signature(learnt("R1", signature), site).level == level


async def test_the_file_of_habits_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "carrier-capabilities.yaml"
    site = SiteSettings()
    assert levels(await habits.look(path, site, [], NOW)) == ["warning", "warning"]
    write_capabilities(path, learnt("R1"))
    assert levels(await habits.look(path, site, [], NOW)) == ["ok", "ok", "warning"]
    write_capabilities(path, learnt("R1", days=91))
    assert (await habits.look(path, site, [], NOW))[0].level == "warning"
    path.write_text("marks: true")
    assert levels(await habits.look(path, site, [], NOW)) == ["failure", "warning"]


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("refused_403", "GEMINI_API_KEY"),
        ("refused_1008", "AGIZA_MODEL"),
        ("refused_429", "quota"),
        ("refused_503", "again"),
        ("handshake_failed", "AGIZA_LIVE_CA_FILE"),
        ("unreachable", "network"),
    ],
)
def test_a_refusal_of_the_model_names_what_to_mend(reason: str, says: str) -> None:
    found = model.judge_refusal(reason)
    assert (found.level, reason in found.seen) == ("failure", True)
    assert says in found.mend
