"""The board on real sockets: who gets in, who gets what, who has to go, and that nothing is left behind."""

import errno
import resource
import socket
import struct
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock

from proxy.config import Address, Limits, Listen
from proxy.downstream.aion import FIRST_JOB_DELAY
from proxy.downstream.listeners import bind
from proxy.model.share import Reason, Verdict
from tests.downstream.boards import Opened, listening, opened, stays_quiet
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    SUBSCRIBE,
    FakeHouse,
    SocketMiner,
    door,
    no,
    submit,
    within,
    written,
    yes,
)

# A request whose answer is about as long as it may be.
ASK: dict[str, Any] = {"id": 5, "method": "x" * 250, "params": []}


def reset(miner: SocketMiner) -> None:
    """Close in the way that makes the kernel send a reset."""
    miner.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    miner.stream.socket.close()


async def stuff(made: Opened, miner: SocketMiner, leftover: int = 30_000) -> None:
    """Ask without reading until the board has a leftover for this miner that the kernel does not take."""
    await made.until(made.connections)
    (connection,) = made.connections()
    while len(connection.leftover) < leftover:
        before = connection.session.requests
        await miner.say(*[ASK] * 10)
        await made.until(lambda: connection.session.requests == before + 10)  # noqa: B023  # used at once


# ---- coming in


async def test_a_miner_logs_in_and_gets_work(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            job_id = await miner.log_in()
            assert job_id.startswith(made.house.works[0].id)
            assert made.board.count() == {("farm", "aion"): 1}
            assert len(made.board) == len(made.board.connections) == 1
            assert made.tally.connections == {"farm": 1}


async def test_first_job_comes_by_itself_after_a_while(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as first, await made.connect() as second:
            for miner in (first, second):
                await miner.say(SUBSCRIBE, AUTHORIZE)
                await miner.hear_reply(2)
            began = trio.current_time()
            # One of them asks after all, and has its job before the other.
            await first.say(EXTRANONCE)
            await first.hear_method("mining.notify")
            assert trio.current_time() < began + FIRST_JOB_DELAY
            await second.hear_method("mining.notify")
            assert trio.current_time() >= began + FIRST_JOB_DELAY - 0.01


async def test_a_miner_that_leaves_before_its_first_job_leaves_no_trace(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.say(SUBSCRIBE, AUTHORIZE)
            await miner.hear_reply(2)
            reset(miner)
            await made.until(lambda: not len(made.board))
            await trio.sleep(2 * FIRST_JOB_DELAY)
        assert made.reasons() == {"reset": 1}


async def test_held_miners_get_in_when_a_pool_comes(clock: MockClock) -> None:
    with within(100):
        async with opened(house=FakeHouse(None)) as made, await made.connect() as miner:
            await miner.say(SUBSCRIBE, AUTHORIZE, EXTRANONCE)
            await miner.hear_reply(3)
            await trio.sleep(60)
            made.house.pool_comes(now=trio.current_time())
            assert (await miner.hear())["id"] == 1
            await miner.hear_method("mining.notify")


async def test_full_is_full_until_somebody_goes(clock: MockClock) -> None:
    with within():
        async with opened(Limits(max_miners=1)) as made, await made.connect() as first:
            await first.log_in()
            async with await made.connect() as second:
                assert await second.hear_rest() == []
            assert made.reasons() == {"full": 1}
            await first.stream.send_eof()
            await first.hear_rest()
            async with await made.connect() as third:
                await third.log_in()
            assert made.reasons()["full"] == 1


async def test_an_address_can_be_full_for_itself(clock: MockClock) -> None:
    with within():
        async with opened(Limits(max_miners_per_address=1)) as made, await made.connect() as first:
            await first.log_in()
            async with await made.connect() as second:
                assert await second.hear_rest() == []
            other = trio.socket.socket()
            await other.bind(("127.0.0.2", 0))
            await other.connect(made.address)
            async with SocketMiner(trio.SocketStream(other)) as third:
                await third.log_in()
            await made.until(lambda: len(made.board) == 1)


async def test_ipv6(clock: MockClock) -> None:
    with within():
        async with opened(sock=listening("::1")) as made, await made.connect() as miner:
            await miner.log_in()
            assert made.connections()[0].address == "::1"


async def test_a_socket_file(clock: MockClock, tmp_path: Path) -> None:
    """Its miners all look the same, so the limit of one address is not for them; that of all is."""
    path = str(tmp_path / "s")
    sock = bind(Listen(url=Address("unix", "", 0, path)))
    async with AsyncExitStack() as stack:
        stack.enter_context(within())
        limits = Limits(max_miners=2, max_miners_per_address=1)
        made = await stack.enter_async_context(opened(limits, sock=sock))
        miners = [
            await stack.enter_async_context(SocketMiner(await trio.open_unix_socket(path))) for _ in range(3)
        ]
        for miner in miners[:2]:
            await miner.log_in()
        assert await miners[2].hear_rest() == []
        assert made.reasons() == {"full": 1}
        assert [connection.address for connection in made.connections()] == ["unix", "unix"]
        made.house.new_job()
        for miner in miners[:2]:
            await miner.hear_method("mining.notify")
        await miners[0].stream.send_eof()
        await made.until(lambda: len(made.board) == 1)
        made.board.stop_listening()
        assert not await trio.Path(path).exists(), "who starts next can have it at once"


async def test_connections_that_are_gone_before_they_are_taken_do_no_harm(clock: MockClock) -> None:
    class Listener:
        """A listening socket whose first connections are gone again."""

        def __init__(self, sock: socket.socket) -> None:
            self._sock = sock
            self._faults = 3

        def accept(self) -> tuple[socket.socket, Any]:
            self._faults -= 1
            if self._faults >= 0:
                raise OSError(errno.ECONNABORTED, "Software caused connection abort")
            return self._sock.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._sock, name)

    with within():
        sock = cast("socket.socket", Listener(listening()))
        async with opened(sock=sock) as made, await made.connect() as miner:
            await miner.log_in()


async def test_without_free_descriptors_the_listener_rests_and_comes_back(clock: MockClock) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with within(100):
        async with opened() as made, await made.connect() as first:
            await first.log_in()
            sock = trio.socket.socket()
            async with SocketMiner(trio.SocketStream(sock)) as second:
                with socket.socket() as next_one:
                    free = next_one.fileno()
                resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
                try:
                    await sock.connect(made.address)
                    await stays_quiet()
                    assert len(made.board) == 1
                    # Those who are here are served all the while.
                    await first.say(EXTRANONCE)
                    await first.hear_reply(3)
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                await second.log_in()


# ---- reading


async def test_every_kind_of_nonsense_gets_its_line_and_the_door(clock: MockClock) -> None:
    with within():
        async with opened() as made:
            for data in (
                b"GET / HTTP/1.1\r\n\r\n",
                b"\x16\x03\x01",
                b"\xff" * 5000,
                b"x" * 20_000,
                b"x\n" * 3,
            ):
                async with await made.connect() as miner:
                    await miner.say(data)
                    lines = await miner.hear_rest()
                    assert lines
                    assert lines[-1]["error"][0] == 20
            assert made.reasons() == {"not_stratum": 3, "line_too_long": 1, "bad_lines": 1}
            assert [session.closing for session in made.ended] == [
                "not_stratum",
                "not_stratum",
                "not_stratum",
                "line_too_long",
                "bad_lines",
            ]


async def test_the_last_answer_reaches_a_miner_that_is_still_sending(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.say(b"junk\n" * 3 + b"more" * 50_000)
            assert "bad_lines" in (await miner.hear_rest())[-1]["error"][1]


async def test_deadlines_are_swept(clock: MockClock) -> None:
    with within(100):
        async with opened(Limits(login_seconds=3, idle_seconds=20)) as made:
            async with await made.connect() as silent, await made.connect() as idle:
                await idle.log_in()
                assert "limits.login_seconds" in (await silent.hear_rest())[0]["error"][1]
                assert trio.current_time() == pytest.approx(3, abs=1.5)
                assert "limits.idle_seconds" in (await idle.hear_rest())[0]["error"][1]
                assert trio.current_time() == pytest.approx(20, abs=1.5)
            assert made.reasons() == {"login_timeout": 1, "idle": 1}


async def test_a_flood_is_slowed_and_goes_on(clock: MockClock) -> None:
    with within(300):
        async with (
            opened(Limits(requests_per_second=2, login_seconds=1000)) as made,
            await made.connect() as miner,
        ):
            # Ten seconds of its rate are free.  Long lines, because one read is always dealt with as a whole.
            for number in range(60):
                await miner.say({"id": number, "method": "x", "params": ["x" * 4000]})
            for number in range(60):
                assert (await miner.hear())["id"] == number
            # Half a second for each of the forty that were too many, less one read.
            assert trio.current_time() > 15
            assert not made.reasons()


async def test_miners_are_not_read_while_the_pool_side_is_full(clock: MockClock) -> None:
    with within(100):
        async with opened() as made, await made.connect() as miner:
            job_id = await miner.log_in()
            made.pool_side.is_full = True
            nonce = "00" * 20
            await miner.say(submit(job_id, nonce, request_id=4))
            await stays_quiet()
            await miner.say(submit(job_id, nonce, request_id=5))
            await stays_quiet()
            # One batch may have been on its way already.
            assert len(made.house.judged) <= 1
            made.pool_side.has_room.set()
            assert (await miner.hear_reply(5)) == yes(5)
            assert len(made.house.judged) == 2


async def test_half_closed_miner_gets_the_answers_it_is_owed(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            await miner.say(submit(job_id, "00" * 20, request_id=4), submit(job_id, "01" * 20, request_id=5))
            await miner.stream.send_eof()
            await stays_quiet()
            for _ in range(2):
                made.house.pool_says(Verdict(Reason.ACCEPTED))
            made.board.flush()
            assert await miner.hear_rest() == [yes(4), yes(5)]
            assert made.reasons() == {"closed": 1}


async def test_half_close_right_behind_a_request_is_answered(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.say(SUBSCRIBE, AUTHORIZE)
            await miner.stream.send_eof()
            assert [line["id"] for line in await miner.hear_rest()] == [1, 2]


async def test_half_closed_miner_that_resets_is_let_go(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            await miner.say(submit(job_id, "00" * 20))
            await miner.stream.send_eof()
            await made.until(lambda: made.connections()[0].half_closed)
            reset(miner)
            await made.until(lambda: not len(made.board))
            # The verdict that comes now finds nobody.
            made.house.pool_says(Verdict(Reason.LOST))
            made.board.flush()
            assert made.reasons() == {"reset": 1}


async def test_reset_is_noticed(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            reset(miner)
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"reset": 1}


# ---- sending


async def test_slow_reader_is_dropped_at_its_bound(clock: MockClock) -> None:
    with within(100):
        limits = Limits(outgoing_bytes=5000, requests_per_second=1e6)
        async with opened(limits, sock=listening(send_buffer=4096)) as made:
            async with await made.connect(receive_buffer=2048) as miner:
                await stuff(made, miner, 1)
                with suppress(trio.BrokenResourceError):
                    while len(made.board):
                        await miner.say(*[ASK] * 10)
                        await trio.sleep(0.01)
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"slow_reader": 1}


async def test_partly_sent_line_is_finished_and_only_the_newest_job_follows(clock: MockClock) -> None:
    with within(100):
        limits = Limits(requests_per_second=1e6)
        async with (
            opened(limits, sock=listening(send_buffer=4096)) as made,
            await made.connect(receive_buffer=2048) as miner,
        ):
            first = await miner.log_in()
            await stuff(made, miner)
            (connection,) = made.connections()
            for _ in range(5):
                made.house.new_job(now=trio.current_time())
                await made.until(lambda: made.tally.fanout.counts)
                await stays_quiet(0.1)
            assert connection.job_waits
            newest = made.house.works[0].id
            # SocketMiner takes every line apart, so a torn one would not pass.
            await miner.hear_until(lambda line: line.get("params", [""])[0] == newest)
            await miner.say(EXTRANONCE)
            await miner.hear_reply(3)
            ids = [line["params"][0] for line in miner.heard if line.get("method") == "mining.notify"]
            assert ids == [first, newest]
            assert not connection.leftover


async def test_answers_that_wait_go_out_before_the_job(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            await miner.say(submit(job_id, "00" * 20))
            await made.until(lambda: made.house.unanswered)
            # Both in one step of the pool side, the verdict not yet flushed when the job goes out.
            made.house.pool_says(Verdict(Reason.ACCEPTED))
            made.house.on_job = lambda: made.board.announce(made.house, trio.current_time())
            made.house.new_job()
            assert await miner.hear() == yes(4)
            assert (await miner.hear())["method"] == "mining.notify"


async def test_a_closing_connection_that_does_not_read_is_closed_by_the_sweep(clock: MockClock) -> None:
    with within(100):
        limits = Limits(requests_per_second=1e6)
        async with opened(limits, sock=listening(send_buffer=4096)) as made:
            async with await made.connect(receive_buffer=2048) as miner:
                await stuff(made, miner)
                await miner.say(b"junk\n" * 3)
                (connection,) = made.connections()
                await made.until(lambda: connection.session.closing)
                began = trio.current_time()
                assert connection.leftover
                await made.until(lambda: not len(made.board))
                assert trio.current_time() - began < 3
            assert made.reasons() == {"bad_lines": 1}


async def test_a_closing_connection_that_reads_gets_all_of_it(clock: MockClock) -> None:
    with within(100):
        limits = Limits(requests_per_second=1e6)
        async with (
            opened(limits, sock=listening(send_buffer=4096)) as made,
            await made.connect(receive_buffer=2048) as miner,
        ):
            await stuff(made, miner)
            await miner.say(b"junk\n" * 3)
            lines = await miner.hear_rest()
            assert "bad_lines" in lines[-1]["error"][1]
            assert made.reasons() == {"bad_lines": 1}


# ---- going


async def test_no_slice_left_after_a_pool_change_closes(clock: MockClock) -> None:
    with within():
        async with opened(house=FakeHouse(own_bytes=1)) as made, await made.connect() as miner:
            await miner.log_in()
            made.house.pool_comes("beef", trio.current_time())
            space = made.house.space
            assert space is not None
            taken = [space.lend() for _ in range(256)]
            assert await miner.hear_rest() == []
            assert made.reasons() == {"no_slice": 1}
            for lent in taken:
                assert lent is not None
                lent.give_back()


async def test_after_stop_listening_answers_go_out_and_nothing_spins(clock: MockClock) -> None:
    with within(100):
        async with opened() as made, await made.connect() as first, await made.connect() as second:
            job_id = await first.log_in()
            await second.log_in()
            made.house.verdict = None
            await first.say(submit(job_id, "00" * 20))
            await made.until(lambda: made.house.unanswered)
            made.board.stop_listening()
            await first.say(submit(job_id, "01" * 20, request_id=9))
            await second.stream.send_eof()
            await stays_quiet()
            with pytest.raises(OSError, match="refused"):
                await made.connect()
            assert len(made.house.judged) == 1
            made.house.pool_says(Verdict(Reason.ACCEPTED))
            made.board.flush()
            assert await first.hear() == yes(4)
            reset(second)
            await made.until(lambda: len(made.board) == 1)
            made.board.close_all("shutdown")
            assert await first.hear_rest() == []


async def test_close_all_sends_what_waits(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            await miner.say(submit(job_id, "00" * 20))
            await made.until(lambda: made.house.unanswered)
            made.house.pool_says(Verdict(Reason.LOST))
            made.board.close_all("shutdown")
            assert await miner.hear_rest() == [no(4, 20, "pool connection lost")]


async def test_a_resting_listener_can_be_closed(clock: MockClock) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with within():
        async with opened() as made:
            sock = trio.socket.socket()
            async with SocketMiner(trio.SocketStream(sock)) as miner:
                with socket.socket() as next_one:
                    free = next_one.fileno()
                resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
                try:
                    await sock.connect(made.address)
                    await stays_quiet(0.5)
                    made.board.stop_listening()
                    await stays_quiet()
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                assert await miner.hear_rest() == []
                assert not len(made.board)


async def test_churn_leaves_nothing_behind(clock: MockClock) -> None:
    """What opened() checks at its end is the point here."""
    with within(100):
        async with opened() as made:
            for number in range(120):
                async with await made.connect() as miner:
                    match number % 6:
                        case 0:
                            await miner.log_in()
                        case 1:
                            await miner.log_in()
                            await miner.stream.send_eof()
                            await miner.hear_rest()
                        case 2:
                            await miner.say(written(SUBSCRIBE)[:20])
                        case 3:
                            await miner.say(SUBSCRIBE, AUTHORIZE)
                            await miner.hear_reply(2)
                            reset(miner)
                        case 4:
                            await miner.say(b"junk\n" * 5)
                        case 5:
                            await miner.say(b"\x16\x03")
                            await miner.hear_rest()
                if number % 40 == 39:
                    made.house.pool_comes("beef", trio.current_time())
            await made.until(lambda: not len(made.board))
            assert made.tally.connections["farm"] == 120
            assert len(made.ended) == 120
            assert not made.board.admission.by_address


async def test_two_listeners_have_names_of_their_own(clock: MockClock) -> None:
    with within():
        async with opened() as made:
            other = listening()
            address = other.getsockname()
            made.board.open(other, door(listener="barn"))
            async with await SocketMiner.connect(address) as miner, await made.connect() as second:
                await miner.log_in()
                await second.log_in()
                assert made.board.count() == {("barn", "aion"): 1, ("farm", "aion"): 1}
                await miner.stream.send_eof()
                await miner.hear_rest()
                await second.stream.send_eof()
                await second.hear_rest()
        assert made.tally.disconnects == {("barn", "closed"): 1, ("farm", "closed"): 1}


async def test_a_miners_socket_waits_for_nothing_and_notices_a_dead_peer(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            (connection,) = made.board.connections.values()
            sock = connection.sock
            assert sock is not None
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert not sock.getblocking()
