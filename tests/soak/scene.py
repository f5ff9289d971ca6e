"""What a chaos run is: its options, the phases they make, and the proxy's configuration for it.

Strategy: everything that can be drawn is drawn from the one seed.  The configuration asks for what this
version of the proxy may not have yet; what `unbuilt` names is left out, so that the run uses each part as
soon as it is there.
The trap: the limits are shorter than the usual ones, or most of a run would be waiting for a dead pool.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import tomli_w

from proxy.config import Tls, load, unbuilt
from proxy.sim.miner import SOME_ADDRESS

ALGORITHM = "equihash/48_5"
DIFFICULTY = 4  # a good share takes 0.6 ms to find, and three of four proofs are too low for it
VARDIFF = {"start": 1, "min": 1, "max": 1024, "target_seconds": 5}
DOORS = ("farm", "vary", "tls", "ws")  # names of the listeners
JOB_SECONDS = 2.0
SILENCE_SECONDS = 3 * JOB_SECONDS  # a pool that says nothing for longer is dead
MOST_BAD_SHARES = 200.0  # a second of all hostile miners together
POOLS = ("solo", "p2", "solo")  # styles, in order of preference


@attrs.frozen(kw_only=True)
class Scene:
    """A chaos run.

    Args:
        minutes: all of it, from the first miner to the last share; settling comes on top.
        miners: good and hostile together.
        hostile: percent of them.
        seed: of everything random.
        kill_every: seconds from one pool's death to the next.
    """

    minutes: float = 3.0
    miners: int = 300
    hostile: float = 10.0
    seed: int = 1
    kill_every: float = 20.0

    @property
    def bad_miners(self) -> int:
        """How many are hostile."""
        return round(self.miners * self.hostile / 100)

    @property
    def good_miners(self) -> int:
        """How many are good; one at least."""
        return max(1, self.miners - self.bad_miners)

    @property
    def quiet_seconds(self) -> float:
        """Before the chaos: what round trips are measured against."""
        return min(30.0, 0.2 * 60 * self.minutes)

    @property
    def chaos_seconds(self) -> float:
        """Of hostile miners and dying pools."""
        return 60 * self.minutes - self.quiet_seconds


def configuration(scene: Scene, pools: Mapping[str, int], tls: Tls, folder: Path) -> tuple[Path, list[str]]:
    """Write the proxy's configuration.

    Args:
        pools: ports by name, in order of preference.
        tls: certificate of the TLS door.
        folder: where it is to stand.
    Returns: the file, and what had to be left out because it is not built.
    """
    return write(_wanted(scene, pools, tls), folder)


def write(wanted: dict[str, Any], folder: Path) -> tuple[Path, list[str]]:
    """Write a configuration, but for what is not built; returns as configuration()."""
    path = folder / "sluice.toml"
    wanted.setdefault("ledger", {"url": f"sqlite:///{folder.resolve()}/soak.db", "retention_days": 1})
    left_out: list[str] = []
    while True:
        path.write_text(tomli_w.dumps(wanted), encoding="utf-8")
        refused = unbuilt(load(str(path), {}))
        if not refused:
            return path, left_out
        for key in _keys(refused):
            _leave_out(wanted, key)
            left_out.append(key)


def _wanted(scene: Scene, pools: Mapping[str, int], tls: Tls) -> dict[str, Any]:
    most = 4 * scene.miners + 200
    return {
        "upstream": {
            "algorithm": ALGORITHM,
            "user": SOME_ADDRESS,
            "pools": [
                {"name": name, "url": f"stratum+tcp://127.0.0.1:{port}"} for name, port in pools.items()
            ],
        },
        "listen": [
            {"name": "farm", "url": "stratum+tcp://127.0.0.1:0"},
            {"name": "vary", "url": "stratum+tcp://127.0.0.1:0", "difficulty": VARDIFF},
            {
                "name": "tls",
                "url": "stratum+tls://127.0.0.1:0",
                "tls": {"certificate": tls.certificate, "key": tls.key},
            },
            {"name": "ws", "url": "ws://127.0.0.1:0/"},
        ],
        "limits": {
            "max_miners": most,
            "max_miners_per_address": most,
            "login_seconds": 5,
            # With 2,000 miners each has a share in 18 s on average, and one in 2,000 is without for 140.
            "idle_seconds": 300,
            "upstream_reply_seconds": SILENCE_SECONDS,
            "upstream_silence_seconds": SILENCE_SECONDS,
            "connect_seconds": 3,
            "reconnect_seconds_max": 1,
            "failback_seconds": 5,
            "ban": {"check_after": 20, "seconds": 10, "max_seconds": 60},
        },
        "http": {"address": "127.0.0.1:0"},
        "log": {"format": "json"},
    }


def _keys(refused: list[str]) -> Iterator[str]:
    for line in refused:
        yield line.partition(":")[0]


def _leave_out(wanted: dict[str, Any], key: str) -> None:
    """Take out a key, or all of the table it is in where that went before."""
    *tables, last = key.split(".")
    place: Any = wanted
    for name in tables:
        place = place.get(name, {})
    place.pop(last, None)
