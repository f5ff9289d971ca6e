"""A running proxy's figures against the book."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import attrs
import pytest

from proxy.errors import ConfigError, SluiceError
from proxy.ledger.book import Book
from proxy.ledger.live import START_SECONDS, Figures, ask, differences, figures
from tests.kit.postgres import free_port
from tests.ledger.books import NOON, Author

METRICS = f"""# TYPE sluice_start_time_seconds gauge
sluice_start_time_seconds {NOON}
# TYPE sluice_shares_received_total counter
sluice_shares_received_total{{listener="farm",dialect="aion"}} 3.0
sluice_shares_received_total{{listener="spare",dialect="aion"}} 1.0
# TYPE sluice_shares_total counter
sluice_shares_total{{reason="accepted"}} 2.0
sluice_shares_total{{reason="stale"}} 1.0
sluice_shares_total{{reason="lost"}} 0.0
# TYPE sluice_shares_forwarded_total counter
sluice_shares_forwarded_total{{pool="main"}} 3.0
"""
FIGURES = Figures("http://h", NOON + 60, NOON, 4, {"accepted": 2, "stale": 1, "lost": 0}, {"main": 3})


def test_figures_out_of_metrics() -> None:
    assert figures(METRICS, "http://h", NOON + 60) == FIGURES


@pytest.mark.parametrize("body", ["", "<html>", "sluice_shares_total 1\n", "sluice_start_time_seconds x\n"])
def test_what_has_no_figures(body: str) -> None:
    with pytest.raises(SluiceError, match="/metrics has no figures of sluice"):
        figures(body, "http://h", NOON)


# ---- asking


@attrs.define
class Server:
    """Answers /metrics for whoever shows the token."""

    url: str
    asked: list[str] = attrs.Factory(list)
    status: int = 200


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            allowed = self.headers.get("Authorization") == "Bearer secret"
            self.send_response(made.status if allowed else 401)
            self.end_headers()
            self.wfile.write(METRICS.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = HTTPServer(("127.0.0.1", 0), Handler)
    made = Server(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_proxy_is_asked(server: Server) -> None:
    found = ask(server.url, "secret", clock=lambda: NOON + 60)
    assert attrs.evolve(found, url="http://h") == FIGURES
    assert server.asked == ["/metrics"]
    assert ask(server.url.removeprefix("http://"), "secret").received == 4


def test_one_that_wants_a_token(server: Server) -> None:
    with pytest.raises(
        ConfigError, match=r"wants a token; give the configuration that has it \(http.read_token\)"
    ):
        ask(server.url)


def test_one_that_has_no_metrics(server: Server) -> None:
    server.status = 404
    with pytest.raises(SluiceError, match="answered 404 Not Found for /metrics"):
        ask(server.url, "secret")


def test_nobody_there() -> None:
    with pytest.raises(SluiceError, match="no answer: Connection refused; is sluice running there"):
        ask(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("url", ["", "ftp://h", "http://", "http://me:pw@h", "http://h:port", "http://[::1"])
def test_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match="--live: must be an address like http:") as error:
        ask(url)
    assert "pw" not in str(error.value)


# ---- against the book


@pytest.fixture
def busy(author: Author) -> Author:
    """A proxy that has judged three shares, and its run before that one."""
    author.process(1, started=NOON - 1000).share(NOON - 900)
    killed = author.process(2, started=NOON - 50)
    killed.share(NOON - 20)
    process = author.process(3, started=NOON - 2)
    process.share(NOON + 5)
    process.share(NOON + 6, "stale")
    process.share(NOON + 50)
    process.is_seen(NOON + 70)
    return author


def test_a_book_that_has_what_was_counted(busy: Author, book: Book) -> None:
    assert differences(book, FIGURES) == []


@pytest.mark.parametrize(
    ("counted", "line"),
    [
        ({"accepted": 3}, "http://h: counted 3 accepted, the book has 2"),
        ({"accepted": 1}, "http://h: counted 1 accepted, the book has 2"),
        ({"rejected": 1}, "http://h: counted 1 rejected, the book has 0"),
    ],
)
def test_a_verdict_that_is_not_as_counted(
    busy: Author, book: Book, counted: dict[str, int], line: str
) -> None:
    assert differences(book, attrs.evolve(FIGURES, shares=counted)) == [line]


def test_a_share_of_this_very_moment_may_be_counted_or_not(busy: Author, book: Book) -> None:
    now = attrs.evolve(FIGURES, at=NOON + 50.5)
    for accepted in (1, 2):
        assert differences(book, attrs.evolve(now, shares={"accepted": accepted})) == []
    assert differences(book, attrs.evolve(now, shares={"accepted": 3})) == [
        "http://h: counted 3 accepted, the book has 1 to 2"
    ]


def test_rows_that_are_on_their_way_are_waited_for(busy: Author, book: Book) -> None:
    process = busy.process(4, started=NOON)
    process.is_seen(NOON + 59)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            process.share(NOON + 58.5)
            process.is_seen(NOON + 62)

    assert differences(book, attrs.evolve(FIGURES, shares={"accepted": 3}), sleep=sleep) == []
    assert len(waits) == 3


def test_which_proxy_it_is(busy: Author, book: Book) -> None:
    other = busy.process(5, proxy="farm2", started=NOON)
    other.share(NOON + 1)
    other.is_seen(NOON + 70)
    with pytest.raises(ConfigError, match="which of farm1, farm2 that is cannot be told; say it by --proxy"):
        differences(book, FIGURES)
    assert differences(book, FIGURES, "farm1") == []
    assert differences(book, attrs.evolve(FIGURES, shares={"accepted": 1}), "farm2") == []
    with pytest.raises(ConfigError, match="the book has no run of proxy farm3 of its time"):
        differences(book, FIGURES, "farm3")


def test_a_run_that_ended_before_is_not_of_it(busy: Author, book: Book) -> None:
    busy.process(6, started=NOON - START_SECONDS + 1).share(NOON - 10)
    assert differences(book, FIGURES) == []


def test_what_a_killed_process_of_it_left_open_is_a_note(busy: Author, book: Book) -> None:
    """The proxy counts what it knows itself of a worker process that died; the book has what was written."""
    killed = busy.process(9, started=NOON - 2, number=1)
    killed.share(NOON + 20)
    notes: list[str] = []
    live = attrs.evolve(FIGURES, shares={"accepted": 5, "stale": 1})
    assert differences(book, live, sleep=lambda _: None, notes=notes) == []
    (note,) = notes
    assert note.startswith("http://h: counted 5 accepted, the book has 3; a process of it was killed")
    many = attrs.evolve(live, shares={"accepted": 500})
    assert len(differences(book, many, sleep=lambda _: None, notes=notes)) == 1, "no moment is that long"
