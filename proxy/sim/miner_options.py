"""How a simulated miner is: every option of it, in one place.

Strategy: plain values that a command line or a test can give; miner.py and dialects.py make parts of them.
"""

from collections.abc import Mapping

import attrs

from proxy.errors import ConfigError
from proxy.native import Equihash
from proxy.sim.faults import Mix
from proxy.sim.login_faults import SPELLINGS
from proxy.sim.rig import Source
from proxy.sim.verdicts import DESERVED

AGENTS = {"aion": "nheqminer/0.2.1", "login": "XMRig/6.26.0"}  # by dialect
SOME_ADDRESS = "0xa0" + "5107ce" * 10 + "00"  # has the form that a kernel's address check wants
JUDGES = {"aion": ("sluice", "solo", "p2"), "login": ("sluice", "login")}


@attrs.frozen(kw_only=True)
class MinerOptions:
    """How a simulated miner is.

    Args:
        dialect: "aion" or "login".
        equihash: the proof it solves; 48,5 takes some 60 µs a nonce.
        blob: it does blob work instead; only in the login dialect.
        user, password, agent: who it says it is; "{n}" in the user becomes its number in a farm.
        rig: its name besides, only in the login dialect; "{n}" as in the user, "" for none.
        against: who judges it: "sluice", "solo", "p2" or "login", a pool of that dialect; decides what a
            bad share deserves.
        shares_per_second: mean, exponentially spaced; 0 for a miner that only listens.
        sols_per_second: how fast it solves; then its shares come as their difficulty lets them, whatever
            shares_per_second says; 0 for a miner that comes up with shares at will.
        mix: how often it does what.
        seed: of everything random.
        reconnect_seconds: between a lost connection and the next.
        extranonce_subscribe: whether it asks for extranonce1 changes.
        obeys_set_target: as MinerLink has it; needed when a miner talks to a "p2" pool directly.
        stale_may_pass: as MinerLink has it.
        all_solutions: submits every solution of a nonce, as real miners do.
        disconnect_seconds: mean time between connections it drops itself; 0 for never.
        hold_seconds: how long a trouble's connection is held.
        drain_seconds: how long replies are waited for at the end.
        source: where proofs come from; None to solve.
        max_shares: stop sending after so many turns; 0 for no end.
        keepalive_seconds: without sending, after which a ping goes out if the server knows it.
        spelling: how a solution is written, one of login_faults.SPELLINGS; only in the login dialect.
        extra_members: of every submit in the login dialect, behind all others.
    Raises: ConfigError for what does not go together.
    """

    dialect: str = attrs.field(default="aion", validator=attrs.validators.in_(list(AGENTS)))
    equihash: Equihash = attrs.field(factory=lambda: Equihash(48, 5))
    blob: bool = False
    user: str = SOME_ADDRESS
    password: str = "x"
    agent: str = attrs.field()
    rig: str = ""
    against: str = attrs.field(default="sluice", validator=attrs.validators.in_(list(DESERVED)))
    shares_per_second: float = 1.0
    sols_per_second: float = 0.0
    mix: Mix = attrs.field(factory=Mix)
    seed: int = 0
    reconnect_seconds: float = 3.0
    extranonce_subscribe: bool = True
    obeys_set_target: bool = False
    stale_may_pass: bool = False
    all_solutions: bool = False
    disconnect_seconds: float = 0.0
    hold_seconds: float = 5.0
    drain_seconds: float = 5.0
    source: Source | None = None
    max_shares: int = 0
    keepalive_seconds: float = 60.0
    spelling: str = attrs.field(default="solution", validator=attrs.validators.in_(SPELLINGS))
    extra_members: Mapping[str, object] = attrs.field(factory=dict)

    @agent.default
    def _usual_agent(self) -> str:
        return AGENTS.get(self.dialect, "")  # another is refused below

    def __attrs_post_init__(self) -> None:
        if self.dialect == "aion" and (self.blob or self.rig or self.extra_members):
            raise ConfigError("blob work, a rig's name and extra members are of the login dialect")
        if self.against not in JUDGES[self.dialect]:
            raise ConfigError(f'the {self.dialect} dialect is not judged by "{self.against}"')
