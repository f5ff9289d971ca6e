"""Tells each share to NATS JetStream, out of the book: at least once, in the order of its run.

    book ─(rows after the watermark)→ publish, all acknowledged ─→ watermark, in the book

Strategy: it follows the book and not the writer, so that nothing is lost with this process, and a broker that
is away for a day is caught up with.  A message has the share's id as Nats-Msg-Id: what is published twice,
after a crash between the two arrows, a stream drops within its window, and a consumer by the id.
It has a thread of its own with an event loop of its own, for the client of NATS is written for asyncio; the
database is asked from it, too, and nobody else waits for either.
The traps: rows reach the book in the order of their numbers, and what was lost never does, so a hole in the
numbers is passed over; and a book that is older than the shipping is not told from its beginning.
"""

import asyncio  # noqa: TID251  # of a thread of its own, see above
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import attrs
import msgspec
import structlog
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from proxy.errors import ConfigError
from proxy.ledger.inserting import module
from proxy.ledger.reading import COLUMNS, JOINED, Share, share_of
from proxy.ledger.schema import MICRO, runs, shares, shipped
from proxy.ledger.spans import iso
from proxy.ledger.store import LedgerError, Place, faults, make_engine

PART = 500  # messages under way at once: half a megabyte
LOOK_SECONDS = 0.5  # between two looks for new rows
OLD_SECONDS = 30.0  # between two looks for rows of runs that are over: what a spool brings late
ANSWER_SECONDS = 10.0  # for a broker's acknowledgement, and to connect
END_SECONDS = 1.0  # that an end goes on publishing; a stop is not for that
FIRST_PAUSE, LAST_PAUSE = 1.0, 30.0  # seconds between two attempts
ALIVE_SECONDS = 60.0  # since a run was heard of, after which it is looked at as one that is over

log = structlog.get_logger()


class Message(msgspec.Struct, frozen=True):
    """What is published of a share: JSON, in these words.

    Args:
        id: of the share, also the message's Nats-Msg-Id.
        proxy: by whose run it was written.
        at, received_at: RFC 3339, UTC.
    """

    id: str
    proxy: str
    at: str
    received_at: str
    worker: str
    address: str
    listener: str
    dialect: str
    pool: str
    job: str
    reason: str
    message: str
    difficulty: float
    reached: float | None
    roundtrip_ms: float | None
    block: bool

    @classmethod
    def of(cls, share: Share, proxy: str) -> "Message":
        """Make the message of a share."""
        told = msgspec.structs.asdict(share)
        told |= {name: iso(told[name], "microseconds") for name in ("at", "received_at")}
        return cls(proxy=proxy, **told)


@attrs.frozen
class Part:
    """Rows of one run that are to be published.

    Args:
        last: the highest number among them.
    """

    run: int
    last: int
    messages: list[Message]


class Queue:
    """The book, as far as it is not published yet.

    Args:
        proxy: whose runs.
        since: when shipping began, seconds since 1970; if it begins for the first time, what was written
            by earlier runs is left out.
    """

    def __init__(self, place: Place, proxy: str, since: float) -> None:
        self._place = place
        self._proxy = proxy
        self._since = since
        self._engine: Engine = make_engine(place)
        self._has_begun = False
        self._old_at = 0.0

    def parts(self, now: float) -> list[Part]:
        """Give what is next of each run that has something.

        Args:
            now: seconds since 1970.
        Raises: LedgerError
        """
        with faults(self._place):
            if not self._has_begun:
                self._begin()
            with self._engine.connect() as connection, connection.begin():
                return list(
                    filter(None, (self._part(connection, *one) for one in self._behind(connection, now)))
                )

    def done(self, part: Part) -> None:
        """Note that a part is published.

        Raises: LedgerError
        """
        with faults(self._place), self._engine.connect() as connection, connection.begin():
            self._mark(connection, [(part.run, part.last)])

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _begin(self) -> None:
        mine = (
            select(shipped.c.run).join(runs, runs.c.run == shipped.c.run).where(runs.c.proxy == self._proxy)
        )
        with self._engine.connect() as connection, connection.begin():
            if connection.execute(mine.limit(1)).first() is None:
                before = runs.c.started_at < int(self._since * MICRO)
                old = select(runs.c.run, runs.c.last_seq).where(runs.c.proxy == self._proxy, before)
                self._mark(connection, [(run, last) for run, last in connection.execute(old)])
        self._has_begun = True

    def _mark(self, connection: Connection, marks: Sequence[tuple[int, int]]) -> None:
        if not marks:
            return
        made: Any = module(connection.dialect.name).insert(shipped)
        # Never back: two processes of one name may be at it while one takes over from the other.
        statement = made.on_conflict_do_update(
            index_elements=[shipped.c.run],
            set_={"seq": made.excluded.seq},
            where=made.excluded.seq > shipped.c.seq,
        )
        connection.execute(statement, [{"run": run, "seq": seq} for run, seq in marks])

    def _behind(self, connection: Connection, now: float) -> list[tuple[int, int]]:
        """Give runs that may have something, with their watermarks."""
        mark = func.coalesce(shipped.c.seq, 0)
        found = select(runs.c.run, mark).select_from(runs.outerjoin(shipped, shipped.c.run == runs.c.run))
        found = found.where(runs.c.proxy == self._proxy)
        if now < self._old_at:
            found = found.where(runs.c.seen_at >= int((now - ALIVE_SECONDS) * MICRO))
        else:
            self._old_at = now + OLD_SECONDS
        return [(int(run), int(seq)) for run, seq in connection.execute(found.order_by(runs.c.started_at))]

    def _part(self, connection: Connection, run: int, after: int) -> Part | None:
        found = select(*COLUMNS).select_from(JOINED).where(shares.c.run == run, shares.c.seq > after)
        rows = connection.execute(found.order_by(shares.c.seq).limit(PART)).all()
        if not rows:
            return None
        return Part(run, int(rows[-1].seq), [Message.of(share_of(row), self._proxy) for row in rows])


class Shipper:
    """Publishes the shares of one proxy; one thread.

    Args:
        place: of the book.
        url: of the broker.
        subject: to publish under.
        proxy: its name in the book.
        wall_clock: seconds since 1970.

    Attributes:
        published: messages that the broker has acknowledged.
        fault: what is wrong now, one line; "" while it is well.
    Raises: ConfigError without the client of NATS.
    """

    def __init__(
        self, place: Place, url: str, subject: str, proxy: str, wall_clock: Callable[[], float] = time.time
    ) -> None:
        _client()
        self.published = 0
        self.fault = ""
        self._url = url
        self._subject = subject
        self._queue = Queue(place, proxy, wall_clock() - 1)
        self._wall_clock = wall_clock
        self._ends = threading.Event()
        self._end_by = 0.0
        self._is_written: Callable[[], bool] = lambda: True
        self._heard: Exception | None = None
        self._loop: asyncio.AbstractEventLoop
        self._woken: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="ledger nats", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether its thread is over, or has had its time: a broker that hangs holds up no stop."""
        return not self._thread.is_alive() or (self._ends.is_set() and time.monotonic() > self._end_by)

    def end(self, is_written: Callable[[], bool] = lambda: True) -> None:
        """Ask it to end once it has published what it finds; what it does not get to is next time's.

        Args:
            is_written: whether the last row of this process is in the book.
        """
        self._is_written = is_written
        self._end_by = time.monotonic() + END_SECONDS
        self._ends.set()
        with suppress(AttributeError, RuntimeError):  # it has not begun, or is over
            self._loop.call_soon_threadsafe(self._woken.set)

    def join(self, seconds: float) -> bool:
        """Wait for its end; returns whether it has come."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # ---- the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._ship())
        except Exception as error:  # a defect, but not one that may pass unseen
            self._complain(f"{type(error).__name__}: {error}")
            log.exception("shipping defect")
        finally:
            self._queue.close()

    async def _ship(self) -> None:
        self._woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._ends.is_set():
            self._woken.set()
        pause = FIRST_PAUSE
        while True:
            try:
                await self._while_connected()
                return
            except _faults() as error:
                nobody = type(error).__name__ == "NoServersError"
                self._complain(_said(self._heard if nobody and self._heard is not None else error))
            published = self.published
            await self._rest(pause)
            if self._ends.is_set():
                return
            pause = FIRST_PAUSE if self.published > published else min(LAST_PAUSE, pause * 2)

    async def _while_connected(self) -> None:
        """Publish until it is to end, or something fails."""
        nats = _client()
        connection = await nats.connect(
            self._url,
            name="sluice",
            allow_reconnect=False,
            # Of the first connection; the pause between two is ours, and here at least.
            max_reconnect_attempts=1,
            reconnect_time_wait=0.01,
            connect_timeout=ANSWER_SECONDS,
            error_cb=self._hear,
        )
        try:
            stream = connection.jetstream(timeout=ANSWER_SECONDS)
            while True:
                is_last = self._ends.is_set() and (self._is_written() or time.monotonic() >= self._end_by)
                parts = self._queue.parts(self._wall_clock())
                for part in parts:
                    await self._publish(stream, part)
                    self._queue.done(part)
                    self.published += len(part.messages)
                self._recover()
                if is_last and (not parts or time.monotonic() >= self._end_by):
                    return
                if not parts:
                    await (
                        asyncio.sleep(LOOK_SECONDS / 10) if self._ends.is_set() else self._rest(LOOK_SECONDS)
                    )
        finally:
            with suppress(*_faults()):
                await asyncio.wait_for(connection.close(), ANSWER_SECONDS)

    async def _publish(self, stream: Any, part: Part) -> None:
        """Publish a part, and wait until the broker has it all."""
        # A gap between the first and the last is not there to be told: its rows will never come.
        waits = [
            stream.publish(
                self._subject,
                msgspec.json.encode(message),
                timeout=ANSWER_SECONDS,
                headers={"Nats-Msg-Id": message.id},
            )
            for message in part.messages
        ]
        answers = await asyncio.gather(*waits, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _rest(self, seconds: float) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    async def _hear(self, error: Exception) -> None:
        """Keep what the client says of a fault; what it raises may say less."""
        self._heard = error

    def _complain(self, fault: str) -> None:
        if "no such table" in fault or "does not exist" in fault:
            return  # of a new book the tables are being made
        if not self.fault:
            log.warning("shares are not told to NATS", url=_without_password(self._url), fault=fault)
        self.fault = fault

    def _recover(self) -> None:
        if self.fault:
            log.info("shares are told to NATS again", url=_without_password(self._url))
            self.fault = ""


def _client() -> Any:
    try:
        import nats
    except ImportError:
        raise ConfigError(
            "ledger.nats: needs the client of NATS; install it with pip install 'sluice[nats]'"
        ) from None
    return nats


def _faults() -> tuple[type[Exception], ...]:
    """What may go wrong with a broker or the book, and is tried again."""
    return (_client().errors.Error, OSError, asyncio.TimeoutError, LedgerError, SQLAlchemyError, ValueError)


def _said(error: BaseException) -> str:
    name = type(error).__name__
    if name == "NoStreamResponseError":
        return "no stream takes the subject; make one: nats stream add --subjects 'sluice.>'"
    text = str(error).splitlines()
    return text[0][:300] if text and text[0] else name


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
