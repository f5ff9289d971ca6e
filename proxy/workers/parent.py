"""The process that owns the pools and the ports, and lends its work to worker processes.

Strategy: an ordinary proxy whose miners are its workers: they come by a socket file in a private
directory, through one door, with limits that never hold them up.  The miners' ports are bound here and
handed down, metrics and log show what the workers report, and the pool side is as ever.
The traps: at a stop the workers must end before anything here does, or their miners would not hear their
verdicts; and the sockets of the ports must be closed here, too, or the kernel goes on taking miners.
"""

import socket
import tempfile
from collections import Counter
from collections.abc import Callable
from math import ceil, sqrt
from pathlib import Path
from random import Random

import attrs
import structlog
import trio

from proxy.app import Proxy, Started
from proxy.config import Address, Ban, Config, Http, Limits, Listen, Pool, parse_algorithm
from proxy.core.tally import Tally
from proxy.core.windows import Windows
from proxy.core.workerbook import WorkerBook
from proxy.downstream.board import Board
from proxy.downstream.listeners import bind_file
from proxy.downstream.parting import LAST_SECONDS
from proxy.downstream.session import Door
from proxy.downstream.warden import Warden
from proxy.errors import ConfigError
from proxy.lifecycle.frontage import SPARE_FILES
from proxy.lifecycle.keeping import Keeping
from proxy.lifecycle.news import forget_workers, say_status
from proxy.lifecycle.ports import Ports
from proxy.model.proof import ProofForm
from proxy.openfiles import raise_limit
from proxy.ops.crowd import Crowd, Nobody
from proxy.relay import Relay
from proxy.relays import Relays
from proxy.upstream.contender import PoolStatus
from proxy.wire.loginjobs import JobForm
from proxy.workers.asking import WorkersCrowd
from proxy.workers.lending import WORKER_BYTES, LendingRelay
from proxy.workers.messages import Charge
from proxy.workers.ports import spread
from proxy.workers.process import Worker, start
from proxy.workers.roster import Roster
from proxy.workers.supervisor import Supervisor
from proxy.workers.talk import FLOWS

PARENT = "parent"  # what a worker calls its pool
DOOR = "workers"
FOR_EVER = 1e9  # seconds: the parent answers all, and sooner has waits of its own
LINE_BYTES = 65_536
UNANSWERED = 4096  # of one worker's shares; the pool side's own bound comes first
OUTGOING_BYTES = 16_777_216  # unsent verdicts and jobs of a worker that is slow: 200,000 verdicts
RECONNECT_SECONDS = 1
KILL_SECONDS = 4  # after a worker's own patience at a stop: two are the ledger's

log = structlog.get_logger()


def lent_config(config: Config, number_of: int, name: str, path: str) -> Config:
    """Make a worker's configuration: no secrets, its part of the limits, the parent as its pool.

    Args:
        number_of: how many workers there are.
        name: how it logs in.
        path: of the parent's socket.
    """
    upstream, limits, ledger = config.upstream, config.limits, config.ledger
    is_blob = parse_algorithm(upstream.algorithm) is None
    return attrs.evolve(
        config,
        workers=1,
        upstream=attrs.evolve(
            upstream,
            # Shares name their miner in the one dialect that has a place for it.
            dialect="login" if is_blob else "aion",
            worker_names="account" if upstream.worker_names == "account" else "own",
            user=name,
            password="x",
            password_file="",
            nonce_bytes=upstream.nonce_bytes if is_blob else upstream.nonce_bytes - WORKER_BYTES,
            pools=(Pool(name=PARENT, url=Address("unix", "", 0, path)),),
        ),
        limits=attrs.evolve(
            limits,
            max_miners=part(limits.max_miners, number_of),
            max_miners_per_address=part(limits.max_miners_per_address, number_of),
            upstream_unanswered=UNANSWERED,
            upstream_reply_seconds=FOR_EVER,
            upstream_silence_seconds=FOR_EVER,
            reconnect_seconds_max=RECONNECT_SECONDS,
        ),
        http=Http(address="", worker_days=config.http.worker_days),
        ledger=attrs.evolve(ledger, spool_megabytes=max(1, ledger.spool_megabytes // number_of)),
    )


def part(most: int, number_of: int) -> int:
    """Return one worker's part of a limit, with room for the kernel's unevenness in dealing out.

    Connections are dealt by a hash, so a worker's share spreads by its square root; four times that is
    as good as never passed.
    """
    fair = most / number_of
    return min(most, ceil(fair + 4 * sqrt(fair)))


@attrs.frozen(eq=False)
class RosterView:
    """The view of a proxy of several processes; see ops.view.View."""

    relays: Relays
    roster: Roster
    crowd: Crowd = attrs.field(factory=Nobody)

    @property
    def tally(self) -> Tally:
        """The counts of all processes, made anew."""
        return self.roster.tally(self.relays.tally)

    @property
    def book(self) -> WorkerBook:
        """What is known of each worker."""
        return self.roster.gathered.book

    @property
    def total(self) -> Windows | None:
        """The farm's work a second."""
        return self.roster.gathered.total

    @property
    def processes(self) -> int:
        """How many take miners."""
        return len(self.roster.lives)

    @property
    def slots(self) -> dict[str, int]:
        """Slices that miners have, by state."""
        return self.roster.slots

    @property
    def pools(self) -> list[PoolStatus]:
        """What is known of each pool."""
        return self.relays.pools

    @property
    def not_ready(self) -> str:
        """Why there is no work for miners."""
        if self.relays.not_ready or any(life.has_work for life in self.roster.lives):
            return self.relays.not_ready
        return "no worker process has work yet"

    def miners(self) -> Counter[tuple[str, str]]:
        """Count the miners that are here."""
        return self.roster.miners


class Parent(Proxy):
    """A proxy of several processes, not yet running; of them, the one that owns the pools."""

    def __init__(self, config: Config, keeps_ledger: bool = False) -> None:
        self.roster = Roster(self._usual_difficulty)
        self._pool_names = [pool.name for pool in config.upstream.pools]
        self._keeps_ledger = keeps_ledger
        super().__init__(config, keeps_ledger=keeps_ledger)
        self._directory = ""
        self._door: Door
        self._is_open = trio.Event()
        self._tell_ready: Callable[[], None] = lambda: None
        self.roster.on_first_work = self._on_first_work
        self._supervisor = Supervisor(config.workers, self.roster, self._start_worker, self._charge, Random())
        crowd = WorkersCrowd(lambda: self.roster.lives, self._supervisor.ask, self.http.turns)
        self.view = RosterView(self.relays, self.roster, crowd)
        self.roster.on_found = self.http.events.found_block

    def bind(self) -> Started:
        """Take all ports, for each worker.

        Raises: ConfigError if an address cannot be had.
        """
        started = super().bind()
        try:
            for listen, sock in self.ports.sockets:
                have = self.ports.of(listen.name)
                more = spread(sock, self.config.workers - len(have) + 1, f"listen.{listen.name}")[1:]
                if sock.family != socket.AF_UNIX:
                    self.ports.twins[listen.name] = have[1:] + more
        except ConfigError:
            self.ports.close()
            raise
        return started

    def when_ready(self, tell: Callable[[], None]) -> None:
        """Have it told when the first worker has work."""
        self._tell_ready = tell

    def _on_first_work(self) -> None:
        self.serving.set()
        self._tell_ready()

    async def run(self) -> None:
        """Run on the ports that bind() took, until stop() is called."""
        try:
            directory = tempfile.TemporaryDirectory(prefix="sluice-")  # 0700, as it always makes them
        except OSError as error:
            self.ports.close()
            raise ConfigError(f"workers: no directory for the processes' socket: {error.strerror}") from None
        with directory as self._directory:
            await super().run()

    # ---- what an ordinary proxy has otherwise

    def _make_keeping(self, is_on: bool) -> Keeping:
        keeping = Keeping(self.config, self.tally, is_on, writes=False)
        keeping.others = lambda: self.roster.ledgers
        return keeping

    def _make_relay(self, first_choice: Callable[[], int]) -> Relay:
        relay = LendingRelay(
            self._for_relays(self.config),
            self.equihash,
            self.roster.books,
            tally=self.tally,
            shared=self._shared,
            names=self._pool_names,
        )
        relay.upstream = self._make_upstream(relay, first_choice)
        relay.upstream.on_batch = relay.after_batch
        return relay

    def _make_warden(self) -> Warden:
        # The miners have their wardens; a worker process is never banned for them.
        return Warden(Ban(check_after=int(FOR_EVER)), self.tally)

    def _make_board(self) -> Board:
        return Board(
            self.relay,
            _unhindered(self.config),
            self.tally,
            self.relays,
        )

    def _open_doors(self, board: Board) -> None:
        self._door = make_door(self.config)
        board.open(bind_file("workers", self._path), self._door)
        self._is_open.set()
        if not self.takes_over:
            self.serving.set()

    def _raise_file_limit(self) -> None:
        ports = len(self.config.listen) * self.config.workers
        raise_limit(2 * self.config.limits.pool_connections + ports + SPARE_FILES)

    async def _run_beside(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say_status, lambda: self.view)
            nursery.start_soon(forget_workers, lambda: self.view.book)
            nursery.start_soon(self.certificates.say_ends)
            await self._is_open.wait()
            nursery.start_soon(self._supervisor.run)

    # ---- another configuration

    @property
    def has_movable_ports(self) -> bool:
        """Never: workers have their ports from their start."""
        return False

    async def _tell_others(self) -> None:
        # A pool that is new gives no work before its workers know of it.
        self._pool_names += [
            pool.name for pool in self.config.upstream.pools if pool.name not in self._pool_names
        ]
        await self._supervisor.change()

    def _for_relays(self, config: Config) -> Config:
        return attrs.evolve(config, listen=(Listen(name=DOOR),))

    def _change_miners_side(self, ports: Ports) -> None:
        self._board.admission.limits = self._door.limits = _unhindered(self.config)
        self.ports.take(ports)

    # ---- stop

    async def _send_away(self) -> None:
        self._say_leaving()
        self.ports.close()
        seconds = self.config.limits.shutdown_seconds
        await self._supervisor.stop(2 * seconds + LAST_SECONDS + KILL_SECONDS, leaves=True)

    async def _wind_down(self, board: Board, upstream_scope: trio.CancelScope) -> None:
        self._say_stopping()
        self.ports.close()
        await self._supervisor.stop(self.config.limits.shutdown_seconds + KILL_SECONDS)
        # Nobody is left to hear a verdict.
        board.stop_listening()
        upstream_scope.cancel()
        await self.relays.settled()
        board.close_all("shutdown")
        self._say_stopped()

    # ---- workers

    @property
    def _path(self) -> str:
        return str(Path(self._directory) / "pool.sock")

    def _start_worker(self, number: int) -> Worker:
        return start(number, [self._file(listen, number) for listen, _ in self.ports.sockets])

    def _charge(self, number: int, name: str) -> Charge:
        return Charge(
            number,
            name,
            lent_config(self.config, self.config.workers, name, self._path),
            list(self._pool_names),
            [self._file(listen, number) for listen in self.config.listen],
            keeps_ledger=self._keeps_ledger,
        )

    def _file(self, listen: Listen, number: int) -> int:
        """Return the number of a worker's socket at a listener; of a socket file there is one for all."""
        sockets = self.ports.of(listen.name)
        return sockets[min(number, len(sockets)) - 1].fileno()

    def _usual_difficulty(self) -> float:
        return max((pool.difficulty for pool in self.relays.pools), default=1.0)


def _unhindered(config: Config) -> Limits:
    """Limits for workers, which are no strangers and wait for nothing but the pool."""
    most = config.limits.pool_connections * config.workers + config.workers
    return attrs.evolve(
        config.limits,
        max_miners=most,
        max_miners_per_address=most,
        first_line_seconds=FOR_EVER,
        login_seconds=FOR_EVER,
        idle_seconds=FOR_EVER,
        outgoing_bytes=OUTGOING_BYTES,
        requests_per_second=FOR_EVER,
        login_line_bytes=LINE_BYTES,
        miner_unanswered=int(FOR_EVER),
    )


def make_door(config: Config) -> Door:
    """Make the door that workers come by, of one dialect."""
    sizes = parse_algorithm(config.upstream.algorithm)
    spoken = "login" if sizes is None else "aion"
    limits = _unhindered(config)
    return Door(
        listener=DOOR,
        lane=0,
        limits=limits,
        line_bytes=LINE_BYTES,
        flows={spoken: FLOWS[spoken]},
        hints=dict.fromkeys(FLOWS, "only worker processes come here"),
        proof=None if sizes is None else ProofForm.of(*sizes),
        job_form=JobForm(),
    )
