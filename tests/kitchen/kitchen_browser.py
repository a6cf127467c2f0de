"""Pages of the kitchen screen as tests look at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kitchen_world import World
from playwright.sync_api import Browser, Page, expect

WAIT_MS = 10_000
TABLET = {"width": 1024, "height": 600}

expect.set_options(timeout=WAIT_MS)

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
