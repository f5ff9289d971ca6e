"""A chaos run in miniature: twelve seconds, few miners, one death; every claim has to hold."""

import json
import subprocess
import sys
from pathlib import Path

from tests.soak.crowds import PARTS

LONGEST = 240  # seconds, on a machine that does ten other things


def test_twelve_seconds_of_chaos_hold_every_claim(tmp_path: Path) -> None:
    """The whole command as it is typed, with all its processes."""
    told = tmp_path / "soak.json"
    words = "--minutes 0.2 --miners 40 --hostile 40 --kill-every 13 --seed 6"
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", *words.split(), "--json", str(told)],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(told.read_text(encoding="utf-8"))
    assert all(claim["holds"] for claim in outcome["claims"])
    assert set(outcome["reports"]) == set(PARTS)
    assert [death["was_active"] for death in outcome["deaths"]] == [True]
    assert "received = filtered + kept + forwarded" in done.stdout
