"""Each container's command with each container's environment, run by hand: what Compose would start does start."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from servers import execute, with_database
from test_deploy_compose import ROOT, compose, filled_env

from agiza.runtime.backends import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SERVICES = ("orders", "escalation", "bridge", "webhook")
READY_S = 60.0


@pytest.fixture(scope="module")
def composed() -> Mapping[str, Any]:
    """The services as Compose resolves them, with long random secrets."""
    names = (
        "POSTGRES_PASSWORD", "REDIS_PASSWORD", "AGIZA_INTERNAL_TOKEN", "AGIZA_TOKEN_SECRET", "AGIZA_PATH_TOKEN",
        "AGIZA_SCREEN_SECRET",
    )  # fmt: skip
    roles = ("AGIZA_WEBHOOK_PASSWORD", "AGIZA_BRIDGE_PASSWORD", "AGIZA_ORDERS_PASSWORD", "AGIZA_ESCALATION_PASSWORD")
    given = {name: secrets.token_hex(24) for name in (*names, *roles)}
    urls = {"AGIZA_PUBLIC_URL": "https://agiza.example", "AGIZA_MEDIA_URL": "wss://agiza.example", "AGIZA_LIVE_URL": ""}
    result = compose("config", "--format", "json", env=filled_env(**given, **urls, AGIZA_LIVE_CA_FILE=""))
    assert result.returncode == 0, result.stderr
    services: Mapping[str, Any] = json.loads(result.stdout)["services"]
    return services


@pytest.fixture(scope="module")
def database_name(pg_servers: Servers) -> Iterator[str]:
    name = f"agiza_containers_{os.getpid()}"
    execute(pg_servers.database_url, f'CREATE DATABASE "{name}"')
    yield name
    execute(pg_servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def environment(service: Mapping[str, Any], servers: Servers, database: str, port: int) -> dict[str, str]:
    """The container's own environment, with this machine's addresses in the place of the network's."""
    admin = with_database(servers.database_url, database)
    postgres, redis = admin.rpartition("@")[2], servers.redis_url.rpartition("@")[2].removeprefix("redis://")
    changed = dict(service["environment"])
    for name, address in (("DATABASE_URL", postgres), ("REDIS_URL", redis)):
        if name in changed:
            changed[name] = f"{changed[name].rpartition('@')[0]}@{address}"
    if "AGIZA_WEBHOOK_PASSWORD" in changed:  # the migration logs in as the administrator
        changed |= {"DATABASE_URL": admin, "REDIS_URL": servers.redis_url}
    if "AGIZA_HOST" in changed:
        changed |= {"AGIZA_HOST": "127.0.0.1", "AGIZA_PORT": str(port)}
    if "AGIZA_BRANCHES_DIR" in changed:
        changed["AGIZA_BRANCHES_DIR"] = str(ROOT / "branches")
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | changed


def command(service: Mapping[str, Any]) -> list[str]:
    words = list(service["command"])
    assert words[0] == "python"
    return [sys.executable, *words[1:]]


def test_every_container_starts_and_becomes_ready(
    composed: Mapping[str, Any], pg_servers: Servers, database_name: str, tmp_path: Path
) -> None:
    migrate = composed["migrate"]
    done = subprocess.run(
        command(migrate),
        env=environment(migrate, pg_servers, database_name, 0),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    ports = {name: free_port() for name in SERVICES}
    running = {}
    try:
        for name in SERVICES:
            running[name] = subprocess.Popen(
                command(composed[name]),
                env=environment(composed[name], pg_servers, database_name, ports[name]),
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=(tmp_path / f"{name}.log").open("w"),
            )
        for name in SERVICES:
            assert is_ready(ports[name], running[name]), (tmp_path / f"{name}.log").read_text()[-2000:]
    finally:
        for process in running.values():
            process.terminate()
        codes = {name: process.wait(40) for name, process in running.items()}
    assert codes == dict.fromkeys(SERVICES, 0), "each ends with 0 after SIGTERM"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_ready(port: int, process: subprocess.Popen[bytes]) -> bool:
    """What the container's health check asks, until it is answered with 200."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)
    return False
