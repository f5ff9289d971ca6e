"""HAProxy and nginx in front, where they are installed: real ones, whose word on a miner's address is taken.

Each stands before a plain port, takes TLS off for it, and passes TLS on as it is; HAProxy says who comes by
version 2 of the PROXY protocol and asks all the while whether we live, nginx says it by version 1.
The miners come from addresses of loopback that are their own, so what the balancer says can be told from what
the socket says.
"""

import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import tomli_w
import trio

from proxy.config import Address, Tls
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.e2e.programs import Program, program
from tests.e2e.rigs import LONGEST, SMALL
from tests.kit.certificates import HOST as NAME
from tests.kit.certificates import Authority
from tests.kit.miners import AUTHORIZE, SUBSCRIBE, SocketMiner

LOOPBACK = "127.0.0.1"
MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"))
STREAM = next((path for folder in MODULES if (path := folder / "ngx_stream_module.so").exists()), None)

needs_haproxy = pytest.mark.skipif(
    shutil.which("haproxy") is None, reason="haproxy is not installed: apt-get install haproxy"
)
needs_nginx = pytest.mark.skipif(
    shutil.which("nginx") is None or STREAM is None,
    reason="nginx with its stream module is not installed: apt-get install nginx libnginx-mod-stream",
)

HAPROXY = """\
global
  stats socket {folder}/stats
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen plain
  bind 127.0.0.1:{plain}
  server sluice 127.0.0.1:{farm} send-proxy-v2 check inter 50ms check-send-proxy
listen taken_off
  bind 127.0.0.1:{taken_off} ssl crt {folder}/both.pem
  server sluice 127.0.0.1:{farm} send-proxy-v2 check inter 50ms check-send-proxy
listen passed_on
  bind 127.0.0.1:{passed_on}
  server sluice 127.0.0.1:{tls} send-proxy-v2 check inter 50ms check-send-proxy
"""
NGINX = """\
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
stream {{
  proxy_protocol on;
  server {{ listen 127.0.0.1:{plain}; proxy_pass 127.0.0.1:{farm}; }}
  server {{
    listen 127.0.0.1:{taken_off} ssl;
    ssl_certificate {folder}/both.pem;
    ssl_certificate_key {folder}/both.pem;
    proxy_pass 127.0.0.1:{farm};
  }}
  server {{ listen 127.0.0.1:{passed_on}; proxy_pass 127.0.0.1:{tls}; }}
}}
"""


@attrs.define
class Front:
    """A proxy behind a balancer.

    Args:
        ports: the balancer's, by what it does.
        api: where the proxy answers questions.
    """

    proxy: Program
    ports: dict[str, int]
    api: str
    authority: Authority
    folder: Path

    @asynccontextmanager
    async def miner(self, way: str, address: str) -> AsyncIterator[SocketMiner]:
        """Log in at the balancer, coming from an address."""
        stream: Any = await trio.open_tcp_stream(LOOPBACK, self.ports[way], local_address=address)
        if way != "plain":
            stream = trio.SSLStream(stream, self.authority.client(), server_hostname=NAME)
        async with SocketMiner(stream) as miner:
            await miner.say(SUBSCRIBE)
            await miner.hear()
            await miner.say(AUTHORIZE)
            await miner.hear()
            yield miner

    async def miners(self) -> list[tuple[str, str]]:
        """What the API tells of those who are here: address and listener."""
        told = json.loads(await self._asked("/api/v1/miners"))
        return [(item["address"], item["listener"]) for item in told["items"]]

    async def counted(self, metric: str) -> int:
        """A metric, added up."""
        lines = (await self._asked("/metrics")).splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(f"{metric}{{"))

    async def _asked(self, path: str) -> str:
        host, port = self.api.removeprefix("http://").rstrip("/").split(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            )
            answer = b"".join([bytes(data) async for data in stream])
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0], head
        return body.decode()


def free_ports(count: int) -> list[int]:
    """Find ports that nobody has just now."""
    socks = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports: list[int] = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


@contextmanager
def running(*argv: str) -> Iterator[None]:
    """A balancer, as long as it is needed."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def front(folder: Path, template: str) -> AsyncIterator[Front]:
    """A pool, a proxy at it, and a balancer's configuration for that in `balancer.cfg`."""
    authority = Authority(folder)
    tls = authority.issue()
    _put_together(tls, folder / "both.pem")
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool = SimPool(PoolOptions(style="solo", equihash=SMALL, difficulty=4, seed=3))
            await nursery.start(pool.run, LOOPBACK)
            (folder / "sluice.toml").write_text(
                tomli_w.dumps(_configuration(pool.url, tls)), encoding="utf-8"
            )
            async with program(folder) as proxy:
                doors = {name: (await proxy.address(name)).port for name in ("farm", "tls")}
                api = await proxy.tells("http ")
                await proxy.tells("ready")
                ports = dict(zip(("plain", "taken_off", "passed_on"), free_ports(3), strict=True))
                text = template.format(folder=folder, module=STREAM, **doors, **ports)
                (folder / "balancer.cfg").write_text(text, encoding="utf-8")
                yield Front(proxy, ports, api, authority, folder)
            nursery.cancel_scope.cancel()


def _put_together(tls: Tls, path: Path) -> None:
    path.write_bytes(Path(tls.certificate).read_bytes() + Path(tls.key).read_bytes())


def _configuration(pool: str, tls: Tls) -> dict[str, Any]:
    behind = {"proxy_protocol": "required", "trusted_proxies": ["127.0.0.0/8"]}
    certificate = {"certificate": tls.certificate, "key": tls.key}
    return {
        "upstream": {
            "algorithm": "equihash/48_5",
            "user": "0xa0" + "11" * 31,
            "pools": [{"url": str(Address.parse(pool))}],
        },
        "listen": [
            {"name": "farm", "url": f"stratum+tcp://{LOOPBACK}:0", **behind},
            {"name": "tls", "url": f"stratum+tls://{LOOPBACK}:0", "tls": certificate, **behind},
        ],
        "http": {"address": f"{LOOPBACK}:0"},
        "ledger": {"url": ""},
        "log": {"format": "json"},
    }


async def until_listening(ports: dict[str, int]) -> None:
    """Wait for a balancer to be up; who looks is one that connects and says nothing."""
    for port in ports.values():
        while True:
            try:
                async with await trio.open_tcp_stream(LOOPBACK, port):
                    break
            except OSError:
                await trio.sleep(0.02)


async def each_is_known_by_its_own_address(made: Front) -> None:
    """By whatever way miners come, the API has where they are."""
    async with (
        made.miner("plain", "127.0.0.71"),
        made.miner("taken_off", "127.0.0.72"),
        made.miner("passed_on", "127.0.0.73"),
    ):
        here = [address for address in await made.miners() if address[0] != LOOPBACK]
        assert sorted(here) == [("127.0.0.71", "farm"), ("127.0.0.72", "farm"), ("127.0.0.73", "tls")]


async def checked(stats: Path) -> None:
    """Wait until HAProxy has found all three to be alive."""
    while True:
        async with await trio.open_unix_socket(stats) as stream:
            await stream.send_all(b"show stat\n")
            said = b"".join([bytes(data) async for data in stream])
        if said.count(b",L4OK,") == 3:
            return
        await trio.sleep(0.02)


@needs_haproxy
async def test_behind_haproxy(tmp_path: Path) -> None:
    async with front(tmp_path, HAPROXY) as made:
        with running("haproxy", "-f", str(tmp_path / "balancer.cfg"), "-db"):
            await until_listening(made.ports)
            await checked(tmp_path / "stats")
            await each_is_known_by_its_own_address(made)


@needs_haproxy
async def test_haproxys_health_checks_leave_no_trace(tmp_path: Path) -> None:
    async with front(tmp_path, HAPROXY) as made:
        with running("haproxy", "-f", str(tmp_path / "balancer.cfg"), "-db"):
            while not (tmp_path / "stats").exists():  # noqa: ASYNC110  # a file tells nobody
                await trio.sleep(0.02)
            await checked(tmp_path / "stats")
            async with made.miner("plain", "127.0.0.71"):
                assert await made.counted("sluice_connections_total") == 1
            assert made.proxy.logged("miner dropped") == []


@needs_nginx
async def test_behind_nginx(tmp_path: Path) -> None:
    async with front(tmp_path, NGINX) as made:
        with running("nginx", "-c", str(tmp_path / "balancer.cfg"), "-p", str(tmp_path), "-e", "stderr"):
            await until_listening(made.ports)
            await each_is_known_by_its_own_address(made)
