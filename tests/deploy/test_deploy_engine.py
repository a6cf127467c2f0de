"""Our own compose file on a real engine: three bridges behind the proxy, simulators on both sides, one order placed."""

from __future__ import annotations

import json
import secrets
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CARRIER_PORT = 18090
SAID = ["two chicken burgers, one with no onions, a large fries, and a soda", "that's all", "yes"]


def engine_problem(url: str | None = None) -> str | None:
    """Why compose cannot be run here; None when it can. Without ``url`` the environment says where the engine is."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=2) if url is None else docker.DockerClient(base_url=url, timeout=2)
        client.ping()
    except (DockerException, OSError) as error:
        return f"no container engine answers ({type(error).__name__}): start one to run the compose file for real"
    return None


@pytest.mark.e2e
@pytest.mark.timeout(1800)
def test_three_bridges_place_an_order(tmp_path: Path) -> None:
    problem = engine_problem()
    if problem is not None:
        pytest.skip(problem)
    from testcontainers.compose import DockerCompose

    env_file = tmp_path / "env"
    env_file.write_text(environment())
    scaled = tmp_path / "scale.yml"
    # noon in Nairobi whenever the test runs, one clock for all; three bridges behind the one proxy
    clock = {"AGIZA_NOW": "2026-03-06T12:00:00+03:00", "AGIZA_NOW_SET_AT": datetime.now(UTC).isoformat()}
    services: dict[str, dict[str, object]] = {
        name: {"environment": clock} for name in ("webhook", "bridge", "orders", "escalation")
    }
    services["bridge"]["deploy"] = {"replicas": 3}
    scaled.write_text(json.dumps({"services": services}))  # JSON is YAML
    compose = DockerCompose(
        context=str(ROOT),
        compose_file_name=[str(ROOT / "docker-compose.yml"), str(scaled)],
        env_file=str(env_file),
        profiles=["simulators"],
        build=True,
        wait=True,
    )
    with compose:
        request = urllib.request.Request(
            f"http://127.0.0.1:{CARRIER_PORT}/calls",
            data=json.dumps(
                {"from": "+254711000001", "to": "+254709000002", "text": True, "caller": {"say": SAID}}
            ).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            record = json.loads(answer.read())
        assert record["violations"] == []
        totals, _, _ = compose.exec_in_container(
            ["psql", "-U", "agiza", "-d", "agiza", "-Atc", "SELECT total_minor FROM orders"], "postgres"
        )
        assert totals.split() == ["153000"]


def environment() -> str:
    """A filled-in env file for the simulators profile."""
    secret_names = [
        line.removesuffix("=")
        for line in (ROOT / "deploy/env.example").read_text().splitlines()
        if line.endswith("=") and not line.startswith("#")
    ]
    values = {name: secrets.token_hex(24) for name in secret_names} | {
        "AGIZA_PUBLIC_URL": "http://proxy",
        "AGIZA_MEDIA_URL": "ws://proxy",
        "AGIZA_SITE": ":80",
        "AGIZA_HTTP_PORT": "18080",
        "AGIZA_HTTPS_PORT": "18443",
        "AGIZA_CARRIER_PORT": str(CARRIER_PORT),
        "AGIZA_LIVE_URL": "https://live-simulator:8443",
        "AGIZA_LIVE_CA_FILE": "/certificates/live-ca.pem",
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def test_the_reason_for_not_running_names_what_to_do(tmp_path: Path) -> None:
    problem = engine_problem(f"unix://{tmp_path / 'no-engine.sock'}")
    assert problem is not None
    assert "start one" in problem
