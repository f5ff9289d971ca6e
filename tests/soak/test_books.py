"""The judge of a chaos run notices when a book is wrong: each test spoils one."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from proxy.config import Tls, load
from proxy.sim.judging import PoolTally
from proxy.sim.report import FarmReport
from tests.soak.books import Outcome, claims, quarters
from tests.soak.chaos import Death, kills
from tests.soak.links import Fault
from tests.soak.scene import Scene, configuration
from tests.soak.watch import Log, Metrics, Sample, read_log

TEXT = """\
sluice_shares_received_total{{listener="farm",dialect="aion"}} {received}
sluice_shares_total{{reason="accepted"}} 90
sluice_shares_total{{reason="stale"}} 5
sluice_shares_total{{reason="lost"}} {lost}
sluice_shares_forwarded_total{{pool="main"}} 94
sluice_disconnects_total{{listener="farm",reason="old_extranonce"}} 3
"""


def _report(**counts: Any) -> dict[str, Any]:
    """What miners say who sent 99 shares, 90 of them accepted."""
    shares = {"accepted": 90, "stale": 5, "lost": 4}
    return {**FarmReport().as_dict(), "sent": {"good": 99}, "shares": shares, **counts}


def _sample(number: int, **facts: Any) -> Sample:
    usual = {
        "resident_kib": 50_000,
        "descriptors": 100,
        "threads": 1,
        "cpu": 0.0,
        "miners": 10,
        "active": "main",
    }
    return Sample(at=float(number), phase="chaos", **{**usual, **facts})


def _metrics(received: int = 99, lost: int = 4) -> Metrics:
    return Metrics(TEXT.format(received=received, lost=lost))


def outcome() -> Outcome:
    """A run in which all is as it should be: of four shares lost, one was judged."""
    return Outcome(
        metrics=_metrics(),
        samples=[_sample(number) for number in range(8)],
        deaths=[
            Death(
                1, 0.0, "main", Fault.CUT, was_active=True, down=5.0, miners=9, follow_seconds={"aion": 1.0}
            )
        ],
        reports={"aion": _report(), "plain": {**FarmReport().as_dict(), "disconnects": 3}},
        bad=None,
        seen={},
        pools={"main": {**PoolTally().as_dict(), "submits": 91, "accepted": 91}},
        round_trips={},
        log=Log(),
        failed_scrapes=0,
        ended=0,
        swallowed=100,
        all_online_seconds=1.0,
        cpu={},
    )


def _failing(run: Outcome) -> list[str]:
    return [claim.name for claim in claims(run) if not claim.holds]


def test_a_good_run_fails_nothing() -> None:
    """Also the shares that a death has made unknowable are within their bounds."""
    assert _failing(outcome()) == []


def _pool(**counts: Any) -> dict[str, Any]:
    return {"pools": {"main": {**outcome().pools["main"], **counts}}}


def _times(p99: float, shares: int = 1000) -> dict[str, float]:
    return {"shares": shares, "their_p99": p99}


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "a share nobody knows of": (
        {"metrics": _metrics(received=100), "reports": {"aion": _report(sent={"good": 100})}},
        "received = filtered + kept + forwarded",
    ),
    "one still under way": ({"metrics": _metrics(lost=3)}, "forwarded = accepted + rejected + lost"),
    "a verdict made up": (
        {"reports": {"aion": _report(shares={"accepted": 91})}},
        "miners were told of what",
    ),
    "no answer": ({"reports": {"aion": _report(unanswered=1)}}, "every share of a good miner was answered"),
    "a share sent twice": (_pool(submits=95), "pools judged what was forwarded"),
    "a verdict unheard": (_pool(accepted=89), "pools accepted what the proxy says"),
    "a nonce twice": (_pool(repeated_nonces=1), "no nonce reached a pool twice"),
    "a bad proof": (_pool(refused={"stale": 2, "invalid_solution": 1}), "no bad share reached a pool"),
    "rudeness": (_pool(bans=1), "pools had nothing to bear"),
    "cut off": ({"reports": {"aion": _report(disconnects=1)}}, "aion: no good miner turned away"),
    "cut off for nothing": (
        {"reports": {"aion": _report(), "plain": {**FarmReport().as_dict(), "disconnects": 4}}},
        "plain: no good miner turned away",
    ),
    "undeserved": (
        {"reports": {"aion": _report(unexpected=1)}},
        "no good share got a verdict it did not deserve",
    ),
    "undeserved by the bad": (
        {"bad": {**FarmReport().as_dict(), "unexpected": 1}},
        "no bad share got a verdict",
    ),
    "stumbling": (
        {"reports": {"aion": _report(violations={"second_reply": 1})}},
        "good miners heard nothing",
    ),
    "slower": (
        {"round_trips": {"quiet/aion": _times(5.0), "chaos/aion": _times(15.1)}},
        "p99 of good miners",
    ),
    "left behind": (
        {"deaths": [Death(1, 0.0, "main", Fault.CUT, was_active=True, down=5.0, left_behind={"aion": 1})]},
        "after each death every good miner had other work",
    ),
    "a leak": (
        {"samples": [_sample(number, resident_kib=50_000 + 10_000 * number) for number in range(8)]},
        "resident_kib flat",
    ),
    "files left open": (
        {"samples": [_sample(number, descriptors=100 + 50 * number) for number in range(8)]},
        "descriptors flat",
    ),
    "a traceback": ({"log": Log(tracebacks=["Traceback"])}, "no traceback"),
    "an error": ({"log": Log(errors=["boom"])}, "no line of level error"),
    "a good one banned": ({"log": Log(good_banned=["banned"])}, "no good miner banned"),
    "a deaf window": ({"failed_scrapes": 1}, "/metrics always answered"),
    "a bad end": ({"ended": None}, "ended in order"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_what_is_spoilt_is_named(spoil: str) -> None:
    """And nothing that was not."""
    change, name = SPOILT[spoil]
    failing = _failing(attrs.evolve(outcome(), **change))
    assert len(failing) == 1
    assert failing[0].startswith(name)


def test_a_subscribe_cannot_be_answered_while_no_pool_is_there() -> None:
    """So a share behind it may be called unsubscribed then, and only then."""
    line = "a share before login (unauthorized) got not subscribed"
    bad = {**FarmReport().as_dict(), "unexpected": 1, "unexpected_lines": [line]}
    assert _failing(attrs.evolve(outcome(), bad=bad)) == []
    assert len(_failing(attrs.evolve(outcome(), bad=bad, deaths=[]))) == 1


def test_speed_is_judged_where_it_can_be() -> None:
    """Not of few shares, and not of a proxy that was not let run."""
    slow = {"quiet/aion": _times(5.0), "chaos/aion": _times(100.0)}
    few = {"quiet/aion": _times(5.0, 10), "chaos/aion": _times(100.0)}
    waits = [_sample(number, waited=0.1 * number) for number in range(8)]
    assert len(_failing(attrs.evolve(outcome(), round_trips=slow))) == 1
    assert _failing(attrs.evolve(outcome(), round_trips=few)) == []
    assert _failing(attrs.evolve(outcome(), round_trips=slow, samples=waits)) == []


def test_metrics_are_added_up_by_label() -> None:
    """A label that is not asked for is summed over."""
    metrics = _metrics()
    assert metrics.total("sluice_shares_total") == 99
    assert metrics.total("sluice_shares_total", reason="stale") == 5
    assert metrics.by("sluice_disconnects_total", "reason") == {"old_extranonce": 3}
    assert metrics.plain()['sluice_shares_total{reason="stale"}'] == 5


def test_quarters_leave_the_quiet_out() -> None:
    """Flatness is of one load."""
    samples = [attrs.evolve(_sample(0), phase="quiet"), *map(_sample, range(1, 9))]
    first, last = quarters(samples)
    assert [sample.at for sample in first] == [1, 2]
    assert [sample.at for sample in last] == [7, 8]
    assert quarters([]) == ([], [])


def test_deaths_come_from_the_seed() -> None:
    """Every kind as often, one at a time, and the last one is survived within the run."""
    drawn = list(kills(7, 20.0, 240.0))
    assert drawn == list(kills(7, 20.0, 240.0))
    assert drawn != list(kills(8, 20.0, 240.0))
    assert sorted(kill.fault for kill in drawn) == sorted(list(Fault) * 3)
    for kill, after in zip(drawn, [*drawn[1:], None], strict=True):
        assert kill.at + kill.down < (after.at if after is not None else 240.0)


def test_the_configuration_of_a_run_is_sound(tmp_path: Path) -> None:
    tls = Tls(certificate="a.pem", key="a.key")
    path = configuration(Scene(), {"a": 1, "b": 2}, tls, tmp_path)
    config = load(str(path), {})
    assert [pool.name for pool in config.upstream.pools] == ["a", "b"]


def test_the_log_is_searched_for_faults(tmp_path: Path) -> None:
    """An exception is told apart from an error; usual lines are passed over."""
    log = tmp_path / "proxy.log"
    log.write_text(
        '{"event": "work", "level": "info"}\n'
        '{"event": "boom", "level": "error"}\n'
        '{"event": "boom", "level": "error", "exception": "Traceback …"}\n'
        "no JSON at all\n"
        '{"address": "127.9.0.1", "event": "address banned", "level": "warning"}\n'
        '{"address": "127.0.0.1", "event": "address banned", "level": "warning"}\n',
        encoding="utf-8",
    )
    found = read_log(log)
    assert len(found.tracebacks) == len(found.good_banned) == 1
    assert len(found.errors) == 2
    assert "boom" in found.errors[0]
    assert "no JSON" in found.errors[1]
