"""What `sluice bench` prints."""

import json
import subprocess
import sys

import pytest

from proxy.bench import tables

RESULTS = {
    "paths": [{"path": "portable", "valid_us": 57.031, "junk_us": 0.1, "sorted_junk_us": 1.0}],
    "rows": [
        {
            "connections": 1000,
            "bare_ms": 10.0,
            "board_ms": 12.5,
            "ratio": 1.25,
            "bare_seen_ms": 11.0,
            "board_seen_ms": 13.0,
        }
    ],
}


def test_tables_show_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the columns, rounded for reading."""
    tables.show(RESULTS)
    shown = capsys.readouterr().out
    assert "57.03" in shown
    assert "1.25" in shown
    assert "1000" in shown


SHARES = {
    "rows": [
        {
            "dialect": "aion",
            "connections": 10_000,
            "cpu_us": 61.23,
            "per_second": 12_345.6,
            "interruptions": 99.0,
            "bare_us": 8.76,
            "check_us": 14.32,
            "own_us": 38.16,
            "login_us": 101.7,
            "paced": {
                "rate": 2000.0,
                "reached": 2000.0,
                "cpu_us": 88.0,
                "median_us": 222.0,
                "p99_us": 3333.0,
            },
            "direct": {"rate": 2000.0, "reached": 2000.0, "cpu_us": 0.0, "median_us": 21.0, "p99_us": 43.0},
            "added_median_us": 201.0,
        }
    ],
    "growth": [{"dialect": "aion", "from": 100, "to": 10_000, "cpu_us": 1.234}],
}


def test_figures_of_shares_are_all_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """On 80 columns, none cut off, and a disturbed machine is said so."""
    tables.show(SHARES)
    shown = capsys.readouterr().out
    for figure in ("12,346", "61.2", "8.8", "14.3", "38.2", "101.7", "222", "3,333", "201", "1.23"):
        assert figure in shown
    assert "…" not in shown
    assert "99 times a second" in " ".join(shown.split())


def test_the_processor_has_a_name() -> None:
    """A figure without its machine says nothing."""
    assert tables.processor()


def test_json_holds_what_the_contract_names() -> None:
    """One object, every path with its three figures."""
    command = [sys.executable, "-m", "proxy", "bench", "verify", "--seconds", "0.2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    paths = json.loads(done.stdout)["paths"]
    assert paths[-1]["path"] == "python"
    for row in paths:
        assert set(row) == {"path", "valid_us", "junk_us", "sorted_junk_us"}
        assert row["valid_us"] > 0
