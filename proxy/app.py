"""Builds every part from the configuration, opens the one top nursery, orders start and stop.

    start     bind all ports, then HTTP, miners, pool; an address that cannot be had stops it before any
    take over the pool first, and miners only once there is work for them
    apply     another configuration, while it runs
    stop      no new miners, no further requests; wait for the pool's verdicts, tell the miners, close
    leave     no new miners; those that are here go one by one, to the proxy that has the ports now; stop

The trap in stopping: verdicts must still reach miners after the pool side is ended, so the sides end one
after the other and not with the nursery.
"""

import itertools
import secrets
import time
from collections.abc import Callable
from random import Random

import attrs
import structlog
import trio

from proxy.config import Config, parse_algorithm
from proxy.core.tally import Tally
from proxy.core.windows import Windows
from proxy.downstream.board import Board
from proxy.downstream.certificates import Certificates
from proxy.downstream.guests import Guests
from proxy.downstream.parting import Parting
from proxy.downstream.warden import Warden
from proxy.errors import SluiceError
from proxy.ledger.standing import OFF
from proxy.lifecycle import news
from proxy.lifecycle.frontage import Frontage, make_room
from proxy.lifecycle.httpside import HttpSide
from proxy.lifecycle.keeping import Keeping
from proxy.lifecycle.ports import Ports
from proxy.lifecycle.reload import Reloader
from proxy.model.share import Reason
from proxy.native import Equihash
from proxy.ops import logs
from proxy.ops.crowd import Crowd
from proxy.ops.ledgerreader import LedgerReader
from proxy.ops.ledgerview import LedgerView
from proxy.ops.local import LocalCrowd
from proxy.ops.view import RelayView, View
from proxy.relay import Relay, Shared
from proxy.relays import Relays
from proxy.upstream import tlsout
from proxy.upstream.session import Upstream

log = structlog.get_logger()

DAY = 86_400.0
WORK_SECONDS = 60  # that a proxy which takes over waits for a pool before it gives up


@attrs.define(slots=True, eq=False)
class Started:
    """What a proxy that has its ports tells its caller.

    Args:
        listening: listener names and the addresses they really have.
        http: host and port of the HTTP side, None without one.
    """

    listening: list[tuple[str, str]]
    http: tuple[str, int] | None


class Proxy:
    """A whole proxy, not yet running.

    Args:
        equihash: checks the proofs in place of the configured one; for a measurement.
        keeps_ledger: whether shares are written down, where the configuration says.

    Attributes:
        takes_over: another proxy serves its ports until this one has work.
        reloader: reads its configuration anew; None where that cannot be.
        serving: set when miners are taken.
    """

    def __init__(self, config: Config, equihash: Equihash | None = None, keeps_ledger: bool = False) -> None:
        self.config = config
        self.equihash = equihash or _equihash(config)
        self.certificates = Certificates(config.listen, http=config.http.tls)
        self.tally = Tally()
        self._shared = self._make_shared()
        self.keeping = self._make_keeping(keeps_ledger)
        self._shared.ledger = self.keeping.recorder
        self.relays = Relays(self._make_relay, config.limits.pool_connections)
        self.relay = self.relays.first
        self.ports = Ports()
        self.takes_over = False
        self.reloader: Reloader | None = None
        self.serving = trio.Event()
        self._stop = trio.Event()
        self._opened = trio.Event()
        self._leaves = False
        self._board: Board
        self._frontage: Frontage
        self._nursery: trio.Nursery
        self.http = HttpSide(config, self.ports, self.certificates, lambda: self._board.is_busy)
        self.view: View = RelayView(self.relays)

    def bind(self) -> Started:
        """Take all ports, before anything else starts.

        Raises: ConfigError if an address or a file of authorities cannot be had.
        """
        tlsout.prove(self.config)
        self.ports.bind(self.config)
        sock = self.ports.http
        return Started(
            [(listen.name, str(address)) for listen, address in self.ports.standing],
            None if sock is None else sock.getsockname()[:2],
        )

    @property
    def stopping(self) -> bool:
        """Whether stop() or leave() has been called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stop.set()

    def leave(self) -> None:
        """Ask for an orderly end that sends the miners to the proxy that has the ports now."""
        if not self.stopping:
            self._leaves = True
            self.ports.disown()
            self._stop.set()

    async def run(self) -> None:
        """Run on the ports that bind() took, until stop() or leave() is called.

        Raises: SluiceError if it was to take over and no pool has given work in time.
        """
        self._board = board = self._make_board()
        self.relay.attach(board)
        self._keep_workers()
        self._raise_file_limit()
        self._say_proof_check()
        self.keeping.start()
        upstream_scope = trio.CancelScope()
        try:
            async with trio.open_nursery() as self._nursery:
                if not self.takes_over:
                    await self._open(board)
                self._nursery.start_soon(board.run)
                self._nursery.start_soon(self._run_upstream, upstream_scope)
                self._nursery.start_soon(self.certificates.keep_fresh)
                self._nursery.start_soon(self._run_beside)
                if self.takes_over:
                    await self._until_work()
                    await self._open(board)
                await self._stop.wait()
                if self._leaves:
                    self.http.close()
                    await self._send_away()
                await self._wind_down(board, upstream_scope)
                self._nursery.cancel_scope.cancel()
        finally:
            self.ports.close()
            await self.keeping.end()

    def when_ready(self, tell: Callable[[], None]) -> None:
        """Have it told when there is work for miners for the first time."""
        self.relay.on_first_work = tell

    # ---- another configuration

    @property
    def has_movable_ports(self) -> bool:
        """Whether listeners can come or move while it runs."""
        return True

    async def apply(self, config: Config) -> None:
        """Go by another configuration.

        Raises: ConfigError if an address or a file cannot be had; all is as before then.
        """
        # A worker process may be told sooner, and one that takes over waits for work.
        await self._opened.wait()
        tlsout.prove(config)
        certificates = Certificates(config.listen, http=config.http.tls)
        ports = self.ports.prepare(config.listen)
        before, self.config = self.config, config
        self.certificates.become(certificates)
        await self._tell_others()
        self.relays.configure(self._for_relays(config))
        self._change_miners_side(ports)
        self.http.configure(config)
        self._keep_workers()
        if config.log != before.log:
            self._configure_log()

    async def _tell_others(self) -> None:
        """Have other processes go by the configuration first; an ordinary proxy has none."""

    def _for_relays(self, config: Config) -> Config:
        return config

    def _change_miners_side(self, ports: Ports) -> None:
        limits = self.config.limits
        self._board.admission.limits = limits
        self._shared.warden.configure(limits.ban)
        self._raise_file_limit()
        shut = self._frontage.change(self.config, ports)
        self.ports.take(ports)
        if shut:
            away = Parting(self._board, lambda session: session.door in shut, news.LISTENER_REMOVED)
            self._nursery.start_soon(away.run, limits.shutdown_seconds)

    def _keep_workers(self) -> None:
        self.view.book.keep_seconds = self.config.http.worker_days * DAY

    def _configure_log(self) -> None:
        logs.configure(self.config.log.level, self.config.log.format)

    # ---- start; what a proxy of several processes has otherwise, proxy/workers/ replaces

    async def _until_work(self) -> None:
        """Wait until a miner that comes would be given work."""
        with trio.move_on_after(WORK_SECONDS):
            while self.relays.not_ready:  # noqa: ASYNC110  # whoever else waits for it has its own way
                await trio.sleep(0.05)
            return
        raise SluiceError(f"{self.relays.not_ready}; the running proxy goes on")

    async def _open(self, board: Board) -> None:
        self._open_doors(board)
        self._opened.set()
        await self.http.start(
            self._nursery,
            self.view,
            self.reloader,
            self.relays.activate,
            lambda: self.keeping.standing,
            self._ledger_reader(),
        )

    def _ledger_reader(self) -> LedgerReader | None:
        keeping = self.keeping
        return (
            LedgerView(self.config.ledger.url, lambda: keeping.standing)
            if keeping.standing.state != OFF
            else None
        )

    def _make_shared(self) -> Shared:
        # Milliseconds since 1970: no pool gives a thousand jobs a second for long, so the ids of two runs
        # never meet.
        return Shared(
            itertools.count(int(time.time() * 1000)),
            warden=self._make_warden(),
            tell_block=news.Finds(lambda share: self.http.events.found(share)),
        )

    def _make_keeping(self, is_on: bool) -> Keeping:
        return Keeping(self.config, self.tally, is_on)

    def _make_warden(self) -> Warden:
        return Warden(self.config.limits.ban, self.tally, news.Penalised())

    def _make_board(self) -> Board:
        board = Board(self.relay, self.config.limits, self.tally, self.relays, news.Farewells())
        self._shared.total = self.relay.endings.total = Windows(trio.current_time())
        self.view = RelayView(self.relays, board.count, self._make_crowd(board), self._shared.total)
        return board

    def _make_crowd(self, board: Board) -> Crowd:
        shared = self._shared
        return LocalCrowd(Guests(board), shared.workers, shared.warden.penalties, self.http.turns)

    def _open_doors(self, board: Board) -> None:
        self._frontage = Frontage(board, self.relay, self.certificates)
        self._frontage.open(self.config, self.ports)
        self.serving.set()

    def _raise_file_limit(self) -> None:
        make_room(self.config.limits.max_miners)

    def _say_proof_check(self) -> None:
        news.say_proof_check(self.equihash)

    def _make_relay(self, first_choice: Callable[[], int]) -> Relay:
        relay = Relay(
            self.config,
            self.equihash,
            self.tally,
            clock=time.perf_counter,
            wall_clock=time.time,
            shared=self._shared,
            ring_start=secrets.randbits(32),
        )
        relay.upstream = self._make_upstream(relay, first_choice)
        relay.upstream.on_batch = relay.after_batch
        return relay

    def _make_upstream(self, relay: Relay, first_choice: Callable[[], int]) -> Upstream:
        return Upstream(self.config, relay, self.tally, Random(), first_choice)

    async def _run_beside(self) -> None:
        """Do what is to be done beside miners and pool, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(news.say_status, lambda: self.view)
            nursery.start_soon(news.forget_workers, lambda: self.view.book)
            nursery.start_soon(self.certificates.say_ends)

    async def _run_upstream(self, scope: trio.CancelScope) -> None:
        with scope:
            await self.relays.run()

    # ---- stop

    async def _send_away(self) -> None:
        """Send the miners to where the ports are now, one by one."""
        self._say_leaving()
        self._board.shut()
        away = Parting(self._board, lambda _: True, news.TAKEOVER)
        await away.run(self.config.limits.shutdown_seconds)

    async def _wind_down(self, board: Board, upstream_scope: trio.CancelScope) -> None:
        self._say_stopping()
        board.stop_listening()
        self.ports.close()
        with trio.move_on_after(self.config.limits.shutdown_seconds):
            await self.relays.settled()
        # What the pool has not answered by now, its connection settles as lost when it is ended.
        upstream_scope.cancel()
        await self.relays.settled()
        board.close_all("shutdown")
        self._say_stopped()

    # ---- the log

    def _say_leaving(self) -> None:
        log.info("leaving to another process", miners=sum(self.view.miners().values()))

    def _say_stopping(self) -> None:
        log.info("stopping", in_flight=self.view.tally.in_flight, miners=sum(self.view.miners().values()))

    def _say_stopped(self) -> None:
        tally = self.view.tally
        log.info(
            "stopped",
            received=tally.received_total,
            forwarded=tally.forwarded_total,
            accepted=tally.shares.get(Reason.ACCEPTED, 0),
            lost=tally.shares.get(Reason.LOST, 0),
            conserved=tally.conserved,
        )


def _equihash(config: Config) -> Equihash | None:
    """The proof to check; None for blob work, which has none that is known here."""
    parameters = parse_algorithm(config.upstream.algorithm)
    return None if parameters is None else Equihash(*parameters, config.upstream.personalization)
