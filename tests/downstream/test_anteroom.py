"""Behind a load balancer on real sockets: a miner is who the balancer says, and a health check is nobody."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from proxy.config import Limits
from proxy.downstream.certificates import ServerTls
from proxy.downstream.door import Door
from proxy.downstream.entrance import Balancers, Entrance
from tests.downstream.boards import opened, stays_quiet
from tests.kit.certificates import Authority, over_tls
from tests.kit.miners import SUBSCRIBE, within

V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 3333\r\n"
V2 = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    + bytes([203, 0, 113, 7, 192, 0, 2, 1])
    + (56324).to_bytes(2, "big")
    + (3333).to_bytes(2, "big")
)
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
MINER = "203.0.113.7"

Make = Callable[[socket.socket, Door], Entrance]


def behind(required: bool = True, *networks: str, tls: ServerTls | None = None) -> Make:
    """An entrance behind a balancer; on this machine unless it is somewhere else."""
    balancers = Balancers(required, networks or ["127.0.0.0/8"])
    return lambda sock, door: Entrance(sock, door, tls, balancers)


@pytest.mark.parametrize("header", [V1, V2])
async def test_a_miner_is_who_the_balancer_says(clock: MockClock, header: bytes) -> None:
    with within():
        async with opened(make=behind()) as made, await made.connect() as miner:
            await miner.say(header)
            await made.until(lambda: len(made.board) == 1)
            await miner.log_in()
            assert made.connections()[0].session.address == MINER
            assert made.board.admission.by_address == {MINER: 1}
            assert made.tally.connections == {"farm": 1}


async def test_header_and_first_line_together(clock: MockClock) -> None:
    with within():
        async with opened(make=behind()) as made, await made.connect() as miner:
            await miner.say(V1, SUBSCRIBE)
            assert (await miner.hear())["id"] == 1
            assert made.connections()[0].session.address == MINER


async def test_byte_by_byte(clock: MockClock) -> None:
    with within():
        async with opened(make=behind()) as made, await made.connect() as miner:
            for byte in V1:
                await miner.say(bytes([byte]))
                await trio.sleep(0.01)
            await miner.log_in()
            assert made.connections()[0].session.address == MINER


@pytest.mark.parametrize("said", [b"", LOCAL])
async def test_a_health_check_leaves_no_trace(clock: MockClock, said: bytes) -> None:
    with within():
        async with opened(make=behind()) as made:
            async with await made.connect() as check:
                await check.say(said)
                await made.until(lambda: made.board._lobby.anteroom.visitors)
                await stays_quiet(0.5)
                assert len(made.board) == 0
            await made.until(lambda: not made.board._lobby.anteroom.visitors)
            assert (made.tally.connections, made.tally.disconnects, made.ended) == ({}, {}, [])


async def test_limits_are_by_the_miners_own_address(clock: MockClock) -> None:
    with within():
        async with opened(Limits(max_miners_per_address=1), make=behind()) as made:
            async with await made.connect() as first, await made.connect() as second:
                await first.say(V1)
                await first.log_in()
                await second.say(V1)
                assert await second.hear_rest() == []
                async with await made.connect() as third:
                    await third.say(V1.replace(b"113.7", b"113.8"))
                    await third.log_in()
            assert made.reasons()["full"] == 1


async def test_without_a_header_where_one_must_be_is_closed(clock: MockClock) -> None:
    with within():
        async with opened(make=behind()) as made, await made.connect() as miner:
            await miner.say(SUBSCRIBE)
            assert await miner.hear_rest() == []
            assert made.reasons() == {"proxy_header": 1}
            assert "no PROXY header" in made.ended[0].close_detail


async def test_without_a_header_where_one_may_be_is_a_miner(clock: MockClock) -> None:
    with within():
        async with opened(make=behind(False)) as made, await made.connect() as miner:
            await miner.log_in()
            assert made.connections()[0].session.address == "127.0.0.1"


async def test_a_stranger_is_closed_where_a_header_must_be(clock: MockClock) -> None:
    with within():
        async with opened(make=behind(True, "192.0.2.0/24")) as made, await made.connect() as miner:
            assert await miner.hear_rest() == []
            assert made.reasons() == {"proxy_header": 1}
            assert made.ended[0].close_detail.startswith("not from listen.trusted_proxies")


async def test_a_strangers_header_is_a_bad_line_where_one_may_be(clock: MockClock) -> None:
    with within():
        async with opened(make=behind(False, "192.0.2.0/24")) as made, await made.connect() as miner:
            await miner.say(V1)
            assert "error" in await miner.hear()
            await miner.log_in()
            assert made.connections()[0].session.address == "127.0.0.1"


async def test_who_says_nothing_is_closed_at_the_login_deadline(clock: MockClock) -> None:
    with within(100):
        async with opened(Limits(login_seconds=5), make=behind()) as made, await made.connect() as miner:
            began = trio.current_time()
            assert await miner.hear_rest() == []
            assert 5 <= trio.current_time() - began < 8
            assert made.reasons() == {"login_timeout": 1}


async def test_those_who_wait_count_for_the_bound_of_all(clock: MockClock) -> None:
    with within():
        async with opened(Limits(max_miners=1), make=behind()) as made, await made.connect():
            await made.until(lambda: made.board._lobby.anteroom.visitors)
            async with await made.connect() as second:
                assert await second.hear_rest() == []
            assert made.reasons() == {"full": 1}


async def test_a_stop_sends_them_away(clock: MockClock) -> None:
    with within():
        async with opened(make=behind()) as made, await made.connect() as miner:
            await made.until(lambda: made.board._lobby.anteroom.visitors)
            made.board.stop_listening()
            assert await miner.hear_rest() == []


async def test_the_header_comes_before_tls(clock: MockClock, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    make = behind(tls=ServerTls("listen.farm", authority.issue()))
    with within():
        async with opened(make=make) as made, await made.connect() as miner:
            await miner.say(V2)
            miner.stream = over_tls(miner.stream, authority.client())
            await miner.log_in()
            assert made.connections()[0].session.address == MINER


async def test_header_and_tls_hello_in_one_piece(clock: MockClock, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    make = behind(tls=ServerTls("listen.farm", authority.issue()))
    with within():
        async with opened(make=make) as made, await made.connect() as miner:
            miner.stream = over_tls(Together(miner.stream, V1), authority.client())
            await miner.log_in()
            assert made.connections()[0].session.address == MINER


class Together(trio.abc.Stream):
    """A stream whose first write has something before it."""

    def __init__(self, stream: trio.SocketStream, before: bytes) -> None:
        self.stream = stream
        self.before = before

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        before, self.before = self.before, b""
        await self.stream.send_all(before + bytes(data))

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.stream.receive_some(max_bytes)

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.stream.aclose()
