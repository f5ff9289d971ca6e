"""Texts of refusals, and what each kind of share deserves."""

import pytest

from proxy.model.share import Reason, Verdict
from proxy.sim.ear import Ear, Reply
from proxy.sim.styles import HEX, NONCE, NTIME, P2, PARAMS, SOLUTION, Solo
from proxy.sim.verdicts import CAN_BE_LATE, DESERVED, SHARES, SHARES_APART, Kind, reason_of
from proxy.wire import aion

OURS = [
    reason
    for reason in Reason
    if reason not in (Reason.ACCEPTED, Reason.KEPT, Reason.MALFORMED, Reason.REJECTED)
]


def heard(line: bytes) -> Reason:
    from collections import Counter

    reply = Ear(Counter()).hear(line.rstrip(b"\n"))
    assert isinstance(reply, Reply)
    return reason_of(reply.ok, reply.text)


@pytest.mark.parametrize("reason", OURS)
def test_the_proxys_own_refusals_are_told_apart(reason: Reason) -> None:
    assert heard(aion.verdict(b"4", Verdict(reason))) is reason


def test_the_proxys_other_answers() -> None:
    assert heard(aion.verdict(b"4", Verdict(Reason.KEPT))) is Reason.ACCEPTED
    assert heard(aion.verdict(b"4", Verdict(Reason.MALFORMED, "malformed share: x"))) is Reason.MALFORMED
    assert heard(aion.verdict(b"4", Verdict(Reason.REJECTED, "odd words", 99))) is Reason.REJECTED


@pytest.mark.parametrize("detail", [PARAMS, NTIME, NONCE, SOLUTION, HEX])
@pytest.mark.parametrize("style", [Solo(), P2(1)], ids=["solo", "p2"])
def test_pools_sizes_are_malformed(style: Solo | P2, detail: str) -> None:
    reason = heard(style.verdict(b"4", Verdict(Reason.MALFORMED, detail)))
    assert reason in DESERVED[style.name][Kind.MALFORMED]


def test_every_share_has_its_desert_with_every_judge() -> None:
    for table in DESERVED.values():
        assert set(table) == {*SHARES, *SHARES_APART}
        assert all(table.values())
    assert set(SHARES) > CAN_BE_LATE
