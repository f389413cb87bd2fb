"""What an operator can set: the OVERTURE_ environment variables."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.sources import PydanticBaseSettingsSource

from overture import exposure, remote_engine, speech_settings
from overture.errors import UserError
from server.webrtc.ice_config import (
    IceServer,
    parse_ice_servers,
    parse_udp_ports,
    without_credentials,
)
from sessions.redis_url import without_password

PREFIX = "OVERTURE_"

SECRETS = frozenset({"llm_key", "recognizer_key", "synthesizer_key"})
"""Settings whose value appears nowhere, not even when it is wrong."""

URLS = frozenset({"redis_url", "otlp_endpoint", "bus"})
"""Settings that may hold a password, which is not shown."""

NOT_SETTINGS = frozenset({"OVERTURE_DATASETS"})
"""Variables with the prefix that others read: OVERTURE_DATASETS names recordings for tests."""


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(exposure.origin)], ...],
    NoDecode,
    BeforeValidator(exposure.split),
]
Proxies = Annotated[
    tuple[Annotated[str, AfterValidator(exposure.proxy)], ...],
    NoDecode,
    BeforeValidator(exposure.split),
]


class SettingsError(UserError):
    """One line for each variable that is wrong: its name, its value, what would be right."""


def _redis_url(url: str) -> str:
    parts = urlsplit(url)
    named = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in {"redis", "rediss", "unix"} or not named:
        raise ValueError(
            "should look like redis://HOST:6379/0, rediss://USER:PASSWORD@HOST:6379/0 "
            "or unix:///PATH/redis.sock"
        )
    return url


def _bus(named: str) -> str:
    if named in {"auto", "memory", "redis"}:
        return named
    parts = urlsplit(named)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "rocketmq" or not parts.hostname or not port or parts.username:
        raise ValueError(
            "should be auto, memory, redis, or rocketmq://HOST:8081, where RocketMQ's proxy "
            "speaks gRPC"
        )
    return named


def _collector(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError("should hold no password; give headers by OTEL_EXPORTER_OTLP_HEADERS")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("should look like http://HOST:4318, where a collector takes OTLP")
    return url


def _when_text(parse: Callable[[str], object]) -> Callable[[object], object]:
    """A validator for what comes from the environment; a value made in Python is taken as it is."""
    return lambda value: parse(value) if isinstance(value, str) else value


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """`data/` in a checkout, so that checkouts do not share; else the XDG data folder."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / "data"
    if base := environ.get("XDG_DATA_HOME"):
        return Path(base) / "overture"
    try:
        return Path.home() / ".local/share/overture"
    except RuntimeError:
        raise SettingsError(
            "there is no home folder to keep data in; name one with OVERTURE_DATA_DIR"
        ) from None


def default_recognizer_workers() -> int:
    """A worker for each core, four at most: a turn keeps a worker busy for 50 to 100 ms."""
    return min(4, os.cpu_count() or 1)


class Settings(BaseSettings):
    """Every setting, its default and its meaning; a test holds docs/settings.md to this."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    host: Annotated[str, AfterValidator(exposure.address)] = Field(
        default="127.0.0.1",
        description="Address to listen on. One that the network reaches needs "
        "`OVERTURE_KEYS_FILE`, and TLS or `OVERTURE_BEHIND_PROXY`.",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="TCP port to listen on; 0 takes any free one."
    )
    keys_file: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        default=None,
        description="File of API keys, see keys.md; read again when it changes. Without one "
        "everybody who reaches the server may use it, so it stays on loopback.",
    )
    tls_cert: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        default=None,
        description="Certificate chain in PEM form: the server speaks TLS. Read again when "
        "it is renewed.",
    )
    tls_key: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        default=None, description="The certificate's private key in PEM form, not encrypted."
    )
    behind_proxy: Proxies = Field(
        default=(),
        description="Addresses or networks of the proxies that do TLS in front of this server, "
        "separated by commas. Their word is taken for where a client comes from.",
    )
    allowed_origins: Origins = Field(
        default=(),
        description="Web origins besides the server's own whose pages may talk to it, separated "
        "by commas: `https://talk.example.org`.",
    )
    ice_servers: Annotated[
        tuple[IceServer, ...], NoDecode, BeforeValidator(_when_text(parse_ice_servers))
    ] = Field(
        default=(),
        description="STUN and TURN servers for calls, one of each at most: "
        "`stun:HOST:3478,turn:USER:PASSWORD@HOST:3478`. See webrtc.md.",
    )
    udp_ports: Annotated[
        tuple[int, int] | None, NoDecode, BeforeValidator(_when_text(parse_udp_ports))
    ] = Field(
        default=None,
        description="UDP ports for the media of calls, `50000-50100`; each call takes one for "
        "every address of this machine. By default any free ones.",
    )
    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=default_data_dir,
        description="Folder for everything that outlives the process. By default `data/` in a "
        "checkout, else `$XDG_DATA_HOME/overture` or `~/.local/share/overture`.",
    )
    redis_url: Annotated[str, AfterValidator(_redis_url)] | None = Field(
        default=None,
        description="A Redis that must not evict (`noeviction`). By default a private "
        "`redis-server` on a Unix socket in the data folder if it is installed, else an "
        "in-process one that forgets at exit.",
    )
    bus: Annotated[str, AfterValidator(_bus)] = Field(
        default="auto",
        description="What carries messages between instances, see bus.md: `redis` (streams in that "
        "Redis), `rocketmq://HOST:8081`, or `memory` (this process alone). `auto` is `redis`, or "
        "`memory` where Redis is in-process too.",
    )
    topics: str = Field(
        default="",
        max_length=2000,
        description="What topics and groups are called at the broker: a prefix (`staging-`), or "
        "names (`outreach=acme-prompts,events=acme-events`).",
    )
    instance: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="This process's name among the instances. By default a new one at each start.",
    )
    scheduler: Literal["on", "off"] = Field(
        default="on",
        description="Whether this instance may lead the scheduler: one of all that may does. `off` "
        "where `overture scheduler` runs by itself.",
    )
    recognizer: Literal["auto", "pocketsphinx", "whisper", "openai", "scripted"] = Field(
        default="auto",
        description="Speech to words, see engines.md. `auto`: what agent.yaml says, else the best "
        "there is. `scripted` hears the session's transcription prompt: for demos and benchmarks.",
    )
    whisper_model: str = Field(
        default="",
        max_length=1000,
        description="Whisper model: its name (`small.en`), or the path of a folder. By default the "
        "largest that was fetched.",
    )
    recognizer_url: Annotated[str, AfterValidator(speech_settings.speech_url)] | None = Field(
        default=None,
        description="Server that transcribes as OpenAI's API does, up to and with `/v1`.",
    )
    recognizer_model: str = Field(
        default="whisper-1",
        min_length=1,
        max_length=200,
        description="The transcribing model's name, as its server knows it.",
    )
    recognizer_key: Annotated[SecretStr, AfterValidator(remote_engine.api_key)] = Field(
        default=SecretStr(""), description="Key for the transcribing server. Never shown."
    )
    synthesizer: Literal["auto", "flite", "espeak", "piper", "openai", "scripted"] = Field(
        default="auto",
        description="Words to speech, see engines.md. `auto`: what agent.yaml says, else the best "
        "there is.",
    )
    piper_voice: str = Field(
        default="",
        max_length=1000,
        description="Piper's voice for those who name none: its name (`en_US-lessac-medium`), or "
        "the path of an .onnx file. By default the first one that was fetched.",
    )
    synthesizer_url: Annotated[str, AfterValidator(speech_settings.speech_url)] | None = Field(
        default=None,
        description="Server that makes speech as OpenAI's API does, up to and with `/v1`.",
    )
    synthesizer_model: str = Field(
        default="tts-1",
        min_length=1,
        max_length=200,
        description="The speaking model's name, as its server knows it.",
    )
    synthesizer_key: Annotated[SecretStr, AfterValidator(remote_engine.api_key)] = Field(
        default=SecretStr(""), description="Key for the speaking server. Never shown."
    )
    synthesizer_voice: str = Field(
        default="alloy",
        min_length=1,
        max_length=200,
        description="The speaking server's voice for those who name none.",
    )
    answerer: Literal["auto", "openai", "extractive", "scripted"] = Field(
        default="auto",
        description="Questions to answers. `auto`: what agent.yaml says, else the best there is. "
        "`openai` is the language model of `OVERTURE_LLM_URL`.",
    )
    llm_url: Annotated[str, AfterValidator(remote_engine.server_url)] | None = Field(
        default=None,
        description="Server of a language model that speaks OpenAI's chat completions, up to and "
        "with `/v1`. See language-model.md.",
    )
    llm_model: str = Field(
        default="", max_length=200, description="The model's name, as its server knows it."
    )
    llm_key: Annotated[SecretStr, AfterValidator(remote_engine.api_key)] = Field(
        default=SecretStr(""), description="Key for the language model's server. Never shown."
    )
    llm_timeout_s: float = Field(
        default=4.0,
        ge=0.5,
        le=6.0,
        description="Seconds in which the language model must say its first words, and its next "
        "ones; else the documents alone answer.",
    )
    recognizer_workers: int = Field(
        default_factory=default_recognizer_workers,
        ge=1,
        le=64,
        description="Processes that recognise speech. By default one for each core, at most 4.",
    )
    max_sessions: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Live conversations at once; a further one is refused with a clear error.",
    )
    sessions_per_user: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="Live conversations at once of one person, where keys say who it is.",
    )
    sessions_per_address: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Live conversations at once from one network address, of people with keys of "
        "their own; loopback and keys that speak for anyone are not counted.",
    )
    session_ttl_s: int = Field(
        default=1800,
        ge=1,
        le=30 * 86_400,
        description="Seconds that a conversation is remembered after its last turn.",
    )
    journal_days: int = Field(
        default=7,
        ge=0,
        le=3650,
        description="Days that the record of each session is kept in `journal/` of the data "
        "folder; it holds what people said. 0 keeps none.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe level that is logged."
    )
    log_format: Literal["console", "json"] = Field(
        default="console",
        description="`console` for people, `json` for machines: one object a line.",
    )
    log_words: bool = Field(
        default=False,
        description="Whether what people and the agent say may appear in the log. Off: only how "
        "long it was.",
    )
    otlp_endpoint: Annotated[str, AfterValidator(_collector)] | None = Field(
        default=None,
        description="Address of an OpenTelemetry collector, `http://HOST:4318`, that gets a trace "
        "of each turn, without its words. See metrics.md. By default there are no traces.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line, then the environment; no hidden files."""
        return (init_settings, env_settings)


def load_settings(**from_command_line: object) -> Settings:
    """The settings in force; what the command line gives (not None) beats the environment.

    Raises SettingsError naming every variable that is wrong.
    """
    given: dict[str, Any] = {k: v for k, v in from_command_line.items() if v is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems = [
            (str(each["loc"][0]), each["input"], _what_is_right(each)) for each in error.errors()
        ]
    else:
        dangers = (
            exposure.dangers(settings)
            | remote_engine.gaps(settings)
            | speech_settings.gaps(settings)
        )
        problems = [
            (name, str(getattr(settings, name) or ""), why) for name, why in dangers.items()
        ]
        if not problems:
            return settings
    lines = []
    for name, value, why in problems:
        source = f"--{name.replace('_', '-')}" if name in given else PREFIX + name.upper()
        lines.append(f"{source}={_shown(name, value)}: {why}")
    raise SettingsError("\n".join(lines))


def unknown_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """OVERTURE_ variables that mean nothing, each with the nearest that does ("" if none)."""
    from rapidfuzz import process

    known = [PREFIX + name.upper() for name in Settings.model_fields]
    unknown = {}
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name.upper() not in NOT_SETTINGS.union(known):
            nearest = process.extractOne(name.upper(), known, score_cutoff=80)
            unknown[name] = nearest[0] if nearest else ""
    return unknown


def _shown(name: str, value: object) -> str:
    if name in SECRETS:
        return "***"
    if name == "ice_servers":
        return repr(without_credentials(str(value)))
    return repr(without_password(str(value)) if name in URLS else value)


def _what_is_right(problem: Any) -> str:
    """Our words where we have them; pydantic's are close enough for the rest."""
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "literal_error":
        return f"should be one of {problem['ctx']['expected']}"
    if problem["type"] == "bool_parsing":
        return "should be true or false"
    if problem["type"] == "int_parsing":
        return "should be a whole number"
    return message.removeprefix("Input ")
