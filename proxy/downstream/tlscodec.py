"""TLS between a miner's bytes and those on the wire, without a socket.

Strategy: OpenSSL works on two buffers in memory; bytes from the wire go in by receive(), what it gives is
the miner's, and what is to be sent on its own account (handshake, tickets, alerts) is in take().
The traps: of what has come nothing may be left undeciphered, for the epoll does not tell of it again; and
OpenSSL is asked before it says that it has nothing, because it says so by an exception.
"""

import contextlib
import ssl

from proxy.errors import MinerError

RECORD = 16_384  # the most that one record of TLS holds

# What OpenSSL calls the faults that an operator meets, and what they are; others keep its name.
_FAULTS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no client certificate (listen.tls.client_ca asks for one)",
    "CERTIFICATE_VERIFY_FAILED": "a client certificate that listen.tls.client_ca does not vouch for",
    "TLSV1_ALERT_UNKNOWN_CA": "the miner does not know who signed our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the miner does not take our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the miner does not take our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the miner says that our certificate has expired",
    "UNSUPPORTED_PROTOCOL": "a version of TLS before 1.2",
    "NO_SHARED_CIPHER": "no cipher that both sides know",
}


class TlsCodec:
    """One connection's TLS, the server's side.

    `shaking` is whether the handshake still goes on, `ended` whether the miner has said its last.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "ended", "shaking")

    def __init__(self, context: ssl.SSLContext) -> None:
        self.shaking = True
        self.ended = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the wire and return what they hold, b"" for nothing yet.

        Raises: MinerError for what is no TLS, or not ours; take() may hold an alert that says so.
        """
        self._incoming.write(data)
        try:
            if self.shaking:
                self._object.do_handshake()
                self.shaking = False
            return self._read()
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            self.ended = True
            return b""
        except ssl.SSLError as error:
            raise MinerError(f"TLS: {fault_of(error)}") from None

    def _read(self) -> bytes:
        text, incoming = b"", self._incoming
        while incoming.pending or self._object.pending():
            try:
                more = self._object.read(RECORD)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                more = b""
            if not more:
                self.ended = True
                break
            text = text + more if text else more
        return text

    def send(self, text: bytes) -> bytes:
        """Return the bytes that carry a text; b"" while the handshake goes on, for nobody could read it."""
        if self.shaking:
            return b""
        self._object.write(text)
        return self._outgoing.read()

    def take(self) -> bytes:
        """Return what is to be sent on the codec's own account, b"" for nothing."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def close(self) -> bytes:
        """Return what says that no more follows."""
        if self.shaking:
            return b""
        with contextlib.suppress(ssl.SSLError):  # for the miner's own word is not waited for
            self._object.unwrap()
        return self.take()


def fault_of(error: ssl.SSLError) -> str:
    """Say a fault of the miner's TLS in words."""
    reason = error.reason or "broken off"
    return _FAULTS.get(reason, reason.lower().replace("_", " "))
