"""How a simulated pool is from the start: its kind, its work, its faults.

What can be done to a living pool are methods of SimPool; a fault that lasts is an option here.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from proxy.errors import ConfigError
from proxy.native import Equihash

STYLES: Final = ("solo", "p2")
DIALECTS: Final = ("aion", "login")
TARGET_DIGITS: Final = (64, 16, 8)
BLOB_TARGET_DIGITS: Final = (16, 8)


@attrs.frozen(kw_only=True)
class PoolOptions:
    """How a simulated pool is.

    Args:
        dialect: "aion" or "login".
        style: "solo" or "p2": the form of every line, and what follows what; of dialect aion only.
        equihash: the proof it wants.
        blob: the work is a blob with a nonce in it instead, see blobwork.py; in dialect login only.
        target_digits: hex digits of the targets of dialect login: 64, 16 or 8, not 64 for blob work; 0 for
            64, and for 8 in blob work.
        extra_members: put into every job of dialect login behind its own; values as json.dumps takes them.
        difficulty: of a share.
        network_difficulty: what the notify's target says; None for the share's in style solo, where
            it is the same, and a thousand times that in style p2.
        job_seconds: a new header hash each; 0 for none but those asked for by new_job().
        clean_ratio: how many of the jobs are clean; 0 to 1.
        seed: of everything random.
        users: who may authorize; None for anybody.
        strict: enforce the real pools' limits: a read's size, bans, the death by a request without
            params, one share a nonce, and in style solo worker names that are addresses.
        trust: take every proof as good, for load.
        record: keep every share in SimPool.shares.
        double_refusals: send each refusal of a share twice.
        reorder_replies: hold verdicts until there are so many, then send them in another order; 0 off.
        drop_replies: how many verdicts are never sent; 0 to 1.
        delay_replies: seconds before a verdict is sent.
        garbage: probability of a junk line before a job.
        silent: accept connections and bytes, answer nothing.
        extranonce_subscribe: answer it with true, as a pool that moves its miners would.
        jobs_kept: how many of the latest jobs are honoured; None for the style's own.
        expires: a clean job makes all those before it stale at once, however many are kept.
        target_grace: seconds for which a share may still be for the target before a move.
        ban_after, ban_ratio, ban_seconds: strict only: from so many shares of a connection on, with so
            many of them bad, its address is banned for so long.
        restart_seconds: how long the pool is away when a request without params has killed it.
    Raises: ConfigError for what does not go together.
    """

    dialect: str = attrs.field(default="aion", validator=attrs.validators.in_(DIALECTS))
    style: str = attrs.field(default="solo", validator=attrs.validators.in_(STYLES))
    equihash: Equihash = attrs.field(factory=lambda: Equihash(48, 5))
    blob: bool = False
    target_digits: int = 0
    extra_members: Mapping[str, object] = attrs.field(factory=dict, hash=False)
    difficulty: float = 1.0
    network_difficulty: float | None = None
    job_seconds: float = 0.0
    clean_ratio: float = 1.0
    seed: int = 0
    users: frozenset[str] | None = None
    strict: bool = False
    trust: bool = False
    record: bool = False
    double_refusals: bool = False
    reorder_replies: int = 0
    drop_replies: float = 0.0
    delay_replies: float = 0.0
    garbage: float = 0.0
    silent: bool = False
    extranonce_subscribe: bool = False
    jobs_kept: int | None = None
    expires: bool = False
    target_grace: float = 5.0
    ban_after: int = 500
    ban_ratio: float = 0.5
    ban_seconds: float = 300.0
    restart_seconds: float = 2.5

    def __attrs_post_init__(self) -> None:
        if self.dialect == "aion" and (self.blob or self.target_digits or self.extra_members):
            raise ConfigError("blob work, target digits and extra members are the login dialect's only")
        allowed = BLOB_TARGET_DIGITS if self.blob else TARGET_DIGITS
        if self.target_digits and self.target_digits not in allowed:
            numbers = ", ".join(map(str, allowed))
            raise ConfigError(f"{self.target_digits} target digits: it must be one of {numbers}")

    @property
    def digits(self) -> int:
        """Hex digits of a target in dialect login."""
        return self.target_digits or (8 if self.blob else 64)
