"""Builds every part from the configuration, opens the one top nursery, orders start and stop.

    start   bind all ports, then HTTP, miners, pool; an address that cannot be had stops it before any
    stop    no new miners, no further requests; wait for the pool's verdicts, tell the miners, close

The trap in stopping: verdicts must still reach miners after the pool side is ended, so the sides end one
after the other and not with the nursery.
"""

import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from random import Random

import attrs
import structlog
import trio

from proxy import native
from proxy.config import Config, parse_algorithm
from proxy.core.tally import Tally
from proxy.downstream.board import Board
from proxy.downstream.certificates import Certificates
from proxy.downstream.parting import Parting
from proxy.lifecycle.frontage import Frontage
from proxy.lifecycle.news import LISTENER_REMOVED, TAKEOVER, Farewells, say_status
from proxy.lifecycle.ports import Inherited, Ports
from proxy.lifecycle.reload import Outcome, Reloader
from proxy.model.share import Reason
from proxy.native import Equihash
from proxy.openfiles import raise_limit
from proxy.ops import http, logs, metrics
from proxy.ops.certificates import CertificateCollector
from proxy.ops.reloads import ReloadCollector
from proxy.ops.view import RelayView, View
from proxy.relay import Relay, Shared
from proxy.relays import Relays
from proxy.upstream import tlsout
from proxy.upstream.session import Upstream

log = structlog.get_logger()

SPARE_FILES = 64  # beside miners: listeners, the pool, HTTP, the log


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
    """

    def __init__(self, config: Config, equihash: Equihash | None = None) -> None:
        self.config = config
        self.equihash = equihash or _equihash(config)
        self.certificates = Certificates(config.listen)
        self.tally = Tally()
        self._shared = self._make_shared()
        self.relays = Relays(self._make_relay, config.limits.pool_connections)
        self.relay = self.relays.first
        self._sockets: list[tuple[Listen, socket.socket]] = []
        self._listening: list[tuple[Listen, Address]] = []
        self._http_socket: socket.socket | None = None
        self._stop = trio.Event()
        self._repeated = Repeated()
        self.view: View = RelayView(self.relays)

    def bind(self) -> Started:
        """Take all ports, before anything else starts.

        Raises: ConfigError if an address or a file of authorities cannot be had.
        """
        tlsout.prove(self.config)
        try:
            for listen in self.config.listen:
                self._sockets.append((listen, bind(listen)))
            address = self.config.http.host_port
            if address is not None:
                self._http_socket = bind_tcp("http.address", *address, self.config.http.address)
        except ConfigError:
            for _, sock in self._sockets:
                sock.close()
            raise
        self._listening = [(listen, bound(listen, sock)) for listen, sock in self._sockets]
        return Started(
            [(listen.name, str(address)) for listen, address in self._listening],
            None if self._http_socket is None else self._http_socket.getsockname()[:2],
        )

    @property
    def stopping(self) -> bool:
        """Whether stop() has been called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stop.set()

    def reload_certificates(self) -> None:
        """Take the certificates of TLS ports from their files anew, for connections from now on."""
        self.certificates.reload()

    async def run(self) -> None:
        """Run on the ports that bind() took, until stop() is called."""
        board = self._make_board()
        self.relay.attach(board)
        self._open_doors(board)
        self._raise_file_limit()
        self._say_proof_check()
        upstream_scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            if self._http_socket is not None:
                collector = metrics.registry(self.view, time.time())
                collector.register(CertificateCollector(self.certificates.ends))
                application = http.build(self.view, collector, self.config.http.read_token)
                await nursery.start(http.serve, application, self._http_socket)
            nursery.start_soon(board.run)
            nursery.start_soon(self._run_upstream, upstream_scope)
            nursery.start_soon(self.certificates.keep_fresh)
            nursery.start_soon(self._run_beside)
            await self._stop.wait()
            await self._wind_down(board, upstream_scope)
            nursery.cancel_scope.cancel()

    def when_ready(self, tell: Callable[[], None]) -> None:
        """Have it told when there is work for miners for the first time."""
        self.relay.on_first_work = tell

    # ---- start; what a proxy of several processes has otherwise, proxy/workers/ replaces

    def _make_shared(self) -> Shared:
        # Milliseconds since 1970: no pool gives a thousand jobs a second for long, so the ids of two runs
        # never meet.
        return Shared(itertools.count(int(time.time() * 1000)))

    def _make_board(self) -> Board:
        board = Board(
            self.relay,
            self.config.limits,
            self.tally,
            self.relays,
            self._farewell,
        )
        self.view = RelayView(self.relays, board.count)
        return board

    def _open_doors(self, board: Board) -> None:
        for listen, sock in self._sockets:
            lane = self.relay.lane_of(listen.difficulty)
            door = make_door(self.config, listen, self._listening, lane)
            board.admit_by(make_entrance(listen, sock, door, self.certificates))

    def _raise_file_limit(self) -> None:
        miners = self.config.limits.max_miners
        allowed = raise_limit(miners + SPARE_FILES) - SPARE_FILES
        # The default of max_miners is more than most farms have; a little less is no news.
        if allowed < miners // 2:
            log.warning(
                "few open files",
                miners=allowed,
                max_miners=miners,
                note="raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower limits.max_miners",
            )

    def _say_proof_check(self) -> None:
        if self.equihash is None:
            log.info("proof check", path="none", note="blob work: shares are judged by what they claim")
            return
        log.info("proof check", path=native.PATH, algorithm=self.equihash.name)
        if native.PATH == native.PYTHON:
            log.warning(
                "slow proof check", note="no native code: install again where gcc and Python headers are"
            )

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
            nursery.start_soon(self._say_status)
            nursery.start_soon(self.certificates.say_ends)

    async def _run_upstream(self, scope: trio.CancelScope) -> None:
        with scope:
            await self.relays.run()

    # ---- stop

    async def _wind_down(self, board: Board, upstream_scope: trio.CancelScope) -> None:
        self._say_stopping()
        board.stop_listening()
        with trio.move_on_after(self.config.limits.shutdown_seconds):
            await self.relays.settled()
        # What the pool has not answered by now, its connection settles as lost when it is ended.
        upstream_scope.cancel()
        await self.relays.settled()
        board.close_all("shutdown")
        self._say_stopped()

    # ---- the log

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

    async def _say_status(self) -> None:
        """Say once a minute how the farm does, for whoever has only the log."""
        before, work_before = Counter(self.view.tally.shares), self.view.tally.credited
        while True:
            await trio.sleep(STATUS_SECONDS)
            tally = self.view.tally
            shares, work = Counter(tally.shares), tally.credited
            last = {reason.value: shares[reason] - before[reason] for reason in Reason}
            log.info(
                "last minute",
                miners=sum(self.view.miners().values()),
                workers=len(self.view.workers),
                sols_per_second=round((work - work_before) / STATUS_SECONDS, 2),
                **{reason: count for reason, count in last.items() if count},
                **({"work": "none"} if self.view.not_ready else {}),
            )
            before, work_before = shares, work

    def _farewell(self, session: MinerSession, now: float) -> None:
        why = session.closing
        if why in _ORDINARY:
            log.debug("miner left", listener=session.listener, address=session.address, worker=session.worker)
            return
        repeated = self._repeated.should_log((session.listener, why), now)
        if repeated is not None:
            details = {
                "worker": session.worker,
                "why": session.close_detail,
                "repeated": repeated,
            }
            log.warning(
                "miner dropped",
                listener=session.listener,
                address=session.address,
                reason=why,
                **{key: value for key, value in details.items() if value},
            )


def _equihash(config: Config) -> Equihash | None:
    """The proof to check; None for blob work, which has none that is known here."""
    parameters = parse_algorithm(config.upstream.algorithm)
    return None if parameters is None else Equihash(*parameters, config.upstream.personalization)
