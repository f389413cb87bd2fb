"""Settings of engines behind an OpenAI-compatible server."""

from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr


class LanguageModelSettings(Protocol):
    """The settings of the language model."""

    @property
    def answerer(self) -> str: ...
    @property
    def llm_url(self) -> str | None: ...
    @property
    def llm_model(self) -> str: ...


def server_url(url: str) -> str:
    """Where a server's API begins; raises ValueError."""
    parts = urlsplit(url)
    try:
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        port_is_right = False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_right:
        raise ValueError("should look like https://HOST/v1 or http://127.0.0.1:11434/v1")
    if not plain:
        raise ValueError("should be without user, password, ? and #; a key has its own variable")
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise ValueError("should end before /chat/completions, mostly in /v1")
    return url.rstrip("/")


def api_key(key: SecretStr) -> SecretStr:
    """A key that fits into a header; raises ValueError."""
    value = key.get_secret_value()
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("should be the key alone: plain characters without spaces or line ends")
    return key


def gaps(settings: LanguageModelSettings) -> dict[str, str]:
    """What is missing beside what is set: the setting's name and why it is needed."""
    if settings.answerer == "openai" and not settings.llm_url:
        return {"llm_url": "should say where the model's server is, as OVERTURE_ANSWERER=openai"}
    if settings.llm_url and not settings.llm_model:
        return {"llm_model": "should name one of the server's models, as OVERTURE_LLM_URL is set"}
    return {}
