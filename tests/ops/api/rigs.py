"""The API over a farm in the test's hand, asked without a socket."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import attrs
import trio
from starlette.types import ASGIApp, Message, Scope

from proxy.config import Address, Listen
from proxy.core.penalties import Penalties
from proxy.core.tally import Tally
from proxy.core.windows import Windows
from proxy.core.workerbook import Record, WorkerBook
from proxy.downstream.session import MinerSession
from proxy.downstream.warden import Warden
from proxy.model.share import Reason
from proxy.ops import http, metrics
from proxy.ops.api.desk import Desk
from proxy.ops.ledgerreader import LedgerReader
from proxy.ops.local import LocalCrowd
from proxy.ops.tokens import Tokens
from proxy.ops.turns import Turns
from proxy.ops.view import RelayView
from tests.downstream.farms import Farm, farm

RELOADED: dict[str, object] = {"result": "ok", "changes": []}


@attrs.frozen
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def scope_of(path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Scope:
    """What a server makes of a request."""
    plain, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(plain),
        "raw_path": plain.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("10.0.0.9", 5000),
        "server": ("127.0.0.1", 9180),
    }


async def ask_app(app: ASGIApp, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask an application once."""
    heard: list[Message] = []

    async def receive() -> Message:
        await trio.lowlevel.checkpoint()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        await trio.lowlevel.checkpoint()
        heard.append(message)

    await app(scope_of(path, method, headers), receive, send)
    start, *rest = heard
    fields = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], fields, b"".join(part.get("body", b"") for part in rest))


class Room:
    """Who has the sessions, in a test: a list."""

    def __init__(self) -> None:
        self.here: list[MinerSession] = []

    def sessions(self) -> Sequence[MinerSession]:
        """All that are here."""
        return list(self.here)

    def disconnect(self, number: str) -> bool:
        """End one."""
        for session in self.here:
            if session.assignment.alias == number:
                session.close("disconnected")
                self.here.remove(session)
                return True
        return False


class Rig:
    """A farm with an API.

    Args:
        read, admin: tokens.
    """

    def __init__(self, read: str = "", admin: str = "", ledger: LedgerReader | None = None) -> None:
        self.farm: Farm = farm()
        self.room = Room()
        self.turns = Turns()
        self.total = Windows(trio.current_time())
        self.reloaded: dict[str, object] = RELOADED
        self.activated: list[str] = []
        self.listening: list[tuple[Listen, Address]] = []
        self.ends: dict[str, float] = {}
        crowd = LocalCrowd(self.room, self.book, self.penalties, self.turns)
        self.view = RelayView(self.farm.relay, crowd=crowd, total=self.total)
        self.desk = Desk(
            self.view,
            Tokens(read, admin),
            1_800_000_000.0,
            self._reload,
            activate=self._activate,
            listening=lambda: self.listening,
            certificate_ends=lambda: self.ends,
            ledger=ledger,
            turns=self.turns,
        )
        self.app = http.build(self.desk, metrics.registry(self.view, 1_800_000_000.0))

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask once; paths of the API without their beginning."""
        return await ask_app(self.app, f"/api/v1{path}", method, **headers)

    async def get(self, path: str) -> Any:
        """Ask for what is there."""
        answer = await self.ask(path)
        assert answer.status == 200, answer.body
        return answer.json

    async def _reload(self) -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return self.reloaded

    def _activate(self, name: str) -> bool:
        self.activated.append(name)
        return name == "main"

    @property
    def tally(self) -> Tally:
        """The farm's counts."""
        return self.farm.tally

    @property
    def book(self) -> WorkerBook:
        """The farm's workers."""
        return self.farm.relay.workers

    @property
    def penalties(self) -> Penalties:
        """The farm's bans."""
        warden: Warden = self.farm.relay.warden
        return warden.penalties

    def worker(self, name: str, *works: float, is_here: bool = True) -> Record:
        """Have a worker with accepted shares of these difficulties."""
        record = self.book.join(name, trio.current_time())
        for work in works:
            record.good(Reason.ACCEPTED, work, trio.current_time())
        if not is_here:
            self.book.part(record, trio.current_time())
        return record

    def miner(self, worker: str) -> MinerSession:
        """Have a miner at work."""
        session = self.farm.miner(worker).session
        self.room.here.append(session)
        return session
