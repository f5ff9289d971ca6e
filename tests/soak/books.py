"""The claims of a run, each a sum or a bound over the books of three parties, and whether it holds.

Strategy: the proxy's /metrics, the miners' reports and the pools' own counts are held against each other;
whatever a broken line makes unknowable is bounded by what the proxy calls lost and the miners call dropped,
and named.  Of speed one thing is judged: that a good miner waits no longer among all that than in the quiet
stretch before.  What its own process took is not held against the proxy, and a run in which the proxy had to
wait for its core is not judged by it.
The trap: at a broken line a pool may have judged what the proxy calls lost, and the proxy may have judged
what a miner never heard of; neither is a fault, and each has its own bound.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import attrs

from proxy.model.share import FILTERED, Reason
from tests.soak.chaos import Death
from tests.soak.crowds import CANNOT_FOLLOW
from tests.soak.links import Fault
from tests.soak.watch import Log, Metrics, Sample

GROWTH = 0.10  # of memory and files that a flat line may gain from the first quarter to the last,
GROWTH_KIB = 8 * 1024  # and besides this: tables of bans and duplicates that fill to their bounds
GROWTH_FILES = 20  # connections of bad miners that happen to be there
SLOWER = 2.0  # times as long as in the quiet stretch may the 99th percentile be,
SPARE_MS = 5.0  # and besides this, which timers and the relays between take
LEAST_SHARES = 200  # of a farm in each stretch: fewer have no 99th percentile
MOST_WAITED = 0.02  # part of the time for which the proxy may have had no core, or nothing is judged
RACES = (Reason.STALE.value,)  # refusals at a pool that are nobody's fault: a job has crossed the share
# Until the next pool gives an extranonce1 a subscribe waits for its answer, and a share behind it is early.
UNANSWERED_SUBSCRIBE = "a share before login (unauthorized) got not subscribed"
MOST_TOLD = 5  # examples in one line

Report = Mapping[str, Any]


@attrs.frozen
class Claim:
    """Something a run has to show, and what it showed."""

    name: str
    holds: bool
    shown: str


@attrs.define
class Outcome:
    """All that a run has brought to light.

    Args:
        reports: of the good miners, by farm.
        bad: of the bad ones who send shares, if there are any.
        seen: what came of intruders, by trick and outcome.
        pools: each pool's own books, by name.
        round_trips: milliseconds, by phase and farm.
        log: what the proxy's log tells of faults.
        ended: the proxy's exit status; None if it had to be killed.
        cpu: seconds each program has had, by name.
    """

    metrics: Metrics
    samples: Sequence[Sample]
    deaths: Sequence[Death]
    reports: Mapping[str, Report]
    bad: Report | None
    seen: Mapping[str, int]
    pools: Mapping[str, Report]
    round_trips: Mapping[str, Mapping[str, float]]
    log: Log
    failed_scrapes: int
    ended: int | None
    swallowed: int
    all_online_seconds: float
    cpu: Mapping[str, float]

    # ---- sums

    @property
    def by_reason(self) -> dict[str, int]:
        """The proxy's verdicts."""
        counts = self.metrics.by("sluice_shares_total", "reason")
        return {reason.value: int(counts.get(reason.value, 0)) for reason in Reason}

    @property
    def received(self) -> int:
        """Shares the proxy has read."""
        return int(self.metrics.total("sluice_shares_received_total"))

    @property
    def forwarded(self) -> int:
        """Shares it sent on, or would have."""
        return int(self.metrics.total("sluice_shares_forwarded_total"))

    @property
    def filtered(self) -> int:
        """Shares it refused itself."""
        return sum(self.by_reason[reason.value] for reason in FILTERED)

    @property
    def everybody(self) -> list[Report]:
        """Reports of all who send shares."""
        return [*self.reports.values(), *([self.bad] if self.bad is not None else [])]

    def of_miners(self, key: str) -> int:
        """Add a count up over all who send shares."""
        return sum(_number(report[key]) for report in self.everybody)

    def of_pools(self, key: str) -> int:
        """Add a count up over all pools."""
        return sum(_number(pool[key]) for pool in self.pools.values())


def claims(outcome: Outcome) -> list[Claim]:
    """Judge a run."""
    return [*untimed_claims(outcome), *_speed(outcome)]


def untimed_claims(outcome: Outcome) -> list[Claim]:
    """Judge a run but for how long good miners waited, where somebody else does that."""
    return [
        *_conservation(outcome),
        *_pools(outcome),
        *_miners(outcome),
        *_deaths(outcome),
        *_health(outcome),
    ]


def _conservation(outcome: Outcome) -> Iterator[Claim]:
    shares = outcome.by_reason
    kept, lost = shares[Reason.KEPT], shares[Reason.LOST]
    accepted, rejected = shares[Reason.ACCEPTED], shares[Reason.REJECTED]
    yield Claim(
        "received = filtered + kept + forwarded",
        outcome.received == outcome.filtered + kept + outcome.forwarded,
        f"{outcome.received} = {outcome.filtered} + {kept} + {outcome.forwarded}",
    )
    yield Claim(
        "forwarded = accepted + rejected + lost",
        outcome.forwarded == accepted + rejected + lost,
        f"{outcome.forwarded} = {accepted} + {rejected} + {lost}",
    )
    # Of a bad miner that is slowed down, shares may never be read.
    sent, dropped = outcome.of_miners("sent"), outcome.of_miners("dropped") + outcome.of_miners("unanswered")
    yield Claim(
        "miners sent what was received, save what was dropped or never read",
        sent - dropped <= outcome.received <= sent and sent > 0,
        f"{sent - dropped} <= {outcome.received} <= {sent}",
    )
    told = sum(_number(report["shares"].get(Reason.ACCEPTED.value, 0)) for report in outcome.everybody)
    yield Claim(
        "miners were told of what was accepted, save of what was dropped",
        told <= accepted + kept <= told + dropped,
        f"{told} <= {accepted + kept} <= {told + dropped}",
    )
    unanswered = sum(_number(report["unanswered"]) for report in outcome.reports.values())
    yield Claim("every share of a good miner was answered", not unanswered, f"{unanswered} were not")


def _pools(outcome: Outcome) -> Iterator[Claim]:
    shares = outcome.by_reason
    accepted, lost = shares[Reason.ACCEPTED], shares[Reason.LOST]
    judged, good = outcome.of_pools("submits"), outcome.of_pools("accepted")
    yield Claim(
        "pools judged what was forwarded, save what was lost",
        outcome.forwarded - lost <= judged <= outcome.forwarded,
        f"{outcome.forwarded - lost} <= {judged} <= {outcome.forwarded}; "
        f"unknown at deaths: {outcome.forwarded - judged} never judged, "
        f"{judged - outcome.forwarded + lost} judged and unheard",
    )
    yield Claim(
        "pools accepted what the proxy says, save what was lost",
        accepted <= good <= accepted + lost,
        f"{accepted} <= {good} <= {accepted + lost}",
    )
    repeated = outcome.of_pools("repeated_nonces")
    yield Claim("no nonce reached a pool twice", not repeated, f"{repeated} did")
    refused: dict[str, int] = {}
    for pool in outcome.pools.values():
        for reason, count in pool["refused"].items():
            refused[reason] = refused.get(reason, 0) + count
    bad = {reason: count for reason, count in refused.items() if reason not in RACES}
    late = sum(refused.values()) - sum(bad.values())
    yield Claim("no bad share reached a pool", not bad, f"{bad or 'none'}; {late} crossed a job")
    rude = {key: outcome.of_pools(key) for key in ("bad_lines", "paramless", "overflows", "bans")}
    yield Claim("pools had nothing to bear", not any(rude.values()), _listed(rude))


def _miners(outcome: Outcome) -> Iterator[Claim]:
    ends = ("disconnects", "connect_failures", "refused", "quits")
    for name, report in outcome.reports.items():
        came_to = {key: _number(report[key]) for key in ends}
        allowed = outcome.metrics.by("sluice_disconnects_total", "reason").get("old_extranonce", 0)
        can_follow = name not in CANNOT_FOLLOW
        faults = dict(came_to)
        if not can_follow and faults["disconnects"] <= allowed:
            faults["disconnects"] = 0
        yield Claim(
            f"{name}: no good miner turned away or cut off"
            + ("" if can_follow else ", but for moves it cannot follow"),
            not any(faults.values()),
            _listed(came_to) + ("" if can_follow else f"; {allowed:g} told to come again"),
        )
    lines = [line for report in outcome.reports.values() for line in report["unexpected_lines"]]
    unexpected = sum(_number(report["unexpected"]) for report in outcome.reports.values())
    yield Claim("no good share got a verdict it did not deserve", not unexpected, _told(unexpected, lines))
    violations: dict[str, int] = {}
    for report in outcome.reports.values():
        for what, count in report["violations"].items():
            violations[what] = violations.get(what, 0) + count
    yield Claim("good miners heard nothing they would stumble over", not violations, _listed(violations))
    if outcome.bad is not None:
        unexpected, lines = outcome.bad["unexpected"], list(outcome.bad["unexpected_lines"])
        if any(death.was_active for death in outcome.deaths):
            unexpected -= sum(UNANSWERED_SUBSCRIBE in line for line in lines)
            lines = [line for line in lines if UNANSWERED_SUBSCRIBE not in line]
        yield Claim("no bad share got a verdict it did not deserve", not unexpected, _told(unexpected, lines))


def _deaths(outcome: Outcome) -> Iterator[Claim]:
    told = [death for death in outcome.deaths if death.was_active and death.fault != Fault.GARBAGE]
    late = [death for death in told if death.left_behind or not death.follow_seconds]
    shown = f"{len(told) - len(late)} of {len(told)}"
    if late:
        shown += "; not at " + ", ".join(
            f"#{death.number} {death.fault} of {death.pool}: {death.left_behind}"
            for death in late[:MOST_TOLD]
        )
    yield Claim("after each death every good miner had other work before the next", not late, shown)


def _speed(outcome: Outcome) -> Iterator[Claim]:
    slower, judged = [], []
    for name in outcome.reports:
        quiet, chaos = (outcome.round_trips.get(f"{phase}/{name}", {}) for phase in ("quiet", "chaos"))
        if min(quiet.get("shares", 0), chaos.get("shares", 0)) < LEAST_SHARES:
            continue
        told = f"{name} {quiet['their_p99']:g} to {chaos['their_p99']:g} ms"
        judged.append(told)
        if chaos["their_p99"] > SLOWER * quiet["their_p99"] + SPARE_MS:
            slower.append(told)
    samples = [sample for sample in outcome.samples if sample.phase == "chaos"]
    seconds = samples[-1].at - samples[0].at if samples else 0.0
    waited = samples[-1].waited - samples[0].waited if samples else 0.0
    if seconds and waited > MOST_WAITED * seconds:
        slower, judged = [], [f"not judged: {waited:.1f} s without a core in {seconds:.0f} s"]
    yield Claim(
        f"p99 of good miners within {SLOWER:g} times that of the quiet stretch",
        not slower,
        ", ".join(slower or judged) or "too few shares",
    )


def _health(outcome: Outcome) -> Iterator[Claim]:
    first, last = quarters(outcome.samples)
    if first and last:
        for name, spare in (("resident_kib", GROWTH_KIB), ("descriptors", GROWTH_FILES), ("threads", 0)):
            was, now = (median(getattr(sample, name) for sample in part) for part in (first, last))
            flat = now <= was * (1 + GROWTH) + spare
            yield Claim(f"{name} flat from first to last quarter", flat, f"{was:g} to {now:g}")
    for name, lines in (
        ("no traceback", outcome.log.tracebacks),
        ("no line of level error", outcome.log.errors),
        ("no good miner banned", outcome.log.good_banned),
    ):
        yield Claim(name, not lines, _told(len(lines), lines))
    failed = outcome.failed_scrapes
    yield Claim("/metrics always answered", not failed, f"{failed} times not")
    yield Claim("ended in order", outcome.ended == 0, f"exit status {outcome.ended}")


def quarters(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The first and the last quarter of the chaos; the same load stands before both."""
    chaos = [sample for sample in samples if sample.phase == "chaos"]
    size = max(1, len(chaos) // 4) if chaos else 0
    return chaos[:size], chaos[-size:] if size else []


def _number(value: Any) -> int:
    return sum(value.values()) if isinstance(value, Mapping) else int(value)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:g} {name}" for name, count in counts.items() if count) or "none"


def _told(count: int, lines: Sequence[str]) -> str:
    return "\n".join([str(count) if count else "none", *lines[:MOST_TOLD]])
