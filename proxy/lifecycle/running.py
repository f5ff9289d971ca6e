"""A proxy from its start to its end: signals in, lines for scripts and words for systemd out.

    SIGTERM, SIGINT    an orderly end; a second one does not wait for the pool
    SIGHUP             the configuration is read again

Strategy: a proxy that takes over gets its ports first, and says that it has them only when it serves; until
then the other one goes on, whatever happens here.
The trap: whoever reads a line of ours may send a signal at once, so signals come first.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import trio

from proxy.app import Proxy
from proxy.config import Config
from proxy.errors import SluiceError
from proxy.lifecycle import systemd, takeover
from proxy.lifecycle.reload import Reloader

# That a proxy which takes over has until it serves: its own wait for work, and the start of its workers.
SERVING_SECONDS = 90


async def run_until_signalled(
    config: Config,
    tell: Callable[[str], None],
    make: Callable[[Config], Proxy] = Proxy,
    load: Callable[[], Config] | None = None,
    place: str = "",
    takes_over: bool = False,
) -> None:
    """Run a proxy until SIGTERM or SIGINT, or until another has taken over.

    Args:
        tell: prints one line for the operator's scripts: every listener, then `ready`.
        make: makes the proxy.
        load: reads the configuration again; None where there is nothing to read.
        place: path of the socket file by which another proxy takes over; "" for none.
        takes_over: whether to take over from the proxy that is there.
    Raises: ConfigError if an address cannot be had, or nobody is there to take over from; SluiceError if
        there was no work to take over for.
    """
    # Without it SIGHUP would end the process.
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async with AsyncExitStack() as stack:
            proxy = make(config)
            if load is not None:
                proxy.reloader = Reloader(proxy, load)
            giver = None
            if takes_over:
                giver = await stack.enter_async_context(takeover.ask(place))
                proxy.ports.inherited = giver.inherited
                proxy.takes_over = True
            else:
                proxy.ports.inherited = systemd.inherited(os.environ)
            _tell_ports(proxy, tell)
            proxy.when_ready(lambda: tell("ready"))
            await _run(proxy, signals, giver, place)


def _tell_ports(proxy: Proxy, tell: Callable[[str], None]) -> None:
    started = proxy.bind()
    for name, url in started.listening:
        tell(f"listening name={name} url={url}")
    if started.http is not None:
        host, port = started.http
        scheme = "http" if proxy.config.http.tls is None else "https"
        tell(f"http url={scheme}://{f'[{host}]' if ':' in host else host}:{port}")


async def _run(
    proxy: Proxy,
    signals: AsyncIterator[int],
    giver: takeover.Giver | None,
    place: str,
) -> None:
    async with trio.open_nursery() as nursery:

        async def obey() -> None:
            async for number in signals:
                if number == signal.SIGHUP:
                    if proxy.reloader is not None and not proxy.stopping:
                        nursery.start_soon(proxy.reloader.reload)
                    continue
                if proxy.stopping:
                    nursery.cancel_scope.cancel()
                systemd.notify(systemd.STOPPING)
                proxy.stop()

        async def serve() -> None:
            if giver is None:
                await proxy.serving.wait()
            else:
                with trio.move_on_after(SERVING_SECONDS):
                    await proxy.serving.wait()
                if not proxy.serving.is_set():
                    raise SluiceError("no worker process has work; the running proxy goes on")
                await giver.done()
            systemd.notify(systemd.READY)
            if place:
                await takeover.offer(place, proxy)

        nursery.start_soon(obey)
        nursery.start_soon(serve)
        await proxy.run()
        nursery.cancel_scope.cancel()
