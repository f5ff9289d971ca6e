"""One browser for all tests of a process; without Chromium they are left out, and say why."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import launched, missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# Not of the session: while it runs, playwright has an event loop of asyncio "running" in this thread, which
# tests of other things in the same process would find.
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A running Chromium."""
    why = missing()
    if why:
        pytest.skip(why)
    with launched() as browser:
        yield browser
