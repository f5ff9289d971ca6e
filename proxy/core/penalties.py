"""What becomes of those who send what they should not: warned, throttled, shut out for a while, let in again.

The steps, and what they take, are in conduct.py.  Each ban is twice as long as the one before; an hour of
good conduct after it makes up for one.

Strategy: a miner is listener, worker and address together, because a whole farm sits behind one address.
The address itself answers only for what nobody else can: junk and connections without a login; and it is
never shut out while a miner with a good share is at work there, only slowed to a few new connections a
second.  Only sinners are remembered, so a good share costs one look into a table; counting begins with the
first bad one.
The traps: whatever is cheap to send and counted as good would water down the ratio, so late shares count
neither way; and where many miners share name and address, the bad one among them must not shut out the
rest, so its connection is closed, and its name banned only if no other is at work.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import attrs

from proxy.config.sections import Ban as Settings
from proxy.core.conduct import Conduct, Evidence, Step
from proxy.core.networks import Networks, sender
from proxy.model.share import Reason

# How much of a bad share each verdict is.  Those that weigh half happen to honest miners and cost us next
# to nothing; without a single good one between, they just reach the usual ratio.
_GUILT = {
    Reason.MALFORMED: 1.0,
    Reason.BAD_NONCE: 1.0,
    Reason.INVALID_SOLUTION: 1.0,
    Reason.DUPLICATE: 0.5,
    Reason.LOW_DIFFICULTY: 0.5,
    Reason.UNKNOWN_JOB: 0.5,
}
_GOOD = (Reason.ACCEPTED, Reason.KEPT)
# After a login, a new difficulty or a new slice miners go on for a moment as they were, and some send all
# they have again; the slowest known one needs 4 s for a solve.  None of these costs us a proof check.
_PARDONED = (Reason.BAD_NONCE, Reason.DUPLICATE, Reason.LOW_DIFFICULTY, Reason.UNKNOWN_JOB)
GRACE = 15.0

# Connections of one address: a level goes up with each, down with each that turns out to be a miner, and
# down by itself.  A farm of 10,000 that comes back at once stays low, for each says so in its first line.
_LEAK = 100.0  # a second
_THROTTLED = 4096.0
_FLOOD = 16_384.0
_PACE = 10.0  # new ones a second that a throttled address still gets
_BAN_COST = 256.0  # what a banned miner adds: another name would bring it back at once

# Wrong proofs of one address, from connections that never had a good share: what it costs to ban 20 names at
# once, and then so many a minute.  Names cost nothing, and each would have us check check_after proofs.
_VAIN = 1000.0
_VAIN_LEAK = _VAIN / 60  # a second

MAX_SUBJECTS = 16_384  # miners remembered, and addresses: more than max_miners of usual farms, 50 MB at worst
MAX_BANS = 4096  # each cost its owner check_after shares; the oldest is let off for the next


class Miner(NamedTuple):
    """Who answers for a share."""

    listener: str
    worker: str
    address: str


@attrs.frozen(slots=True)
class Ban:
    """Somebody who is not let in.

    Args:
        id: a number that no other ban of this run has.
        subject: a miner, or an address; of IPv6 its /64, because nobody has less than one.
        reason: the verdict it got most, "junk", or "flood".
        since, until: seconds of the monotonic clock.
        count: bans of this subject that are not made up for, this one included.
    """

    id: int
    subject: Miner | str
    reason: str
    since: float
    until: float
    count: int
    evidence: tuple[Evidence, ...] = ()

    @property
    def kind(self) -> str:
        """What the subject is: "miner" or "address"."""
        return "miner" if isinstance(self.subject, Miner) else "address"


class _Address(Conduct):
    """Further, how many of its connections have not shown what they are, and its proofs that were in vain."""

    __slots__ = ("_leaked", "admitted", "level", "vain")

    def __init__(self, now: float) -> None:
        super().__init__(now)
        self.level = 0.0
        self.vain = 0.0
        self.admitted = -math.inf
        self._leaked = now

    def leak(self, now: float) -> None:
        """Let the levels sink."""
        seconds = max(0.0, now - self._leaked)
        self.level = max(0.0, self.level - _LEAK * seconds)
        self.vain = max(0.0, self.vain - _VAIN_LEAK * seconds)
        self._leaked = now


class Penalties:
    """Keeps account of all who misbehave; every call but bans() and release() is O(1).

    Args:
        settings: limits.ban.
        exempt: addresses that say nothing of who is there; never punished themselves.

    Attributes:
        record: what is remembered of a miner; None if it is nothing bad.
        made: bans made, by reason.
        steps: how often each step was reached, by kind ("miner", "address"), step and reason; BAN of a
            miner counts closed connections, whether or not the miner may come back.
        refused: new connections refused, by "flood", "junk" and "throttled".
    """

    def __init__(self, settings: Settings, exempt: frozenset[str] = frozenset()) -> None:
        self.configure(settings)
        self._exempt = exempt
        self._miners: OrderedDict[Miner, Conduct] = OrderedDict()
        self.record: Callable[[Miner], Conduct | None] = self._miners.get
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._bans: OrderedDict[Miner | str, Ban] = OrderedDict()
        self._working: Counter[Miner | str] = Counter()  # connections that have had a good share
        self._made = 0
        self.made: Counter[str] = Counter()
        self.steps: Counter[tuple[str, Step, str]] = Counter()
        self.refused: Counter[str] = Counter()

    def configure(self, settings: Settings) -> None:
        """Go by other settings from now on; bans stay as they were made."""
        self._settings = settings
        self._allow = Networks(settings.allow)

    # ---- miners

    def good(self, miner: Miner) -> None:
        """Count a good share: one that was accepted or kept."""
        conduct = self._miners.get(miner)
        if conduct is not None:
            conduct.good += 1.0

    def share(
        self,
        miner: Miner,
        reason: Reason,
        now: float,
        job_id: str = "",
        detail: str = "",
        changed: float = -math.inf,
        working: bool = False,
    ) -> Step:
        """Count any share.

        Args:
            now: seconds of the monotonic clock, here and everywhere.
            job_id, detail: what is kept as evidence; any text.
            changed: when this connection last logged in, or was given another difficulty or slice.
            working: whether working() was called for this connection.
        Returns: the step that is reached with this share, NONE if none is; so a miner is warned once and
            not with every share.  On BAN this connection is to be closed; whether the miner may come
            back, is_banned() says.
        """
        guilt = _GUILT.get(reason)
        if guilt is None:
            if reason in _GOOD:
                self.good(miner)
            return Step.NONE
        if self.is_banned(miner, now):
            return Step.BAN
        if (now - changed < GRACE and reason in _PARDONED) or miner.address in self._allow:
            return Step.NONE
        if reason is Reason.INVALID_SOLUTION and not working and self._in_vain(miner.address, now):
            return Step.BAN
        conduct = self._miners.get(miner)
        if conduct is None:
            conduct = self._miners[miner] = Conduct(now)
            if len(self._miners) > MAX_SUBJECTS:
                self._miners.popitem(last=False)
        else:
            self._miners.move_to_end(miner)
        conduct.add(reason, guilt, self._settings, now, job_id, detail)
        step = conduct.reached(self._settings, now)
        if step is not Step.NONE:
            cause = Counter(one.reason for one in conduct.evidence).most_common(1)[0][0]
            self.steps["miner", step, cause] += 1
            if step is Step.BAN:
                self._charge(miner.address, now)
                if self._working[miner] > working:
                    conduct.clear()
                else:
                    self._ban(miner, conduct, cause, now)
        return step

    def login(self, miner: Miner, now: float) -> Step:
        """Tell whether a miner may log in.

        Returns: NONE if it may; BAN if it is banned; THROTTLE if its address sends wrong proofs under one
            name after another, and nobody with a good share is at work there.
        """
        if self.is_banned(miner, now):
            return Step.BAN
        group = sender(miner.address)
        conduct = self._addresses.get(group)
        if conduct is None or self._working[group] or miner.address in self._allow:
            return Step.NONE
        conduct.leak(now)
        return Step.THROTTLE if conduct.vain >= _VAIN else Step.NONE

    def step(self, miner: Miner, now: float) -> Step:
        """Tell where a miner stands now; THROTTLE ends when good shares outweigh the bad again."""
        if self.is_banned(miner, now):
            return Step.BAN
        conduct = self._miners.get(miner)
        if conduct is None:
            return Step.NONE
        conduct.fade(now)
        # A ban is made with a share, never by looking.
        return min(conduct.judged(self._settings), Step.THROTTLE)

    def working(self, miner: Miner) -> None:
        """Say that a connection of a miner has had its first good share."""
        self._working[miner] += 1
        self._working[sender(miner.address)] += 1

    def gone(self, miner: Miner) -> None:
        """Say that a connection has ended for which working() was called."""
        for subject in (miner, sender(miner.address)):
            self._working[subject] -= 1
            if self._working[subject] <= 0:
                del self._working[subject]

    # ---- addresses

    def connect(self, address: str, now: float) -> Step:
        """Count a new connection, and say whether it may stay.

        Args:
            address: where it is from, a load balancer's word taken into account.
        Returns: NONE to let it in; THROTTLE if it is to be closed because there are too many just now,
            BAN if because the address is banned.
        """
        if address in self._exempt or address in self._allow:
            return Step.NONE
        group = sender(address)
        ban = self._current(group, now)
        if ban is not None:
            self.refused[ban.reason] += 1
            return Step.BAN
        conduct = self._address(group, now)
        conduct.level += 1
        if conduct.level >= _FLOOD:
            if not self._working[group]:
                conduct.level = 0.0
                self.steps["address", Step.BAN, "flood"] += 1
                self.refused["flood"] += 1
                self._ban(group, conduct, "flood", now)
                return Step.BAN
            conduct.level = _FLOOD
        if conduct.step >= Step.THROTTLE:
            conduct.fade(now)
            conduct.step = min(conduct.step, conduct.judged(self._settings))
        if conduct.level < _THROTTLED and conduct.step < Step.THROTTLE:
            return Step.NONE
        if now - conduct.admitted >= 1 / _PACE:
            conduct.admitted = now
            return Step.NONE
        self.refused["throttled"] += 1
        return Step.THROTTLE

    def welcome(self, address: str, now: float) -> None:
        """Say that a connection turned out to be a miner: its first line asked for work or logged in."""
        conduct = self._addresses.get(sender(address))
        if conduct is not None:
            conduct.leak(now)
            conduct.level = max(0.0, conduct.level - 1)
            conduct.good += 1.0

    def junk(self, address: str, now: float, detail: str = "") -> Step:
        """Count a connection that sent what is not stratum, before any login.

        Args:
            detail: what it was; any text.
        Returns: the step that is reached, NONE if none is; it is closed in any case.
        """
        if address in self._exempt or address in self._allow:
            return Step.NONE
        group = sender(address)
        if self._current(group, now) is not None:
            return Step.BAN
        conduct = self._address(group, now)
        conduct.add("junk", 1.0, self._settings, now, "", detail)
        most = Step.THROTTLE if self._working[group] else Step.BAN
        step = conduct.reached(self._settings, now, most)
        if step is not Step.NONE:
            self.steps["address", step, "junk"] += 1
        if step is Step.BAN:
            self._ban(group, conduct, "junk", now)
        return step

    # ---- bans

    def is_banned(self, subject: Miner | str, now: float) -> bool:
        """Tell whether somebody is shut out; of a miner, whether by its own doing."""
        return self.ban(subject, now) is not None

    def ban(self, subject: Miner | str, now: float) -> Ban | None:
        """Return the ban of somebody who is shut out by its own doing, else None."""
        return self._current(subject if isinstance(subject, Miner) else sender(subject), now)

    def bans(self, now: float) -> list[Ban]:
        """Return all who are shut out, the latest last."""
        for subject in list(self._bans):
            self._current(subject, now)
        return list(self._bans.values())

    def release(self, ban_id: int) -> bool:
        """End a ban, and forget all about its subject; false if there is no such ban."""
        ban = next((ban for ban in self._bans.values() if ban.id == ban_id), None)
        if ban is None:
            return False
        del self._bans[ban.subject]
        if isinstance(ban.subject, Miner):
            self._miners.pop(ban.subject, None)
        else:
            self._addresses.pop(ban.subject, None)
        return True

    def _ban(self, subject: Miner | str, conduct: Conduct, reason: str, now: float) -> None:
        until = now + conduct.banned(self._settings, now)
        self._made += 1
        self.made[reason] += 1
        evidence = tuple(conduct.evidence)
        self._bans[subject] = Ban(self._made, subject, reason, now, until, conduct.bans, evidence)
        if len(self._bans) > MAX_BANS:
            self._bans.popitem(last=False)

    def _current(self, subject: Miner | str, now: float) -> Ban | None:
        ban = self._bans.get(subject)
        if ban is not None and now >= ban.until:
            del self._bans[subject]
            return None
        return ban

    def _charge(self, address: str, now: float) -> None:
        """Let an address pay for a banned miner, but never so much that it is banned itself."""
        if address in self._exempt:
            return
        conduct = self._address(sender(address), now)
        conduct.level = max(conduct.level, min(conduct.level + _BAN_COST, 2 * _THROTTLED))

    def _in_vain(self, address: str, now: float) -> bool:
        """Count a wrong proof against an address; true if that is too much of it."""
        if address in self._exempt:
            return False
        conduct = self._address(sender(address), now)
        if conduct.vain >= _VAIN:
            self.steps["address", Step.THROTTLE, Reason.INVALID_SOLUTION] += 1
            return True
        conduct.vain += 1
        return False

    def _address(self, group: str, now: float) -> _Address:
        conduct = self._addresses.get(group)
        if conduct is None:
            conduct = self._addresses[group] = _Address(now)
            if len(self._addresses) > MAX_SUBJECTS:
                self._addresses.popitem(last=False)
        else:
            self._addresses.move_to_end(group)
            conduct.leak(now)
        return conduct
