"""Recognition by another machine: POST /audio/transcriptions, as OpenAI's API has it."""

import asyncio
import io
import wave

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voice.audio import HEARING_RATE, Pcm, pcm_to_bytes
from voice.recognition import Recognition, RecognizerError, Utterance
from voice.recognizers.inventions import holds_speech, invented
from voice.speech_api import RemoteEngine, SpeechApi, SpeechApiError, multipart_fields

SETTINGS = "OVERTURE_RECOGNIZER"

TIMEOUT = 12.0
"""Seconds for one utterance, its second try included; a live session gives up after 15."""

MAX_SECONDS = 120
"""Longest utterance: 4 MB."""

MAX_WAITING = 64
"""Utterances on their way; a further one is refused."""

MAX_REPLY_BYTES = 256 * 1024

PROMPT_CHARACTERS = 600
"""Of hints and the session's prompt together; Whisper itself heeds 224 tokens."""

_NOTHING = Recognition(text="", confidence=0.0)


class _Transcription(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text: str = Field(max_length=20_000)


class OpenAIRecognizer:
    """See the module. The server tells no confidence: what it heard counts as certain."""

    def __init__(self, engine: RemoteEngine, *, hints: str = "", timeout: float = TIMEOUT) -> None:
        """hints: the agent's own words, which it would else misspell."""
        self._engine = engine
        self._hints = hints
        self._timeout = timeout
        self._api = SpeechApi(engine, SETTINGS, read_timeout=timeout)
        self._asked = 0

    @property
    def name(self) -> str:
        """What start-up lines and traces call it."""
        return f"openai {self._engine.model}"

    async def start(self) -> None:
        """Makes the client. The server need not be there yet."""
        await self._api.open()

    async def recognize(self, utterance: Utterance) -> Recognition:
        """Words of the utterance, "" for what nobody said. Raises RecognizerError."""
        samples = utterance.samples
        if len(samples) > MAX_SECONDS * HEARING_RATE:
            raise RecognizerError(f"an utterance may last {MAX_SECONDS} s; end the turn sooner")
        if self._asked >= MAX_WAITING:
            raise RecognizerError(f"{MAX_WAITING} utterances wait for {self.name} already")
        prompt = f"{self._hints} {utterance.prompt}".strip()[-PROMPT_CHARACTERS:]
        self._asked += 1
        try:
            async with asyncio.timeout(self._timeout):
                text = await self._ask(utterance, prompt)
        except SpeechApiError as error:
            raise RecognizerError(str(error)) from error
        except TimeoutError:
            raise RecognizerError(
                f"{self.name} did not answer within {self._timeout:g} s; please say it again"
            ) from None
        finally:
            self._asked -= 1
        if invented(text, len(samples) / HEARING_RATE, prompt=prompt):
            return _NOTHING
        return Recognition(text=text)

    async def aclose(self) -> None:
        """Ends the connections."""
        await self._api.aclose()

    async def _ask(self, utterance: Utterance, prompt: str) -> str:
        if not holds_speech(utterance.samples):
            return ""
        fields = multipart_fields(
            model=self._engine.model,
            language=utterance.language.split("-")[0].lower(),
            prompt=prompt,
            response_format="json",
        )
        recording = {"file": ("utterance.wav", wav(utterance.samples), "audio/wav")}
        async with self._api.post("/audio/transcriptions", data=fields, files=recording) as reply:
            body = b""
            async for part in reply.aiter_bytes():
                body += part
                if len(body) > MAX_REPLY_BYTES:
                    raise self._api.error(f"answers with more than {MAX_REPLY_BYTES} bytes")
        try:
            return _Transcription.model_validate_json(body).text.strip()
        except ValidationError:
            raise self._api.error(
                f"answered something that is no transcription; does {SETTINGS}_URL end in /v1, "
                f"and is {SETTINGS}_MODEL a model that transcribes?"
            ) from None


def wav(samples: Pcm) -> bytes:
    """A WAV file of 16 kHz mono PCM."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(HEARING_RATE)
        writer.writeframes(pcm_to_bytes(samples))
    return file.getvalue()
