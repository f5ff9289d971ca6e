"""Rows made of shares: the wall clock's times, text that any database takes, and the way through a file."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger import schema
from proxy.ledger.batch import Batch, Drafter, minutes_of, pack, plain, unpack
from proxy.ledger.schema import MICRO, source_id
from proxy.model.share import Reason
from tests.ledger.ends import NOON, RUN, batch_of, ended, run_row


def row_of(share: object) -> dict[str, object]:
    """A share's row by the names of its columns."""
    (row,) = Drafter(RUN).rows([(7, share)], NOON)[0]  # type: ignore[list-item]
    return dict(zip(schema.shares.columns.keys(), row, strict=True))


def test_a_forwarded_share() -> None:
    assert row_of(ended(1.5)) == {
        "run": RUN,
        "seq": 7,
        "at": NOON * MICRO + 1_500_000,
        "received_at": NOON * MICRO + 1_470_000,
        "source": source_id("rig1", "10.0.0.1", "farm", "aion"),
        "pool": "main",
        "job": "19ab3c01",
        "reason": "accepted",
        "message": None,
        "difficulty": 8.0,
        "reached": 16.0,
        "roundtrip_us": 30_000,
        "block": False,
    }


def test_a_share_that_was_refused_here() -> None:
    row = row_of(ended(2.0, reason=Reason.MALFORMED, message="nonce: not hex", difficulty=0.0))
    assert (row["pool"], row["message"]) == ("", "nonce: not hex")
    assert (row["reached"], row["roundtrip_us"]) == (None, None)
    assert row["at"] == row["received_at"]


def test_a_source_is_named_once_however_many_shares_it_has() -> None:
    batch = batch_of([ended(n, worker=f"rig{n % 3}") for n in range(30)])
    assert sorted(worker for _, worker, *_ in batch.sources) == ["rig0", "rig1", "rig2"]
    assert {row[4] for row in batch.rows} == {source[0] for source in batch.sources}


def test_a_difficulty_that_is_no_number_of_json_becomes_one() -> None:
    assert row_of(ended(difficulty=math.inf))["difficulty"] == 0.0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rig1", "rig1"),
        ("", ""),
        ("müller", "müller"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\ud800b", "a?b"),
        ("a\tb", "a\tb"),
    ],
)
def test_text_any_database_takes(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_text_is_always_utf_8_without_nul(text: str) -> None:
    assert "\0" not in plain(text).encode().decode()


@given(st.lists(st.tuples(st.text(), st.sampled_from(Reason), st.text(), st.floats()), max_size=20))
def test_a_batch_comes_back_from_a_file_as_it_was(what: list[tuple[str, Reason, str, float]]) -> None:
    shares = [
        ended(worker=worker, reason=reason, message=message, difficulty=difficulty)
        for worker, reason, message, difficulty in what
    ]
    batch = batch_of(shares)
    again = unpack(pack(batch))
    assert (again.run, again.sources) == (batch.run, batch.sources)
    assert again.rows == batch.rows


@given(st.binary())
def test_any_other_bytes_are_no_batch(data: bytes) -> None:
    with pytest.raises(ValueError, match="no batch"):
        unpack(data)


def test_an_empty_batch_says_how_the_run_stands() -> None:
    batch = Batch(run_row(9, is_over=True), [], [])
    assert unpack(pack(batch)).run == batch.run


def test_the_minutes_of_rows() -> None:
    batch = batch_of([ended(at) for at in (0.0, 59.999, 60.0, 185.0)])
    assert minutes_of(batch.rows) == {NOON, NOON + 60, NOON + 180}
