"""What the log is told of miners: who was dropped or punished, and once a minute how all do.

The trap: a flood of junk must not become a flood of lines, so what repeats is counted instead.
"""

from collections import Counter
from collections.abc import Callable

import structlog
import trio

from proxy import native
from proxy.core.conduct import Step
from proxy.core.penalties import Miner
from proxy.core.workerbook import WorkerBook
from proxy.downstream.session import MinerSession
from proxy.downstream.warden import News
from proxy.model.ended import Ended
from proxy.model.job import ID_DIGITS
from proxy.model.share import Reason
from proxy.native import Equihash
from proxy.ops.logs import Repeated
from proxy.ops.view import View

STATUS_SECONDS = 60
FORGET_SECONDS = 60  # between two looks for workers that were away for days
TAKEOVER, LISTENER_REMOVED = "takeover", "listener_removed"  # why miners are sent away

# Ends of a connection that need nobody's attention.
_ORDINARY = ("closed", "reset", "shutdown", TAKEOVER, LISTENER_REMOVED)

_STEPS = {
    Step.WARN: "bad shares",
    Step.THROTTLE: "bad shares, miner slowed",
    Step.BAN: "miner banned",
}

log = structlog.get_logger()


class Farewells:
    """Says who was dropped; see downstream.admission.Farewell."""

    def __init__(self) -> None:
        self._repeated = Repeated()

    def __call__(self, session: MinerSession, now: float) -> None:
        """Say that a session has ended, if that is worth a line."""
        why = session.closing
        if why in _ORDINARY:
            log.debug("miner left", listener=session.listener, address=session.address, worker=session.worker)
            return
        repeated = self._repeated.should_log((session.listener, why), now)
        if repeated is not None:
            details = {
                "worker": session.worker,
                "why": session.close_detail,
                "repeated": repeated,
            }
            log.warning(
                "miner dropped",
                listener=session.listener,
                address=session.address,
                reason=why,
                **{key: value for key, value in details.items() if value},
            )


class Penalised:
    """Says who was warned, slowed or banned; see downstream.warden.Tell."""

    def __init__(self) -> None:
        self._repeated = Repeated()

    def __call__(self, news: News, now: float) -> None:
        """Say that a step was reached."""
        subject = news.subject
        who = (
            {"listener": subject.listener, "address": subject.address, "worker": subject.worker}
            if isinstance(subject, Miner)
            else {"address": subject}
        )
        # An address with one name after another has one line for all of them.
        repeated = self._repeated.should_log((who["address"], news.step), now)
        if repeated is None:
            return
        details: dict[str, object] = (
            {"seconds": round(news.seconds), "times": news.times}
            if news.step is Step.BAN
            else {"good": news.good, "bad": news.bad}
        )
        log.warning(
            _STEPS[news.step] if isinstance(subject, Miner) else "address banned",
            **who,
            **details,
            latest=", ".join(f"{count} {reason}" for reason, count in news.latest.most_common()) or "flood",
            **({"repeated": repeated} if repeated else {}),
        )


async def forget_workers(look: Callable[[], WorkerBook]) -> None:
    """Forget, once in a while, workers that have been away for too long."""
    while True:
        await trio.sleep(FORGET_SECONDS)
        look().forget(trio.current_time())


class Finds:
    """Says that a block was found, or that the pool did not take it; see downstream.endings.Endings.

    Args:
        tell: is told of those that the pool took.
    """

    def __init__(self, tell: Callable[[Ended], None]) -> None:
        self._tell = tell
        self._repeated = Repeated()

    def __call__(self, share: Ended) -> None:
        """Say what became of a share that met the network's target."""
        accepted = share.reason is Reason.ACCEPTED
        # A job has one block; more of them mean that upstream.network_difficulty is too low.
        repeated = self._repeated.should_log((share.pool, share.job[:ID_DIGITS], accepted), share.at)
        if repeated is not None:
            facts = {"worker": share.worker, "pool": share.pool, "job": share.job}
            facts |= {"reached": f"{2**256 / max(1, int.from_bytes(share.value, 'big')):.6g}"}
            if accepted:
                log.info("block found", **facts)
            else:
                why = share.message or share.reason.value
                log.warning("block candidate refused", **facts, reason=share.reason.value, why=why)
        if accepted:
            self._tell(share)


async def say_status(look: Callable[[], View]) -> None:
    """Say once a minute how the farm does, for whoever has only the log."""
    before, work_before = Counter(look().tally.shares), look().tally.credited
    while True:
        await trio.sleep(STATUS_SECONDS)
        view = look()
        tally = view.tally
        shares, work = Counter(tally.shares), tally.credited
        last = {reason.value: shares[reason] - before[reason] for reason in Reason}
        log.info(
            "last minute",
            miners=sum(view.miners().values()),
            workers=len(view.book.online),
            sols_per_second=round((work - work_before) / STATUS_SECONDS, 2),
            **{reason: count for reason, count in last.items() if count},
            **({"work": "none"} if view.not_ready else {}),
        )
        before, work_before = shares, work


def say_proof_check(equihash: Equihash | None) -> None:
    """Say by which code proofs are checked; None for work that has none known here."""
    if equihash is None:
        log.info("proof check", path="none", note="blob work: shares are judged by what they claim")
        return
    log.info("proof check", path=native.PATH, algorithm=equihash.name)
    if native.PATH == native.PYTHON:
        log.warning("slow proof check", note="no native code: install again where gcc and Python headers are")
