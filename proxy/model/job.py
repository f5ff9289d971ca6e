"""A pool's job as both dialects see it, and the work made of it for miners.

    Job    what the pool gave: its own id, the header hash, the target, on which connection
    Work   what miners get: our id for it and the target they must meet

A Work's id stands for one content for ever: a new target or header is a new Work.
"""

from collections.abc import Hashable

import attrs

from proxy.model import target as targets
from proxy.model.blob import Blob

ID_DIGITS = 12  # serials count from the milliseconds since 1970; 2^48 of them last 8,900 years


@attrs.frozen(slots=True, eq=False)
class Job:
    """One unit of work as the pool stated it.

    Args:
        pool: the pool's name in the configuration.
        connection: number of the pool connection it came on; a job is void on any other.
        pool_id: the pool's own id, echoed to it with a share.
        header: lower-case hex: of Equihash work the 32-byte header hash, of blob work the whole blob.
        target: what the pool asks of a share, 1 .. 2^256 - 1.
        clean: the pool wants all earlier jobs dropped.
        received: when its line was read, seconds of the monotonic clock.
        blob: what else belongs to blob work; None for Equihash.
        network_target: what the network asks of a block, 32 bytes big-endian; b"", which no value is
            below, where nobody knows.
    """

    pool: str
    connection: int
    pool_id: str
    header: str
    target: int
    clean: bool
    received: float
    blob: Blob | None = None
    network_target: bytes = b""

    @property
    def content(self) -> tuple[str, bytes]:
        """What a share is for, whatever its target: two jobs of the same content are the same work."""
        return self.header, b"" if self.blob is None else self.blob.members


@attrs.define(slots=True, eq=False)
class Work:
    """A job under the id that miners know it by.

    Args:
        serial: number of this work, growing for ever; the later work has the larger one.
        id: what miners see: the serial, ID_DIGITS lower-case hex digits.
        lane: which of the job's works this is; one is made for each difficulty in use.
        job: the pool's job behind it; replaced when the pool moves its target under the same job.
        target: what a miner must meet, 32 bytes big-endian.
        pool_target: what the pool asks, 32 bytes big-endian.
        difficulty: 2^256 / target, what an accepted share counts.
        encoded: what each form of each dialect makes of it, kept because thousands of miners get the same.
    """

    serial: int
    id: str
    lane: int
    job: Job
    target: bytes
    pool_target: bytes
    difficulty: float
    encoded: dict[Hashable, bytes] = attrs.field(factory=dict)

    @classmethod
    def of(cls, serial: int, job: Job, miner_target: int | None = None, lane: int = 0) -> "Work":
        """Make the work of a job.

        Args:
            serial: its number.
            miner_target: what miners shall meet; None for the pool's own.  Never harder than the
                pool's: a share the pool would pay must not be refused here.
            lane: its place among the works of the same job.
        """
        target = job.target if miner_target is None else max(miner_target, job.target)
        return cls(
            serial=serial,
            id=f"{serial:0{ID_DIGITS}x}",
            lane=lane,
            job=job,
            target=targets.to_bytes(target),
            pool_target=targets.to_bytes(job.target),
            difficulty=targets.to_difficulty(target),
        )

    def retarget(self, job: Job) -> None:
        """Let the pool's new target for the same header hold for this work, too."""
        self.job = job
        self.pool_target = targets.to_bytes(job.target)
