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
