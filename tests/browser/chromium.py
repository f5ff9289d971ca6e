"""A Chromium that is driven by Playwright, and what every page is held to: no error, nothing from elsewhere.

The trap: a console error that nobody looks for is never found, so a page that had one fails its test.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

try:
    from playwright.sync_api import Browser, Page, expect, sync_playwright
except ImportError:
    Browser = Page = Any  # type: ignore[assignment,misc]
    sync_playwright = expect = None  # type: ignore[assignment]

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
    if sync_playwright is None:
        return "Playwright is not installed: pip install -e '.[browser]'"
    if executable() is None:
        return "no Chromium here: apt-get install chromium"
    return ""


def executable() -> str | None:
    """Where Chromium is."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator["Browser"]:
    """Run a browser."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: "Browser",
    url: str,
    size: tuple[int, int] = DESK,
    theme: str = "light",
    expected: tuple[str, ...] = (),
    prepare: Callable[["Page"], object] = id,
) -> Iterator["Page"]:
    """Open a page of a proxy, and look at its end whether it had an error.

    Args:
        theme: "light" or "dark".
        expected: parts of console errors that are no fault, as of an answer that refuses.
        prepare: is given the page before it goes anywhere.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: said.type == "error" and faults.append(f"{said.text} {said.location}"))
    page.on("pageerror", lambda error: faults.append(str(error)))
    here = urlsplit(url).netloc
    page.on("request", lambda asked: _is_ours(asked.url, here) or faults.append(f"asks for {asked.url}"))
    prepare(page)
    page.goto(url)
    yield page
    context.close()
    unexpected = [fault for fault in faults if not any(part in fault for part in expected)]
    assert not unexpected, unexpected


def _is_ours(url: str, here: str) -> bool:
    return urlsplit(url).netloc == here or url.startswith("data:")
