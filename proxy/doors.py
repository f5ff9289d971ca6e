"""What each listener takes and from whom, from the configuration; and what it says to whom it does not take.

The trap: blob work has no form in the Aion dialect, so on a proxy that carries it no port takes Aion miners,
whatever the listener says.
"""

import socket
from collections.abc import Sequence

from proxy.config import Address, Config, Listen, Vardiff, parse_algorithm
from proxy.downstream.certificates import Certificates
from proxy.downstream.dialects import FLOWS
from proxy.downstream.entrance import Balancers, Entrance
from proxy.downstream.session import Door
from proxy.errors import ConfigError
from proxy.ledger.store import read_url
from proxy.model.proof import ProofForm
from proxy.upstream.tlsout import prove
from proxy.wire.login import LINE_BYTES
from proxy.wire.loginjobs import JobForm

WEBSOCKET = ("ws", "wss")

Listening = Sequence[tuple[Listen, Address]]


def make_door(config: Config, listen: Listen, listening: Listening, lane: int) -> Door:
    """Make what sessions of a listener have in common.

    Args:
        listening: every listener and where it really stands, for a miner at the wrong one.
        lane: which of a job's works its miners get at first.
    """
    sizes = parse_algorithm(config.upstream.algorithm)
    taken = dialects(config, listen)
    limits = config.limits
    line_bytes = limits.line_bytes
    # A number that was asked for holds for all; the default is too short for this dialect.
    if "login" in taken and "limits.line_bytes" not in config.given:
        line_bytes = max(line_bytes, LINE_BYTES)
    return Door(
        listener=listen.name,
        lane=lane,
        limits=limits,
        line_bytes=line_bytes,
        flows={dialect: FLOWS[dialect] for dialect in taken},
        hints={
            dialect: _hint(config, listen, listening, dialect) for dialect in FLOWS if dialect not in taken
        },
        proof=None if sizes is None else ProofForm.of(*sizes),
        job_form=JobForm(
            algorithm="" if sizes is None else config.upstream.algorithm,
            person=config.upstream.personalization,
            target_digits=listen.target_digits,
        ),
        vardiff=listen.difficulty if isinstance(listen.difficulty, Vardiff) else None,
        # Where the difficulty is the pool's affair, what follows a name may be meant for the pool.
        takes_suffix=listen.difficulty != "upstream",
    )


def make_entrance(listen: Listen, sock: socket.socket, door: Door, certificates: Certificates) -> Entrance:
    """Make what the board needs of a listener.

    Args:
        sock: bound and listening.
    """
    balancers = None
    if listen.proxy_protocol != "off":
        balancers = Balancers(listen.proxy_protocol == "required", listen.trusted_proxies)
    return Entrance(
        sock,
        door,
        tls=certificates.of(listen.name),
        balancers=balancers,
        is_websocket=listen.url.scheme in WEBSOCKET,
        path=listen.url.path if listen.url.scheme in WEBSOCKET else "",
    )


def unusable(config: Config) -> list[str]:
    """List what a configuration names that cannot be had on this machine: files of TLS, a driver."""
    lines: list[str] = []
    for look in (
        lambda: Certificates(config.listen, http=config.http.tls),
        lambda: prove(config),
        lambda: read_url(config.ledger.url) if config.ledger.url else None,
    ):
        try:
            look()
        except ConfigError as error:
            lines += str(error).splitlines()
    return lines


def dialects(config: Config, listen: Listen) -> list[str]:
    """List what a listener's miners may speak."""
    spoken = [dialect for dialect in FLOWS if listen.dialect in ("auto", dialect)]
    return [d for d in spoken if d != "aion"] if _is_blob(config) else spoken


def _is_blob(config: Config) -> bool:
    return parse_algorithm(config.upstream.algorithm) is None


def _hint(config: Config, listen: Listen, listening: Listening, dialect: str) -> str:
    """Say where a dialect is taken, or what would make it so; the end of a sentence."""
    if dialect == "aion" and _is_blob(config):
        return 'the work here is not Equihash (upstream.algorithm = "blob"), which no Aion miner can do'
    for other, address in listening:
        if dialect in dialects(config, other):
            where = f"port {address.port}" if address.port else address
            return f"{where} does (listener {other.name})"
    return f'set dialect = "auto" for listener {listen.name}'
