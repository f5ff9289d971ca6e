"""How one sender has behaved: what is remembered of it, how that fades, and which step it has earned.

    bad ones of what it sent     a quarter of the limits    half of them     all of both
                                 WARN                       THROTTLE         BAN

Strategy: three sums, of good ones, of bad ones, and of guilt, for not all bad ones weigh the same.  They
reach back a bounded number of shares: what is older shrinks as new ones come, and halves for every hour
without a bad one.
The trap: were they to halve by the clock alone, whoever knows when could do half as much again unseen.
"""

import math
from enum import IntEnum
from typing import NamedTuple

from proxy.config.sections import Ban as Settings

FADE = 3600.0  # seconds of good conduct in which sins count half, and in which one ban is made up for
WINDOW = 50  # shares looked back to, at least; of fewer, chance would decide
AGAIN = 600.0  # seconds between two warnings about one sender: people read them
EVIDENCE = 8  # bad ones kept of each sender, for whoever wants to know why
MAX_ID, MAX_DETAIL = 40, 120  # characters of a text in there, for a sender chooses it


class Step(IntEnum):
    """How far it has come with somebody."""

    NONE = 0
    WARN = 1
    THROTTLE = 2
    BAN = 3


class Evidence(NamedTuple):
    """A bad share, as it is shown: short texts in printable ASCII; `at` in seconds of the monotonic clock."""

    reason: str
    at: float
    job_id: str
    detail: str


class Conduct:
    """What is remembered of one sender; up to 3 KB with all its evidence.

    Attributes:
        good: good ones since the first bad one; counted up by whoever sees one.
        step: the last that was found.
        bans: how many are not made up for.
        released: when the last one ends or has ended.
    """

    __slots__ = ("_faded", "_warned", "bad", "bans", "evidence", "good", "guilt", "released", "step")

    def __init__(self, now: float) -> None:
        self.good = 0.0
        self.bad = 0.0
        self.guilt = 0.0
        self.step = Step.NONE
        self.bans = 0
        self.released = 0.0
        self.evidence: list[Evidence] = []
        self._faded = now
        self._warned = -math.inf

    def add(
        self, reason: str, guilt: float, settings: Settings, now: float, job_id: str, detail: str
    ) -> None:
        """Count a bad one and keep it as evidence.

        Args:
            guilt: how much of a bad one it is, 0 to 1.
            job_id, detail: any text.
        """
        self.fade(now)
        self._faded = max(now, self._faded)
        self.evidence.append(Evidence(reason, now, _shown(job_id, MAX_ID), _shown(detail, MAX_DETAIL)))
        if len(self.evidence) > EVIDENCE:
            del self.evidence[0]
        self.bad += 1
        self.guilt += guilt
        total, window = self.good + self.bad, max(WINDOW, settings.check_after)
        if total > window:
            self._scale(window / total)

    def fade(self, now: float) -> None:
        """Let the time count that has gone by without a bad one."""
        halvings = int((now - self._faded) / FADE)
        if halvings > 0:
            self._faded += halvings * FADE
            self._scale(0.5 ** min(halvings, 64))

    def judged(self, settings: Settings) -> Step:
        """Tell the step that the sums amount to."""
        total = self.good + self.bad
        if not total:
            return Step.NONE
        # Sums that were scaled are a hair off.
        part = min(total / settings.check_after, self.guilt / total / settings.bad_ratio) + 1e-9
        return Step.BAN if part >= 1 else Step.THROTTLE if part >= 0.5 else Step(part >= 0.25)

    def reached(self, settings: Settings, now: float, most: Step = Step.BAN) -> Step:
        """Tell which higher step has just been come to, and remember it; NONE if none, or warned lately."""
        step = min(self.judged(settings), most)
        before, self.step = self.step, step
        if step <= before or (step is Step.WARN and now - self._warned < AGAIN):
            return Step.NONE
        self._warned = now
        return step

    def banned(self, settings: Settings, now: float) -> float:
        """Begin anew after another ban.

        Returns: how many seconds the ban is to last.
        """
        made_up = int(max(0.0, now - self.released) / FADE)
        self.bans = max(0, self.bans - made_up) + 1
        seconds = min(settings.seconds * 2.0 ** min(self.bans - 1, 64), settings.max_seconds)
        self.released = now + seconds
        self.clear()
        return seconds

    def clear(self) -> None:
        """Begin anew; evidence and earlier bans stay known."""
        self.good = self.bad = self.guilt = 0.0
        self.step = Step.NONE

    def _scale(self, part: float) -> None:
        self.good *= part
        self.bad *= part
        self.guilt *= part


def _shown(text: str, most: int) -> str:
    cut = text[:most]
    # ASCII only, so that the bound in characters is one in bytes, too.
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in cut)
