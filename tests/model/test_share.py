"""Shares and verdicts: every reason has its place in the two sums that are always to hold."""

import attrs
import pytest

from proxy.model.share import FILTERED, FORWARDED, Reason, Share, Verdict, worth_passing_on


def test_the_reasons_are_the_rows_of_the_verdict_table() -> None:
    assert [reason.value for reason in Reason] == [
        "accepted",
        "kept",
        "malformed",
        "unauthorized",
        "not_subscribed",
        "unknown_job",
        "stale",
        "bad_nonce",
        "duplicate",
        "low_difficulty",
        "invalid_solution",
        "rejected",
        "lost",
    ]


def test_a_reason_shows_as_the_label_it_is() -> None:
    assert f"{Reason.LOW_DIFFICULTY}" == "low_difficulty"


def test_received_is_filtered_and_kept_and_forwarded() -> None:
    parts = [*FILTERED, Reason.KEPT, *FORWARDED]
    assert sorted(parts) == sorted(Reason)  # each once, none left out


def test_forwarded_is_accepted_and_rejected_and_lost() -> None:
    assert set(FORWARDED) == {Reason.ACCEPTED, Reason.REJECTED, Reason.LOST}


def test_a_verdict_is_a_value() -> None:
    verdict = Verdict(Reason.STALE)
    assert verdict == Verdict(Reason.STALE, "", 0)
    assert verdict != Verdict(Reason.STALE, "block expired")
    assert len({verdict, Verdict(Reason.STALE)}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        verdict.reason = Reason.ACCEPTED  # type: ignore[misc]


def test_a_share_holds_what_its_dialect_read() -> None:
    share = Share(work_id="1f", nonce="00" * 32, solution="ab" * 1408, ntime="")
    assert (share.work_id, len(share.nonce), len(share.solution), share.ntime) == ("1f", 64, 2816, "")
    assert share != Share("1f", "00" * 32, "ab" * 1408, "")  # sameness of shares is the validator's to decide


@pytest.mark.parametrize("ntime", ["000000005e0be100", "000000005E0BE10F"])
def test_a_time_of_16_digits_goes_on_as_it_came(ntime: str) -> None:
    assert worth_passing_on(ntime) == ntime


@pytest.mark.parametrize(
    "ntime", [None, 17, "", "5e0be100", "0x0000005e0be100", "00000000 5e0be10", ["0" * 16]]
)
def test_any_other_time_does_not(ntime: object) -> None:
    assert worth_passing_on(ntime) == ""
