"""What no proxy in Python can do without: the bare receiving and sending of a share, and its check.

Strategy: the same bytes over loopback TCP, with as many calls as a share needs at the least: a recv of the
share, its part of one send that carries BATCH of them on to the pool, its part of one recv of the pool's
answers, a send of the verdict.  Only these calls and the epoll that tells of the shares are timed, by this
thread's CPU; the other ends are served in between, untimed.  Nothing is parsed, nothing is looked up.
There are as many connections as the measured row has, and shares go round them, because the kernel, too, is
slower with sockets it has not touched for a while.
The trap: on loopback a send does the work of the receiving end's kernel, too, here as in the proxy.
"""

import select
import socket
import time
from collections.abc import Iterator
from itertools import cycle, islice
from statistics import median

from proxy.bench import verify
from proxy.bench.load import ADDRESSES, Miner
from proxy.bench.words import Words
from proxy.native import PATH, Equihash
from proxy.openfiles import raise_limit

BATCH = 16  # shares read in one turn
TURNS = 40  # in one round
ROUNDS = 9  # of which the median counts
# Connections, of two files each in this process.  With so many none is in a processor's near caches when
# its turn comes, and more cost the same.
MOST = 4000
_SPARE_FILES = 64
_READ = 16_384
_POOL_READ = 1 << 18
_POOL_BUFFER = 1 << 20  # all of a batch is to go in one send
_CHECK_SECONDS = 0.3

Pair = tuple[socket.socket, socket.socket]  # the relay's end, and the other


def check_us() -> float:
    """Microseconds of a proof check, as `sluice bench verify` has it, on the path in use."""
    equihash = Equihash(path=PATH)
    return verify.median_us(equihash.flaw, verify.shares(), _CHECK_SECONDS)


def bare_us(words: Words, connections: int) -> float:
    """Microseconds of CPU for receiving and sending one share and its verdict.

    Args:
        connections: of miners, among whom the shares go round; MOST at most, and no less than BATCH.
    """
    wanted = max(BATCH, min(connections, MOST))
    wanted = min(wanted, (raise_limit(2 * wanted + _SPARE_FILES) - _SPARE_FILES) // 2)
    with socket.create_server(("127.0.0.1", 0)) as listener, select.epoll() as epoll:
        pool = _pair(listener, 0)
        miners = [_pair(listener, number) for number in range(wanted)]
        try:
            for near, _ in miners:
                epoll.register(near.fileno(), select.EPOLLIN)
            by_fd = {near.fileno(): near for near, _ in miners}
            ring = cycle(miners)
            for _ in range(wanted // BATCH):  # each once: a connection's first bytes cost more
                _turn(words, epoll, by_fd, list(islice(ring, BATCH)), pool)
            rounds = [_round(words, epoll, by_fd, ring, pool) for _ in range(ROUNDS)]
            return median(rounds) / (TURNS * BATCH) * 1e6
        finally:
            for pair in (pool, *miners):
                for sock in pair:
                    sock.close()


def _pair(listener: socket.socket, number: int) -> Pair:
    near = socket.socket()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _POOL_BUFFER)
    near.bind((f"127.0.0.{1 + number % ADDRESSES}", 0))
    near.connect(listener.getsockname())
    far, _ = listener.accept()
    for sock in (near, far):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


def _round(
    words: Words, epoll: select.epoll, by_fd: dict[int, socket.socket], ring: Iterator[Pair], pool: Pair
) -> float:
    return sum(_turn(words, epoll, by_fd, list(islice(ring, BATCH)), pool) for _ in range(TURNS))


def _turn(
    words: Words, epoll: select.epoll, by_fd: dict[int, socket.socket], miners: list[Pair], pool: Pair
) -> float:
    """Relay a share of each of these miners; seconds of CPU for the relay's part."""
    stranger = Miner(miners[0][1], 1)
    words.stranger(stranger)
    share, verdict = words.share(stranger, 1), words.yes % b"4"
    near_pool, far_pool = pool
    for _, far in miners:
        far.sendall(share)
    ready: list[socket.socket] = []
    lines: list[bytes] = []
    began = time.thread_time()
    while len(ready) < len(miners):
        came = [by_fd[fd] for fd, _ in epoll.poll(None, BATCH)]
        lines += [near.recv(_READ) for near in came]
        ready += came
    near_pool.sendall(b"".join(lines))
    spent = time.thread_time() - began
    left = len(miners) * len(share)
    while left:
        left -= len(far_pool.recv(_POOL_READ))
    far_pool.sendall(verdict * len(miners))
    began = time.thread_time()
    near_pool.recv(_POOL_READ)
    for near in ready:
        near.send(verdict)
    spent += time.thread_time() - began
    for _, far in miners:
        far.recv(_READ)
    return spent
