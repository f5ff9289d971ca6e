"""The HTTP side of a running proxy: what it is made of, started and ended.

The trap: a worker process has the turns and tells of blocks, but no HTTP; so all is made here, and only
start() serves it.
"""

import time
from collections import Counter
from collections.abc import Callable

import trio
from starlette.applications import Starlette

from proxy.config import Config
from proxy.downstream.certificates import HTTP, Certificates
from proxy.ledger.standing import Standing
from proxy.lifecycle.ports import Ports
from proxy.lifecycle.reload import Reloader
from proxy.ops import http, metrics, serving
from proxy.ops.api.desk import Desk
from proxy.ops.certificates import CertificateCollector
from proxy.ops.events import Events
from proxy.ops.ledgercount import LedgerCollector
from proxy.ops.ledgerreader import LedgerReader
from proxy.ops.newsreel import Newsreel
from proxy.ops.reloads import ReloadCollector
from proxy.ops.tokens import Tokens
from proxy.ops.turns import Turns
from proxy.ops.view import View
from proxy.ops.workermetrics import WorkerCollector


class HttpSide:
    """Dashboard, API, metrics and health of one proxy.

    Args:
        is_busy: whether something goes on that must not be held up.

    Attributes:
        events: who is told what happens.
        turns: when there is time for requests.
    """

    def __init__(
        self, config: Config, ports: Ports, certificates: Certificates, is_busy: Callable[[], bool]
    ) -> None:
        self.events = Events()
        self.turns = Turns(is_busy)
        self._tokens = Tokens()
        self._ports = ports
        self._certificates = certificates
        self._started_at = time.time()
        self._scope = trio.CancelScope()
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Go by another configuration."""
        self._tokens.read, self._tokens.admin = config.http.read_token, config.http.admin_token
        self._worker_metrics = config.http.worker_metrics

    async def start(
        self,
        nursery: trio.Nursery,
        view: View,
        reloader: Reloader | None,
        activate: Callable[[str], bool],
        standing: Callable[[], Standing],
        ledger: LedgerReader | None,
    ) -> None:
        """Serve from now on, where there is a port for it.

        Args:
            reloader: reads the configuration anew; None where that cannot be.
            activate: moves the farm to a pool; false if there is none of that name.
            standing: tells how the ledger does.
            ledger: reads it; None where none is kept.
        """
        if self._ports.http is None:
            return
        workers = WorkerCollector(lambda: view.book, lambda: self._worker_metrics, self.turns)
        collector = metrics.registry(view, self._started_at)
        collector.register(CertificateCollector(self._certificates.ends))
        collector.register(LedgerCollector(standing))
        collector.register(workers)
        if reloader is not None:
            collector.register(ReloadCollector(reloader.counts))

        async def reload() -> dict[str, object]:
            if reloader is None:
                faults = ["this proxy has no configuration file to read again"]
                return {"result": "refused", "faults": faults}
            return (await reloader.reload()).as_json()

        desk = Desk(
            view,
            self._tokens,
            self._started_at,
            reload,
            activate=activate,
            listening=lambda: self._ports.standing,
            certificate_ends=self._certificates.ends,
            ledger=ledger,
            events=self.events,
            turns=self.turns,
        )
        counts = Counter[str]() if reloader is None else reloader.counts
        nursery.start_soon(Newsreel(desk, self.events, counts).run)
        nursery.start_soon(workers.run)
        await nursery.start(self._serve, http.build(desk, collector))

    async def _serve(
        self, app: Starlette, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        assert self._ports.http is not None
        certificates = self._certificates

        def tls() -> serving.Context | None:
            now = certificates.of(HTTP)
            return None if now is None else now.context

        with self._scope:
            await serving.serve(app, self._ports.http.dup(), self.turns, tls, task_status)

    def close(self) -> None:
        """Serve no more."""
        self._scope.cancel()
