"""The whole proxy in this process: a simulated pool above it, miners on real sockets below."""

import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from proxy.app import Proxy
from proxy.config import Address, Config, Http, Limits, Listen, Pool, Tls, Upstream
from proxy.errors import ConfigError
from proxy.lifecycle.news import STATUS_SECONDS
from proxy.lifecycle.running import run_until_signalled
from proxy.model.share import Reason
from proxy.sim.pool import PoolOptions, SimPool
from tests.downstream.boards import open_files
from tests.kit.certificates import Authority, over_tls
from tests.kit.miners import AUTHORIZE, SUBSCRIBE, Found, SocketMiner, mined, no, within, yes

LIMITS = Limits(reconnect_seconds_max=1, upstream_reply_seconds=20, shutdown_seconds=8)


@pytest.fixture
def clock() -> MockClock:
    """Let time jump once nothing has happened for some real milliseconds."""
    return MockClock(autojump_threshold=0.005)


def configured(pool_url: str, limits: Limits = LIMITS, http: str = "", port: int = 0) -> Config:
    """A configuration for one pool and one listener on loopback."""
    return Config(
        upstream=Upstream(
            user="account", algorithm="equihash/48_5", pools=(Pool(url=Address.parse(pool_url)),)
        ),
        listen=(Listen(url=Address("stratum+tcp", "127.0.0.1", port)),),
        limits=limits,
        http=Http(address=http),
    )


@attrs.define
class House:
    """A pool, a proxy, and where its miners come in."""

    pool: SimPool
    proxy: Proxy
    port: int
    ended: trio.Event = attrs.Factory(trio.Event)

    async def miner(self) -> SocketMiner:
        """Connect a miner."""
        return await SocketMiner.connect(("127.0.0.1", self.port))

    def share(self, miner: SocketMiner, number: int = 0) -> Found:
        """A share for the newest job that a miner has heard of."""
        found = mined(newest(miner)[1], miner.prefix)
        for _ in range(number):
            next(found)
        return next(found)

    async def submit(self, miner: SocketMiner, request_id: int, number: int = 0) -> None:
        """Send a share for that job."""
        await miner.say(self.share(miner, number).submit(newest(miner)[0], request_id))


def newest(miner: SocketMiner) -> tuple[str, str]:
    """Id and header of the newest job that a miner has heard of."""
    jobs = [line["params"] for line in miner.heard if line.get("method") == "mining.notify"]
    return jobs[-1][0], jobs[-1][3]


async def until(condition: Callable[[], object]) -> None:
    """Wait for what tells nobody when it happens."""
    while not condition():  # noqa: ASYNC110  # see above
        await trio.sleep(0.05)


@asynccontextmanager
async def running(options: PoolOptions | None = None, limits: Limits = LIMITS) -> AsyncIterator[House]:
    """Run pool and proxy; stop the proxy in order at the end."""
    files = open_files()
    async with trio.open_nursery() as nursery:
        pool: SimPool = await nursery.start(SimPool(options).run)
        proxy = Proxy(configured(pool.url, limits))
        started = proxy.bind()
        house = House(pool, proxy, Address.parse(started.listening[0][1]).port)

        async def run() -> None:
            await proxy.run()
            house.ended.set()

        nursery.start_soon(run)
        yield house
        proxy.stop()
        await house.ended.wait()
        nursery.cancel_scope.cancel()
    assert proxy.tally.conserved
    assert proxy.tally.in_flight == 0
    assert open_files() <= files


# ---- shares


@pytest.mark.parametrize("style", ["solo", "p2"])
async def test_real_shares_are_accepted_by_a_pool_that_checks_for_itself(
    clock: MockClock, style: str
) -> None:
    with within(60):
        async with running(PoolOptions(style=style, strict=style == "p2", record=True)) as house:
            for number in range(3):
                async with await house.miner() as miner:
                    await miner.log_in(f"rig{number}")
                    await house.submit(miner, 4)
                    assert await miner.hear_reply(4) == yes(4)
            assert house.pool.tally.accepted == 3
            assert house.pool.tally.bad == 0
            assert house.pool.tally.workers == {"account": 3}
            assert house.proxy.tally.shares == {Reason.ACCEPTED: 3}


async def test_a_refusal_of_the_pool_is_handed_down_in_its_own_words(clock: MockClock) -> None:
    with within(60):
        # This pool forgets a job with the next one, though that one is not clean.
        options = PoolOptions(style="p2", jobs_kept=1, clean_ratio=0)
        async with running(options) as house, await house.miner() as miner:
            await miner.log_in()
            job_id, header = newest(miner)
            house.pool.new_job()
            await miner.hear_method("mining.notify")
            await miner.say(next(mined(header, miner.prefix)).submit(job_id))
            assert await miner.hear_reply(4) == no(4, -1, "stale share")
            assert house.proxy.tally.shares == {Reason.REJECTED: 1}


async def test_new_jobs_of_the_pool_reach_the_miner(clock: MockClock) -> None:
    with within(60):
        async with running() as house, await house.miner() as miner:
            await miner.log_in()
            job = house.pool.new_job()
            assert (await miner.hear_method("mining.notify"))["params"][3] == job.header
            await house.submit(miner, 4)
            assert await miner.hear_reply(4) == yes(4)


# ---- the pool goes and comes


async def test_miners_outlive_their_pool(clock: MockClock) -> None:
    with within(120):
        async with running() as house, await house.miner() as miner:
            await miner.log_in()
            old_prefix, old_job = miner.prefix, newest(miner)[0]
            await house.pool.go_down()
            await until(lambda: house.proxy.relay.not_ready)
            await house.submit(miner, 4)
            assert await miner.hear_reply(4) == no(4, 20, "pool connection lost")
            assert house.proxy.tally.forwarded == {"none": 1}
            # One that comes meanwhile has to wait, and is not sent away.
            async with await house.miner() as second:
                await second.say(SUBSCRIBE, AUTHORIZE)
                assert await second.hear() == yes(2)
                await house.pool.come_up()
                miner.prefix = (await miner.hear_method("mining.set_extranonce"))["params"][0]
                assert miner.prefix != old_prefix
                assert (await miner.hear_method("mining.notify"))["params"][0] != old_job
                await house.submit(miner, 5)
                assert await miner.hear_reply(5) == yes(5)
                second.prefix = (await second.hear_reply(1))["result"][1]
                await second.hear_method("mining.notify")
                assert second.prefix != miner.prefix
            assert house.pool.tally.bad == 0


async def test_what_the_pool_has_not_answered_is_lost_with_it(clock: MockClock) -> None:
    with within(120):
        async with running(PoolOptions(delay_replies=10)) as house, await house.miner() as miner:
            await miner.log_in()
            await house.submit(miner, 4)
            await house.pool.until(lambda pool: pool.tally.submits)
            await house.pool.go_down()
            assert await miner.hear_reply(4) == no(4, 20, "pool connection lost")
            assert house.proxy.tally.forwarded == {"main": 1}


async def test_a_share_without_an_answer_is_lost_in_time(clock: MockClock) -> None:
    with within(120):
        async with running(PoolOptions(drop_replies=1.0)) as house, await house.miner() as miner:
            await miner.log_in()
            began = trio.current_time()
            await house.submit(miner, 4)
            assert await miner.hear_reply(4) == no(4, 20, "pool connection lost")
            assert trio.current_time() >= began + LIMITS.upstream_reply_seconds


async def test_a_pool_that_is_not_there_is_said_once_an_attempt_and_found_when_it_comes(
    clock: MockClock,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"stratum+tcp://127.0.0.1:{port}"
    with within(120), capture_logs() as logs:
        proxy = Proxy(configured(url))
        miners_at = Address.parse(proxy.bind().listening[0][1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(proxy.run)
            async with await SocketMiner.connect(("127.0.0.1", miners_at.port)) as miner:
                await miner.say(SUBSCRIBE, AUTHORIZE)
                await until(lambda: [line["event"] for line in logs].count("pool not to be had") >= 3)
                warning = next(line for line in logs if line["event"] == "pool not to be had")
                assert warning["log_level"] == "warning"
                assert warning["address"] == url
                assert warning["why"] == "Connection refused"
                assert "Connection refused" in proxy.relay.not_ready
                await nursery.start(lambda task_status: SimPool().run(port=port, task_status=task_status))
                await miner.hear_method("mining.notify")
            nursery.cancel_scope.cancel()


# ---- the end


async def test_stop_answers_what_is_in_flight_and_returns(clock: MockClock) -> None:
    with within(120):
        async with running(PoolOptions(delay_replies=3)) as house:
            async with await house.miner() as miner, await house.miner() as idle:
                await idle.log_in()
                await miner.log_in()
                await house.submit(miner, 4)
                await house.pool.until(lambda pool: pool.tally.submits)
                house.proxy.stop()
                assert house.proxy.stopping
                assert await miner.hear_rest() == [yes(4)]
                assert await idle.hear_rest() == []
                await house.ended.wait()
                with pytest.raises(OSError, match="refused"):
                    await house.miner()
            assert house.proxy.tally.shares == {Reason.ACCEPTED: 1}
            assert house.proxy.tally.disconnects == {("farm", "shutdown"): 2}


async def test_stop_does_not_wait_for_ever(clock: MockClock) -> None:
    with within(120):
        async with running(PoolOptions(drop_replies=1.0)) as house, await house.miner() as miner:
            await miner.log_in()
            await house.submit(miner, 4)
            await house.pool.until(lambda pool: pool.tally.submits)
            began = trio.current_time()
            house.proxy.stop()
            assert await miner.hear_rest() == [no(4, 20, "pool connection lost")]
            assert trio.current_time() >= began + LIMITS.shutdown_seconds
            await house.ended.wait()


async def test_stop_before_anybody_came(clock: MockClock) -> None:
    with within(), capture_logs() as logs:
        async with running():
            pass
    stopped = next(line for line in logs if line["event"] == "stopped")
    assert stopped["conserved"] is True
    assert stopped["received"] == 0


# ---- ports


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            Proxy(configured("stratum+tcp://pool.example:3333", port=port)).bind()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"listen.farm: stratum+tcp://127.0.0.1:{port}: in use")


def test_all_ports_are_given_back_if_one_cannot_be_had() -> None:
    files = open_files()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        proxy = Proxy(configured("stratum+tcp://pool.example:3333", http=address))
        with pytest.raises(ConfigError, match=f"^http.address: {address}: in use"):
            proxy.bind()
    assert open_files() <= files


# ---- the log


async def test_dropped_miners_are_logged_once_a_minute_and_counted(clock: MockClock) -> None:
    with within(), capture_logs() as logs:
        async with running() as house:
            for _ in range(3):
                async with await house.miner() as miner:
                    await miner.say(b"GET / HTTP/1.1\r\n\r\n")
                    await miner.hear_rest()
            async with await house.miner() as miner:
                await miner.log_in()
            await until(lambda: sum(house.proxy.tally.disconnects.values()) == 4)
    (dropped,) = [line for line in logs if line["event"] == "miner dropped"]
    assert dropped["reason"] == "not_stratum"
    assert dropped["listener"] == "farm"
    assert dropped["address"] == "127.0.0.1"
    assert dropped["why"] == "an HTTP request; this port speaks stratum"


async def test_once_a_minute_the_log_says_how_the_farm_does(clock: MockClock) -> None:
    with within(200), capture_logs() as logs:
        async with running() as house, await house.miner() as miner:
            await miner.log_in()
            await house.submit(miner, 4)
            await miner.hear_reply(4)
            await trio.sleep(2 * STATUS_SECONDS)
    first, second = [line for line in logs if line["event"] == "last minute"][:2]
    assert (first["miners"], first["workers"], first["accepted"]) == (1, 1, 1)
    assert first["sols_per_second"] == round(1 / STATUS_SECONDS, 2)
    assert "rejected" not in first
    assert "work" not in first
    assert "accepted" not in second, "each minute for itself"


async def test_a_farm_without_work_says_so(clock: MockClock) -> None:
    with within(200), capture_logs() as logs:
        async with running(PoolOptions(silent=True)):
            await trio.sleep(STATUS_SECONDS + 1)
    line = next(line for line in logs if line["event"] == "last minute")
    assert line["work"] == "none"


# ---- the process


async def test_lines_for_scripts_then_an_orderly_end_by_signal() -> None:
    lines: list[str] = []
    with within(30):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool().run)
            done = trio.Event()

            async def run() -> None:
                await run_until_signalled(configured(pool.url, http="127.0.0.1:0"), lines.append)
                done.set()

            nursery.start_soon(run)
            await until(lambda: "ready" in lines)
            listening, http, _ = lines
            name, url = listening.removeprefix("listening ").split()
            assert name == "name=farm"
            port = Address.parse(url.removeprefix("url=")).port
            async with await SocketMiner.connect(("127.0.0.1", port)) as miner:
                await miner.log_in()
                web = int(http.removeprefix("http url=http://127.0.0.1:"))
                async with await trio.open_tcp_stream("127.0.0.1", web) as stream:
                    await stream.send_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    answer = b"".join([part async for part in stream])
                assert answer.startswith(b"HTTP/1.1 200")
                os.kill(os.getpid(), signal.SIGTERM)
                assert await miner.hear_rest() == []
            await done.wait()
            nursery.cancel_scope.cancel()


async def test_a_signal_right_after_the_first_line_is_obeyed() -> None:
    with within(30):
        await run_until_signalled(
            configured("stratum+tcp://127.0.0.1:1"), lambda line: os.kill(os.getpid(), signal.SIGINT)
        )


async def test_a_second_signal_does_not_wait_for_the_pool() -> None:
    lines: list[str] = []
    with within(30):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(PoolOptions(drop_replies=1.0)).run)
            limits = attrs.evolve(LIMITS, shutdown_seconds=3600, upstream_reply_seconds=3600)
            done = trio.Event()

            async def run() -> None:
                await run_until_signalled(configured(pool.url, limits), lines.append)
                done.set()

            nursery.start_soon(run)
            await until(lambda: "ready" in lines)
            port = Address.parse(lines[0].split("url=")[1]).port
            async with await SocketMiner.connect(("127.0.0.1", port)) as miner:
                await miner.log_in()
                await miner.say(next(mined(newest(miner)[1], miner.prefix)).submit(newest(miner)[0]))
                await pool.until(lambda pool: pool.tally.submits)
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGINT)
                await done.wait()
            nursery.cancel_scope.cancel()


async def test_ipv6_addresses_are_told_with_brackets() -> None:
    lines: list[str] = []
    config = configured("stratum+tcp://127.0.0.1:1", http="[::1]:0")
    with within(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_until_signalled, config, lines.append)
            await until(lambda: len(lines) == 2)
            nursery.cancel_scope.cancel()
    assert lines[1].startswith("http url=http://[::1]:")


# ---- TLS


def with_tls(tls: Tls, ca: str = "") -> Config:
    """A configuration for a TLS listener; with authorities, for a TLS pool."""
    config = configured("stratum+tls://127.0.0.1:1" if ca else "stratum+tcp://127.0.0.1:1")
    (pool,) = config.upstream.pools
    return attrs.evolve(
        config,
        listen=(Listen(url=Address("stratum+tls", "127.0.0.1", 0), tls=tls),),
        upstream=attrs.evolve(config.upstream, pools=(attrs.evolve(pool, ca=ca),)),
        http=Http(address="127.0.0.1:0"),
    )


def test_a_certificate_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    tls = attrs.evolve(Authority(tmp_path).issue(), certificate=str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=r"^listen\.farm\.tls\.certificate: .*: No such file or directory$"):
        Proxy(with_tls(tls))


def test_authorities_that_are_not_there_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^upstream\.pools\.0\.ca: .*: No such file or directory$"):
        Proxy(with_tls(Authority(tmp_path).issue(), ca=str(tmp_path / "gone"))).bind()


async def test_a_certificate_is_shown_used_and_taken_anew(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    proxy = Proxy(with_tls(authority.issue()))
    started = proxy.bind()
    assert started.http is not None
    port = Address.parse(started.listening[0][1]).port

    async def digest() -> bytes:
        stream = over_tls(await trio.open_tcp_stream("127.0.0.1", port), authority.client())
        async with stream:
            await stream.do_handshake()
            return stream.getpeercert(binary_form=True) or b""

    with within(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(proxy.run)
            first = await digest()
            authority.issue()
            assert await digest() == first
            proxy.certificates.reload()
            assert await digest() != first
            async with await trio.open_tcp_stream(*started.http) as http:
                await http.send_all(b"GET /metrics HTTP/1.0\r\n\r\n")
                answer = b"".join([bytes(data) async for data in http])
            assert b'sluice_tls_certificate_expiry_timestamp_seconds{listener="farm"} ' in answer
            proxy.stop()
