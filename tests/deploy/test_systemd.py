"""The units of systemd: that they fit the program's defaults, and take away what it does not need."""

from pathlib import Path

import pytest

from proxy.config import Limits, load

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
Unit = dict[str, dict[str, list[str]]]


def unit(name: str) -> Unit:
    """Read a unit: its sections, keys, and all values of each."""
    sections: Unit = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            keys = sections[line.strip("[]")] = {}
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys.setdefault(key, []).append(value)
    return sections


SERVICE = unit("sluice.service")["Service"]


def one(key: str) -> str:
    """Return the one value of a key of the service."""
    (value,) = SERVICE[key]
    return value


def test_systemd_holds_the_ports_that_are_the_configurations_default() -> None:
    config = load(None, {"SLUICE__UPSTREAM__USER": "0xa0", "SLUICE__UPSTREAM__POOLS__0__URL": "unix:///p"})
    ports = [f"{listen.url.host}:{listen.url.port}" for listen in config.listen]
    assert unit("sluice.socket")["Socket"]["ListenStream"] == [*ports, config.http.address]


def test_the_service_says_when_it_serves_and_reads_its_file_again_when_told_to() -> None:
    assert one("Type") == "notify"
    assert one("ExecReload") == "/bin/kill -HUP $MAINPID"
    assert one("ExecStart").endswith("sluice run -c /etc/sluice/sluice.toml")
    assert float(one("TimeoutStopSec")) > 2 * Limits().shutdown_seconds


def test_the_service_can_do_without_the_socket_unit() -> None:
    """Several worker processes cannot have ports of systemd's: then the socket is masked."""
    service = unit("sluice.service")
    assert "Requires" not in service["Unit"]
    assert "sluice.socket" in service["Unit"]["Wants"][0].split()
    assert "sluice.socket" in service["Unit"]["After"][0].split()


def test_crashes_never_exhaust_the_tries_and_a_wrong_file_is_not_tried_again() -> None:
    assert one("Restart") == "on-failure"
    assert one("RestartPreventExitStatus") == "2"
    limits = unit("sluice.service")["Unit"]
    (interval,), (burst,) = limits["StartLimitIntervalSec"], limits["StartLimitBurst"]
    assert float(one("RestartSec")) * int(burst) >= float(interval)


def test_there_are_files_for_all_miners_that_are_let_in() -> None:
    assert int(one("LimitNOFILE")) >= 2 * Limits().max_miners


def test_the_ledger_has_a_place_that_is_the_services_own() -> None:
    """Its default path counts from the working directory."""
    assert one("WorkingDirectory") == f"/var/lib/{one('StateDirectory')}"
    account = (UNITS / "sluice.sysusers.conf").read_text(encoding="utf-8").splitlines()[-1].split()
    assert account[:2] == ["u", one("User")]
    assert account[-1] == one("WorkingDirectory")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictNamespaces", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("SystemCallArchitectures", "native"),
    ],
)
def test_the_service_cannot_do_what_it_need_not(key: str, value: str) -> None:
    assert one(key) == value


def test_the_calls_it_may_make_are_those_of_a_service_and_its_limit_of_files() -> None:
    allowed, taken, given_back = SERVICE["SystemCallFilter"]
    assert allowed == "@system-service"
    assert set(taken.removeprefix("~").split()) == {"@privileged", "@resources"}
    assert set(given_back.split()) == {"prlimit64", "getrlimit", "setrlimit"}
