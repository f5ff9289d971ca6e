"""What every test starts from."""

import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# Properties hold on any machine, however busy; nothing in them is about time.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Started in the background of a shell they would ignore Ctrl-C, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def log_as_it_comes() -> Iterator[None]:
    """A test that runs a command sets up this process's log; the next one is not to inherit that."""
    yield
    structlog.reset_defaults()
