"""Texts of refusals, and what each kind of share deserves."""

from collections import Counter

import pytest

from proxy.model.share import Reason, Verdict
from proxy.sim.ear import Ear, Reply
from proxy.sim.login_ear import LoginEar
from proxy.sim.styles import HEX, NONCE, NTIME, P2, PARAMS, SOLUTION, Solo
from proxy.sim.verdicts import CAN_BE_LATE, DESERVED, SHARES, SHARES_APART, Kind, deserts, reason_of
from proxy.wire import aion, login

OURS = [
    reason
    for reason in Reason
    if reason not in (Reason.ACCEPTED, Reason.KEPT, Reason.MALFORMED, Reason.REJECTED)
]


def heard(line: bytes) -> Reason:
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


# The login column of the verdict table in docs/operations.md, by hand.
LOGIN_COLUMN = [
    ("Malformed share: a nonce of 7 digits", Reason.MALFORMED),
    ("Unauthenticated", Reason.UNAUTHORIZED),
    ("Job not found", Reason.UNKNOWN_JOB),
    ("Block expired", Reason.STALE),
    ("Invalid nonce", Reason.BAD_NONCE),
    ("Duplicate share", Reason.DUPLICATE),
    ("Low difficulty share", Reason.LOW_DIFFICULTY),
    ("Invalid solution", Reason.INVALID_SOLUTION),
    ("Pool connection lost", Reason.LOST),
    ("Invalid job id", Reason.UNKNOWN_JOB),
    ("odd words", Reason.REJECTED),
]


@pytest.mark.parametrize(("text", "reason"), LOGIN_COLUMN)
def test_the_texts_of_the_login_dialect_are_told_apart(text: str, reason: Reason) -> None:
    assert reason_of(False, text) is reason


def heard_by_xmrig(line: bytes) -> Reason:
    counted: Counter[str] = Counter()
    reply = LoginEar(counted).hear(line.rstrip(b"\n"))
    assert isinstance(reply, Reply)
    assert not counted
    return reason_of(reply.ok, reply.text)


@pytest.mark.parametrize("reason", [reason for reason in OURS if reason is not Reason.NOT_SUBSCRIBED])
def test_the_proxys_own_refusals_are_told_apart_in_the_login_dialect(reason: Reason) -> None:
    assert heard_by_xmrig(login.verdict(b"4", Verdict(reason))) is reason


def test_the_proxys_other_answers_in_the_login_dialect() -> None:
    assert heard_by_xmrig(login.verdict(b"4", Verdict(Reason.KEPT))) is Reason.ACCEPTED
    assert heard_by_xmrig(login.verdict(b"4", Verdict(Reason.MALFORMED, "x"))) is Reason.MALFORMED
    assert heard_by_xmrig(login.verdict(b"4", Verdict(Reason.REJECTED, "odd words", 99))) is Reason.REJECTED
    # An Aion pool's own text, passed on.
    assert heard_by_xmrig(login.verdict(b"4", Verdict(Reason.REJECTED, "stale share", 21))) is Reason.STALE


def test_a_false_result_is_the_pools_to_see() -> None:
    assert Reason.REJECTED in deserts("sluice", blob=True)[Kind.BAD_PROOF]
    assert deserts("login", blob=True)[Kind.BAD_PROOF] == {Reason.LOW_DIFFICULTY}
    assert deserts("login")[Kind.BAD_PROOF] == {Reason.INVALID_SOLUTION}
