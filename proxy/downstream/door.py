"""What sessions of one listener have in common, and what a dialect makes of a session.

Strategy: a session knows no dialect and no configuration but by these two.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from proxy.config import Limits, Vardiff
from proxy.model.job import Work
from proxy.model.proof import ProofForm
from proxy.model.share import Verdict
from proxy.wire.loginjobs import JobForm


class Flow(Protocol):
    """What a dialect makes of one session."""

    dialect: str

    def read(self, line: bytes, now: float) -> None:
        """Act on a line."""

    def entered(self, now: float) -> None:
        """The session has its slice, and there is work."""

    def turned_away(self, detail: str) -> bytes:
        """Refuse the request that asked for work."""

    def fault(self, detail: str) -> bytes:
        """Say what is wrong with what was sent, where it was no request."""

    def job(self, work: Work, alias: str, moved: bool) -> bytes:
        """Write a work as lines for the miner; b"" if it cannot have it.

        Args:
            alias: to follow the id.
            moved: the session has another slice than with its last work.
        """

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Answer a submit."""


Label = tuple[str, str]  # listener and dialect
FlowMaker = Callable[[Any], Flow]  # of a MinerSession, which is not to be named here: it needs a Door


@attrs.define(slots=True, eq=False)
class Door:
    """What sessions of one listener have in common; another configuration is put into it while they live.

    Args:
        listener: its name.
        lane: which of a job's works its miners get at first.
        line_bytes: longest line taken while the dialect is not known, and in the login dialect.
        flows: what is spoken here, by dialect; the first is taken for who has not said.
        hints: where a dialect that is not spoken here is, a sentence's end each.
        proof: how solutions are written; None for blob work.
        job_form: how login miners get their work.
        vardiff: how the difficulty follows a miner; None where it does not.
        takes_suffix: a difficulty behind a login name is meant for us, not for the pool.

    `here` counts its sessions by listener and dialect; it stays when all else changes.
    """

    listener: str
    lane: int
    limits: Limits
    line_bytes: int
    flows: Mapping[str, FlowMaker]
    hints: Mapping[str, str]
    proof: ProofForm | None
    job_form: JobForm
    vardiff: Vardiff | None = None
    takes_suffix: bool = False
    here: dict[Label, int] = attrs.field(factory=dict, init=False)

    def count_in(self, dialect: str, instead: Label | None = None) -> Label:
        """Count a session.

        Args:
            instead: what it was counted under so far.
        Returns: what it counts under: listener and dialect.
        """
        label = (self.listener, dialect)
        self.here[label] = self.here.get(label, 0) + 1
        if instead is not None:
            self.count_out(instead)
        return label

    def count_out(self, label: Label) -> None:
        """Count a session no more."""
        left = self.here[label] - 1
        if left:
            self.here[label] = left
        else:
            del self.here[label]
