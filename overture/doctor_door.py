"""The doctor's look at the door: keys, TLS, and when the certificate ends."""

import http.client
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from overture.findings import Finding, Status
from overture.settings import Settings

RENEWAL_DUE_DAYS = 14
"""What renews certificates by itself does so a month before; this late it has failed."""


def examine_door(settings: Settings) -> Iterator[Finding]:
    """Keys and TLS, where there are any."""
    if settings.keys_file is not None:
        yield _keys(settings.keys_file)
    if settings.tls_cert is not None and settings.tls_key is not None:
        yield _tls(settings.tls_cert, settings.tls_key)


def https_connection(settings: Settings) -> http.client.HTTPSConnection:
    """To a server that may be ours. Its certificate is for the name that people know it by."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(settings.host, settings.port, timeout=2, context=context)


def _keys(path: Path) -> Finding:
    from server.keys import KeysError, read_keys

    try:
        return Finding(Status.OK, f"keys file: {len(read_keys(path))} keys")
    except KeysError as error:
        return Finding(Status.FAIL, "keys file", str(error))


def _tls(certificate: Path, key: Path) -> Finding:
    from server.tls import TlsError, expires_at, tls_context

    try:
        tls_context(certificate, key)
        end = expires_at(certificate)
    except TlsError as error:
        return Finding(Status.FAIL, "TLS", str(error))
    left = end - datetime.now(UTC)
    advice = "renew it; the server takes the new one without a restart"
    if left.total_seconds() <= 0:
        return Finding(Status.FAIL, f"TLS certificate: ended on {end:%Y-%m-%d}", advice)
    if left.days < RENEWAL_DUE_DAYS:
        return Finding(Status.WARN, f"TLS certificate: ends on {end:%Y-%m-%d}", advice)
    return Finding(Status.OK, f"TLS certificate: good until {end:%Y-%m-%d}")
