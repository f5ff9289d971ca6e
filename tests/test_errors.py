"""Faults are told apart by guilt, and every one of them is a line for a person."""

import pytest

from proxy.errors import ConfigError, MinerError, PoolError, SluiceError


@pytest.mark.parametrize("fault", [ConfigError, MinerError, PoolError])
def test_every_fault_is_one_of_ours_and_shows_just_its_line(fault: type[SluiceError]) -> None:
    """The command line catches the base and prints str()."""
    assert issubclass(fault, SluiceError)
    assert str(fault("main: silent for 300 s")) == "main: silent for 300 s"


@pytest.mark.parametrize("fault", [ConfigError, MinerError, PoolError])
def test_no_fault_is_mistaken_for_another(fault: type[SluiceError]) -> None:
    """A handler for one guilt must not swallow another's."""
    others = {ConfigError, MinerError, PoolError} - {fault}
    assert not any(issubclass(fault, other) for other in others)
