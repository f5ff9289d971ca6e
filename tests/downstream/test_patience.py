"""How long a stranger may take and how much it may send; sessions at it stand in test_session.py."""

from proxy.config import Limits
from proxy.downstream.patience import first_deadline, line_limit, overdue, secured_deadline, too_long
from tests.kit.miners import door

LIMITS = Limits(first_line_seconds=5, login_seconds=10, idle_seconds=600)


def test_the_sooner_time_counts() -> None:
    assert first_deadline(LIMITS, 100.0) == 105.0
    assert first_deadline(Limits(first_line_seconds=5, login_seconds=2), 100.0) == 102.0


def test_a_handshake_takes_nothing_from_the_first_line_but_its_own_time() -> None:
    assert secured_deadline(LIMITS, 100.0, 101.0) == 106.0
    assert secured_deadline(LIMITS, 100.0, 108.0) == 110.0


def test_lines_grow_with_the_login() -> None:
    both = door()
    assert line_limit(both, "", is_in=False) == 4096
    assert line_limit(both, "aion", is_in=True) == 16_384
    assert line_limit(both, "login", is_in=True) == 65_536
    assert line_limit(door(Limits(line_bytes=2048)), "", is_in=False) == 2048


def test_each_limit_has_its_key() -> None:
    assert "limits.login_line_bytes" in too_long(LIMITS, 4096)
    assert "limits.line_bytes" in too_long(LIMITS, 16_384)


def test_each_end_has_its_reason() -> None:
    assert overdue(LIMITS, 100.0, 105.0)[0] == "first_line_timeout"
    assert overdue(LIMITS, 100.0, 110.0)[0] == "login_timeout"
    assert overdue(LIMITS, float("inf"), 110.0)[0] == "idle"
