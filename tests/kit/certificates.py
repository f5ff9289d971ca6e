"""Certificates for tests: an authority of our own, what it vouches for, and both ends of a TLS connection.

Strategy: trustme signs, files are written where the configuration would name them.
"""

import ssl
from datetime import datetime
from pathlib import Path

import attrs
import trio
import trustme

from proxy.config import Tls

HOST = "localhost"


@attrs.define
class Authority:
    """An authority whose certificates are written to a directory."""

    directory: Path
    ca: trustme.CA = attrs.Factory(trustme.CA)

    @property
    def file(self) -> str:
        """Its own certificate."""
        path = self.directory / "ca.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return str(path)

    def issue(
        self, *names: str, name: str = "server", not_after: datetime | None = None, client_ca: str = ""
    ) -> Tls:
        """Vouch for hosts.

        Args:
            names: of the hosts; localhost and both loopback addresses without any.
            name: of the files.
        """
        made = self.ca.issue_cert(*(names or (HOST, "127.0.0.1", "::1")), not_after=not_after)
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return Tls(certificate=str(certificate), key=str(key), client_ca=client_ca)

    def client(self, tls: Tls | None = None) -> ssl.SSLContext:
        """What a client needs to trust us.

        Args:
            tls: a certificate of its own.
        """
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if tls is not None:
            context.load_cert_chain(tls.certificate, tls.key)
        return context

    def server(self, tls: Tls) -> ssl.SSLContext:
        """What a server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        return context


def over_tls(stream: trio.abc.Stream, context: ssl.SSLContext) -> "trio.SSLStream[trio.abc.Stream]":
    """Speak TLS as a client."""
    return trio.SSLStream(stream, context, server_hostname=HOST, https_compatible=True)
