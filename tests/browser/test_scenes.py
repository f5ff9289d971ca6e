"""The dashboard on farms in trouble, and for those who have only a keyboard, a telephone, a screen reader."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from proxy.model.share import Reason
from tests.browser.chromium import DESK, PHONE, expect, opened
from tests.browser.playing import Played, playing
from tests.browser.scenes import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


VIEWS = ("", "workers", "worker/halla-rig07", "miners", "pools", "bans", "events", "ledger")
SMALLEST = (360, 640)


@contextmanager
def looking_at(
    browser: "Browser", scene: str, view: str = "", **options: Any
) -> "Iterator[tuple[Page, Played]]":
    """Open a view of a scene."""
    tokens = {name: options.pop(name) for name in ("read", "admin") if name in options}
    with playing(scene, **tokens) as played, opened(browser, f"{played.url}#/{view}", **options) as page:
        yield page, played


def headline(page: "Page", text: str) -> str:
    """Wait for a headline; what stands beside it."""
    page.locator(".banner strong", has_text=text).wait_for()
    return page.locator(".banner .detail").text_content() or ""


def first_rows(page: "Page", count: int) -> list[str]:
    """Return the names in the first rows."""
    page.locator("tbody tr").nth(count - 1).wait_for()
    return page.locator("tbody tr th").all_text_contents()[:count]


# ---- trouble


def test_without_a_pool_it_says_so_before_all_else(browser: "Browser") -> None:
    with looking_at(browser, "down") as (page, _):
        detail = headline(page, "No work: the farm earns nothing")
        assert "no reply to mining.subscribe in 20 s; backup: down, refused" in detail
        assert "Last job 4 min ago" in detail
        assert page.title().startswith("NO WORK")
        assert page.get_by_role("navigation").get_by_text("!").is_visible()
        expect(page.get_by_role("region", name="Pools").get_by_text("down")).to_have_count(2)
        expect(page.locator("#said")).to_contain_text("No work: the farm earns nothing")


def test_a_fallback_pool_is_no_alarm_but_is_said(browser: "Browser") -> None:
    with looking_at(browser, "fallback") as (page, _):
        assert headline(page, "On the fallback pool backup") == "main is down: Certificate has expired."


def test_who_left_last_stands_first_among_the_missing(browser: "Browser") -> None:
    with looking_at(browser, "offline") as (page, played):
        headline(page, "24 of 48 workers are missing")
        last = sorted(played.farm.book.offline.values(), key=lambda one: -one.last_seen)
        missing = page.get_by_role("region", name="Missing workers").locator(".who")
        expect(missing).to_have_text([one.name for one in last[:6]])
        page.get_by_role("link", name="All 24").click()
        expect(page.locator("tbody tr th")).to_have_text([one.name for one in last])


def test_the_missing_stand_on_top_of_all_workers(browser: "Browser") -> None:
    with looking_at(browser, "healthy", "workers") as (page, _):
        assert first_rows(page, 2) == ["hallb-rig03", "halla-rig01"]
        assert page.locator("tbody tr").first.locator(".state").text_content() == "offline"


def test_a_farm_without_miners_says_what_is_to_be_done(browser: "Browser") -> None:
    with looking_at(browser, "empty") as (page, _):
        assert "Check the miners' address and port" in headline(page, "No miner is connected")
        page.get_by_text("No share has come yet.").wait_for()
        page.get_by_text("Nobody is missing.").wait_for()


def test_an_event_moves_the_page_at_once(browser: "Browser") -> None:
    with looking_at(browser, "healthy") as (page, played):
        page.locator("#live", has_text="Live").wait_for()
        played.farm.pools[0].state, played.farm.pools[1].state = "down", "active"
        played.farm.tally.switches["main", "backup", "closed by the pool"] += 1
        headline(page, "On the fallback pool backup")
        page.get_by_role("link", name="Events").click()
        page.get_by_text("The farm moved from main to backup: closed by the pool.").wait_for()


def test_books_that_do_not_balance_are_an_alarm(browser: "Browser") -> None:
    with looking_at(browser, "healthy") as (page, played):
        headline(page, "main accepts our shares")
        played.farm.tally.shares[Reason.STALE] += 7
        headline(page, "The books do not balance")
        expect(page.locator(".sums")).to_have_class("sums bad")
        expect(page.locator(".sums li").first).to_contain_text("≠")


# ---- why a share was refused


def test_every_bad_share_is_explained_with_what_to_do(browser: "Browser") -> None:
    with looking_at(browser, "healthy", "worker/halla-rig07") as (page, _):
        share = page.locator(".bad-share", has_text="Invalid solution").first
        share.get_by_text("the machine has miscalculated").wait_for()
        assert "Take back its overclock" in (share.text_content() or "")
        rejected = page.locator(".bad-share", has_text="Rejected").first
        assert "Job not found (=stale)" in (rejected.text_content() or "")


def test_a_worker_that_nobody_knows_is_no_blank_page(browser: "Browser") -> None:
    with looking_at(browser, "healthy", "worker/rig404", expected=("status of 404",)) as (page, _):
        page.get_by_text("No worker has this name, or it was forgotten").wait_for()


def test_a_ban_is_shown_with_its_evidence_and_lifted(browser: "Browser") -> None:
    with looking_at(browser, "banned", "bans", admin="change") as (page, played):
        expect(page.locator("tbody tr").first).to_contain_text("Invalid solution")
        expect(page.locator("tbody tr").nth(1)).to_contain_text("Junk instead of a miner's lines")
        page.get_by_text("5 kept").click()
        assert page.locator(".evidence li").first.is_visible()
        page.get_by_role("button", name="Lift the ban on 198.51.100.9").click()
        page.locator("dialog").get_by_role("button", name="Lift the ban").click()
        page.get_by_label("Token", exact=True).fill("change")
        page.keyboard.press("Enter")
        page.get_by_text("The ban on 198.51.100.9 is lifted.").wait_for()
        page.get_by_role("button", name="Lift the ban on 198.51.100.9").wait_for(state="detached")
        assert [ban.id for ban in played.farm.bans] == ["1"]
        page.get_by_role("link", name="Events").click()
        page.get_by_text("The ban on 2 is over.").wait_for()  # which was there before the page was


def test_a_pool_is_chosen_and_the_configuration_reloaded(browser: "Browser") -> None:
    with looking_at(browser, "banned", "pools", admin="change") as (page, played):
        page.evaluate("sessionStorage.setItem('sluice.token', 'change')")
        page.get_by_role("button", name="Use backup").click()
        page.locator("dialog").get_by_role("button", name="Use backup").click()
        page.get_by_text("The farm moves to backup.").wait_for()
        assert played.farm.pools[1].state == "active"
        page.get_by_role("button", name="Reload configuration").click()
        page.locator("dialog").get_by_role("button", name="Reload").click()
        page.get_by_text("Reloaded. Nothing has changed.").wait_for()


def test_a_ledger_has_single_shares_and_longer_histories(browser: "Browser") -> None:
    with looking_at(browser, "ledger", "ledger") as (page, _):
        page.get_by_text("Every share is accounted for.").wait_for()
        page.get_by_label("Verdict").select_option("invalid_solution")
        reasons = page.get_by_role("region", name="The last 50 shares").locator("td:nth-child(3)")
        expect(reasons.first).to_have_text("Invalid solution")
        assert set(reasons.all_text_contents()) == {"Invalid solution"}
        page.get_by_role("link", name="Overview").first.click()
        page.get_by_role("button", name="30 d").click()
        page.locator(".hashrate .u-over").wait_for()


def test_without_a_ledger_there_is_a_hint(browser: "Browser") -> None:
    with looking_at(browser, "healthy", "ledger") as (page, _):
        page.get_by_text("No ledger is kept").wait_for()
        assert not page.get_by_text("Do the books balance?").is_visible()


# ---- tokens


def test_a_read_token_is_asked_for_and_kept_for_the_tab(browser: "Browser") -> None:
    refused = ("status of 401",)
    with looking_at(browser, "banned", read="look", admin="change", expected=refused) as (page, _):
        page.get_by_role("heading", name="Token needed").wait_for()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        page.get_by_text("Refused: a read token is needed").wait_for()
        page.keyboard.type("look")
        page.keyboard.press("Enter")
        headline(page, "main accepts our shares")
        page.locator("#live", has_text="Live").wait_for()  # so the socket was let in by it, too
        page.reload()
        headline(page, "main accepts our shares")
        assert "look" not in page.url


def test_a_token_that_no_subprotocol_can_carry_will_do_too(browser: "Browser") -> None:
    refused = ("status of 401",)
    with looking_at(browser, "banned", read="to/ken==", expected=refused) as (page, _):
        page.get_by_label("Token", exact=True).fill("to/ken==")
        page.keyboard.press("Enter")
        headline(page, "main accepts our shares")
        expect(page.locator("#live")).to_have_text("Every 3 s")


# ---- live, and not


def test_without_events_it_asks_and_says_so(browser: "Browser") -> None:
    def no_events(page: "Page") -> None:
        page.route_web_socket("**/events", lambda socket: socket.close())

    with looking_at(browser, "healthy", prepare=no_events) as (page, _):
        page.locator("#live", has_text="Reconnecting").wait_for()
        headline(page, "main accepts our shares")
        before = page.locator(".flow-head").first.text_content()
        expect(page.locator(".flow-head").first).not_to_have_text(before or "")


def test_when_the_proxy_has_gone_the_figures_are_called_old(browser: "Browser") -> None:
    gone = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "WebSocket connection", "ERR_EMPTY_RESPONSE")
    with playing("healthy") as played, opened(browser, played.url, expected=gone) as page:
        headline(page, "main accepts our shares")
        port = int(played.url.rstrip("/").rpartition(":")[2])
        played.stop()
        page.get_by_role("alert").get_by_text("No figures since").wait_for()
        page.locator("#live", has_text="Stale").wait_for()
        with playing("healthy", port=port):
            page.locator("#live", has_text="Live").wait_for(timeout=60_000)
            assert not page.get_by_role("alert").get_by_text("No figures since").is_visible()


# ---- names that mean harm


def test_a_hostile_name_is_text_everywhere(browser: "Browser") -> None:
    with looking_at(browser, "hostile", "workers") as (page, _):
        page.on("dialog", lambda _: pytest.fail("a name was run"))
        names = set(first_rows(page, len(HOSTILE)))
        assert names == {name.replace("\u202e", "[U+202E]") for name in HOSTILE}
        for name in HOSTILE:
            page.locator("tbody tr th a").nth(sorted(HOSTILE).index(name)).click()
            page.locator(".worker-head .mini dd", has_text="Sol/s").first.wait_for()
            assert page.locator("h1").text_content() in names
            page.keyboard.press("Escape")
            page.get_by_role("heading", name="Workers").wait_for()
            page.locator("tbody tr").nth(len(HOSTILE) - 1).wait_for()
        assert page.locator("img, main script").count() == 0
        assert page.title().endswith("Sluice")


# ---- keyboard, telephone, screen reader


def test_it_is_used_by_the_keyboard_alone(browser: "Browser") -> None:
    with looking_at(browser, "healthy") as (page, _):
        headline(page, "main accepts our shares")
        page.keyboard.press("2")
        assert first_rows(page, 2)[1] == "halla-rig01"
        page.keyboard.press("/")
        page.keyboard.type("rig1")
        expect(page.locator("tbody tr")).to_have_count(20)
        page.keyboard.press("Escape")
        expect(page.locator("tbody tr")).to_have_count(48)
        page.locator("tbody a").first.focus()
        for key, worker in (("ArrowDown", "halla-rig01"), ("End", "hallb-rig24"), ("Home", "hallb-rig03")):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.textContent") == worker
        assert page.locator("tbody a:not([tabindex])").count() == 1  # so Tab leaves the table at once
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="hallb-rig03").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("heading", name="Workers").wait_for()
        page.keyboard.press("?")
        page.get_by_label("Shortcuts of a single key").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("1")
        assert page.url.endswith("#/workers")


def test_the_focus_stays_on_its_row_while_rows_move(browser: "Browser") -> None:
    with looking_at(browser, "healthy", "workers?sort=bad&order=desc") as (page, played):
        assert first_rows(page, 1) == ["halla-rig07"]
        page.locator("tbody a", has_text="hallb-rig19").focus()
        record = played.farm.book.find("hallb-rig19")
        assert record is not None
        record.shares[Reason.STALE] += 50_000
        expect(page.locator("tbody th").first).to_have_text("hallb-rig19")
        assert page.evaluate("document.activeElement.textContent") == "hallb-rig19"


def test_the_theme_is_the_systems_until_one_is_chosen(browser: "Browser") -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with looking_at(browser, "healthy", theme="dark") as (page, _):
        dark = page.evaluate(ground)
        page.get_by_role("button", name="Theme").click()
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        assert page.evaluate(ground) != dark
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize("scene", ["hostile", "down", "ledger", "banned"])
def test_nothing_is_wider_than_a_telephone(browser: "Browser", scene: str) -> None:
    with looking_at(browser, scene, size=SMALLEST, expected=("status of 404",)) as (page, _):
        for view in VIEWS:
            page.goto(f"{page.url.split('#')[0]}#/{view}")
            page.locator("main h1").wait_for(state="attached")
            page.locator("#live", has_text="Live").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= SMALLEST[0], view


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("scene", "size"), [("banned", DESK), ("down", PHONE)])
def test_axe_finds_nothing(browser: "Browser", scene: str, size: tuple[int, int], theme: str) -> None:
    playwright_axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with looking_at(browser, scene, size=size, theme=theme) as (page, _):
        headline(page, "")
        for view in VIEWS:
            page.goto(f"{page.url.split('#')[0]}#/{view}")
            page.locator("main h1").wait_for(state="attached")
            found = playwright_axe.Axe().run(page).response["violations"]
            said = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
            assert not said, (view, said)
