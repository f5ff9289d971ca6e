"""Several proxies, one book: a proxy that dies takes no share of the others with it, and the book closes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner

from proxy.cli import sluice
from proxy.ledger.reconcile import DIED, ENDED
from tests.e2e.cluster import LONGEST, cluster, lose_one
from tests.kit import postgres as kit


@pytest.fixture(scope="module")
def postgres() -> Iterator[kit.Postgres]:
    with kit.running() as server:
        yield server


async def test_one_of_three_proxies_is_killed_and_the_book_closes(
    tmp_path: Path, postgres: kit.Postgres
) -> None:
    with trio.fail_after(2 * LONGEST):
        async with cluster(tmp_path, postgres.new_database()) as made:
            outcome = await lose_one(made, miners=45, shares_per_second=8.0, enough=400)
    account = outcome.account
    assert outcome.online == 45, "all miners came back"
    assert outcome.repeated_nonces == 0
    assert (account.gaps, account.faults, account.late) == ([], [], 0)
    assert account.holds
    states = {run.proxy: run.state for run in account.runs}
    assert states == {"farm1": ENDED, "farm2": DIED, "farm3": ENDED}
    (note,) = account.notes
    assert note.startswith("farm2, run ")
    assert "ended without a word" in note
    assert all(run.rows > 0 for run in account.runs), "HAProxy gave miners to each"
    assert outcome.lacking == [], "what a miner had heard a second before the kill is in the book"
    assert 0 <= outcome.sudden <= outcome.allowed
    assert outcome.book_accepted >= 700
    printed = CliRunner().invoke(sluice, ["ledger", "reconcile", "--url", made.ledger, "--since", "all"])
    assert printed.exit_code == 0, printed.output
    assert printed.output.splitlines()[-1] == "the book closes: yes"
