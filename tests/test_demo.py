"""The demo runs a whole farm and can tell when a share is not accounted for."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio
from rich.console import Console

from proxy import demo
from proxy.core.tally import FANOUT_BOUNDS, Tally
from proxy.errors import ConfigError
from proxy.model.share import Reason
from proxy.sim.pool import SimPool
from proxy.sim.report import FarmReport

PAIRS = [(pool, miners) for pool in ("aion", "login") for miners in ("aion", "login")]
EQUIHASH, BLOB = demo.ALGORITHMS


@pytest.mark.parametrize(
    ("pool", "miners", "algorithm"), [*((*pair, EQUIHASH) for pair in PAIRS), ("login", "login", BLOB)]
)
async def test_a_small_farm_is_accounted_for(pool: str, miners: str, algorithm: str) -> None:
    """Real sockets, real proofs, in every pairing of dialects; every book says the same."""
    told: list[str] = []
    scene = demo.Scene(
        miners=5,
        seconds=1.5,
        http="127.0.0.1:0",
        pool_dialect=pool,
        miners_dialect=miners,
        algorithm=algorithm,
    )
    with trio.fail_after(60):
        outcome = await demo.run(scene, told.append, Console(file=io.StringIO()))
    assert outcome.problems == []
    assert outcome.conserved
    assert outcome.received > 0
    assert outcome.shares["accepted"] > 0
    assert outcome.forwarded == outcome.shares["accepted"]
    assert [line.split("=")[0] for line in told] == ["listening name", "http url"]


@pytest.mark.parametrize(("pool", "miners"), PAIRS[:3])
def test_blob_work_has_one_dialect(pool: str, miners: str) -> None:
    with pytest.raises(ConfigError, match="only the login dialect has such work"):
        demo.Scene(pool_dialect=pool, miners_dialect=miners, algorithm=BLOB)


def test_json_ends_with_one_object() -> None:
    """Scripts read the last line."""
    command = [sys.executable, "-m", "proxy", "demo", "--miners", "3", "--seconds", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert {"seconds", "miners", "received", "shares", "forwarded", "sols_per_second"} < set(result)
    assert set(result["shares"]) == {reason.value for reason in Reason}
    assert set(result["fanout_ms"]) == set(result["roundtrip_ms"]) == {"p50", "p99", "max"}
    assert result["conserved"] is True


def books() -> tuple[Tally, FarmReport, SimPool]:
    """Three books that agree on one accepted share."""
    tally, report, pool = Tally(), FarmReport(), SimPool()
    tally.received["farm", "aion"] += 1
    tally.sent("demo")
    tally.returned("demo", Reason.ACCEPTED, 4.0, 0.001)
    report.sent["good"] += 1
    report.verdicts["good"] = report.sent.__class__(accepted=1)
    pool.tally.submits = pool.tally.accepted = pool.tally.nonces = 1
    return tally, report, pool


def test_books_that_agree_have_no_differences() -> None:
    """The ground for the next test."""
    assert list(demo._differences(*books())) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda tally, report, pool: tally.sent("demo"), "sums do not hold"),
        (lambda tally, report, pool: report.sent.clear(), "no share was sent"),
        (lambda tally, report, pool: report.sent.update(good=5), "the proxy received 1"),
        (lambda tally, report, pool: setattr(pool.tally, "accepted", 2), "the pool accepted 2"),
        (lambda tally, report, pool: setattr(pool.tally, "submits", 0), "the pool saw 0"),
        (lambda tally, report, pool: setattr(report, "unanswered", 1), "never answered"),
        (lambda tally, report, pool: report.surprise("low got accepted"), "not deserved: low got accepted"),
        (lambda tally, report, pool: report.violations.update(["same_job"]), "stumble over: {'same_job': 1}"),
        (lambda tally, report, pool: setattr(pool.tally, "repeated_nonces", 1), "more than once"),
        (lambda tally, report, pool: setattr(pool.tally, "submits", 2), "1 bad shares reached the pool"),
    ],
)
def test_every_difference_is_found(spoil: Callable[[Tally, FarmReport, SimPool], Any], words: str) -> None:
    """A check that cannot fail is no check."""
    tally, report, pool = books()
    spoil(tally, report, pool)
    assert any(words in line for line in demo._differences(tally, report, pool))


def test_the_table_names_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """Yes or no, and the line that says why."""
    fine = demo.Outcome(2.0, 3, 1, {"accepted": 1, "lost": 0}, 1, 2.0, {"p50": 1.5}, {"p50": None}, True, [])
    console = Console(file=(out := io.StringIO()), width=80)
    demo.show(fine, console)
    assert "conserved: yes" in out.getvalue()
    assert "fan-out: p50 1.5 ms" in out.getvalue()
    assert "round trip: none" in out.getvalue()
    assert "lost" not in out.getvalue()
    demo.show(attrs.evolve(fine, conserved=False, problems=["a [share] is missing"]), console)
    assert "! a [share] is missing" in out.getvalue()
    assert "conserved: no" in out.getvalue()


def test_samples_count_as_the_plain_histogram_does() -> None:
    """Metrics must not change because a demo watches."""
    sampled = demo._Sampled(FANOUT_BOUNDS)
    sampled.observe(0.002)
    assert sum(sampled.counts) == 1
    assert sampled.samples.milliseconds()["p50"] == 2.0
