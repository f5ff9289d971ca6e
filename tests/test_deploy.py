"""What deploy/ ships can be used as it is."""

from pathlib import Path

from proxy.config import Limits, load, unbuilt

DEPLOY = Path(__file__).parents[1] / "deploy"


def test_the_containers_configuration_loads_and_runs() -> None:
    """Only pool and account are for the operator to put in."""
    config = load(str(DEPLOY / "container.toml"), {"SLUICE__UPSTREAM__USER": "0xa0"})
    assert unbuilt(config) == []
    assert config.log.format == "json"
    assert config.upstream.user == "0xa0"


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """Read a unit of systemd: its sections, keys, and all values of each."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in (DEPLOY / "systemd" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            keys = sections[line.strip("[]")] = {}
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys.setdefault(key, []).append(value)
    return sections


def test_systemd_holds_the_ports_that_are_the_configurations_default() -> None:
    config = load(None, {"SLUICE__UPSTREAM__USER": "0xa0", "SLUICE__UPSTREAM__POOLS__0__URL": "unix:///p"})
    ports = [f"{listen.url.host}:{listen.url.port}" for listen in config.listen]
    assert unit("sluice.socket")["Socket"]["ListenStream"] == [*ports, config.http.address]


def test_the_service_says_when_it_serves_and_reads_its_file_again_when_told_to() -> None:
    service = unit("sluice.service")["Service"]
    assert service["Type"] == ["notify"]
    assert service["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert service["ExecStart"][0].endswith("sluice run -c /etc/sluice/sluice.toml")
    assert float(service["TimeoutStopSec"][0]) > 2 * Limits().shutdown_seconds
