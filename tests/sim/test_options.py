"""The click group: options reach the parts, and mistakes are named."""

import json

import pytest
from click.testing import CliRunner

from proxy.errors import ConfigError
from proxy.native import Equihash
from proxy.sim.options import read_algorithm, sim


def test_algorithm() -> None:
    assert read_algorithm("equihash/96_5", "AION0PoW") == Equihash(96, 5)
    assert read_algorithm("48_5", "ZcashPoW") == Equihash(48, 5, "ZcashPoW")


@pytest.mark.parametrize("text", ["", "blob", "48-5", "equihash/48_5x", "equihash/49_5"])
def test_no_algorithm(text: str) -> None:
    with pytest.raises(ConfigError):
        read_algorithm(text, "AION0PoW")


def test_a_pool_from_the_command_line() -> None:
    options = "--style p2 --difficulty 4 --job-seconds 0.02 --user me --every drop=1 --seconds 0.2 --json"
    result = CliRunner().invoke(sim, ["pool", *options.split()], catch_exceptions=False)
    first, last = result.output.splitlines()
    assert first.startswith("listening url=")
    assert json.loads(last)["jobs"] > 1
    assert result.exit_code == 0


@pytest.mark.parametrize("command", ["pool", "miners"])
def test_help_has_an_example(command: str) -> None:
    assert "Example:" in CliRunner().invoke(sim, [command, "--help"]).output


@pytest.mark.parametrize("options", ["--mix bad=1", "--algorithm equihash/210_9", "--algorithm x"])
def test_a_mistake_is_named_before_anything_starts(options: str) -> None:
    with pytest.raises(ConfigError):
        CliRunner().invoke(sim, ["miners", "127.0.0.1:1", *options.split()], catch_exceptions=False)
