"""Embedded servers: real processes, started and stopped for real."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from agiza.runtime.embedded import EmbeddedUnavailable, child, embedded_postgres, embedded_redis
from agiza.runtime.embedded import folder as data_folders
from agiza.runtime.embedded.binaries import find_postgres, find_redis

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0

pytestmark = pytest.mark.integration


@pytest.fixture
def open_folder() -> contextlib.AbstractContextManager[Path]:
    """A folder that other accounts can reach, unlike pytest's own."""
    path = Path("/var/tmp") / f"agiza-test-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def fetch(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def wait_until_gone(pid: int, within_s: float = 30) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_postgres_answers_and_leaves_nothing_behind() -> None:
    with embedded_postgres(fast=True) as server:
        assert fetch(server.url, "SHOW fsync") == "off"
        assert fetch(server.url, "SHOW listen_addresses") == "127.0.0.1"
        data = Path(fetch(server.url, "SHOW data_directory"))
        assert data.exists()
        assert data.stat().st_mode & 0o077 == 0
    assert not data.parent.exists()
    assert wait_until_gone(server.pid)


def test_postgres_is_durable_unless_asked_otherwise() -> None:
    with embedded_postgres() as server:
        assert fetch(server.url, "SHOW fsync") == "on"
        assert fetch(server.url, "SHOW synchronous_commit") == "on"


def test_postgres_wants_the_password() -> None:
    with embedded_postgres(fast=True) as server, pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url.replace(server.password, "wrong"))


def test_kept_data_and_password_survive_a_restart(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    with embedded_postgres(folder) as first, psycopg.connect(first.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 41 AS value")
    with embedded_postgres(folder) as second:
        assert fetch(second.url, "SELECT value FROM kept") == 41
        assert second.password == first.password


def test_one_folder_cannot_serve_two_servers(open_folder: Path) -> None:
    folder = open_folder / "redis"
    with embedded_redis(folder), pytest.raises(EmbeddedUnavailable, match="in use by another"), embedded_redis(folder):
        pass


def test_data_of_another_major_version_is_moved_aside(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    with embedded_postgres(folder, fast=True) as server:
        major = server.major
    (folder / "data" / "PG_VERSION").write_text(f"{major - 1}\n")
    with embedded_postgres(folder, fast=True) as server:
        assert fetch(server.url, "SELECT 1") == 1
    assert (folder / "data" / "PG_VERSION").read_text().strip() == str(major)
    assert (folder / f"data-{major - 1}").is_dir()


def test_half_made_data_folder_is_made_again(open_folder: Path) -> None:
    (open_folder / "postgres" / "data" / "base").mkdir(parents=True)
    with embedded_postgres(open_folder / "postgres", fast=True) as server:
        assert fetch(server.url, "SELECT 1") == 1


def test_taken_port_is_reported_with_the_reason() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedUnavailable, match="could not"), embedded_postgres(port=port):
            pass
        with pytest.raises(EmbeddedUnavailable, match="Redis did not start"), embedded_redis(port=port):
            pass


def test_redis_keeps_data_needs_its_password_and_never_evicts(open_folder: Path) -> None:
    folder = open_folder / "redis"
    with embedded_redis(folder) as server, redis.Redis.from_url(server.url) as client:
        client.xadd("stream", {"field": "value"}, id="5-0")
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        with pytest.raises(redis.AuthenticationError), redis.Redis(port=server.port) as stranger:
            stranger.ping()
    with embedded_redis(folder) as server, redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.xrange("stream") == [("5-0", {"field": "value"})]
    assert wait_until_gone(server.pid)


def test_postgres_killed_in_mid_transaction_starts_again_in_place_with_what_was_committed(open_folder: Path) -> None:
    with embedded_postgres(open_folder / "postgres") as server, psycopg.connect(server.url) as working:
        working.execute("CREATE TABLE kept AS SELECT 41 AS value")
        working.commit()
        working.execute("UPDATE kept SET value = 42")
        url, pid = server.url, server.pid
        server.process.kill()
        assert not psutil.pid_exists(pid)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        server.process.start_again()
        assert server.url == url
        assert server.pid != pid
        assert fetch(url, "SELECT value FROM kept") == 41
        with pytest.raises(psycopg.OperationalError):
            working.execute("SELECT 1")
    assert wait_until_gone(server.pid)


def test_redis_killed_starts_again_in_place_with_its_data_and_its_saved_users(open_folder: Path) -> None:
    with embedded_redis(open_folder / "redis") as server, redis.Redis.from_url(server.url) as client:
        client.xadd("stream", {"field": "value"}, id="5-0")
        client.acl_setuser("waiter", enabled=True, passwords=["+secret"], keys=["stream"], commands=["+xlen"])
        client.acl_save()
        url, pid = server.url, server.pid
        server.process.kill()
        assert not psutil.pid_exists(pid)
        server.process.start_again()
        assert (server.url, server.pid != pid) == (url, True)
        with redis.Redis(port=server.port, username="waiter", password="secret") as waiter:
            assert waiter.xlen("stream") == 1
        with pytest.raises(redis.AuthenticationError), redis.Redis(port=server.port) as stranger:
            stranger.ping()
    assert wait_until_gone(server.pid)


def test_users_of_an_earlier_start_are_forgotten(open_folder: Path) -> None:
    for _ in range(2):
        with embedded_redis(open_folder / "redis") as server, redis.Redis.from_url(server.url) as client:
            assert client.acl_users() == ["default"]
            client.acl_setuser("waiter", enabled=True, nopass=True)
            client.acl_save()


@pytest.mark.skipif(not IS_ROOT, reason="only root can change to another account")
def test_root_starts_postgres_as_nobody() -> None:
    with embedded_postgres(fast=True) as server:
        assert server.account.identity == "nobody"
        assert psutil.Process(server.pid).uids().effective == server.account.uid != 0


@pytest.mark.skipif(not IS_ROOT or sys.platform != "linux", reason="user namespaces of root on Linux")
def test_root_under_a_closed_folder_starts_postgres_in_a_user_namespace(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    with embedded_postgres(closed / "postgres", fast=True) as server:
        assert server.account.identity == "namespace"
        assert fetch(server.url, "SELECT 1") == 1
        assert os.readlink(f"/proc/{server.pid}/ns/user") != os.readlink("/proc/self/ns/user")


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_data_moves_between_the_two_ways_of_root(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    with embedded_postgres(folder, fast=True) as server, psycopg.connect(server.url) as connection:
        assert server.account.identity == "nobody"
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    with embedded_postgres(folder, fast=True, account=child.Account("namespace", 0, 0)) as server:
        assert fetch(server.url, "SELECT value FROM kept") == 7


def python_for_everybody() -> str:
    """A Python of our version that any account may run: ours, or the system's."""
    minor = f"python3.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/{minor}", f"/usr/local/bin/{minor}"):
        path = Path(candidate)
        if path.exists() and all(step.stat().st_mode & 0o001 for step in (path.resolve(), *path.resolve().parents)):
            return candidate
    pytest.skip("no Python of this version that other accounts may run")


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
@pytest.mark.parametrize(("uid", "identity"), [(pwd.getpwnam("daemon").pw_uid, "self"), (12345, "namespace")])
def test_other_users_start_both_servers(open_folder: Path, uid: int, identity: str) -> None:
    """An ordinary account, and a number without an account (as in a container with an arbitrary user)."""
    os.chown(open_folder, uid, uid)
    script = (
        "from pathlib import Path\n"
        "import os, psycopg\n"
        "from agiza.runtime.embedded import embedded_postgres, embedded_redis\n"
        f"with embedded_postgres(Path('{open_folder}/postgres')) as p, embedded_redis(Path('{open_folder}/redis')):\n"
        "    psycopg.connect(p.url).execute('SELECT 1')\n"
        "    print(p.account.identity, os.stat(f'/proc/{p.pid}').st_uid)\n"
    )
    done = subprocess.run(
        [python_for_everybody(), "-c", script],
        user=uid,
        group=uid,
        extra_groups=[],
        cwd=ROOT,
        env={"PYTHONPATH": os.pathsep.join((str(ROOT), *site.getsitepackages())), "PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == [identity, str(uid)], done.stderr


def test_servers_installed_on_the_machine_serve_as_well() -> None:
    """The fall-back for machines without the wheels: any Postgres 15 or newer with the same launcher."""
    try:
        programs = find_postgres(sources=("path",))
    except EmbeddedUnavailable:
        pytest.skip("no Postgres is installed on this machine")
    with embedded_postgres(fast=True, programs=programs) as server:
        assert server.major == programs.major >= 15
        assert fetch(server.url, "SELECT 1") == 1


def test_newest_installed_postgres_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = []
    for major in (15, 17, 9):
        folder = tmp_path / str(major) / "bin"
        folder.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.2'\n")
            (folder / name).chmod(0o755)
        folders.append(folder)
    monkeypatch.setattr("agiza.runtime.embedded.binaries._POSTGRES_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.setenv("PATH", str(folders[0]))
    found = find_postgres(sources=("path",))
    assert (found.major, found.folder, found.source) == (17, folders[1], "path")


def test_missing_programs_are_reported_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("agiza.runtime.embedded.binaries._POSTGRES_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedUnavailable, match=re.escape("agiza[embedded]")):
        find_postgres(sources=("path",))
    with pytest.raises(EmbeddedUnavailable, match="REDIS_URL"):
        find_redis(sources=("path",))


def launch(*arguments: str) -> tuple[subprocess.Popen[str], str, str]:
    """The launcher as its own process; returns it with both URLs."""
    launcher = subprocess.Popen(
        [sys.executable, "-m", "agiza.runtime.embedded", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    lines = dict(launcher.stdout.readline().strip().split("=", 1) for _ in range(2))
    return launcher, lines["DATABASE_URL"], lines["REDIS_URL"]


def server_pids(database_url: str, redis_url: str) -> tuple[int, int]:
    with psycopg.connect(database_url) as connection:
        backend = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        postmaster = psutil.Process(backend).ppid()
    with redis.Redis.from_url(redis_url) as client:
        return postmaster, client.info("server")["process_id"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal")
def test_killed_launcher_leaves_no_orphan(open_folder: Path) -> None:
    launcher, database_url, redis_url = launch("--keep", str(open_folder))
    with launcher:
        pids = server_pids(database_url, redis_url)
        launcher.kill()
        launcher.wait()
        assert all(wait_until_gone(pid) for pid in pids)
    launcher, database_url, redis_url = launch("--keep", str(open_folder))  # and the folder is free again at once
    with launcher:
        assert fetch(database_url, "SELECT 1") == 1
        launcher.terminate()
        assert launcher.wait(timeout=30) == 0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_launcher_stops_its_servers_in_order(stop: signal.Signals) -> None:
    launcher, database_url, redis_url = launch("--fast")
    with launcher:
        pids = server_pids(database_url, redis_url)
        launcher.send_signal(stop)
        assert launcher.wait(timeout=30) == 0
        assert all(wait_until_gone(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal")
def test_what_a_killed_launcher_left_is_removed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = data_folders.throw_away_parent()
    before = set(parent.glob("agiza-*"))
    launcher, database_url, redis_url = launch("--fast")
    with launcher:
        pids = server_pids(database_url, redis_url)
        launcher.kill()
        launcher.wait()
        assert all(wait_until_gone(pid) for pid in pids)
    left = [path for path in set(parent.glob("agiza-*")) - before if path.with_suffix("").is_dir()]
    with embedded_redis(), embedded_postgres(fast=True) as running:
        kept = Path(fetch(running.url, "SHOW data_directory")).parent
        assert kept.exists()
        with embedded_postgres(fast=True):
            assert kept.exists(), "a running server's folder is left alone"
        assert not [path for path in left if path.exists()]


def test_little_memory_is_not_used_for_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(data_folders, "MEMORY_BYTES_MIN", 1 << 60)
    assert data_folders.throw_away_parent() == Path(tempfile.gettempdir())


def test_watcher_stops_the_server_when_its_keeper_dies() -> None:
    """The way of systems whose kernel does not tell children of our death."""
    keeper = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, signal, sys\n"
            "from agiza.runtime.embedded import child\n"
            "server = subprocess.Popen(['sleep', '600'])\n"
            "child.watch_over(server.pid, signal.SIGTERM)\n"
            "print(server.pid, flush=True)\n"
            "sys.stdin.read()\n",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with keeper:
        pid = int(keeper.stdout.readline())
        assert psutil.pid_exists(pid)
        keeper.kill()
        assert wait_until_gone(pid)


def test_watcher_called_off_leaves_the_process_alone() -> None:
    with subprocess.Popen(["sleep", "600"]) as bystander:
        child.watch_over(bystander.pid, signal.SIGTERM)()
        assert bystander.poll() is None
        bystander.kill()
