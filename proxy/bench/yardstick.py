"""What no proxy in Python can do without: the bare receiving and sending of a share, and its check.

Strategy: the same bytes over loopback TCP, with as many calls as a share needs at the least: a recv of the
share, its part of one send that carries BATCH of them on to the pool, its part of one recv of the pool's
answers, a send of the verdict.  Only these calls and the epoll that tells of the shares are timed, by this
thread's CPU; the other ends are served in between, untimed.  Nothing is parsed, nothing is looked up.
The trap: on loopback a send does the work of the receiving end's kernel, too, here as in the proxy.
"""

import select
import socket
import time
from statistics import median

from proxy.bench import verify
from proxy.bench.load import Miner
from proxy.bench.words import Words
from proxy.native import PATH, Equihash

BATCH = 16  # shares read in one turn
TURNS = 40  # in one round
ROUNDS = 9  # of which the median counts
_READ = 16_384
_POOL_READ = 1 << 18
_POOL_BUFFER = 1 << 20  # all of a batch is to go in one send
_CHECK_SECONDS = 0.3


def check_us() -> float:
    """Microseconds of a proof check, as `sluice bench verify` has it, on the path in use."""
    equihash = Equihash(path=PATH)
    return verify.median_us(equihash.flaw, verify.shares(), _CHECK_SECONDS)


def bare_us(words: Words) -> float:
    """Microseconds of CPU for receiving and sending one share and its verdict."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pairs = [_pair(listener) for _ in range(BATCH + 1)]
    try:
        return median(_round(words, pairs) for _ in range(ROUNDS)) / (TURNS * BATCH) * 1e6
    finally:
        for pair in pairs:
            for sock in pair:
                sock.close()


def _pair(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    near = socket.socket()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _POOL_BUFFER)
    near.connect(listener.getsockname())
    far, _ = listener.accept()
    for sock in (near, far):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


def _round(words: Words, pairs: list[tuple[socket.socket, socket.socket]]) -> float:
    """Relay TURNS batches; seconds of CPU for the relay's part."""
    *miners, (pool, pool_end) = pairs
    stranger = Miner(miners[0][1], 1)
    words.stranger(stranger)
    share, verdict = words.share(stranger, 1), words.yes % b"4"
    by_fd = {near.fileno(): near for near, _ in miners}
    spent = 0.0
    with select.epoll() as epoll:
        for fd in by_fd:
            epoll.register(fd, select.EPOLLIN)
        for _ in range(TURNS):
            for _, miner in miners:
                miner.sendall(share)
            began = time.thread_time()
            ready: list[socket.socket] = []
            lines: list[bytes] = []
            while len(ready) < BATCH:
                came = [by_fd[fd] for fd, _ in epoll.poll(None, BATCH)]
                lines += [near.recv(_READ) for near in came]
                ready += came
            pool.sendall(b"".join(lines))
            spent += time.thread_time() - began
            left = BATCH * len(share)
            while left:
                left -= len(pool_end.recv(_POOL_READ))
            pool_end.sendall(verdict * BATCH)
            began = time.thread_time()
            pool.recv(_POOL_READ)
            for near in ready:
                near.send(verdict)
            spent += time.thread_time() - began
            for _, miner in miners:
                miner.recv(_READ)
    return spent
