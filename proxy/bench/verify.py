"""What a check of a proof costs, on every path this machine can take.

Strategy: as the proxy pays for it: from Python, with hex strings, through Equihash.flaw, on one thread's
CPU time, so that a busy machine blurs little.  Three kinds of share: valid ones, random bytes, and random
indices in legal order, which is the best an attacker can do without solving.  Medians of batches.
Here: the measuring.  Not here: tables and commands.
The trap: one share checked over and over would teach the branch predictor by heart; each kind has 32.
"""

from collections.abc import Callable
from importlib.resources import files
from random import Random
from statistics import median
from time import thread_time

import attrs
import msgspec

from proxy.native import Equihash, available_paths
from proxy.native.reference import pack

BATCHES = 15
SAMPLES = 32
SHARES_FILE = "shares_210_9.jsonl"
_SEED = 210

Share = tuple[str, str, str]  # header, nonce, solution, in hex


@attrs.frozen
class PathResult:
    """What one check takes on one path, in microseconds of CPU.

    Args:
        path: one of proxy.native.available_paths().
        valid_us: a valid proof, checked to the end.
        junk_us: random bytes, refused by the order of their first indices.
        sorted_junk_us: random indices in legal order, refused by the first collision.
    """

    path: str
    valid_us: float
    junk_us: float
    sorted_junk_us: float


def shares() -> list[Share]:
    """The valid shares that are measured with: 32 of Equihash 210,9."""
    text = files("proxy.bench").joinpath(SHARES_FILE).read_bytes()
    return [
        (line["header"], line["nonce"], line["solution"])
        for line in map(msgspec.json.decode, text.splitlines())
    ]


def kinds_of_share(equihash: Equihash) -> dict[str, list[Share]]:
    """The three kinds, by the name of their field in PathResult."""
    valid, dice = shares(), Random(_SEED)

    def ordered() -> bytes:
        indices = sorted(dice.sample(range(2 << equihash.n // (equihash.k + 1)), 1 << equihash.k))
        return pack(equihash.n, equihash.k, indices)

    return {
        "valid_us": valid,
        "junk_us": [(h, n, dice.randbytes(equihash.solution_bytes).hex()) for h, n, _ in valid],
        "sorted_junk_us": [(h, n, ordered().hex()) for h, n, _ in valid],
    }


def measure(seconds: float, progress: Callable[[float], None]) -> list[PathResult]:
    """Measure every path.

    Args:
        seconds: CPU time to spend in all, roughly; the slowest path may need more for its batches.
        progress: told the part that is done, up to 1.0.
    Returns: a result for each of available_paths(), in their order.
    """
    kinds = kinds_of_share(Equihash())
    paths = available_paths()
    budget = seconds / (len(paths) * len(kinds))
    results, done = [], 0
    for path in paths:
        flaw = Equihash(path=path).flaw
        times = {}
        for kind, samples in kinds.items():
            times[kind] = median_us(flaw, samples, budget)
            done += 1
            progress(done / (len(paths) * len(kinds)))
        results.append(PathResult(path, **times))
    return results


def median_us(flaw: Callable[[str, str, str], str], samples: list[Share], budget: float) -> float:
    """Microseconds a call, median of BATCHES batches that together take about `budget` seconds."""
    once = max(_seconds(flaw, samples[:4], 1) / 4, 1e-9)
    calls = budget / BATCHES / once
    # A batch too short for all samples takes some of them; one that is longer takes all in turn.
    part = samples[: max(1, min(len(samples), int(calls)))]
    rounds = max(1, int(calls / len(part)))
    return median(_seconds(flaw, part, rounds) for _ in range(BATCHES)) / (rounds * len(part)) * 1e6


def _seconds(flaw: Callable[[str, str, str], str], samples: list[Share], rounds: int) -> float:
    start = thread_time()
    for _ in range(rounds):
        for header, nonce, solution in samples:
            flaw(header, nonce, solution)
    return thread_time() - start
