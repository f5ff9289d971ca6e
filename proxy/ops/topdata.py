"""What `sluice top` asks of a proxy, and the answers as plain structures.

Strategy: one connection that is kept; each answer is decoded into structures that name what is shown, so
that another version's further fields are passed over and missing ones have a default.
The trap: a server may close a kept connection between two questions; then the question is asked once more.
"""

import http.client
import ssl
from collections.abc import Mapping
from typing import Generic, Self, TypeVar
from urllib.parse import urlencode

import msgspec

from proxy.errors import ConfigError, SluiceError
from proxy.ops.asking import address_of, connection_to, one_line, why

MAX_ANSWER = 8_388_608  # bytes; a page of 1,000 workers has some 600 kB
MAX_FAULT = 1000  # bytes of a refusal that are looked at
ROOT = "/api/v1/"

Spans = dict[str, float | None]
Counts = dict[str, int]


class UnansweredError(SluiceError):
    """Nobody there, or not a proxy with this API."""


class TokenError(ConfigError):
    """A token is needed, or another one."""


class Ledger(msgspec.Struct):
    """Whether shares are being kept."""

    state: str = "off"
    reason: str | None = ""


class Summary(msgspec.Struct):
    """The farm in figures."""

    version: str
    ready: bool
    miners: int
    workers: int
    received: int
    forwarded: int
    shares: Counts
    conserved: bool
    sols_per_second: Spans
    reason: str | None = ""
    pool: str | None = ""
    now: str | None = None
    uptime_seconds: float = 0
    offline_workers: int = 0
    in_flight: int = 0
    filtered: int = 0
    kept: int = 0
    banned: int = 0
    processes: int = 1
    difficulty: float | None = None
    roundtrip_ms: dict[str, float | None] | None = None
    ledger: Ledger | None = None


class Worker(msgspec.Struct):
    """A worker: all miners of one name."""

    name: str
    online: bool
    miners: int
    sols_per_second: Spans
    shares: Counts
    last_seen_at: str | None = None
    last_share_at: str | None = None


class Miner(msgspec.Struct):
    """One connection."""

    id: str
    worker: str | None
    address: str | None
    listener: str
    dialect: str | None
    difficulty: float | None
    connected_at: str | None
    last_share_at: str | None
    shares: Counts
    agent: str | None = ""
    standing: str | None = "ok"


class Pool(msgspec.Struct):
    """One of the pools, in order of preference."""

    name: str
    url: str
    state: str
    difficulty: float | None = None
    last_job_at: str | None = None
    reject_ratio: float | None = None
    last_fault: str | None = ""
    forwarded: int | None = None
    roundtrip_ms: dict[str, float | None] | None = None


class Ban(msgspec.Struct):
    """Somebody shut out."""

    id: str
    kind: str
    subject: str
    reason: str
    until: str | None = None
    times: int | None = None


Row = TypeVar("Row", Worker, Miner, Pool, Ban)


class Listing(msgspec.Struct, Generic[Row]):
    """One page of a list, and how many rows the list has."""

    items: list[Row]
    total: int


AnyListing = Listing[Worker] | Listing[Miner] | Listing[Pool] | Listing[Ban]
LISTINGS: dict[str, type[AnyListing]] = {
    "workers": Listing[Worker],
    "miners": Listing[Miner],
    "upstreams": Listing[Pool],
    "bans": Listing[Ban],
}

Kind = TypeVar("Kind")


class _Fault(msgspec.Struct):
    error: str


def _fault(body: bytes) -> str:
    """Find the one line of a refusal, whoever it is from."""
    try:
        return one_line(msgspec.json.decode(body, type=_Fault).error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return one_line(body[:MAX_FAULT].decode("utf-8", "replace"))


class Api:
    """Asks one proxy.

    Args:
        url: as the operator gave it; a path is passed over, since the paths are ours.
        token: read token; "" for none.
        timeout: seconds for each step of a question.
        context: of https.
    Raises: ConfigError for what is no address.
    """

    def __init__(self, url: str, token: str, timeout: float, context: ssl.SSLContext | None = None) -> None:
        try:
            parts = address_of(url)
            self._connection = connection_to(parts, timeout, context)
        except (ValueError, http.client.HTTPException):
            where = "the address" if "@" in url else one_line(url)  # it may hold a password
            raise ConfigError(f"{where}: not an address like http://127.0.0.1:9180") from None
        self.where = one_line(f"{parts.scheme}://{parts.netloc}")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def summary(self) -> Summary:
        """Ask for the farm's figures.

        Raises: UnansweredError, TokenError.
        """
        return self._get("summary", {}, Summary)

    def listing(self, what: str, query: Mapping[str, str | int]) -> AnyListing:
        """Ask for one page of a list.

        Args:
            what: a key of LISTINGS.
            query: "sort", "order", "search", "limit", "offset", …
        Raises: UnansweredError, TokenError.
        """
        return self._get(what, query, LISTINGS[what])

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def _get(self, path: str, query: Mapping[str, str | int], kind: type[Kind]) -> Kind:
        target = f"{ROOT}{path}?{urlencode(query)}" if query else ROOT + path
        try:
            status, body = self._asked(target)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._connection.close()
            raise UnansweredError(
                f"{self.where}: no answer: {why(error)}; is sluice running there?"
            ) from None
        if status in (401, 403):
            text = "give the read token with --token-file, $SLUICE_TOKEN or --config"
            raise TokenError(f"{self.where}: a read token is needed, or another one ({status}); {text}")
        if status != 200:
            said = _fault(body)
            raise UnansweredError(f"{self.where}{ROOT}{path}: answered {status}: {said or 'nothing more'}")
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnansweredError(
                f"{self.where}{ROOT}{path}: not an answer of sluice: {one_line(str(error))}"
            ) from None

    def _asked(self, target: str) -> tuple[int, bytes]:
        kept = self._connection.sock is not None
        try:
            return self._once(target)
        except (ConnectionError, http.client.HTTPException):
            self._connection.close()
            if not kept:
                raise
        return self._once(target)

    def _once(self, target: str) -> tuple[int, bytes]:
        self._connection.request("GET", target, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read(MAX_ANSWER + 1)
        if len(body) > MAX_ANSWER:
            raise ValueError(f"more than {MAX_ANSWER} bytes")
        return answer.status, body
