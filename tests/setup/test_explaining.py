"""A configuration in sentences: who may come, where shares go, what limits come to; and it stays TOML."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import sluice
from proxy.setup.explaining import explained
from proxy.setup.machine import UNLIMITED
from tests.setup.configs import LISTEN, TWO_POOLS, configured, machine

BLOB = TWO_POOLS.replace("[upstream]", '[upstream]\ndialect = "login"\nalgorithm = "blob"')


def said(more: str = "", listen: str = LISTEN, upstream: str = TWO_POOLS) -> str:
    """All of it."""
    return "\n".join(explained(configured(more, listen, upstream), machine()))


def test_a_whole_farm() -> None:
    assert said().splitlines() == [
        "Miners come in at:",
        "  farm, stratum+tcp://0.0.0.0:3333: whoever reaches this machine, in the clear",
        "    speak aion and login, told apart by their first line; difficulty follows each miner from 8 "
        "within 1 and 1e+06, a share about every 15 s",
        "Shares go to, in this order:",
        "  1. main, stratum+tcp://pool.example:3333, account account",
        "  2. backup, stratum+tls://backup.example:3443, account other",
        "  A pool counts as failed when its connection ends, when it says nothing for 300 s, or refuses 27 "
        "of its last 30 shares.",
        "  The next that gives work takes over at once; miners stay connected.",
        "  An earlier one gets the farm back after 60 s of steady work; one that fails again soon has to "
        "hold out twice as long.",
        "  A share without a verdict within 20 s, or under way when its pool is lost, is `lost`.",
        "Limits on this machine:",
        "  open files: 20,067 for limits.max_miners = 20,000; 524,288 allowed",
        "  memory: about 89 MiB with all 20,000 miners, of 16 GiB; 4.9 GiB more if every one of them stopped "
        "reading",
        "  processor: 1 of 4 cores serve miners; proof check: portable",
        "  nonces: 4 bytes of our own for 4,294,967,296 miners; with a pool's extranonce1 of up to 8 bytes "
        "all miners get along, longer ones some do not take",
        "  to the pool: 3 shares unanswered at once, which is 60 a second at a round trip of 50 ms, "
        "15 at 200",
        "  bans: 50% bad of 50 shares, 60 s the first time, doubled up to 3600 s",
        "Dashboard, metrics and API:",
        "  http://127.0.0.1:9180: this machine alone",
        "  looking needs no token; changes are not possible without http.admin_token",
        "Record of shares:",
        "  in a file, shares kept 31 days; 100 GiB are free there",
        "Nothing that asks for a second look.",
    ]


@pytest.mark.parametrize(
    ("listen", "who"),
    [
        ('url = "stratum+tcp://127.0.0.1:1"', "this machine alone, in the clear"),
        ('url = "unix:///run/s.sock"', "whose user or group may use the file"),
        ('url = "wss://0.0.0.0:1"\ntls = { certificate = "c", key = "k" }', "this machine, with TLS"),
        (
            'url = "stratum+tls://0.0.0.0:1"\ntls = { certificate = "c", key = "k", client_ca = "a.pem" }',
            "with TLS and a certificate of a.pem",
        ),
        (
            'proxy_protocol = "required"\ntrusted_proxies = ["10.0.0.0/8"]',
            "only through a balancer at 10.0.0.0/8",
        ),
        (
            'proxy_protocol = "optional"\ntrusted_proxies = ["10.0.0.0/8"]',
            ", or through a balancer at 10.0.0.0/8",
        ),
    ],
)
def test_who_may_connect(listen: str, who: str) -> None:
    assert who in said(listen=f"[[listen]]\n{listen}\n")


def test_a_port_of_one_dialect_and_a_number() -> None:
    text = said(listen='[[listen]]\ndialect = "login"\ndifficulty = 100\n')
    assert "    speak login; difficulty 100, or the pool's where that is lower" in text


def test_one_pool_has_nobody_behind_it() -> None:
    text = said(upstream=TWO_POOLS.partition('[[upstream.pools]]\nname = "backup"')[0])
    assert "There is no other then: miners stay connected" in text


def test_a_way_by_a_proxy_is_said_without_its_password() -> None:
    text = said(upstream=TWO_POOLS.replace("[upstream]", '[upstream]\nproxy = "socks5://me:hush@gate:1080"'))
    assert "3333 by a proxy, account" in text
    assert "hush" not in text


def test_blob_work_has_room_by_connections() -> None:
    assert "256 miners a pool connection, 80 connections: 20,480 miners" in said(upstream=BLOB)


def test_what_is_off_is_said() -> None:
    text = said('[http]\naddress = ""\n[ledger]\nurl = ""')
    assert "Dashboard, metrics and API:\n  none" in text
    assert "cannot be reconciled" in text


def test_tokens_are_said_and_not_shown() -> None:
    text = said('[http]\nread_token = "hush"\nadmin_token = "hush"')
    assert "looking needs a token; changes need the admin token" in text
    assert "hush" not in text


def test_without_a_limit_of_files() -> None:
    assert "; no limit" in "\n".join(explained(configured(), machine(open_files=UNLIMITED)))


def test_check_prints_it_as_comments_so_that_it_stays_toml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text(TWO_POOLS + LISTEN, encoding="utf-8")
    plain = CliRunner().invoke(sluice, ["check", "-c", "s.toml"], catch_exceptions=False)
    result = CliRunner().invoke(sluice, ["check", "-c", "s.toml", "--explain"], catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(plain.stdout)
    assert tomllib.loads(result.stdout) == tomllib.loads(plain.stdout)
    assert "# Shares go to, in this order:\n#   1. main" in result.stdout
