"""What every test starts from."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def log_as_it_comes() -> Iterator[None]:
    """A test that runs a command sets up this process's log; the next one is not to inherit that."""
    yield
    structlog.reset_defaults()
