"""``agiza doctor`` against the whole running system and the simulated carrier: well, and with one thing wrong each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis.asyncio
from carrier_desk import KEY, PHONES, CarrierDesk, carrier_desk
from rich.console import Console

from agiza.cli.doctor.findings import Finding
from agiza.cli.doctor.report import to_json
from agiza.cli.doctor.visit import DoctorOptions, doctor, visit
from agiza.cli.number import RouteOptions, route_number
from agiza.cli.site import read_site, read_what_fits
from agiza.cli.stack import BRANCHES, Stack, StackOptions, running_stack
from agiza.contracts.streams import DIAL_SWITCH
from simulators.carrier.settings import CarrierSettings

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(300)]


@asynccontextmanager
async def world() -> AsyncIterator[tuple[Stack, CarrierDesk]]:
    async with (
        running_stack(StackOptions(voice="marked")) as stack,
        carrier_desk(CarrierSettings(voice_url="http://127.0.0.1:9/")) as desk,
    ):
        yield stack, desk


def environment(stack: Stack, desk: CarrierDesk) -> dict[str, str]:
    """What an operator would have: all services' variables, the owner's logins, the addresses."""
    merged: dict[str, str] = {}
    for service in ("escalation", "orders", "bridge", "webhook"):
        merged |= stack.environments[service]
    return merged | {
        "DATABASE_URL": stack.database_url,
        "REDIS_URL": stack.redis_url,
        "AGIZA_WEBHOOK_URL": stack.endpoints.webhook_url,
        "AGIZA_ORDERS_URL": stack.endpoints.orders_url,
        "AGIZA_ESCALATION_URL": stack.endpoints.escalation_url,
        "AGIZA_BRIDGE_URL": stack.bridge_url,
        "AGIZA_CARRIER_API_URL": desk.url,
        "AGIZA_CARRIER_API_KEY": f"Bearer {KEY}",
    }


class Clinic:
    """Visits with changed variables, and what was found."""

    def __init__(self, env: Mapping[str, str], patch: pytest.MonkeyPatch, folder: Path) -> None:
        self._env, self._patch = env, patch
        self.options = DoctorOptions(BRANCHES, folder / "carrier-capabilities.yaml")

    async def visit(self, **changes: str | None) -> dict[str, Finding]:
        """The gravest finding of each subject."""
        with self._patch.context() as patch:
            for name, value in {**self._env, **changes}.items():
                patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
            site, wrong = read_what_fits()
            findings = await visit(site, wrong, {**self._env, **{k: v or "" for k, v in changes.items()}}, self.options)
        self.all = findings
        order = ("ok", "warning", "failure")
        worst: dict[str, Finding] = {}
        for each in findings:
            if each.subject not in worst or order.index(each.level) > order.index(worst[each.subject].level):
                worst[each.subject] = each
        return worst


async def test_a_system_is_seen_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with world() as (stack, desk):
        env = environment(stack, desk)
        clinic = Clinic(env, monkeypatch, tmp_path)
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            for branch, phone in PHONES.items():
                await route_number(RouteOptions(phone, branch, True, BRANCHES), read_site(), Console(quiet=True))

        found = await clinic.visit()
        assert [each for each in clinic.all if each.level == "failure"] == []
        for subject in ("Postgres", "migrations", "database roles", "Redis", "Redis eviction", "webhook", "bridge"):
            assert found[subject].level == "ok", found[subject]
        for subject in ("orders", "escalation", "voice callback", "media socket", "carrier key", "wallet", "clock"):
            assert found[subject].level == "ok", found[subject]
        for subject in ("model", "secrets", "branch files", "numbers of people", "dial switch", "routing of westlands"):
            assert found[subject].level == "ok", found[subject]
        assert {found[each].level for each in ("public URL", "media URL", "carrier's habits")} == {"warning"}
        shown = to_json(clinic.all)
        for name in ("AGIZA_PATH_TOKEN", "AGIZA_TOKEN_SECRET", "AGIZA_INTERNAL_TOKEN", "DATABASE_URL", "REDIS_URL"):
            assert env[name] not in shown
        assert not any(phone in shown for phone in PHONES.values())

        # Each with one thing wrong: that is a failure, and all the rest is as before.
        dead = "127.0.0.1:9"
        wrong: list[tuple[str, str, dict[str, str | None]]] = [
            ("voice callback", "not known", {"AGIZA_PATH_TOKEN": "another-path-token-0123456789abcdef"}),
            ("voice callback", "not reached", {"AGIZA_PUBLIC_URL": f"http://{dead}"}),
            ("voice callback", "not known", {"AGIZA_PUBLIC_URL": desk.url}),
            ("media socket", "not reached", {"AGIZA_MEDIA_URL": f"ws://{dead}"}),
            ("media socket", "instead of", {"AGIZA_MEDIA_URL": stack.endpoints.webhook_url.replace("http", "ws")}),
            ("Postgres", "not connected", {"DATABASE_URL": f"postgresql://a:b@{dead}/x"}),
            ("Redis", "does not answer", {"REDIS_URL": f"redis://{dead}"}),
            ("orders", "does not answer", {"AGIZA_ORDERS_URL": f"http://{dead}"}),
            ("carrier key", "refused", {"AGIZA_CARRIER_API_KEY": "wrong-key"}),
            ("wallet", "does not say", {"AGIZA_CARRIER_API_URL": f"http://{dead}"}),
            ("model", "no session", {"AGIZA_LIVE_URL": f"https://{dead}"}),
            ("model", "handshake_failed", {"AGIZA_LIVE_CA_FILE": None}),
            ("settings of bridge", "1 of", {"GEMINI_API_KEY": None}),
            ("secrets", "are the same", {"AGIZA_TOKEN_SECRET": env["AGIZA_INTERNAL_TOKEN"]}),
            ("settings", "AGIZA_CARRIER_SIGNATURE", {"AGIZA_CARRIER_SIGNATURE": "perhaps"}),
        ]
        for subject, says, changes in wrong:
            now = await clinic.visit(**changes)
            assert now[subject].level == "failure", (changes, now[subject])
            assert says in now[subject].seen, now[subject]
            assert now[subject].mend
            unharmed = {"Postgres", "webhook", "bridge", "escalation", "branch files"} - {subject}
            assert {now[each].level for each in unharmed} == {"ok"}, changes


async def test_what_changes_while_it_runs_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with world() as (stack, desk):
        clinic = Clinic(environment(stack, desk), monkeypatch, tmp_path)
        assert (await clinic.visit())["routing of westlands"].level == "failure", "nothing is routed yet"
        desk.rest.wallet_minor = 0
        assert (await clinic.visit())["wallet"].seen.startswith("empty")
        async with redis.asyncio.Redis.from_url(stack.redis_url) as client:
            await client.set(DIAL_SWITCH, "off")
        assert (await clinic.visit())["dial switch"].level == "warning"
        await stack.kill("bridge")
        await stack.kill("redis")
        found = await clinic.visit()
        assert {found[each].level for each in ("bridge", "media socket", "Redis")} == {"failure"}
        assert found["Postgres"].level == "ok"
        assert found["voice callback"].level == "ok", "the webhook answers without Redis"


async def test_the_exit_code_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is set at all: it still ends, with 1, and one JSON object."""
    monkeypatch.chdir(tmp_path)
    async with asyncio.timeout(60):
        code = await doctor(DoctorOptions(BRANCHES, tmp_path / "none.yaml", as_json=True), Console(quiet=True))
    report = json.loads(capsys.readouterr().out)
    assert (code, report["ok"]) == (1, False)
    assert report["failures"] == sum(each["level"] == "failure" for each in report["findings"]) > 0
    assert all(each["mend"] for each in report["findings"] if each["level"] != "ok")
