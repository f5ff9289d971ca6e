"""How much a configuration needs."""

import pytest

from proxy.setup.sizes import GIB, KIB, MIB, files_needed, ledger_bytes, memory_needed, shown_bytes
from tests.setup.configs import TWO_POOLS, configured


def test_a_file_for_each_miner_and_some() -> None:
    assert files_needed(configured()) == 20_000 + 2 + 1 + 64
    assert files_needed(configured("[limits]\nmax_miners = 100")) == 167


def test_several_processes_share_the_miners() -> None:
    one, four = files_needed(configured()), files_needed(configured(upstream="workers = 4\n" + TWO_POOLS))
    assert one - four == 15_000


def test_memory_goes_by_the_dearest_port() -> None:
    plain, _ = memory_needed(configured())
    socket, worst = memory_needed(configured(listen='[[listen]]\nurl = "ws://0.0.0.0:80"\n'))
    assert plain == 50 * MIB + 20_000 * 2 * KIB
    assert socket - plain == 20_000 * 22 * KIB
    assert worst == 20_000 * 262_144


def test_each_process_costs() -> None:
    two = memory_needed(configured(upstream="workers = 2\n" + TWO_POOLS))[0]
    assert two - memory_needed(configured())[0] == 2 * 50 * MIB


def test_a_ledger_grows_with_shares_and_days() -> None:
    assert ledger_bytes(10, 31) == 10 * 31 * 86_400 * 160


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (2048, "2.0 KiB"),
        (50 * MIB, "50 MiB"),
        (int(4.2 * GIB), "4.2 GiB"),
        (99 * GIB, "99 GiB"),
    ],
)
def test_bytes_are_shown_in_the_largest_unit(count: int, shown: str) -> None:
    assert shown_bytes(count) == shown
