"""The address of a Redis, as it may be shown."""

from urllib.parse import urlsplit


def without_password(url: str) -> str:
    """`url` with its password hidden, for messages and logs."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return "(not a URL)"
    return url.replace(f":{password}@", ":***@") if password else url
