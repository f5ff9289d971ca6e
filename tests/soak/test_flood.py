"""A flood in miniature, and its judge: each test of that spoils one figure."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.soak.flood import judge
from tests.soak.junk import KINDS
from tests.soak.test_books import outcome

LONGEST = 240  # seconds, on a machine that does ten other things


def test_every_claim_holds_of_a_small_one(tmp_path: Path) -> None:
    """The whole command as it is typed; how late a verdict is says nothing on a machine that is busy."""
    told = tmp_path / "flood.json"
    words = "--connections 300 --miners 20 --held 100 --addresses 5 --quiet 2 --late-ms 60000"
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.flood", *words.split(), "--json", str(told)],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads(told.read_text(encoding="utf-8"))
    assert all(claim["holds"] for claim in facts["claims"])
    assert sum(facts["junk"].values()) == 300
    assert {what.partition(":")[0] for what in facts["junk"]} == set(KINDS)


FIGURES = {"shares": 100, "their_p50": 2.0, "their_max": 40.0}


def _failing(seen: dict[str, int], **flooded: Any) -> list[str]:
    run = attrs.evolve(
        outcome(),
        seen=seen,
        round_trips={"quiet/all": FIGURES, "chaos/all": {**FIGURES, **flooded}},
    )
    return [claim.name for claim in judge(run, 10, 50.0) if not claim.holds]


GOOD = {"scan: left": 4, "tls: hung up on": 6}


def test_a_good_one_holds() -> None:
    assert _failing(GOOD) == []


@pytest.mark.parametrize(
    ("seen", "flooded", "name"),
    [
        (GOOD, {"their_max": 52.1}, "no verdict late by more than 50 ms"),
        (GOOD, {"shares": 0}, "no verdict late by more than 50 ms"),
        ({"scan: left": 9}, {}, "every stranger was let in or turned away"),
        ({"scan: left": 9, "tls: no connection": 1}, {}, "every stranger was let in or turned away"),
        ({"scan: left": 9, "drip: kept": 1}, {}, "no stranger outstayed the limits"),
    ],
)
def test_a_fault_is_noticed(seen: dict[str, int], flooded: dict[str, Any], name: str) -> None:
    assert _failing(seen, **flooded) == [name]
