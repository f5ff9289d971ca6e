"""Takes the pictures of README and of the operator's pages.

    python -m tests.browser.pictures docs/pictures/

Strategy: a made-up farm (scenes.py), a fixed window and the real page, so that a picture is made anew in a
minute when the page has changed.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import DESK, PHONE, expect, launched, missing, opened
from tests.browser.playing import playing

if TYPE_CHECKING:
    from playwright.sync_api import Page

# file: scene, view, window, theme
PICTURES = {
    "dashboard-light": ("healthy", "", DESK, "light"),
    "dashboard-dark": ("down", "", DESK, "dark"),
    "dashboard-worker": ("healthy", "worker/halla-rig07", DESK, "light"),
    "dashboard-phone": ("offline", "", PHONE, "dark"),
}


def settle(page: "Page") -> None:
    """Wait until the page is live and has drawn its chart, of a whole day."""
    expect(page.locator("#live")).to_have_text("Live")
    page.locator(".u-over").first.wait_for()
    with page.expect_response(lambda answer: "span=24h" in answer.url):
        page.get_by_role("button", name="24 h").click()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def main() -> None:
    """Write them into a folder."""
    parser = argparse.ArgumentParser(description="Take the pictures of the dashboard.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    why = missing()
    if why:
        parser.exit(1, f"no pictures: {why}\n")
    folder.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for name, (scene, view, size, theme) in PICTURES.items():
            with playing(scene) as played, opened(browser, f"{played.url}#/{view}", size, theme) as page:
                settle(page)
                file = folder / f"{name}.png"
                page.screenshot(path=file)
                print(file, flush=True)


if __name__ == "__main__":
    main()
