"""A crowd of miners that only read: the far end of `sluice bench fanout`, a process of its own.

    python -m proxy.bench.crowd PORT COUNT

Logs COUNT miners in, then reads and throws away.  Prints one line each time every miner has had one more
line: the monotonic clock, which all processes of a machine share, in nanoseconds.  Ends with its input.
"""

import os
import select
import socket
import sys
import time

# Answers to three requests, the first target and the first job.
LOGIN_LINES = 5
AT_ONCE = 200  # logins under way at a time; a listener's backlog would take more, but not every one's
_LOGIN = (
    b'{"id":1,"method":"mining.subscribe","params":["crowd",null,"",""]}\n'
    b'{"id":2,"method":"mining.authorize","params":["crowd.%d","x"]}\n'
    b'{"id":3,"method":"mining.extranonce.subscribe","params":[]}\n'
)


def main(port: int, count: int) -> None:
    """Log in, read, report."""
    epoll = select.epoll()
    epoll.register(sys.stdin.fileno(), select.EPOLLIN)
    miners: dict[int, socket.socket] = {}
    buffer = bytearray(65_536)
    lines = logged_in = 0
    due = LOGIN_LINES * count
    while True:
        while len(miners) < count and len(miners) < logged_in + AT_ONCE:
            miner = socket.create_connection(("127.0.0.1", port))
            miner.send(_LOGIN % len(miners))
            miner.setblocking(False)
            miners[miner.fileno()] = miner
            epoll.register(miner.fileno(), select.EPOLLIN)
        for fd, _ in epoll.poll():
            if fd == sys.stdin.fileno():
                if not os.read(fd, 1):
                    return
                continue
            got = miners[fd].recv_into(buffer)
            if not got:
                sys.exit("the proxy closed a connection")
            lines += buffer.count(b"\n", 0, got)
        logged_in = min(count, lines // LOGIN_LINES)
        if lines >= due:
            print(time.monotonic_ns(), flush=True)
            due += count


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
