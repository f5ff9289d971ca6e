"""A Chromium that is driven by Playwright, and what every page is held to: no error, nothing from elsewhere.

Strategy: Playwright is imported where it is used, since it is an extra of its own; without it, or without a
Chromium, the tests are left out with a reason.
The trap: a console error that nobody looks for is never found, so a page that had one fails its test.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK, LAPTOP, PHONE = (1440, 900), (1024, 768), (390, 844)
PATIENCE = 20_000  # milliseconds that a test waits for what must come; a busy machine is slow


def missing() -> str:
    """Why no browser can be had here, "" if one can."""
    if find_spec("playwright") is None:
        return "Playwright is not installed: pip install -e '.[browser]'"
    if executable() is None:
        return "no Chromium here: apt-get install chromium"
    return ""


def executable() -> str | None:
    """Where Chromium is."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def launched() -> "Iterator[Browser]":
    """Run a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        yield browser
        browser.close()


def expect(what: "Locator") -> Any:
    """Say what is to come of something, and wait for it."""
    from playwright import sync_api

    sync_api.expect.set_options(timeout=PATIENCE)
    return sync_api.expect(what)


@contextmanager
def opened(
    browser: "Browser",
    url: str,
    size: tuple[int, int] = DESK,
    theme: str = "light",
    expected: tuple[str, ...] = (),
    prepare: "Callable[[Page], object]" = id,
    scale: float = 1.0,
) -> "Iterator[Page]":
    """Open a page of a proxy, and look at its end whether it had an error.

    Args:
        theme: "light" or "dark".
        expected: parts of console errors that are no fault, as of an answer that refuses.
        prepare: is given the page before it goes anywhere.
        scale: pixels of the screen for one of the page.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        device_scale_factor=scale,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    here = urlsplit(url).netloc

    def hear(said: "ConsoleMessage") -> None:
        if said.type == "error":
            faults.append(f"{said.text} {said.location}")

    def watch(asked: "Request") -> None:
        if urlsplit(asked.url).netloc != here and not asked.url.startswith("data:"):
            faults.append(f"asks for {asked.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", watch)
    prepare(page)
    page.goto(url)
    yield page
    context.close()
    unexpected = [fault for fault in faults if not any(part in fault for part in expected)]
    assert not unexpected, unexpected
