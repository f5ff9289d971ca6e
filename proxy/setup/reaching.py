"""Whether a pool can be connected to from here: TCP, then TLS or WebSocket where its address says so.

Strategy: the dialling of the proxy itself, once, and nothing is said to the pool.
The trap: it is a look, not a promise; a pool that is down today belongs into the file all the same.
"""

import trio

from proxy.config import Config, Pool
from proxy.errors import PoolError
from proxy.upstream.dial import dial
from proxy.upstream.link import said


def unreachable(config: Config, seconds: float) -> list[str]:
    """Try each pool once.

    Args:
        seconds: for one attempt.
    Returns: a line for each that cannot be had, naming its address and why.
    """
    faults = [(pool.url, trio.run(_tried, pool, config, seconds)) for pool in config.upstream.pools]
    return [f"{url}: {fault}" for url, fault in faults if fault]


async def _tried(pool: Pool, config: Config, seconds: float) -> str:
    try:
        with trio.fail_after(seconds):
            stream = await dial(pool, config)
    except PoolError as error:
        return str(error)
    except trio.TooSlowError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return said(error)
    await trio.aclose_forcefully(stream)
    return ""
