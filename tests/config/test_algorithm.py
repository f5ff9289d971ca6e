"""The names of proofs of work."""

import pytest

from proxy.config.algorithm import Algorithm, parse_algorithm, solution_bytes
from proxy.errors import ConfigError
from proxy.native import reference


@pytest.mark.parametrize(
    ("n", "k", "size"), [(210, 9, 1408), (200, 9, 1344), (144, 5, 100), (96, 5, 68), (48, 5, 36)]
)
def test_the_known_sizes(n: int, k: int, size: int) -> None:
    assert parse_algorithm(f"equihash/{n}_{k}") == (n, k)
    assert solution_bytes(n, k) == size


def test_blob_has_no_sizes() -> None:
    assert parse_algorithm("blob") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("equihash", 'must be "equihash/N_K"'),
        ("equihash/210", "must be"),
        ("Equihash/210_9", "must be"),
        ("equihash/210_9 ", "must be"),
        ("equihash/211_9", "multiple of K + 1 = 10"),
        ("equihash/0_9", "multiple"),
        ("equihash/520_9", "at most 512"),
        ("equihash/210_0", "K must be from 1 to 9"),
        ("equihash/210_10", "K must be from 1 to 9"),
        ("equihash/260_9", "must be at most 25"),
        ("equihash/4_1", "whole bytes"),
        ("equihash/9_8", "must fit 64 bytes"),
    ],
)
def test_what_is_no_algorithm(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"^[^\n]*$") as caught:
        Algorithm().read(text)
    assert why in str(caught.value)


def test_the_key_holds_the_name() -> None:
    assert Algorithm().read("equihash/48_5") == "equihash/48_5"
    with pytest.raises(ConfigError, match="must be text"):
        Algorithm().read(210)


def test_just_what_the_check_can_do_is_taken() -> None:
    for k in range(12):
        for n in range(515):
            try:
                reference.check_parameters(n, k, b"AION0PoW")
            except ValueError:
                with pytest.raises(ConfigError):
                    parse_algorithm(f"equihash/{n}_{k}")
            else:
                assert parse_algorithm(f"equihash/{n}_{k}") == (n, k)
                assert solution_bytes(n, k) == reference.solution_bytes(n, k)
