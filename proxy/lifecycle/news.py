"""What the log is told of miners: who was dropped, and once a minute how all do.

The trap: a flood of junk must not become a flood of lines, so what repeats is counted instead.
"""

from collections import Counter
from collections.abc import Callable

import structlog
import trio

from proxy.downstream.session import MinerSession
from proxy.model.share import Reason
from proxy.ops.logs import Repeated
from proxy.ops.view import View

STATUS_SECONDS = 60
TAKEOVER, LISTENER_REMOVED = "takeover", "listener_removed"  # why miners are sent away

# Ends of a connection that need nobody's attention.
_ORDINARY = ("closed", "reset", "shutdown", TAKEOVER, LISTENER_REMOVED)

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
            workers=len(view.workers),
            sols_per_second=round((work - work_before) / STATUS_SECONDS, 2),
            **{reason: count for reason, count in last.items() if count},
            **({"work": "none"} if view.not_ready else {}),
        )
        before, work_before = shares, work
