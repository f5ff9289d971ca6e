"""The loop's side: numbers without a gap, and a bound that is told of."""

from proxy.ledger.recorder import LedgerRecorder
from tests.ledger.ends import ended


def test_shares_come_out_in_their_order_with_their_numbers() -> None:
    recorder = LedgerRecorder()
    shares = [ended(n) for n in range(5)]
    for share in shares:
        recorder.record(share)
    assert len(recorder) == 5
    assert recorder.take(2) == [(1, shares[0]), (2, shares[1])]
    assert recorder.take(100) == [(3, shares[2]), (4, shares[3]), (5, shares[4])]
    assert recorder.take(100) == []
    assert (recorder.given, recorder.refused) == (5, 0)


def test_a_share_there_is_no_room_for_has_a_number_all_the_same() -> None:
    recorder = LedgerRecorder(most=2)
    for n in range(4):
        recorder.record(ended(n))
    assert (recorder.given, recorder.refused) == (4, 2)
    assert [number for number, _ in recorder.take(9)] == [1, 2]
    recorder.record(ended(9))
    assert [number for number, _ in recorder.take(9)] == [5]
