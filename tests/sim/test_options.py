"""The click group: options reach the parts, and mistakes are named."""

import json

import click
import pytest
from click.testing import CliRunner

from proxy.errors import ConfigError
from proxy.native import Equihash
from proxy.sim.login_faults import SPELLINGS
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


@pytest.mark.parametrize(
    "options", ["", "--target-digits 16", "--algorithm blob", "--algorithm blob --target-digits 16"]
)
def test_a_pool_of_the_login_dialect_from_the_command_line(options: str) -> None:
    line = f"pool --dialect login {options} --every retarget=0.02 --seconds 0.1 --json"
    result = CliRunner().invoke(sim, line.split(), catch_exceptions=False)
    first, last = result.output.splitlines()
    assert first.startswith("listening url=stratum+tcp://127.0.0.1:")
    assert json.loads(last)["jobs"] > 1


@pytest.mark.parametrize(
    "options",
    ["--algorithm blob", "--target-digits 16", "--dialect login --algorithm blob --target-digits 64"],
)
def test_what_a_pool_cannot_be(options: str) -> None:
    with pytest.raises(ConfigError):
        CliRunner().invoke(sim, ["pool", *options.split()], catch_exceptions=False)


@pytest.mark.parametrize("command", ["pool", "miners"])
def test_help_has_an_example(command: str) -> None:
    assert "Example:" in CliRunner().invoke(sim, [command, "--help"]).output


@pytest.mark.parametrize(
    "options",
    [
        "--mix bad=1",
        "--algorithm equihash/210_9",
        "--algorithm x",
        "--algorithm blob",
        "--dialect login --against solo",
    ],
)
def test_a_mistake_is_named_before_anything_starts(options: str) -> None:
    with pytest.raises(ConfigError):
        CliRunner().invoke(sim, ["miners", "127.0.0.1:1", *options.split()], catch_exceptions=False)


def test_every_spelling_can_be_ordered() -> None:
    spelling = next(option for option in sim.commands["miners"].params if option.name == "spelling")
    assert isinstance(spelling.type, click.Choice)
    assert tuple(spelling.type.choices) == SPELLINGS
