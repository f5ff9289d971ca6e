"""Puts into effect what core/penalties.py decides: who may come, log in and stay, and how fast it is read.

    a connection    let in, throttled or banned by its address
    a login         let in, or refused with one line that says for how long
    a bad share     nothing, or a step: a word in the log, read slowly, closed

Strategy: one warden for all relays of a process.  A good share costs one look into a table.
The traps: several connections may be one miner, and each says once that it is at work and once that it
has gone; and all who come by a socket file have one address, which is no reason to punish it.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

from proxy.config import Ban as Settings
from proxy.core.conduct import Step
from proxy.core.penalties import Miner, Penalties
from proxy.core.tally import Tally
from proxy.downstream.listeners import UNIX
from proxy.downstream.standing import Standing
from proxy.model.share import Reason, Verdict

BANNED, THROTTLED = "banned", "throttled"  # why a connection ended

# Ends before any login that no miner comes to: what was sent is not stratum, or none that we can read.
# TLS that fails is not among them: a farm whose trust has run out would be shut out for it.
JUNK = ("not_stratum", "not_tls", "not_websocket", "bad_lines", "line_too_long")

_TOO_MANY = "too many bad shares"
_ADDRESS = "too many bad shares from this address; try again later"


class Suspect(Protocol):
    """A session, as its warden sees it."""

    standing: Standing

    def refuse_and_close(self, reason: str, detail: str) -> None:
        """Say what is wrong, then hang up."""


class Refusal(NamedTuple):
    """Why a miner may not log in."""

    reason: str
    text: str


class News(NamedTuple):
    """A step that was reached.

    Args:
        step: WARN, THROTTLE or BAN.
        subject: a miner or, of a ban, an address.
        seconds: how long a ban lasts.
        times: bans of it that are not made up for.
        good, bad: shares that were counted, as far as they are looked back to; 0 of a ban.
        latest: why the last few bad ones were bad, counted.
    """

    step: Step
    subject: Miner | str
    seconds: float
    times: int
    good: int
    bad: int
    latest: Counter[str]


Tell = Callable[[News, float], None]


def _nobody(_news: News, _now: float) -> None:
    """Nobody wants to know."""


class Warden:
    """Knows all who misbehave.

    Args:
        settings: limits.ban.
        tally: whose bans are counted.
        tell: told of every step that is reached, for the log.
    """

    def __init__(self, settings: Settings, tally: Tally, tell: Tell = _nobody) -> None:
        self.penalties = Penalties(settings, frozenset((UNIX,)))
        self._record = self.penalties.record
        self._tell = tell
        self._tally = tally
        self._latest_told = 0  # ban
        tally.bans = self.penalties.made

    def configure(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self.penalties.configure(settings)

    def sweep(self, now: float) -> None:
        """Count who is shut out; to be called once in a while."""
        self._tally.banned = len(self.penalties.bans(now))

    # ---- addresses

    def refuses(self, address: str, now: float) -> str:
        """Count a new connection; why it is to be closed at once, "" if it may stay."""
        step = self.penalties.connect(address, now)
        if step is Step.NONE:
            return ""
        self._say(step, address, now)
        return BANNED if step is Step.BAN else THROTTLED

    def welcome(self, address: str, now: float) -> None:
        """Say that a connection turned out to be a miner's."""
        self.penalties.welcome(address, now)

    def ended(self, standing: Standing, reason: str, detail: str, now: float) -> None:
        """Say that a connection has ended, and why."""
        if standing.is_over:
            return
        standing.is_over = True
        if standing.is_proven and standing.miner is not None:
            self.penalties.gone(standing.miner)
        elif standing.miner is None and reason in JUNK:
            self._say(self.penalties.junk(standing.address, now, detail or reason), standing.address, now)

    # ---- miners

    def log_in(self, standing: Standing, worker: str, now: float) -> Refusal | None:
        """Have a connection count under a name; why it may not, None if it may."""
        miner = Miner(standing.listener, worker, standing.address)
        if miner == standing.miner:
            return None
        step = self.penalties.login(miner, now)
        if step is Step.BAN:
            ban = self.penalties.ban(miner, now)
            seconds = ban.until - now if ban is not None else 0.0
            return Refusal(BANNED, f"banned for {seconds:.0f} s: {_TOO_MANY}")
        if step is Step.THROTTLE:
            return Refusal(THROTTLED, _ADDRESS)
        if standing.is_proven and standing.miner is not None:
            self.penalties.gone(standing.miner)
            standing.is_proven = False
        standing.miner = miner
        standing.is_slowed = self.penalties.step(miner, now) is Step.THROTTLE
        return None

    def good(self, standing: Standing) -> None:
        """Count a good share."""
        miner = standing.miner
        if miner is None:
            return
        if not standing.is_proven and not standing.is_over:
            standing.is_proven = True
            self.penalties.working(miner)
        # As penalties.good() does it: another call would cost half as much again, for every share.
        record = self._record(miner)
        if record is not None:
            record.good += 1.0

    def bad(self, session: Suspect, verdict: Verdict, now: float, job_id: str = "") -> None:
        """Count a share that was refused here, and do what follows.

        Args:
            job_id: the miner's own text, kept as evidence.
        """
        standing = session.standing
        miner = standing.miner
        if miner is None or verdict.reason is Reason.STALE or standing.is_over:
            return
        step = self.penalties.share(
            miner, verdict.reason, now, job_id, verdict.detail, standing.changed, standing.is_proven
        )
        if step is Step.NONE:
            return
        self._say(step, miner, now)
        if step is Step.THROTTLE:
            standing.is_slowed = True
        elif step is Step.BAN:
            session.refuse_and_close(BANNED, _TOO_MANY)

    def slows(self, standing: Standing, now: float) -> bool:
        """Tell whether a connection is to be read slowly."""
        if standing.is_slowed and standing.miner is not None:
            standing.is_slowed = self.penalties.step(standing.miner, now) >= Step.THROTTLE
        return standing.is_slowed

    def _say(self, step: Step, subject: Miner | str, now: float) -> None:
        if step is Step.BAN:
            ban = self.penalties.ban(subject, now)
            # A connection closed for a miner that others bear out, or for its address, is said when it ends.
            if ban is not None and ban.id > self._latest_told:
                self._latest_told = ban.id
                latest = Counter(one.reason for one in ban.evidence)
                self._tell(News(step, subject, ban.until - ban.since, ban.count, 0, 0, latest), now)
        elif step is not Step.NONE and isinstance(subject, Miner):
            record = self._record(subject)
            if record is not None:
                latest = Counter(one.reason for one in record.evidence)
                self._tell(News(step, subject, 0.0, 0, round(record.good), round(record.bad), latest), now)
