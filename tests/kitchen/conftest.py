"""A browser, and the orders service that it looks at: both for the whole session, a page and a branch for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from kitchen_world import World, write_branches
from playwright.sync_api import Browser, Page, expect, sync_playwright
from servers import execute, with_database, worker_name

from agiza.runtime import backends, redis_users, roles
from agiza.runtime.embedded.ports import free_port

BRANCHES = 16
WAIT_MS = 10_000
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TABLET = {"width": 1024, "height": 600}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kitchen-images", default=None, help="a folder for pictures of the kitchen screen")


def chromium() -> str | None:
    """The browser: AGIZA_CHROMIUM, or what the system has."""
    named = os.environ.get("AGIZA_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def _branch_names() -> Iterator[str]:
    return iter([f"kitchen-{number}" for number in range(1, BRANCHES + 1)])


@pytest.fixture
def branch(world: World, _branch_names: Iterator[str]) -> str:
    """A branch that no other test uses."""
    return next(_branch_names)


LISTEN = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...given) {
  window.tones.push({ at: Date.now(), hertz: this.frequency.value, kind: this.type });
  return start.apply(this, given);
};
"""


@dataclass
class Kitchen:
    """Pages of one branch, each in a browser context of its own."""

    browser: Browser
    world: World
    branch: str
    images: Path | None
    errors: list[str] = field(default_factory=list)
    _contexts: list[Any] = field(default_factory=list)

    def page(self, *, is_open: bool = True, clock: bool = False, **options: Any) -> Page:
        """The screen, opened with the branch's key and live; with ``clock`` its clock can be moved."""
        context = self.browser.new_context(**{"viewport": TABLET, "reduced_motion": "reduce", **options})
        self._contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(LISTEN)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        if clock:
            page.clock.install()
        page.goto(f"{self.world.url}/kitchen/{self.branch}")
        if is_open:
            page.fill("#key", self.world.key(self.branch))
            page.press("#key", "Enter")
            self.live(page)
        return page

    def live(self, page: Page) -> None:
        """Wait until the page follows the branch."""
        expect(page.locator("#line")).to_have_text("live", timeout=WAIT_MS)

    def picture(self, page: Page, name: str) -> None:
        if self.images is not None:
            self.images.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.images / f"{name}.png")

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "TrustedHTML" in message.text:
            self.errors.append(message.text)


@pytest.fixture
def kitchen(browser: Browser, world: World, branch: str, request: pytest.FixtureRequest) -> Iterator[Kitchen]:
    folder = request.config.getoption("--kitchen-images")
    made = Kitchen(browser, world, branch, Path(folder) if folder else None)
    yield made
    made.close()
    assert made.errors == []
