"""The dashboard of a farm that really runs, looked at as its operator does."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import expect, opened
from tests.browser.playing import demo, farm

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


ADMIN = "admin-token-of-a-test"


def received(page: "Page") -> int:
    """How many shares the picture says were received."""
    text = page.locator(".flow .flow-head").first.text_content() or ""
    return int(re.sub(r"\D", "", text))


def test_an_operator_looks_round_a_running_demo(browser: "Browser") -> None:
    with demo() as url, opened(browser, url) as page:
        # Is the pool paying us?
        page.get_by_text("demo accepts our shares", exact=True).wait_for()
        expect(page.locator("#live")).to_have_text("Live")

        # Do shares move?  And do the books balance while they do?
        before = received(page)
        expect(page.locator(".flow .flow-head").first).not_to_have_text(f"Received {before:,}")
        assert received(page) > before
        expect(page.locator(".sums")).to_have_class("sums ok")

        # Who sends bad shares?
        page.get_by_role("link", name="Workers").first.click()
        page.get_by_role("button", name="Bad shares").click()
        head = page.get_by_role("columnheader", name="Bad shares")
        assert head.get_attribute("aria-sort") == "descending"
        expect(page.locator("tbody tr")).to_have_count(12)

        # Where is the seventh?
        page.keyboard.press("/")
        page.keyboard.type("rig7")
        expect(page.locator("tbody tr")).to_have_count(1)
        assert "search=rig7" in page.url

        # Why was a share of it refused?
        page.get_by_role("link", name="rig7").click()
        page.get_by_role("heading", name="rig7").wait_for()
        bad = page.locator(".bad-share").first
        bad.wait_for(timeout=60_000)
        assert "What to do:" in (bad.text_content() or "")
        expect(page.get_by_role("region", name="Connections").locator("tbody tr")).to_have_count(1)


def test_without_an_admin_token_set_nothing_can_be_changed(browser: "Browser") -> None:
    with demo(miners=2) as url, opened(browser, f"{url}#/miners") as page:
        page.get_by_role("button", name=re.compile("Disconnect")).first.click()
        page.get_by_text("Changes are switched off: the proxy has no admin token.").wait_for()
        assert page.locator("dialog").count() == 0


def test_a_miner_is_disconnected_by_who_has_the_token_and_by_nobody_else(
    browser: "Browser", tmp_path: Path
) -> None:
    refused = ("status of 401",)
    with farm(tmp_path, ADMIN) as url, opened(browser, f"{url}#/miners", expected=refused) as page:
        disconnect = page.get_by_role("button", name="Disconnect rig3")

        # Whoever gives up changes nothing.
        disconnect.click()
        page.get_by_role("heading", name="Disconnect rig3?").wait_for()
        page.keyboard.press("Escape")
        page.locator("dialog").wait_for(state="detached")
        assert disconnect.is_visible()

        # No token: asked for one, and told that nothing was done.
        disconnect.click()
        page.locator("dialog").get_by_role("button", name="Disconnect").click()
        page.get_by_text("this needs the admin token").wait_for()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_text("Nothing was changed: that needs the admin token.").wait_for()
        assert disconnect.is_visible()

        # A wrong one: refused by the proxy, and asked again.
        disconnect.click()
        page.locator("dialog").get_by_role("button", name="Disconnect").click()
        page.get_by_label("Token", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_text("Refused: the admin token is needed").wait_for()
        assert disconnect.count() == 1

        # The right one.
        page.get_by_label("Token", exact=True).fill(ADMIN)
        page.keyboard.press("Enter")
        page.get_by_text("Disconnected rig3.").wait_for()
        disconnect.wait_for(state="detached")

        # It is kept for this tab, never in an address, and rig3 stands among the missing.
        assert page.evaluate("sessionStorage.getItem('sluice.token')") == ADMIN
        assert page.evaluate("JSON.stringify(localStorage)") == '{"sluice.theme":"auto"}'
        assert ADMIN not in page.url
        page.goto(url)
        page.get_by_role("region", name="Missing workers").get_by_role("link", name="rig3").wait_for()
