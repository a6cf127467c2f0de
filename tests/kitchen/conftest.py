"""A browser, and the orders service that it looks at: one of each for a file, a page and a branch for each test.

Not for the session: while Playwright runs, so does its event loop, and no asynchronous test of another file could.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from kitchen_browser import Kitchen
from kitchen_world import World, write_branches
from playwright.sync_api import Browser, sync_playwright
from servers import execute, with_database, worker_name

from agiza.runtime import backends, redis_users, roles
from agiza.runtime.embedded.ports import free_port

BRANCHES = 16
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kitchen-images", default=None, help="a folder for pictures of the kitchen screen")


def chromium() -> str | None:
    """The browser: AGIZA_CHROMIUM, or what the system has."""
    named = os.environ.get("AGIZA_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        if os.environ.get("AGIZA_BROWSER_REQUIRED") == "1":
            pytest.fail("no Chromium: scripts/ci_packages.sh installs it, or AGIZA_CHROMIUM names it")
        pytest.skip("no Chromium: install it (on Debian: apt install chromium), or name it in AGIZA_CHROMIUM")
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def world(
    pg_servers: backends.Servers,
    template_database: str,
    role_passwords: Mapping[roles.Role, str],
    redis_server_url: str,
    redis_passwords: Mapping[redis_users.User, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("kitchen")
    branches = folder / "branches"
    branches.mkdir()
    write_branches(branches, BRANCHES)
    name = f"agiza_kitchen_{worker_name()}"
    execute(
        pg_servers.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template_database}" STRATEGY file_copy',
        f'REVOKE CREATE, TEMPORARY ON DATABASE "{name}" FROM PUBLIC',
    )  # fmt: skip
    admin_url = with_database(pg_servers.database_url, name)
    with httpx.Client(timeout=10) as http:
        world = World(
            database_url=roles.role_url(admin_url, "agiza_orders", role_passwords["agiza_orders"]),
            admin_url=admin_url,
            redis_url=redis_users.user_url(redis_server_url, "orders", redis_passwords["orders"]),
            branches=branches,
            port=free_port(),
            log=folder / "orders.log",
            http=http,
        )
        world.start()
        yield world
        world.stop()
    execute(pg_servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def _branch_names() -> Iterator[str]:
    return iter([f"kitchen-{number}" for number in range(1, BRANCHES + 1)])


@pytest.fixture
def branch(world: World, _branch_names: Iterator[str]) -> str:
    """A branch that no other test uses."""
    return next(_branch_names)


@pytest.fixture
def kitchen(browser: Browser, world: World, branch: str, request: pytest.FixtureRequest) -> Iterator[Kitchen]:
    folder = request.config.getoption("--kitchen-images", default=None)
    made = Kitchen(browser, world, branch, Path(folder) if folder else None)
    yield made
    made.close()
    assert made.errors == []
