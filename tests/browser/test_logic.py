"""What the page works out by itself, asked of its modules one by one."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from proxy.model.share import FILTERED, FORWARDED, Reason
from tests.browser.chromium import opened
from tests.browser.playing import playing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def page(browser: "Browser") -> "Iterator[Page]":
    """A page from which modules can be had."""
    with playing("healthy") as played, opened(browser, played.url) as page:
        yield page


def ask(page: "Page", module: str, expression: str, given: Any = None) -> Any:
    """Work out an expression of a module's names, `it` being what is given."""
    names = page.evaluate(f"async () => Object.keys(await import('/static/app/{module}.js'))")
    return page.evaluate(
        f"async it => {{ const {{ {', '.join(names)} }} = await import('/static/app/{module}.js'); "
        f"return {expression}; }}",
        given,
    )


def test_every_verdict_of_the_proxy_has_its_words(page: "Page") -> None:
    verdicts = ask(page, "verdicts", "VERDICTS")
    assert set(verdicts) == {reason.value for reason in Reason}
    for words in verdicts.values():
        assert all(len(words[part]) > 5 for part in ("means", "todo"))
        assert words["means"].endswith(".")
    assert ask(page, "verdicts", "FILTERED") == [reason.value for reason in FILTERED]
    assert ask(page, "verdicts", "FORWARDED") == [reason.value for reason in FORWARDED]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("rate(0)", "0 Sol/s"),
        ("rate(0.25)", "0.25 Sol/s"),
        ("rate(358.24)", "358 Sol/s"),
        ("rate(999.6)", "1.00 kSol/s"),
        ("rate(74_000)", "74.0 kSol/s"),
        ("rate(1.5e9)", "1.50 GSol/s"),
        ("rate(NaN)", "–"),
        ("rate(undefined)", "–"),
        ("percent(1)", "100 %"),
        ("percent(0)", "0 %"),
        ("percent(0.9999)", "99.99 %"),
        ("percent(0.999999)", "> 99.999 %"),
        ("percent(0.0000001)", "< 0.001 %"),
        ("percent(0.125)", "12.5 %"),
        ("percent(NaN)", "–"),
        ("milliseconds(0.708)", "0.71 ms"),
        ("milliseconds(41.5)", "41.5 ms"),
        ("milliseconds(1500)", "1.5 s"),
        ("milliseconds(null)", "–"),
        ("count(1234567)", "1,234,567"),
        ("difficulty(32)", "32"),
        ("difficulty(1.5e6)", "1.50M"),
        ("duration(59)", "59 s"),
        ("duration(3700)", "1 h 1 min"),
        ("duration(36_000)", "10 h"),
        ("duration(90_000)", "1 d 1 h"),
        ("ago(null)", "never"),
        ("ago(new Date(clock() - 61_000).toISOString())", "1 min ago"),
        ("ago(new Date(clock() + 61_000).toISOString())", "in 1 min"),
    ],
)
def test_figures_as_a_person_reads_them(page: "Page", expression: str, said: str) -> None:
    assert ask(page, "format", expression) == said


@pytest.mark.parametrize("width", [300, 500, 900])
@pytest.mark.parametrize(
    "shares",
    [
        {"accepted": 1_000_000, "stale": 1},
        {"accepted": 0, "malformed": 5},
        {reason.value: 10 for reason in Reason},
        {"accepted": 1, "rejected": 300, "lost": 4000},
    ],
)
def test_the_flow_loses_nothing_on_its_way(page: "Page", shares: dict[str, int], width: int) -> None:
    forwarded = sum(shares.get(reason.value, 0) for reason in FORWARDED)
    summary = {"received": sum(shares.values()), "forwarded": forwarded, "in_flight": 0, "shares": shares}
    placed = ask(page, "flow", "layout(parts(it), %d, 264)" % width, summary)  # noqa: UP031
    nodes = placed["middle"] + placed["right"]
    assert sum(node["value"] for node in nodes) == summary["received"]
    assert all(node["size"] >= 3 for node in nodes if node["value"])  # as thin as can be seen
    # What leaves on the left comes in on the right, to the pixel.
    assert placed["all"] == pytest.approx(sum(node["size"] for node in nodes))
    assert placed["sent"] == pytest.approx(sum(node["size"] for node in placed["right"]))
    for column in (placed["middle"], placed["right"]):
        for above, below in pairwise(column):
            assert above["middle"] + 17 <= below["middle"]  # a line of text
            assert above["y"] + above["size"] <= below["y"]
    assert ask(page, "flow", "sums(it).holds", summary) is True


def test_a_share_that_went_astray_is_seen(page: "Page") -> None:
    summary = {"received": 10, "forwarded": 8, "in_flight": 1, "shares": {"accepted": 7, "stale": 1}}
    found = ask(page, "flow", "sums(it)", summary)
    assert found["holds"] is False
    assert found["lines"] == [
        "10 received ≠ 1 refused here + 0 kept + 8 to the pool",
        "8 to the pool = 7 accepted + 0 rejected + 0 lost + 1 in flight",
    ]


def headline(page: "Page", lately: dict[str, int], seconds: float = 300, **changes: Any) -> tuple[str, str]:
    """What is said of a farm that is well but for what is given."""
    now = "2026-01-31T12:00:00Z"
    summary = {
        "ready": True,
        "reason": "",
        "pool": "main",
        "miners": 5,
        "workers": 5,
        "offline_workers": 0,
        "conserved": True,
        "last_job_at": now,
        "shares": {"accepted": 990, "rejected": 10, "lost": 0},
        **changes,
    }
    shares = {"accepted": 0, "rejected": 0, "lost": 0, **lately}
    pools = [{"name": "main", "state": "active", "current": True, "last_fault": ""}]
    # In one breath: the page's own events set the clock, too.
    found = page.evaluate(
        "async ([now, given]) => { const { setClock } = await import('/static/app/format.js');"
        " const { health } = await import('/static/app/health.js');"
        " setClock(now); return health(...given); }",
        [now, [summary, pools, {"shares": shares, "seconds": seconds}]],
    )
    return found["level"], found["title"]


@pytest.mark.parametrize(
    ("lately", "changes", "said"),
    [
        ({"accepted": 100}, {}, ("ok", "main accepts our shares")),
        ({}, {}, ("ok", "main accepts our shares")),
        ({"accepted": 60, "rejected": 40}, {}, ("bad", "The pool refuses shares")),
        ({"accepted": 90, "rejected": 10}, {}, ("warn", "The pool refuses shares")),
        ({"accepted": 15, "rejected": 4}, {}, ("ok", "main accepts our shares")),  # too few to tell
        ({"accepted": 60, "lost": 40}, {}, ("bad", "Shares get lost on the way to the pool")),
        ({"rejected": 3}, {}, ("bad", "The pool accepts nothing")),
        ({}, {"miners": 0, "workers": 0}, ("warn", "No miner is connected")),
        ({}, {"offline_workers": 1}, ("ok", "main accepts our shares")),
        ({}, {"offline_workers": 5}, ("warn", "5 of 10 workers are missing")),
        ({}, {"last_job_at": "2026-01-31T11:40:00Z"}, ("warn", "No new job")),
        ({}, {"ready": False, "miners": 0}, ("bad", "No work: the farm earns nothing")),
        ({}, {"conserved": False, "miners": 0}, ("bad", "The books do not balance")),
        (
            {},
            {"ledger": {"state": "down", "pending": 7, "reason": "disk full"}},
            ("warn", "The ledger is down"),
        ),
    ],
)
def test_the_headline_says_what_costs_most(
    page: "Page", lately: dict[str, int], changes: dict[str, Any], said: tuple[str, str]
) -> None:
    assert headline(page, lately, **changes) == said


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        ({"current": True, "state": "active"}, {"level": "ok", "text": "in use"}),
        ({"state": "standby"}, {"level": "on", "text": "standby"}),
        ({"state": "connecting"}, {"level": "warn", "text": "connecting"}),
        ({"state": "down", "last_fault": "refused"}, {"level": "bad", "text": "down"}),
        # Nobody needs it, which is no fault.
        ({"state": "down", "last_fault": "not tried yet"}, {"level": "off", "text": "not tried yet"}),
        ({"state": "down", "last_fault": "not needed now"}, {"level": "off", "text": "not needed now"}),
    ],
)
def test_a_pool_that_nobody_needs_is_not_shown_as_failed(
    page: "Page", pool: dict[str, Any], said: dict[str, str]
) -> None:
    assert ask(page, "poolstate", "poolState(it)", pool) == said


def test_lately_is_the_last_five_minutes_of_the_same_start(page: "Page") -> None:
    at = [
        {"now": f"2026-01-31T12:{n // 60:02}:{n % 60:02}Z", "started_at": "a", "shares": {"accepted": n}}
        for n in range(0, 900, 5)
    ]
    told = "(l => { it.forEach(one => l.add(one)); return [l.get(), l.kept.length]; })(new Lately())"
    found, kept = ask(page, "health", told, at)
    assert found == {"shares": {"accepted": 300}, "seconds": 300}
    assert kept <= 62
    again = {"now": "2026-01-31T12:15:00Z", "started_at": "b", "shares": {"accepted": 3}}
    found, _ = ask(page, "health", told, [*at, again])
    assert found == {"shares": {"accepted": 0}, "seconds": 0}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", {"view": "overview", "name": "", "query": {}}),
        (
            "#/workers?sort=bad&order=desc",
            {"view": "workers", "name": "", "query": {"sort": "bad", "order": "desc"}},
        ),
        ("#/worker/a%2Fb%20%25", {"view": "worker", "name": "a/b %", "query": {}}),
        ("#/worker/100%", {"view": "worker", "name": "100%", "query": {}}),
        ("#/worker/a%3Fb", {"view": "worker", "name": "a?b", "query": {}}),
    ],
)
def test_addresses(page: "Page", address: str, said: dict[str, Any]) -> None:
    assert ask(page, "router", "parse(it)", address) == said


def test_signs_that_cannot_be_seen_are_spelt_out(page: "Page") -> None:
    shown = ask(page, "dom", "plain(it)", "rig\u202egnp\u0000\u200b №7 🔥")
    assert shown == "rig[U+202E]gnp[U+0000][U+200B] №7 🔥"


def test_text_is_never_markup(page: "Page") -> None:
    made = ask(page, "dom", "el('p', {title: it}, it).outerHTML", "<b onclick='x'>\"")
    assert made.endswith(">&lt;b onclick='x'&gt;\"</p>")
