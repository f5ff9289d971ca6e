"""A difficulty that follows one miner, so that its shares come as often as they are wanted.

Strategy: what is measured is work, the difficulty of its good shares over the time they took; that holds
across changes of difficulty, for late shares of an earlier one count what they were asked for.  Shares
come by chance, so a look is only taken once enough of them have come or should have come, and the more
evidence, the smaller the error that is corrected:

    evidence      8 shares      32       128
    left alone    1/4 .. 4    1/2 .. 2   1/1.4 .. 1.4   times the wanted rate

All difficulties lie on one grid, the powers of the square root of 2: a work is made for every difficulty
in use, and miners of one speed are to share one.  Rounding costs at most 19 % of the rate.  The whole
range of the settings has 120 of them; a farm whose fastest miner is a thousand times its slowest uses 20.
The trap: a miner that is far too slow for its difficulty sends nothing that could tell so; the silence
must, so a sweep asks idle() of those who have had work and were quiet.
"""

import math
import re

from proxy.config.sections import Vardiff as Settings

# Evidence for a look, in shares, and the error that is borne with so much: about three standard
# deviations each, so that a steady miner sees a change in ten hours, not in ten minutes.
_LOOKS = ((8, 4.0), (32, 2.0), (128, 1.4))
_FRESH = 2.0  # until the second look finds nothing amiss, half the evidence is enough
_STEP = 4.0  # at most, up or down
_FIRST_STEP = 64.0  # at most, up, while fresh: the start is a guess for all machines at once

LEAST, MOST = 1e-3, 1e15  # bounds of every difficulty, as of the settings
_NUMBER = r"[0-9]{1,16}(?:\.[0-9]{0,9})?(?:[eE][+-]?[0-9]{1,2})?"
_WORD = re.compile(rf"[dD]=({_NUMBER})")
_SUFFIX = re.compile(r"(?P<name>[^+]+)\+(?P<number>[0-9]{1,16})(?P<worker>\.[^+]*)?")


def tidy(difficulty: float) -> float:
    """Round to the grid, 2 to the power of k/2: the nearest one by ratio.

    Args:
        difficulty: above 0.
    """
    return _power(round(2 * math.log2(difficulty)))


def _power(half: int) -> float:
    # Whole powers exactly, so that two ways to the same place give the same number.
    return math.ldexp(math.sqrt(2.0) if half & 1 else 1.0, half >> 1)


class Vardiff:
    """The difficulty of one miner; some 250 bytes.

    The pool's difficulty bounds it, whatever the settings say: a miner's target is never harder than the
    pool's, or shares that the pool would pay were lost.  Then max holds, then min.

    Args:
        now: seconds of the monotonic clock, here and everywhere.
        ceiling: the pool's difficulty at present.
        start: what to begin with, in place of the settings'; as where the miner was before.
    """

    __slots__ = ("_fresh", "_look", "_settings", "_shares", "_since", "_work", "difficulty")

    def __init__(
        self, settings: Settings, now: float, ceiling: float = math.inf, start: float | None = None
    ) -> None:
        self._settings = settings
        # An operator's round number stays as it is; a miner's own would be one more work for each.
        wanted = settings.start if start is None else tidy(start)
        self.difficulty = self._bounded(wanted, ceiling)
        self._fresh = True
        self.restart(now)

    def restart(self, now: float) -> None:
        """Forget the evidence and keep the difficulty: for a while there was no work to be done."""
        self._since = now
        self._shares = 0
        self._work = 0.0
        self._look = 0

    def accepted(self, now: float, difficulty: float, ceiling: float = math.inf) -> float | None:
        """Count a good share, and say whether the difficulty is to change.

        Args:
            difficulty: what the work asked that the share is for.
            ceiling: the pool's difficulty at present.
        Returns: the new difficulty, None to leave it.
        """
        # This share ends the time that is measured; counted into it, it would make every rate too high.
        changed = self.idle(now, ceiling)
        self._shares += 1
        self._work += difficulty
        return changed

    def idle(self, now: float, ceiling: float = math.inf) -> float | None:
        """Say whether the difficulty is to change as things are; for a sweep over miners that have work.

        Returns: the new difficulty, None to leave it.
        """
        difficulty = self.difficulty
        bounded = self._bounded(difficulty, ceiling)
        if bounded != difficulty:  # the pool's has moved; what is known of the miner still holds
            self.difficulty = bounded
            return bounded
        expected = max(0.0, now - self._since) / self._settings.target_seconds
        evidence = max(self._shares, expected) * (_FRESH if self._fresh else 1.0)
        if evidence < _LOOKS[self._look][0]:
            return None
        while self._look + 1 < len(_LOOKS) and evidence >= _LOOKS[self._look + 1][0]:
            self._look += 1
        borne = _LOOKS[self._look][1]
        seen = self._work / difficulty  # in shares of the present difficulty
        if expected <= borne * seen and seen <= borne * expected:
            self._leave(now)
            return None
        most = _FIRST_STEP if self._fresh else _STEP
        ratio = most if seen >= most * expected else max(1 / _STEP, seen / expected)
        self.restart(now)
        self.difficulty = self._stepped(ratio, most, ceiling)
        return None if self.difficulty == difficulty else self.difficulty

    def _leave(self, now: float) -> None:
        self._look += 1
        if self._look > 1:
            self._fresh = False
        if self._look == len(_LOOKS):
            self.restart(now)

    def _stepped(self, ratio: float, most: float, ceiling: float) -> float:
        difficulty = self.difficulty
        half = round(2 * math.log2(difficulty * ratio))
        # Rounding may not make a step longer than it may be.
        if _power(half) > difficulty * most:
            half -= 1
        elif _power(half) < difficulty / _STEP:
            half += 1
        return self._bounded(_power(half), ceiling)

    def _bounded(self, difficulty: float, ceiling: float) -> float:
        settings = self._settings
        return float(min(max(difficulty, settings.min), settings.max, ceiling))


def fixed_from_password(password: str) -> float | None:
    """Read the difficulty that a miner asks for in its password: "d=1000", "x,d=1e3", "d=1000;x".

    Args:
        password: any text; words are parted by commas, semicolons or space, and the first that asks
            counts.
    Returns: the difficulty as it was asked for, LEAST .. MOST; None if none was, or beyond these.  Put
        it through tidy() and the port's bounds: each distinct one is a work for every job.
    """
    for word in re.split(r"[,;\s]", password):
        match = _WORD.fullmatch(word)
        if match:
            return _usable(match[1])
    return None


def fixed_from_user(user: str) -> tuple[str, float | None]:
    """Part a login name from the difficulty behind it: "wallet+1000", "wallet+1000.rig7".

    Only for ports where that is asked for: a plus sign may as well belong to the name.

    Args:
        user: any text.
    Returns: the name without it and the difficulty, LEAST .. MOST; name as it was and None if there is
        none that can be used.
    """
    match = _SUFFIX.fullmatch(user)
    difficulty = _usable(match["number"]) if match else None
    if match is None or difficulty is None:
        return user, None
    return match["name"] + (match["worker"] or ""), difficulty


def _usable(number: str) -> float | None:
    difficulty = float(number)
    return difficulty if LEAST <= difficulty <= MOST else None
