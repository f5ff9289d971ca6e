"""What a chaos run is: its options, the phases they make, and the proxy's configuration for it.

Strategy: everything that can be drawn is drawn from the one seed.
The trap: the limits are shorter than the usual ones, or most of a run would be waiting for a dead pool.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import tomli_w

from proxy.config import Tls
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


def configuration(scene: Scene, pools: Mapping[str, int], tls: Tls, folder: Path) -> Path:
    """Write the proxy's configuration.

    Args:
        pools: ports by name, in order of preference.
        tls: certificate of the TLS door.
        folder: where it is to stand.
    Returns: the file.
    """
    return write(_wanted(scene, pools, tls), folder)


def write(wanted: dict[str, Any], folder: Path) -> Path:
    """Write a configuration, with a ledger beside it unless it says otherwise."""
    path = folder / "sluice.toml"
    wanted.setdefault("ledger", {"url": f"sqlite:///{folder.resolve()}/soak.db", "retention_days": 1})
    path.write_text(tomli_w.dumps(wanted), encoding="utf-8")
    return path


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
