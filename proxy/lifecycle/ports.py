"""The sockets that miners and HTTP come to: bound, inherited, kept over a change, given away.

    inherited  handed down by systemd or by the proxy that is taken over; taken by name, else by address
    kept       a listener that stays where it stands keeps its socket, and so does an address that only
               changes its name or its kind

Strategy: all that can fail is done before anything is changed, so a listener that cannot be had leaves
the others as they are.
The trap: a socket file is removed with its listener, unless somebody else has the listener now.
"""

import socket
from collections.abc import Sequence

import attrs
import structlog

from proxy.config import Address, Config, Listen
from proxy.downstream.listeners import UNIX, FileListener, bind, bind_tcp, bound
from proxy.errors import ConfigError

HTTP = "http"  # among inherited sockets; a listener may have the name all the same, the address tells

log = structlog.get_logger()


@attrs.define(eq=False)
class Inherited:
    """Listening sockets from outside.

    Args:
        name: of the listener, "http" for HTTP's; "" if nobody has said.
        url: as the one who handed them down had it; "" where its word on the address is law.
        sockets: several where several processes serve one port.
    """

    name: str
    url: str
    sockets: list[socket.socket]


@attrs.define(eq=False)
class Ports:
    """Sockets by listener, in the order of the configuration.

    Args:
        inherited: to be taken in place of new ones.

    `standing` tells where each really is.
    """

    inherited: list[Inherited] = attrs.field(factory=list)
    sockets: list[tuple[Listen, socket.socket]] = attrs.field(factory=list)
    standing: list[tuple[Listen, Address]] = attrs.field(factory=list)
    http: socket.socket | None = None
    twins: dict[str, list[socket.socket]] = attrs.field(factory=dict)  # further ones, by listener

    def bind(self, config: Config) -> None:
        """Take all ports of a configuration.

        Raises: ConfigError if an address cannot be had; none is held then.
        """
        try:
            for listen in config.listen:
                self._put(listen, self._from_outside(listen) or bind(listen))
                _fit(len(self.of(listen.name)), config.workers)
            address = config.http.host_port
            if address is not None:
                self.http = self._http_from_outside(address) or bind_tcp(
                    "http.address", *address, config.http.address
                )
        except ConfigError:
            self.close()
            raise
        for left in self.inherited:
            log.warning("inherited socket not needed", name=left.name, url=left.url)
            _close(left.sockets)
        self.inherited = []

    def adopt(self, listen: Listen, sock: socket.socket) -> None:
        """Take a socket that is known to be a listener's."""
        self._put(listen, sock)

    def prepare(self, listen: Sequence[Listen]) -> "Ports":
        """Get what other listeners need, without a change here.

        Returns: theirs; take() makes them ours, close_new() gives up what is new in them.
        Raises: ConfigError if an address cannot be had.
        """
        ports = Ports(http=self.http)
        named = {old.name: (old, sock) for old, sock in self.sockets}
        staying = {one.name for one in listen if one.name in named and named[one.name][0].url == one.url}
        free = [(old, sock) for old, sock in self.sockets if old.name not in staying]
        try:
            for one in listen:
                if one.name in staying:
                    sock = named[one.name][1]
                else:
                    same = next((pair for pair in free if _same_place(pair[0].url, one.url)), None)
                    if same is not None:
                        free.remove(same)
                    sock = bind(one) if same is None else same[1]
                ports._put(one, sock)
                if one.name in staying and one.name in self.twins:
                    ports.twins[one.name] = self.twins[one.name]
        except ConfigError:
            self.close_new(ports)
            raise
        return ports

    def close_new(self, ports: "Ports") -> None:
        """Give up what others would have had beyond ours."""
        ours = {sock for _, sock in self.sockets}
        _close([sock for _, sock in ports.sockets if sock not in ours])

    def take(self, ports: "Ports") -> None:
        """Have other listeners from now on; sockets that none of them has are closed."""
        theirs = {sock for _, sock in ports.sockets}
        kept = {sock for sockets in ports.twins.values() for sock in sockets}
        before = [sock for _, sock in self.sockets] + [s for sockets in self.twins.values() for s in sockets]
        self.sockets, self.standing, self.twins = ports.sockets, ports.standing, ports.twins
        _close([sock for sock in before if sock not in theirs | kept])

    def of(self, name: str) -> list[socket.socket]:
        """Return all sockets of a listener."""
        first = [sock for listen, sock in self.sockets if listen.name == name]
        return first + self.twins.get(name, [])

    def handed_down(self) -> list[Inherited]:
        """Return all there is, for the one that comes after us; the sockets stay ours as well."""
        made = [Inherited(listen.name, str(listen.url), self.of(listen.name)) for listen, _ in self.sockets]
        if self.http is not None:
            made.append(Inherited(HTTP, _http_url(self.http), [self.http]))
        return made

    def disown(self) -> None:
        """Leave socket files in place when we close: they are another's now."""
        for _, sock in self.sockets:
            if isinstance(sock, FileListener):
                sock.disown()

    def close(self) -> None:
        """Close everything."""
        _close([sock for _, sock in self.sockets])
        for sockets in self.twins.values():
            _close(sockets)
        if self.http is not None:
            self.http.close()
        for left in self.inherited:
            _close(left.sockets)

    # ---- inherited ones

    def _put(self, listen: Listen, sock: socket.socket) -> None:
        self.sockets.append((listen, sock))
        self.standing.append((listen, bound(listen, sock)))

    def _from_outside(self, listen: Listen) -> socket.socket | None:
        for found in self.inherited:
            by_name = found.name == listen.name and found.url in ("", str(listen.url))
            if by_name and not found.url and not _stands_at(found.sockets[0], listen.url):
                log.warning("inherited socket stands elsewhere", listener=listen.name, url=str(listen.url))
            if by_name or _stands_at(found.sockets[0], listen.url):
                return self._take_out(found, listen)
        return None

    def _take_out(self, found: Inherited, listen: Listen) -> socket.socket:
        self.inherited.remove(found)
        first, *rest = found.sockets
        if rest:
            self.twins[listen.name] = rest
        for sock in found.sockets:
            sock.setblocking(False)
        # Systemd's own files are systemd's to remove.
        if listen.url.scheme == UNIX and found.url:
            return FileListener.adopt(listen.url.path, first)
        return first

    def _http_from_outside(self, address: tuple[str, int]) -> socket.socket | None:
        for found in self.inherited:
            sock = found.sockets[0]
            if found.name == HTTP or _stands_at(sock, Address("", *address)):
                host, port = sock.getsockname()[:2]
                if found.url and address != (host, port) and address[1]:
                    continue
                self.inherited.remove(found)
                sock.setblocking(False)
                return sock
        return None


def _fit(sockets: int, workers: int) -> None:
    """See that each socket of a port has a process: the kernel deals connections to all of them."""
    if sockets > workers:
        raise ConfigError(f"workers: must be at least {sockets}, as many as the proxy that is taken over has")


def _stands_at(sock: socket.socket, url: Address) -> bool:
    """Whether a socket is bound to an address as it is written."""
    name = sock.getsockname()
    if url.scheme == UNIX or sock.family == socket.AF_UNIX:
        return url.scheme == UNIX and sock.family == socket.AF_UNIX and name == url.path
    if name[1] != url.port:
        return False
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(found[0][4][0] == name[0])


def _same_place(one: Address, other: Address) -> bool:
    return bool(other.port or (other.path and other.scheme == UNIX)) and (
        (one.host, one.port, one.path if one.scheme == UNIX else "")
        == (other.host, other.port, other.path if other.scheme == UNIX else "")
    )


def _http_url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{host}:{port}"


def _close(sockets: Sequence[socket.socket]) -> None:
    for sock in sockets:
        sock.close()
