"""Whom an address stands for: one sender, or a network that the operator has named.

The traps: nobody has less than a /64 of IPv6, so its addresses are told apart no further; and one port
shows IPv4 as it is, another inside of IPv6.
"""

import ipaddress
from collections.abc import Sequence


class Networks:
    """Networks that addresses are looked up in.

    Args:
        networks: as "10.0.0.0/8" or "2001:db8::/32".
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def __contains__(self, address: str) -> bool:
        """Tell whether an address is in one of them; what is no address is in none."""
        if not self._networks:
            return False
        ip = _ip(address)
        return ip is not None and any(ip in network for network in self._networks)


def sender(address: str) -> str:
    """The addresses that one sender can choose from: of IPv6 a /64; what is no address stands for itself."""
    if ":" not in address:
        return address
    ip = _ip(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))
    return address if ip is None else str(ip)


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip
