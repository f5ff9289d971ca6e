"""The parent's relay, whose miners are its worker processes.

Strategy: the ordinary relay with three things otherwise.  It lends wide slices: of Equihash work one byte
of ours tells workers apart and they split what is left; of blob work, whose nonce is short, each takes
a pool connection whole.  It trusts the shares.  And a share's user is who the worker says it is from.
The trap: a slice of a worker that died rests like any other's, so one that replaces it on the same blob
job needs another pool connection for a while.
"""

import secrets
import time
from typing import cast

from proxy.config import Config
from proxy.core.extranonce import NonceSpace
from proxy.core.tally import Tally
from proxy.core.trusting import TrustingValidator
from proxy.downstream.house import Guest
from proxy.downstream.session import MinerSession
from proxy.native import Equihash, share_value
from proxy.relay import Relay, Shared
from proxy.workers.books import Book
from proxy.workers.talk import LentAionFlow

WORKER_BYTES = 1  # tell worker processes apart; with as many as there may be, two thirds are left to rest
SPARE_BYTES = 1  # workers need one byte themselves, at the least


class LendingRelay(Relay):
    """A relay for workers; see Relay for what is not said here.

    Args:
        books: what came of each worker's shares, by the name it logs in with.
        names: of all pools there have ever been, in an order that only grows, for a pool's place in it is
            what workers know it by.
    """

    blob_bytes = 0

    def __init__(
        self,
        config: Config,
        equihash: Equihash | None,
        books: dict[str, Book],
        tally: Tally,
        shared: Shared,
        names: list[str] | None = None,
    ) -> None:
        super().__init__(
            config,
            equihash,
            tally,
            clock=time.perf_counter,
            wall_clock=time.time,
            shared=shared,
            ring_start=secrets.randbits(32),
        )
        self.books = books
        self._names = [pool.name for pool in config.upstream.pools] if names is None else names
        self._number_pools()
        # A pool of the login dialect is told the share's value, one of the other is not.
        told = equihash is not None and config.upstream.dialect == "login"
        self._judge = TrustingValidator(self.book, share_value if told else None).judge

    def configure(self, config: Config) -> None:
        """Go by another configuration of the same work."""
        self._number_pools()
        super().configure(config)

    def _number_pools(self) -> None:
        self.tags = {name: f"{place:x}" for place, name in enumerate(self._names)}
        self.pool_tags = {tag: name for name, tag in self.tags.items()}

    def joined(self, session: Guest, now: float) -> None:
        """Count a worker's connection in."""
        super().joined(session, now)
        if session.worker in self.books:
            self.books[session.worker].connections += 1

    def parted(self, session: Guest, now: float) -> None:
        """Count a worker's connection out."""
        super().parted(session, now)
        if session.worker in self.books:
            self.books[session.worker].connections -= 1

    def _split(self, extranonce1: str) -> NonceSpace:
        return NonceSpace(extranonce1, WORKER_BYTES, self._ring_start, SPARE_BYTES)

    def _user(self, session: Guest) -> str:
        names, flow = self._config.upstream.worker_names, cast("MinerSession", session).flow
        account = self.upstream.account_user
        if names == "account" or not isinstance(flow, LentAionFlow):
            return account
        return flow.user if names == "own" else f"{account}.{flow.user}"
