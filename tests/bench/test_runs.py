"""The rows of one command, and what is drawn from all of them."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from proxy.bench import runs


@pytest.fixture
def progress() -> Progress:
    """A bar nobody sees."""
    return Progress(console=Console(file=io.StringIO()), disable=True)


def test_shares_have_a_row_for_each_dialect_and_size(progress: Progress) -> None:
    """And the growth from the smallest to the largest."""
    results = runs.shares(["login"], [5, 10], 0.05, 100, 2, progress)
    assert [(row["dialect"], row["connections"]) for row in results["rows"]] == [("login", 5), ("login", 10)]
    few, most = results["rows"]
    assert results["growth"] == [
        {
            "dialect": "login",
            "from": 5,
            "to": 10,
            "cpu_us": most["cpu_us"] / few["cpu_us"],
            "bare_us": most["bare_us"] / few["bare_us"],
            "login_us": most["login_us"] / few["login_us"],
        }
    ]


def test_memory_and_churn_are_of_one_command(progress: Progress) -> None:
    """Rows of one, a list of the other."""
    assert runs.memory(["aion"], [5], 0.05, progress)["growth"] == []
    (row,) = runs.churn(["aion"], 5, 0.2, progress)["churn"]
    assert row["samples"][0]["descriptors"] > 5


def test_growth_is_told_of_each_dialect_with_two_rows() -> None:
    """Whatever their order."""
    rows = [
        {"dialect": "aion", "connections": 1000, "kib": 3.0},
        {"dialect": "aion", "connections": 100, "kib": 2.0},
        {"dialect": "login", "connections": 100, "kib": 2.0},
    ]
    assert runs.growth(rows, "kib") == [{"dialect": "aion", "from": 100, "to": 1000, "kib": 1.5}]
