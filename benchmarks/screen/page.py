"""The kitchen screen in a real browser, which notes when something is on the screen.

A MutationObserver sees each change, and the second ``requestAnimationFrame`` after it comes when the frame with it has
been painted. Page and benchmark read the same clock of the same machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from typing import Any, Final

from playwright.async_api import Page, async_playwright

SHOWN_S: Final = 10.0
FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WATCH: Final = """
window.seen = new Map();
window.waiting = new Map();
const note = () => {
  for (const card of document.querySelectorAll("#work > .card")) {
    const isSpeaking = card.classList.contains("speaking");
    const lines = card.querySelectorAll(".lines > li").length;
    const key = isSpeaking ? lines + " lines" : card.querySelector(".number").textContent;
    if (window.seen.has(key)) continue;
    window.seen.set(key, null);
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const at = performance.timeOrigin + performance.now();
      window.seen.set(key, at);
      const wait = window.waiting.get(key);
      if (wait) wait(at);
    }));
  }
};
window.shown = (key) => new Promise((resolve) => {
  if (window.seen.get(key)) resolve(window.seen.get(key));
  else window.waiting.set(key, resolve);
});
window.forgetLines = () => {
  for (const key of window.seen.keys()) if (key.endsWith("lines")) window.seen.delete(key);
};
new MutationObserver(note).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
"""


class NoBrowser(Exception):
    """There is no Chromium on this machine."""


@contextlib.asynccontextmanager
async def open_screen(url: str, key: str) -> AsyncIterator[Page]:
    """The screen at this address, opened and live. Raises :class:`NoBrowser`."""
    path = os.environ.get("AGIZA_CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise NoBrowser("install chromium, or name it in AGIZA_CHROMIUM")
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=flags)
        try:
            page = await browser.new_page(viewport={"width": 1024, "height": 600})
            await page.add_init_script(WATCH)
            await page.goto(url)
            await page.fill("#key", key)
            await page.press("#key", "Enter")
            await page.locator("#line", has_text="live").wait_for()
            yield page
        finally:
            await browser.close()


async def shown_at(page: Page, key: str) -> Any:
    """When the page showed it: Unix time in ms, None when it did not within :data:`SHOWN_S`."""
    return await page.evaluate(
        "([key, ms]) => Promise.race([window.shown(key), new Promise(done => setTimeout(() => done(null), ms))])",
        [key, SHOWN_S * 1000],
    )
