"""Alertmanager would take its configuration, and what it says of alerts is true of those there are."""

import re
import shutil
import subprocess

import pytest

from tests.deploy.watching import DEPLOY, alerts, read

CONFIGURATION = DEPLOY / "alertmanager" / "alertmanager.yml"
AMTOOL = shutil.which("amtool")

needs_amtool = pytest.mark.skipif(
    AMTOOL is None, reason="amtool is not installed: apt-get install prometheus-alertmanager"
)


@needs_amtool
def test_the_configuration_is_sound() -> None:
    assert AMTOOL is not None
    done = subprocess.run(
        [AMTOOL, "check-config", CONFIGURATION], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_amtool
@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_each_severity_has_its_receiver(severity: str) -> None:
    assert AMTOOL is not None
    asked = [AMTOOL, "config", "routes", "test", f"--config.file={CONFIGURATION}", f"severity={severity}"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [severity]


def test_it_sends_nothing_anywhere_until_told_to() -> None:
    receivers = read(CONFIGURATION)["receivers"]
    assert [receiver["name"] for receiver in receivers] == ["nobody", "page", "ticket"]
    assert all(receiver.keys() == {"name"} for receiver in receivers)


def test_what_silences_and_what_is_silenced_are_alerts_of_ours() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    named = {name for names in re.findall(r'alertname=~?"([^"]+)"', text) for name in names.split("|")}
    assert named
    assert named <= {alert["alert"] for alert in alerts()}
