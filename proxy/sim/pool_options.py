"""How a simulated pool is from the start: its kind, its work, its faults.

What can be done to a living pool are methods of SimPool; a fault that lasts is an option here.
"""

from typing import Final

import attrs

from proxy.native import Equihash

STYLES: Final = ("solo", "p2")


@attrs.frozen(kw_only=True)
class PoolOptions:
    """How a simulated pool is.

    Args:
        style: "solo" or "p2": the form of every line, and what follows what.
        equihash: the proof it wants.
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
        target_grace: seconds for which a share may still be for the target before a move.
        ban_after, ban_ratio, ban_seconds: strict only: from so many shares of a connection on, with so
            many of them bad, its address is banned for so long.
        restart_seconds: how long the pool is away when a request without params has killed it.
    """

    style: str = attrs.field(default="solo", validator=attrs.validators.in_(STYLES))
    equihash: Equihash = attrs.field(factory=lambda: Equihash(48, 5))
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
    target_grace: float = 5.0
    ban_after: int = 500
    ban_ratio: float = 0.5
    ban_seconds: float = 300.0
    restart_seconds: float = 2.5
