"""The choice of servers for demo and tests."""

from __future__ import annotations

from pathlib import Path

import docker
import psycopg
import pytest
import redis
from captured_logs import Logged

from agiza.runtime import backends

URLS = {"TEST_DATABASE_URL": "postgresql://t@127.0.0.1:1/x", "TEST_REDIS_URL": "redis://127.0.0.1:1/0"}


def engine_answers() -> bool:
    try:
        return bool(docker.from_env(timeout=2).ping())
    except Exception:
        return False


def test_given_urls_are_taken_as_they_are(logged: Logged) -> None:
    with backends.servers_for_tests(URLS) as servers:
        assert (servers.database_url, servers.redis_url) == tuple(URLS.values())
        assert (servers.database_origin, servers.redis_origin) == ("url", "url")
    with backends.demo_servers({"DATABASE_URL": "postgresql://d@h/x", "REDIS_URL": "redis://h/0"}) as servers:
        assert (servers.database_url, servers.redis_url) == ("postgresql://d@h/x", "redis://h/0")
    assert [line["database"] for line in logged.events("backends_chosen")] == ["url", "url"]


@pytest.mark.integration
def test_tests_never_take_the_urls_of_a_running_system() -> None:
    precious = {"DATABASE_URL": "postgresql://precious@h/x", "REDIS_URL": "redis://precious/0"}
    with backends.servers_for_tests({**precious, "TEST_BACKEND": "embedded"}) as servers:
        assert "precious" not in servers.database_url + servers.redis_url
        assert (servers.database_origin, servers.redis_origin) == ("embedded", "embedded")


@pytest.mark.integration
def test_demo_keeps_its_data(tmp_path: Path, logged: Logged) -> None:
    for expected in (None, b"1"):
        with backends.demo_servers({}, keep_in=tmp_path / ".agiza") as servers:
            with psycopg.connect(servers.database_url) as connection:
                assert connection.execute("SHOW fsync").fetchone() == ("on",)
            with redis.Redis.from_url(servers.redis_url) as client:
                assert client.get("kept") == expected
                client.set("kept", 1)
    for line in logged.events("backends_chosen"):
        assert line["database_version"].endswith(("(wheel)", "(path)"))


@pytest.mark.integration
def test_one_url_and_one_embedded_server_go_together() -> None:
    given = {"TEST_REDIS_URL": URLS["TEST_REDIS_URL"], "TEST_BACKEND": "embedded"}
    with backends.servers_for_tests(given) as servers:
        assert (servers.database_origin, servers.redis_origin) == ("embedded", "url")


@pytest.mark.skipif(engine_answers(), reason="an engine is there")
def test_forced_containers_fail_loudly_without_an_engine() -> None:
    with (
        pytest.raises(backends.BackendUnavailable, match="no container engine answers"),
        backends.servers_for_tests({"TEST_BACKEND": "testcontainers"}),
    ):
        pass


@pytest.mark.integration
@pytest.mark.skipif(not engine_answers(), reason="needs a container engine")
def test_forced_containers_answer() -> None:
    with backends.servers_for_tests({"TEST_BACKEND": "testcontainers"}) as servers:
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()


def test_an_unknown_choice_is_refused() -> None:
    with (
        pytest.raises(backends.BackendUnavailable, match="TEST_BACKEND=magic"),
        backends.servers_for_tests({"TEST_BACKEND": "magic"}),
    ):
        pass


def test_nothing_to_be_had_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("agiza.runtime.embedded.binaries._package_folder", lambda name: None)
    monkeypatch.setattr("agiza.runtime.embedded.binaries._POSTGRES_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(backends.BackendUnavailable, match="DATABASE_URL"), backends.demo_servers({}):
        pass
