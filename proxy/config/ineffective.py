"""What a configuration asks for that nothing would come of: it loads, and whoever would run it refuses it.

The trap: a port that somebody believes to be encrypted, and is not, is worse than none.
"""

from proxy.config.checks import TLS_SCHEMES
from proxy.config.sections import Config


def ineffective(config: Config) -> list[str]:
    """List what is asked for and has no effect.

    Args:
        config: as load() returned it.
    Returns: one line each: path of the key, what is wrong, what to do instead.
    """
    return [
        f"listen.{index}.tls: has no effect on {listen.url.scheme}; use stratum+tls or wss, or leave it out"
        for index, listen in enumerate(config.listen)
        if listen.tls is not None and listen.url.scheme not in TLS_SCHEMES
    ]
