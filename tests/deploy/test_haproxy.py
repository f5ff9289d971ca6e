"""HAProxy would take the examples, where it is installed to be asked."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from proxy.config import Limits
from tests.deploy.watching import DEPLOY
from tests.kit.certificates import Authority

PLAIN, WITH_TLS = DEPLOY / "haproxy" / "haproxy.cfg", DEPLOY / "haproxy" / "tls.cfg"
HAPROXY = shutil.which("haproxy")

needs_haproxy = pytest.mark.skipif(
    HAPROXY is None, reason="haproxy is not installed: apt-get install haproxy"
)


def check(*files: Path, **environ: str) -> str:
    """Have HAProxy look at files, warnings counting as faults; what it said, "" if that was fine."""
    assert HAPROXY is not None
    asked = [HAPROXY, "-c", "-dW", *(part for file in files for part in ("-f", str(file)))]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env={**os.environ, **environ})
    return "" if done.returncode == 0 else done.stdout + done.stderr


@needs_haproxy
def test_the_example_is_sound() -> None:
    assert check(PLAIN) == ""


@needs_haproxy
def test_so_is_the_one_with_tls(tmp_path: Path) -> None:
    tls = Authority(tmp_path).issue()
    both = tmp_path / "both.pem"
    both.write_bytes(Path(tls.certificate).read_bytes() + Path(tls.key).read_bytes())
    assert check(PLAIN, WITH_TLS, FARM_PEM=str(both)) == ""


@needs_haproxy
def test_a_fault_would_be_seen(tmp_path: Path) -> None:
    broken = tmp_path / "haproxy.cfg"
    broken.write_text(
        PLAIN.read_text(encoding="utf-8").replace("send-proxy-v2", "send-proxy-v9"), encoding="utf-8"
    )
    assert "send-proxy-v9" in check(broken)


def test_it_waits_longer_than_sluice_for_a_miner_that_is_silent() -> None:
    """Else it is HAProxy that hangs up, and nobody counts why."""
    lines = [line.split() for line in PLAIN.read_text(encoding="utf-8").splitlines()]
    minutes = {line[1]: line[2] for line in lines if line[:1] == ["timeout"] and line[2].endswith("m")}
    assert minutes.keys() == {"client", "server"}
    assert all(float(value.rstrip("m")) * 60 > Limits().idle_seconds for value in minutes.values())
