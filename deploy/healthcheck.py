"""Exits with 0 if the server beside it takes sessions. For a container's health check.

Reads what the server reads: OVERTURE_PORT and OVERTURE_TLS_CERT.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request

PATIENCE = 4.0
"""Seconds."""


def main() -> int:
    """The exit code; what is wrong goes to standard error."""
    port = os.environ.get("OVERTURE_PORT") or "8000"
    scheme = "https" if os.environ.get("OVERTURE_TLS_CERT") else "http"
    # The certificate is for the server's public name, and this never leaves the machine.
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    try:
        url = f"{scheme}://127.0.0.1:{port}/readyz"
        with urllib.request.urlopen(url, timeout=PATIENCE, context=unchecked):
            return 0
    except (OSError, urllib.error.URLError) as error:
        sys.stderr.write(f"not ready: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
