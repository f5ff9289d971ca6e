"""A running proxy's own figures against the book.

Strategy: `/metrics` says what the proxy has counted since it began, in any version; the book has the runs of
that time.  The two are read a moment apart, so a verdict counts as there if its number lies between what the
book has a moment before and a moment after.
The trap: rows are in the book up to a second after their verdict, so it is asked again until it has heard of
that moment.
"""

import http.client
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

import attrs
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from proxy.errors import ConfigError, SluiceError
from proxy.ledger.book import Book
from proxy.ledger.schema import MICRO, runs, shares

TIMEOUT_SECONDS = 5.0  # to connect, and for each read
MOST_BYTES = 16_777_216  # of an answer; ours has some 20 kB, with metrics by worker more
START_SECONDS = (
    90.0  # a run begins so long before its figures can be read, at most: a takeover waits for work
)
APART_SECONDS = 1.0  # between counting a share and its row's time, with the clocks of both
LAST_SECONDS, LAST_SHARES = 2.0, 10  # of a process that was killed: so long, and so many at the least
WAIT_SECONDS = 15.0  # for rows to arrive; an idle process is heard of every ten


@attrs.frozen
class Figures:
    """What a proxy says of itself.

    Args:
        at: when it was asked, seconds since 1970.
        started: when it began.
        shares: by verdict.
    """

    url: str
    at: float
    started: float
    received: int
    shares: dict[str, int]
    forwarded: dict[str, int]


def ask(url: str, token: str = "", clock: Callable[[], float] = time.time) -> Figures:
    """Ask a proxy.

    Args:
        url: http://HOST:PORT, https too.
        token: its read token, where it has one.
    Raises: ConfigError for what is no address; SluiceError if it does not answer as one of ours.
    """
    shown, parts = _read(url)
    connection = _connection(parts)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SluiceError(f"{shown}: no answer: {why}; is sluice running there?") from None
    finally:
        connection.close()
    if answer.status == http.client.UNAUTHORIZED:
        raise ConfigError(f"{shown}: wants a token; give the configuration that has it (http.read_token)")
    if answer.status != http.client.OK:
        raise SluiceError(f"{shown}: answered {answer.status} {answer.reason} for /metrics")
    return figures(body, shown, clock())


def figures(body: str, url: str, at: float) -> Figures:
    """Read figures out of /metrics.

    Raises: SluiceError if they are not in it.
    """
    found: dict[str, defaultdict[str, float]] = {}
    try:
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                label = sample.labels.get("reason") or sample.labels.get("pool") or ""
                found.setdefault(sample.name, defaultdict(float))[label] += sample.value
        return Figures(
            url,
            at,
            found["sluice_start_time_seconds"].pop(""),
            int(sum(found["sluice_shares_received_total"].values())),
            {reason: int(count) for reason, count in found["sluice_shares_total"].items()},
            {pool: int(count) for pool, count in found.get("sluice_shares_forwarded_total", {}).items()},
        )
    except (ValueError, KeyError, TypeError, OverflowError):
        raise SluiceError(f"{url}: /metrics has no figures of sluice") from None


def _read(url: str) -> tuple[str, SplitResult]:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError
        _ = parts.port
    except ValueError:
        raise ConfigError("--live: must be an address like http://127.0.0.1:9180") from None
    return f"{parts.scheme}://{parts.netloc}", parts


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            str(parts.hostname), parts.port, timeout=TIMEOUT_SECONDS, context=context
        )
    return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=TIMEOUT_SECONDS)


@attrs.frozen
class LiveRun:
    """A run that the proxy's figures are of."""

    run: int
    proxy: str
    seen_at: float
    ended: bool

    def is_heard(self, since: float) -> bool:
        """Whether it has ended in order, or has been heard of since then."""
        return self.ended or self.seen_at >= since


def differences(
    book: Book,
    live: Figures,
    proxy: str = "",
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251  # a command has nobody else to serve
    notes: list[str] | None = None,
) -> list[str]:
    """Hold a proxy's figures against its rows.

    Args:
        proxy: its name in the book; "" if there is but one that runs.
        sleep: waits.
        notes: is added to where a process that was killed explains it.
    Returns: a line for each verdict that is not as counted.
    Raises: ConfigError if it is not clear which proxy it is; LedgerError.
    """
    waited = 0.0
    while True:
        of = runs_of(book, live, proxy)
        heard = all(run.ended or run.seen_at >= live.at + APART_SECONDS for run in of)
        if heard or waited >= WAIT_SECONDS:
            break
        sleep(0.5)
        waited += 0.5
    least, most = (
        _rows(book, [run.run for run in of], live.at + apart) for apart in (-APART_SECONDS, APART_SECONDS)
    )
    lines, off = [], 0
    for reason, counted in live.shares.items():
        if not least[reason] <= counted <= most[reason]:
            has = str(most[reason]) if least[reason] == most[reason] else f"{least[reason]} to {most[reason]}"
            lines.append(f"{live.url}: counted {counted} {reason}, the book has {has}")
            off += max(least[reason] - counted, counted - most[reason])
    if (
        notes is not None
        and off
        and off <= _last_words(book, [run for run in of if not run.is_heard(live.at)])
    ):
        notes += [f"{line}; a process of it was killed, and this is its last moment" for line in lines]
        return []
    return lines


def _last_words(book: Book, dead: list[LiveRun]) -> int:
    """Say how many shares processes that were killed may have judged between their last row and their end.

    The proxy that they were of closes their counts by what it saw itself, so they are not counted alike.
    """
    most = 0
    with book.look() as connection:
        for run in dead:
            since = int((run.seen_at - LAST_SECONDS) * MICRO)
            found = select(func.count()).where(shares.c.run == run.run, shares.c.at >= since)
            most += LAST_SHARES + int(connection.execute(found).scalar() or 0)
    return most


def runs_of(book: Book, live: Figures, proxy: str = "") -> list[LiveRun]:
    """Find the runs that a proxy's figures are of.

    Raises: ConfigError, LedgerError; see above.
    """
    since = live.started - START_SECONDS
    found = select(runs.c.run, runs.c.proxy, runs.c.seen_at, runs.c.ended).where(
        runs.c.started_at >= since * MICRO, runs.c.seen_at >= (live.started - APART_SECONDS) * MICRO
    )
    with book.look() as connection:
        rows = connection.execute(found.where(runs.c.proxy == proxy) if proxy else found).all()
    names = {row.proxy for row in rows}
    if len(names) > 1:
        known = ", ".join(sorted(names))
        raise ConfigError(f"{live.url}: which of {known} that is cannot be told; say it by --proxy")
    if not rows:
        whom = f"of proxy {proxy} " if proxy else ""
        raise ConfigError(f"{live.url}: the book has no run {whom}of its time; is it another book's?")
    return [LiveRun(row.run, row.proxy, row.seen_at / MICRO, bool(row.ended)) for row in rows]


def _rows(book: Book, of: list[int], until: float) -> Counter[str]:
    found = (
        select(shares.c.reason, func.count())
        .where(shares.c.run.in_(of), shares.c.at < int(until * MICRO))
        .group_by(shares.c.reason)
    )
    with book.look() as connection:
        return Counter({reason: int(count) for reason, count in connection.execute(found)})
