"""The clock of tests that use real sockets."""

import pytest
from trio.testing import MockClock


@pytest.fixture
def clock() -> MockClock:
    """Let time jump to the next deadline once nothing has happened for some real milliseconds.

    Not at once, because the kernel of a busy machine may need a moment to carry bytes over loopback.
    """
    return MockClock(autojump_threshold=0.005)
