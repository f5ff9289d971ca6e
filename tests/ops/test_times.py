"""Times as people read them."""

import time

import pytest
import trio

from proxy.ops.times import shown, shown_or_none, since_1970


def test_a_time_has_its_zone_and_no_noise() -> None:
    assert shown(1_800_000_000.1234567).isoformat() == "2027-01-15T08:00:00.123000+00:00"
    assert shown_or_none(0.0) is None
    assert shown_or_none(1_800_000_000.0) == shown(1_800_000_000.0)


async def test_a_moment_of_this_process_becomes_one_of_the_day() -> None:
    ago = trio.current_time() - 60
    assert since_1970(ago) == pytest.approx(time.time() - 60, abs=5)
    assert since_1970(1000.0, 1060.0) == pytest.approx(time.time() - 60, abs=5)
