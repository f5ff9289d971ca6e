"""Measures how quickly the dashboard answers with ten thousand workers.

    python -m tests.browser.bench [--rounds 10] [--json]

For each thing a person does, two times: until the page has shown that it was heard (the next paint, which is
what browsers call the interaction), and until the rows that were asked for stand there, with the proxy's
answer in it.  Below them the longest that the page was busy without a pause.

The trap: browser, proxy and Playwright share this machine, so a busy one measures itself; look at the least.
"""

import argparse
import json
import statistics
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from tests.browser.chromium import DESK, launched, missing, opened
from tests.browser.playing import playing

if TYPE_CHECKING:
    from playwright.sync_api import Page

TARGET = 100.0  # milliseconds

# In the page: from the event to the paint after it, and to the paint of other rows.
MEASURE = """
async (act) => {
  const shown = () => [...document.querySelectorAll("tbody tr")].map((row) => row.dataset.key).join();
  const painted = () =>
    new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))));
  const until = async (seen) => {
    while (shown() === seen) await new Promise((done) => setTimeout(done, 2));
    return painted();
  };
  const before = shown();
  const began = performance.now();
  ACTIONS[act]();
  const work = performance.now() - began;
  const rows = until(before);
  return { work, painted: (await painted()) - began, rows: (await rows) - began };
}
"""
ACTIONS = """
window.LONG = [];
const watch = new PerformanceObserver((list) => LONG.push(...list.getEntries().map((one) => one.duration)));
watch.observe({ type: "longtask" });
const button = (where, text) => [...document.querySelectorAll(where)].find((one) => one.textContent === text);
const typed = (text) => {
  const box = document.querySelector(".search");
  box.value = text;
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
};
window.ACTIONS = {
  "sort by hashrate": () => button("th button", "10 min").click(),
  "sort by bad shares": () => button("th button", "Bad shares").click(),
  "type a letter": () => typed("c7"),
  "type another": () => typed("c7-r1"),
  "clear the search": () => typed(""),
  "next page": () => button(".pages button", "Next").click(),
};
"""


def measure(page: "Page", rounds: int) -> dict[str, dict[str, float]]:
    """Do each thing so often; gives figures in milliseconds by what was done."""
    page.locator("tbody tr").nth(49).wait_for()
    page.evaluate(f"() => {{ {ACTIONS} }}")
    names: list[str] = page.evaluate("() => Object.keys(ACTIONS)")
    times: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            times[name].append(page.evaluate(MEASURE, name))
    return {
        name: {
            "work": statistics.median(one["work"] for one in found),
            "painted": statistics.median(one["painted"] for one in found),
            "painted_max": max(one["painted"] for one in found),
            "rows": statistics.median(one["rows"] for one in found),
            "rows_min": min(one["rows"] for one in found),
        }
        for name, found in times.items()
    }


def run(rounds: int) -> dict[str, Any]:
    """Measure on a page of the made-up farm of ten thousand."""
    with (
        launched() as browser,
        playing("crowd") as played,
        opened(browser, f"{played.url}#/workers", DESK) as page,
    ):
        found = measure(page, rounds)
        longest = page.evaluate("() => Math.max(0, ...LONG)")
    return {"rows": found, "longest_task": longest}


def show(found: dict[str, Any]) -> None:
    """Print it as a table."""
    table = Table(title="10,000 workers, milliseconds", title_justify="left")
    for head in ("what", "script", "seen", "at most", "rows", "at least"):
        table.add_column(head, justify="left" if head == "what" else "right")
    for name, times in found["rows"].items():
        table.add_row(name, *(f"{value:.1f}" for value in times.values()))
    console = Console()
    console.print(table)
    seen = max(times["painted"] for times in found["rows"].values())
    console.print(
        f"slowest to be seen: {seen:.1f} ms ({'within' if seen <= TARGET else 'over'} {TARGET:.0f} ms); "
        f"longest without a pause: {found['longest_task']:.0f} ms"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the dashboard with 10,000 workers.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    why = missing()
    if why:
        parser.exit(1, f"nothing measured: {why}\n")
    found = run(given.rounds)
    if given.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
