"""What a run has shown, for people as tables and for programs as one JSON object."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from proxy.model.share import FILTERED, Reason
from tests.soak.books import Claim, Outcome, quarters
from tests.soak.links import Fault
from tests.soak.scene import Scene


def show(outcome: Outcome, judged: Sequence[Claim], console: Console) -> None:
    """Print the account: shares, times, deaths, then every claim."""
    console.print(shares_table(outcome))
    console.print(times_table(outcome))
    if outcome.deaths:
        console.print(_deaths(outcome))
    for title, counts in (
        ("connections ended, by the proxy", outcome.metrics.by("sluice_disconnects_total", "reason")),
        ("intruders' connections", outcome.seen),
        ("bans", outcome.metrics.by("sluice_bans_total", "reason")),
        ("slowed down", outcome.metrics.by("sluice_limits_total", "limit")),
    ):
        if counts:
            console.print(f"{title}: {_counts(counts)}", highlight=False)
    console.print(load_lines(outcome), highlight=False)
    console.print(claims_table(judged))


def as_json(scene: Scene, outcome: Outcome, judged: Sequence[Claim]) -> dict[str, Any]:
    """All of it."""
    whole = attrs.asdict(outcome, recurse=False)
    return {
        "scene": attrs.asdict(scene),
        "claims": [attrs.asdict(claim) for claim in judged],
        **whole,
        "log": attrs.asdict(outcome.log),
        "metrics": outcome.metrics.plain(),
        "samples": [sample.as_dict() for sample in outcome.samples],
        "deaths": [attrs.asdict(death) for death in outcome.deaths],
    }


def shares_table(outcome: Outcome) -> Table:
    """What became of every share, by the three parties."""
    table = _table("What became of every share", "", "proxy", "miners", "pools")
    reasons = outcome.by_reason
    told = _summed(report["shares"] for report in outcome.everybody)
    refused = _summed(pool["refused"] for pool in outcome.pools.values())
    table.add_row("received", str(outcome.received), f"{outcome.of_miners('sent')} sent", "")
    for reason in FILTERED:
        if reasons[reason] or told.get(reason):
            table.add_row(f"  {reason.value}", str(reasons[reason]), str(told.get(reason, 0)), "")
    table.add_row("filtered", str(outcome.filtered), "", "")
    table.add_row("kept", str(reasons[Reason.KEPT]), "", "")
    table.add_row("forwarded", str(outcome.forwarded), "", f"{outcome.of_pools('submits')} judged")
    table.add_row(
        "  accepted",
        str(reasons[Reason.ACCEPTED]),
        f"{told.get(Reason.ACCEPTED, 0)} with kept",
        str(outcome.of_pools("accepted")),
    )
    table.add_row(
        "  rejected",
        str(reasons[Reason.REJECTED]),
        str(told.get(Reason.REJECTED, 0)),
        _counts(refused) or "0",
    )
    table.add_row("  lost", str(reasons[Reason.LOST]), str(told.get(Reason.LOST, 0)), "")
    gone = f"{outcome.of_miners('dropped')} dropped, {outcome.of_miners('unanswered')} unanswered"
    table.add_row("no verdict", "", gone, f"{outcome.swallowed} bytes swallowed")
    return table


def times_table(outcome: Outcome) -> Table:
    """How long verdicts took; `their` without what the miners' own process took, `stall` its longest."""
    keys = ("shares", "p50", "p99", "p999", "max", "their_p99", "their_max", "stall")
    table = _table("Round trip of good shares, ms", "phase and farm", *keys)
    for name, figures in outcome.round_trips.items():
        if figures["shares"]:
            table.add_row(name, *(f"{figures[key]:g}" for key in keys))
    return table


def _deaths(outcome: Outcome) -> Table:
    table = _table(
        "Deaths of pools", "#", "fault", "pool", "down s", "last one followed after s", "of miners"
    )
    for death in outcome.deaths:
        if not death.was_active:
            followed = "not in use"
        elif death.left_behind:
            had = "stayed" if death.fault == Fault.GARBAGE else "LEFT BEHIND"
            followed = f"{had}: {_counts(death.left_behind)}"
        else:
            followed = _counts(death.follow_seconds)
        table.add_row(
            str(death.number), death.fault, death.pool, f"{death.down:.1f}", followed, str(death.miners)
        )
    return table


def claims_table(judged: Sequence[Claim]) -> Table:
    """Every claim, and whether it holds."""
    table = _table("Claims", "", "", "")
    for claim in judged:
        mark = "[green]holds[/]" if claim.holds else "[bold red]FAILS[/]"
        table.add_row(mark, claim.name, claim.shown.replace("[", r"\["))
    return table


def load_lines(outcome: Outcome) -> str:
    """What the proxy's process needed."""
    samples = outcome.samples
    if len(samples) < 2:
        return "no samples"
    parts = []
    for phase in ("quiet", "chaos"):
        of_phase = [sample for sample in samples if sample.phase == phase]
        if len(of_phase) > 1:
            share = (of_phase[-1].cpu - of_phase[0].cpu) / (of_phase[-1].at - of_phase[0].at)
            parts.append(f"{phase} {100 * share:.0f} %")
    first, last = quarters(samples)
    memory = " to ".join(
        f"{median(sample.resident_kib for sample in part) / 1024:.1f}" for part in (first, last) if part
    )
    return (
        f"proxy: CPU {', '.join(parts)} of a core; memory {memory} MiB; "
        f"at most {max(sample.descriptors for sample in samples)} files, "
        f"{max(sample.miners for sample in samples)} miners\n"
        f"CPU seconds: {', '.join(f'{name} {seconds:.1f}' for name, seconds in outcome.cpu.items())}"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(column)
    return table


def _summed(parts: Any) -> dict[str, int]:
    sums: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            sums[name] = sums.get(name, 0) + count
    return sums


def _counts(counts: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {count:g}" for name, count in sorted(counts.items()) if count)
