"""How the ledger does, put together of several processes."""

from proxy.ledger.standing import BEHIND, DOWN, OFF, OK, Standing, together


def test_counts_add_up_and_the_worst_state_stands() -> None:
    well = Standing(OK, pending=1, written=10)
    behind = Standing(BEHIND, pending=5, written=20, spooled_bytes=100, reason="5 wait")
    down = Standing(DOWN, pending=7, lost=2, spooled_bytes=50, reason="no answer")
    assert together([well, behind, down]) == Standing(DOWN, 13, 30, 2, 150, "no answer")
    assert together([well, behind]) == Standing(BEHIND, 6, 30, 0, 100, "5 wait")


def test_nobody_keeps_none() -> None:
    assert together([]) == Standing(OFF)


def test_of_a_process_that_is_gone_its_counts_stay() -> None:
    gone = Standing(DOWN, pending=7, written=3, lost=2, spooled_bytes=9, reason="x").past
    assert together([gone, Standing(OK, written=1)]) == Standing(OK, 0, 4, 2)
