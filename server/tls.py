"""TLS: a certificate and its key, told apart when wrong, and taken up again when renewed."""

import ssl
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import structlog

log = structlog.get_logger("overture.tls")


class TlsError(Exception):
    """The certificate or its key cannot be used; the message says which, and what to do."""


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context; raises TlsError.

    The files' dates are asked for at each handshake, so that a renewed certificate is presented
    without a restart: half-renewed pairs are logged, and the last that matched stays.
    """
    pair = _Pair(certificate, key)
    context = pair.load()

    def renew(connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        connection.context = pair.current()

    context.sni_callback = renew
    return context


class _Pair:
    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._stamp = self._look()
        self._context: ssl.SSLContext | None = None

    def load(self) -> ssl.SSLContext:
        """A new context of what the files have now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        for path, name in ((self._certificate, "certificate"), (self._key, "key")):
            try:
                content = path.read_bytes()
            except OSError as error:
                raise TlsError(f"the TLS {name} {path} cannot be read: {error.strerror}") from None
            if b"-----BEGIN " not in content:
                raise TlsError(f"the TLS {name} {path} is not in PEM form (-----BEGIN ...)")
        try:
            context.load_cert_chain(self._certificate, self._key, password=self._encrypted)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise TlsError(
                    f"the TLS key {self._key} is not the one of the certificate "
                    f"{self._certificate}; the certificate's own comes first in its file"
                ) from None
            raise TlsError(
                f"the TLS certificate {self._certificate} with the key {self._key} cannot be used: "
                f"{error.reason or error}"
            ) from None
        self._context = context
        return context

    def current(self) -> ssl.SSLContext:
        """The last pair that could be used."""
        assert self._context is not None
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self.load()
            except TlsError as error:
                log.error("certificate_not_renewed", reason=str(error))
            else:
                log.info("certificate_renewed", certificate=str(self._certificate))
        return self._context

    def _look(self) -> tuple[int, ...]:
        stamp: list[int] = []
        for path in (self._certificate, self._key):
            try:
                found = path.stat()
                stamp += [found.st_mtime_ns, found.st_size, found.st_ino]
            except OSError:
                stamp.append(0)
        return tuple(stamp)

    def _encrypted(self) -> NoReturn:
        raise TlsError(
            f"the TLS key {self._key} is encrypted, and nobody is there to type its password; "
            f"decrypt it: openssl pkey -in {self._key} -out KEY.pem"
        )


def expires_at(certificate: Path) -> datetime:
    """When the server's own certificate, the first of the file, ends; in UTC. Raises TlsError."""
    from cryptography.x509 import load_pem_x509_certificate  # 0.1 s that only this needs

    try:
        return load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise TlsError(f"the TLS certificate {certificate} cannot be read: {error}") from None
