"""Miners over TLS on the board: what they are told, when they have to go, and whose turn it is."""

import socket
import ssl
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from proxy.config import Limits, Tls
from proxy.downstream.certificates import ServerTls
from proxy.downstream.connection import Connection
from proxy.downstream.entrance import Entrance
from proxy.downstream.tls import TURNS, Handshakes
from proxy.model.share import Reason, Verdict
from tests.downstream.boards import Opened, listening, opened, resets, stays_quiet
from tests.kit.certificates import HOST, Authority, over_tls
from tests.kit.miners import AUTHORIZE, SUBSCRIBE, FakeHouse, SocketMiner, submit, within, yes

ASK = {"id": 5, "method": "x" * 250, "params": []}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def behind(
    tls: Tls,
    limits: Limits | None = None,
    house: FakeHouse | None = None,
    sock: socket.socket | None = None,
) -> AbstractAsyncContextManager[Opened]:
    """A board whose miners come by TLS."""
    server = ServerTls("listen.farm", tls)
    return opened(limits, house, sock, lambda sock, door: Entrance(sock, door, server))


async def secured(made: Opened, context: ssl.SSLContext, receive_buffer: int = 0) -> SocketMiner:
    """Connect a miner that speaks TLS."""
    miner = await made.connect(receive_buffer)
    miner.stream = over_tls(miner.stream, context)
    return miner


async def test_a_miner_logs_in_and_has_its_share_judged(clock: MockClock, authority: Authority) -> None:
    with within():
        async with behind(authority.issue()) as made, await secured(made, authority.client()) as miner:
            job_id = await miner.log_in()
            await miner.say(submit(job_id, "00" * 20))
            assert await miner.hear() == yes(4)
            assert made.board.count() == {("farm", "aion"): 1}
            made.house.new_job(now=trio.current_time())
            assert (await miner.hear_method("mining.notify"))["params"][0] == made.house.works[0].id


async def test_a_verdict_of_the_pool_comes_by_the_batch(clock: MockClock, authority: Authority) -> None:
    with within():
        async with behind(authority.issue()) as made, await secured(made, authority.client()) as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            await miner.say(submit(job_id, "00" * 20))
            await made.until(lambda: made.house.unanswered)
            made.house.pool_says(Verdict(Reason.ACCEPTED))
            made.board.flush()
            assert await miner.hear() == yes(4)


async def test_a_goodbye_ends_it(clock: MockClock, authority: Authority) -> None:
    with within():
        async with behind(authority.issue()) as made:
            miner = await made.connect()
            miner.stream = trio.SSLStream(miner.stream, authority.client(), server_hostname=HOST)
            await miner.log_in()
            await miner.stream.aclose()
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"closed": 1}


async def test_plain_text_is_told_so_in_the_clear(clock: MockClock, authority: Authority) -> None:
    with within():
        async with behind(authority.issue()) as made, await made.connect() as miner:
            await miner.say(SUBSCRIBE)
            (line,) = await miner.hear_rest()
            assert "this port is TLS (use stratum+tls)" in str(line)
            assert made.reasons() == {"not_tls": 1}
            (session,) = made.ended
            assert "use stratum+tls" in session.close_detail


async def test_tls_on_a_plain_port_is_told_so(clock: MockClock, authority: Authority) -> None:
    with within():
        async with opened() as made:
            async with await secured(made, authority.client()) as miner:
                with pytest.raises(trio.BrokenResourceError):
                    await miner.say(SUBSCRIBE)
            assert made.reasons() == {"not_stratum": 1}
            assert "a TLS hello" in made.ended[0].close_detail


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02"])
async def test_a_handshake_that_stands_still_ends_at_the_login_deadline(
    clock: MockClock, authority: Authority, said: bytes
) -> None:
    with within(100):
        async with behind(authority.issue(), Limits(login_seconds=5)) as made:
            async with await made.connect() as miner:
                began = trio.current_time()
                await miner.say(said)
                assert await miner.hear_rest() == []  # nothing that it could not read
                assert 5 <= trio.current_time() - began < 8
            assert made.reasons() == {"login_timeout": 1}


async def test_who_hangs_up_while_it_waits_for_its_turn_waits_no_more(
    clock: MockClock, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be told of at every look, and queue up again and again."""
    held = trio.Event()

    async def later(_: Handshakes) -> None:
        await held.wait()

    with within(), monkeypatch.context() as patch:
        patch.setattr(Handshakes, "run", later)
        async with behind(authority.issue()) as made:
            async with await made.connect() as miner:
                await miner.say(b"\x16\x03\x01\x02")
                await made.until(lambda: made.board._handshakes._waiting)
                resets(miner)
                await made.until(lambda: not len(made.board))
            assert len(made.board._handshakes._waiting) == 1
            assert made.reasons() == {"reset": 1}
            assert made.board._handshakes._waiting.pop().sock is None


async def test_after_the_handshake_a_line_has_to_come(clock: MockClock, authority: Authority) -> None:
    with within(100):
        limits = Limits(first_line_seconds=2, login_seconds=50)
        async with behind(authority.issue(), limits) as made:
            async with await secured(made, authority.client()) as miner:
                began = trio.current_time()
                await miner.hear_rest()
                assert trio.current_time() - began < 5
            assert made.reasons() == {"first_line_timeout": 1}


async def test_who_hangs_up_in_the_handshake_is_gone(clock: MockClock, authority: Authority) -> None:
    with within():
        async with behind(authority.issue()) as made:
            async with await made.connect() as miner:
                await miner.say(b"\x16\x03\x01\x02")
                await stays_quiet(0.5)
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"closed": 1}


async def test_a_client_certificate_is_asked_for(clock: MockClock, authority: Authority) -> None:
    mine = authority.issue("rig1", name="rig1")
    with within():
        async with behind(authority.issue(client_ca=authority.file)) as made:
            async with await secured(made, authority.client(mine)) as miner:
                await miner.log_in()
            async with await secured(made, authority.client()) as stranger:
                with suppress(trio.BrokenResourceError):
                    await stranger.say(SUBSCRIBE)
                assert await stranger.hear_rest() == []
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"closed": 1, "tls": 1}


async def test_a_crowd_gets_in(clock: MockClock, authority: Authority) -> None:
    with within(100):
        async with behind(authority.issue()) as made, trio.open_nursery() as nursery:
            miners = [await secured(made, authority.client()) for _ in range(5 * TURNS)]
            for miner in miners:
                nursery.start_soon(miner.log_in)
            await made.until(lambda: made.board.count() == {("farm", "aion"): 5 * TURNS})
            for miner in miners:
                await trio.aclose_forcefully(miner.stream)


async def test_a_leftover_goes_on_where_it_stopped(clock: MockClock, authority: Authority) -> None:
    limits = Limits(requests_per_second=1e6)
    with within(100):
        async with (
            behind(authority.issue(), limits, sock=listening(send_buffer=4096)) as made,
            await secured(made, authority.client(), receive_buffer=2048) as miner,
        ):
            await miner.log_in()
            (connection,) = made.connections()
            asked = 0
            while len(connection.leftover) < 30_000:
                await miner.say(*[ASK] * 10)
                asked += 10
                await made.until(lambda: connection.session.requests == asked + 3)  # noqa: B023  # at once
            for _ in range(asked):
                assert (await miner.hear())["id"] == 5
            assert not connection.leftover


async def test_a_slow_reader_is_dropped_at_its_bound(clock: MockClock, authority: Authority) -> None:
    limits = Limits(outgoing_bytes=5000, requests_per_second=1e6)
    with within(100):
        async with behind(authority.issue(), limits, sock=listening(send_buffer=4096)) as made:
            async with await secured(made, authority.client(), receive_buffer=2048) as miner:
                await miner.log_in()
                with suppress(trio.BrokenResourceError):
                    while len(made.board):
                        await miner.say(*[ASK] * 10)
                        await trio.sleep(0.01)
            assert made.reasons() == {"slow_reader": 1}


async def test_last_words_are_heard(clock: MockClock, authority: Authority) -> None:
    with within():
        async with behind(authority.issue()) as made:
            async with await secured(made, authority.client()) as miner:
                await miner.say(SUBSCRIBE, AUTHORIZE)
                await miner.say(b"junk\n" * 3)
                lines = await miner.hear_rest()
                assert "bad_lines" in lines[-1]["error"][1]
            assert made.reasons() == {"bad_lines": 1}


async def test_new_files_are_for_new_miners(clock: MockClock, authority: Authority) -> None:
    tls = authority.issue()
    server = ServerTls("listen.farm", tls)
    with within():
        async with (
            opened(make=lambda sock, door: Entrance(sock, door, server)) as made,
            await secured(made, authority.client()) as first,
        ):
            job_id = await first.log_in()
            other = Authority(authority.directory)
            other.issue()
            server.reload()
            async with await secured(made, other.client()) as second:
                await second.log_in()
            await first.say(submit(job_id, "00" * 20))
            assert await first.hear() == yes(4)


# ---- turns


class Waiting:
    """Of a connection all that the queue looks at."""

    def __init__(self, sock: object) -> None:
        self.sock = sock


async def test_between_two_batches_a_few_have_their_turn() -> None:
    served: list[int] = []
    rounds: list[int] = []

    def flush() -> None:
        rounds.append(len(served))

    def serve(connection: Connection, _now: float) -> None:
        served.append(cast("Waiting", connection).sock)  # type: ignore[arg-type]

    handshakes = Handshakes(serve, flush)
    for number in range(3 * TURNS + 1):
        handshakes.add(cast("Connection", Waiting(number)))
    handshakes.add(cast("Connection", Waiting(None)))  # has gone while it waited
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handshakes.run)
        await wait_all_tasks_blocked()
        assert served == list(range(3 * TURNS + 1))
        assert rounds == [TURNS, 2 * TURNS, 3 * TURNS, 3 * TURNS + 1]
        handshakes.add(cast("Connection", Waiting(99)))
        await wait_all_tasks_blocked()
        assert served[-1] == 99
        nursery.cancel_scope.cancel()
