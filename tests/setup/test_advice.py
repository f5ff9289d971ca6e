"""Each advice comes when it should, says what to do, and does not come otherwise."""

from typing import Any

import pytest

from proxy.setup.advice import advice
from proxy.setup.sizes import GIB, MIB
from tests.setup.configs import LISTEN, TWO_POOLS, configured, machine

BLOB = TWO_POOLS.replace("[upstream]", '[upstream]\ndialect = "login"\nalgorithm = "blob"')


def given(
    more: str = "", listen: str = LISTEN, upstream: str = TWO_POOLS, **changes: Any
) -> list[tuple[str, str]]:
    """Keys and what is said of them."""
    return [
        (found.key, found.what) for found in advice(configured(more, listen, upstream), machine(**changes))
    ]


def test_a_farm_that_does_well_gets_none() -> None:
    assert given() == []


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"proof": "python"}, "proof check", "20 to 70 times"),
    ({"readable": ("s.toml",)}, "s.toml", "every user of this machine"),
    ({"more": '[http]\naddress = "0.0.0.0:1"\nread_token = "r"'}, "http.address", "without TLS"),
    ({"open_files": 1024}, "limits.max_miners", "1,024 are allowed"),
    ({"memory": 100 * MIB}, "limits.max_miners", "of 100 MiB"),
    ({"upstream": "workers = 4\n" + TWO_POOLS}, "workers", "share 4 cores"),
    (
        {"upstream": TWO_POOLS.partition('[[upstream.pools]]\nname = "backup"')[0]},
        "upstream.pools",
        "one pool",
    ),
    ({"upstream": TWO_POOLS.replace("backup.example", "pool.example")}, "upstream.pools", "on one host"),
    (
        {"upstream": BLOB, "more": "[limits]\npool_connections = 2"},
        "limits.pool_connections",
        "room for 512 miners",
    ),
    (
        {"upstream": TWO_POOLS.replace("[upstream]", "[upstream]\nnonce_bytes = 1")},
        "upstream.nonce_bytes",
        "256 miners",
    ),
    (
        {"upstream": TWO_POOLS.replace("[upstream]", "[upstream]\nnonce_bytes = 6")},
        "upstream.nonce_bytes",
        "make 14",
    ),
    (
        {"listen": LISTEN.replace("{ start = 8, target_seconds = 15 }", '"upstream"')},
        "listen.0.difficulty",
        "does not follow",
    ),
    (
        {"listen": LISTEN.replace("{ start = 8, target_seconds = 15 }", "10000")},
        "listen.0.difficulty",
        "every 100 s",
    ),
    ({"more": '[limits.ban]\nallow = ["0.0.0.0/0"]'}, "limits.ban.allow", "nobody is ever banned"),
    ({"more": "[limits]\nidle_seconds = 30"}, "limits.idle_seconds", "sent away"),
    ({"more": "[limits]\nshutdown_seconds = 20"}, "limits.shutdown_seconds", "kill after 10"),
    ({"more": '[ledger]\nurl = ""'}, "ledger.url", "no shares are kept"),
    ({"disk": GIB}, "ledger.max_megabytes", "1.0 GiB are free"),
    ({"more": "[ledger]\nmax_megabytes = 0"}, "ledger.max_megabytes", "31 days need"),
]


@pytest.mark.parametrize(("case", "key", "what"), CASES, ids=[f"{key}-{what}" for _, key, what in CASES])
def test_a_concern(case: dict[str, Any], key: str, what: str) -> None:
    ((found, said),) = given(**case)
    assert found == key
    assert what in said


def test_everybody_may_look_where_only_changes_need_a_token() -> None:
    keys = [key for key, _ in given('[http]\naddress = "0.0.0.0:1"\nadmin_token = "a"')]
    assert keys == ["http.address", "http.read_token"]


def test_one_byte_tells_processes_apart() -> None:
    upstream = "workers = 2\n" + TWO_POOLS.replace("[upstream]", "[upstream]\nnonce_bytes = 2")
    assert given(upstream=upstream)[0] == (
        "upstream.nonce_bytes",
        "2 leave room for 256 miners of limits.max_miners = 20,000",
    )


def test_blob_work_is_rarer_at_the_same_number() -> None:
    listen = LISTEN.replace("{ start = 8, target_seconds = 15 }", "50000")
    assert given(upstream=BLOB, listen=listen, more="[limits]\nmax_miners = 1000") == []


def test_each_says_what_to_do() -> None:
    config = configured("[limits]\nshutdown_seconds = 20\nidle_seconds = 1\n[ledger]\nurl = ''")
    found = advice(config, machine(proof="python", open_files=1, cores=1, readable=("f",)))
    assert len(found) == 6
    assert all(item.do for item in found)
    assert "chmod o= f" in [item.do for item in found]
