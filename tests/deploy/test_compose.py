"""The compose file: what is closed stays closed, and the simulation is what its commands and demo.toml say.

Docker itself is asked where it is there; the rest is read from the file.
"""

import os
import re
import shutil
import subprocess
from typing import Any

import click
import pytest

from proxy.config import Limits, load
from proxy.sim.options import sim
from tests.deploy.watching import DEPLOY, ROOT, read

COMPOSE = DEPLOY / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = read(COMPOSE)["services"]
SIMULATED = {name: service for name, service in SERVICES.items() if name.startswith("demo-")}
EACH = pytest.mark.parametrize("name", SERVICES)
OPTIONAL = "${SLUICE_TOML:+not-}"


def docker() -> list[str] | None:
    """The command of Docker Compose 2, None if there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            done = subprocess.run(
                [*command, "version", "--short"], capture_output=True, text=True, check=False
            )
            if done.returncode == 0 and done.stdout.lstrip("v").startswith(("2.", "3.", "4.", "5.")):
                return command
    return None


DOCKER = docker()
needs_docker = pytest.mark.skipif(DOCKER is None, reason="Docker Compose 2 is not installed")


def services(file: str, *profiles: str, **environ: str) -> set[str]:
    """Ask Docker which services there would be."""
    assert DOCKER is not None
    chosen = [part for profile in profiles for part in ("--profile", profile)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SLUICE", "COMPOSE"))}
    asked = [*DOCKER, "-f", str(ROOT / file), *chosen, "config", "--services"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env={**clean, **environ})
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return set(done.stdout.split())


@needs_docker
@pytest.mark.parametrize("file", ["compose.yaml", "deploy/compose.yaml"])
def test_profiles_are_as_promised(file: str) -> None:
    alone, watching = {"proxy", "token"}, {"prometheus", "alertmanager", "grafana"}
    assert services(file) == alone
    assert services(file, "demo") == alone | SIMULATED.keys()
    assert services(file, "monitoring") == alone | watching | SIMULATED.keys()
    own = {"SLUICE_TOML": str(DEPLOY / "container.toml")}
    assert services(file, **own) == alone
    assert services(file, "monitoring", **own) == alone | watching
    assert services(file, "monitoring", "demo", **own) == alone | watching


@EACH
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc"}
    assert service.get("network_mode") in (None, "none")
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


@EACH
def test_a_container_can_use_up_neither_memory_nor_disk(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["restart"] != "no"


@EACH
def test_images_have_a_fixed_tag(name: str) -> None:
    image = re.sub(r"\$\{\w+:-(.*)\}", r"\1", SERVICES[name]["image"])
    assert re.fullmatch(r"[a-z/]+:(local|v?\d+\.\d+\.\d+)", image)


def test_only_the_miners_port_is_open_to_others() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == [
        "${SLUICE_MINERS_ADDRESS:-0.0.0.0}:${SLUICE_MINERS_PORT:-3333}:3333"
    ]


def test_nobody_starts_with_a_password_that_others_know() -> None:
    for service in SERVICES.values():
        for key in service.get("environment", {}):
            assert not re.search("PASSWORD|TOKEN$|SECRET", key)
    grafana = (DEPLOY / "grafana" / "grafana.ini").read_text(encoding="utf-8")
    for line in ("disable_initial_admin_creation = true", "disable_login_form = true", "org_role = Viewer"):
        assert line in grafana


def test_the_proxy_has_the_time_to_end_in_order() -> None:
    assert float(SERVICES["proxy"]["stop_grace_period"].rstrip("s")) > Limits().shutdown_seconds + 2


def test_what_starts_later_waits_until_the_earlier_is_well() -> None:
    for service in SERVICES.values():
        for condition in service.get("depends_on", {}).values():
            assert condition["condition"] in ("service_healthy", "service_completed_successfully")


def test_no_simulated_miner_meets_a_real_pool() -> None:
    """A configuration of one's own takes the simulation out of every profile that has it."""
    assert len(SIMULATED) == 4
    for service in SIMULATED.values():
        assert service["profiles"] == [f"{OPTIONAL}demo", f"{OPTIONAL}monitoring"]
    assert SERVICES["proxy"]["volumes"][0]["source"] == "${SLUICE_TOML:-./demo.toml}"


@pytest.mark.parametrize("service", SIMULATED.values(), ids=SIMULATED)
def test_the_simulations_commands_are_understood(service: dict[str, Any]) -> None:
    command, kind, *arguments = service["command"]
    assert command == "sim"
    end = sim.commands[kind]
    assert isinstance(end, click.Command)
    given = end.make_context(kind, arguments).params
    assert given["seconds"] == 0


def test_the_demos_configuration_finds_the_simulated_pools() -> None:
    config = load(str(DEPLOY / "demo.toml"), {"SLUICE__LEDGER__URL": "sqlite:////var/lib/sluice/sluice.db"})
    aliases = {alias for service in SIMULATED.values() for alias in _aliases(service)}
    assert {pool.url.host for pool in config.upstream.pools} == aliases
    assert {pool.url.port for pool in config.upstream.pools} == {3333}
    assert [listen.url.port for listen in config.listen] == [3333]


def _aliases(service: dict[str, Any]) -> list[str]:
    networks = service["networks"]
    return networks["farm"]["aliases"] if isinstance(networks, dict) else []


def test_prometheus_and_proxy_have_the_same_token() -> None:
    where = SERVICES["proxy"]["environment"]["SLUICE__HTTP__READ_TOKEN_FILE"]
    jobs = read(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    [job] = [job for job in jobs if job["job_name"] == "sluice"]
    assert job["authorization"]["credentials_file"] == where
    for name in ("proxy", "prometheus"):
        assert "secrets:/run/secrets/sluice:ro" in SERVICES[name]["volumes"]
        assert SERVICES[name]["depends_on"]["token"] == {"condition": "service_completed_successfully"}
