"""The little of flite's C API that speaking needs, by ctypes.

Structures and functions as in flite 2.2's cst_audio.h, cst_wave.h and cst_utterance.h.
"""

import ctypes
from collections.abc import Callable, Iterator
from ctypes import POINTER, c_char_p, c_float, c_int, c_short, c_void_p
from typing import Any

from voice.audio import Pcm, pcm_at
from voice.synthesis import SynthesizerError

HOW_TO_INSTALL = "apt-get install libflite1"

_FIRST_BUFFER = 800
_LARGEST_BUFFER = 16_000
"""16 kHz samples between calls back: 50 ms first, then doubling up to a second."""

_CONTINUE, _STOP = 0, -1


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", c_char_p),
        ("sample_rate", c_int),
        ("num_samples", c_int),
        ("num_channels", c_int),
        ("samples", POINTER(c_short)),
    )


class _Streaming(ctypes.Structure):
    pass


_Callback = ctypes.CFUNCTYPE(c_int, POINTER(_Wave), c_int, c_int, c_int, POINTER(_Streaming))
_Streaming._fields_ = (
    ("min_buffsize", c_int),
    ("asc", _Callback),
    ("utt", c_void_p),
    ("item", c_void_p),
    ("userdata", c_void_p),
)


class _Utterance(ctypes.Structure):
    _fields_ = (
        ("features", c_void_p),
        ("ffunctions", c_void_p),
        ("relations", c_void_p),
        ("ctx", c_void_p),
    )


class LibFlite:
    """libflite and its voices' libraries, loaded once.

    Raises SynthesizerError when they are not installed.
    """

    def __init__(self) -> None:
        try:
            self._lib = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise SynthesizerError(f"flite is not installed ({HOW_TO_INSTALL}): {error}") from error
        self._lib.flite_init()
        self._voices: dict[str, ctypes.CDLL] = {}
        self._new_utterance = self._function("new_utterance", POINTER(_Utterance))
        self._delete_utterance = self._function("delete_utterance", None, POINTER(_Utterance))
        self._init = self._function("utt_init", c_void_p, POINTER(_Utterance), c_void_p)
        self._synthesize = self._function("utt_synth", c_void_p, POINTER(_Utterance))
        self._set = self._function("flite_feat_set", None, c_void_p, c_char_p, c_void_p)
        self._set_string = self._function(
            "flite_feat_set_string", None, c_void_p, c_char_p, c_char_p
        )
        self._set_float = self._function("flite_feat_set_float", None, c_void_p, c_char_p, c_float)
        self._new_streaming = self._function("new_audio_streaming_info", POINTER(_Streaming))
        self._streaming_value = self._function(
            "audio_streaming_info_val", c_void_p, POINTER(_Streaming)
        )
        self._relation = self._function("utt_relation", c_void_p, POINTER(_Utterance), c_char_p)
        self._head = self._function("relation_head", c_void_p, c_void_p)
        self._next = self._function("item_next", c_void_p, c_void_p)
        self._int = self._function("flite_ffeature_int", c_int, c_void_p, c_char_p)
        self._float = self._function("flite_ffeature_float", c_float, c_void_p, c_char_p)

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._lib, name)
        function.restype = result
        function.argtypes = arguments
        return function

    def new_voice(self, name: str) -> int:
        """A voice of its own for the calling thread; not itself safe to call from two threads.

        flite counts references without atomics, so one voice must not serve two threads. Its
        `register` returns the voice made first unless the library's own pointer is cleared. A
        voice is a few hundred bytes: the models behind it are shared.
        """
        library = self._voices.get(name) or self._load(name)
        c_void_p.in_dll(library, f"cmu_us_{name}_cg").value = None
        register = getattr(library, f"register_cmu_us_{name}")
        register.restype = c_void_p
        register.argtypes = (c_char_p,)
        return int(register(None))

    def _load(self, name: str) -> ctypes.CDLL:
        try:
            library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1")
        except OSError as error:
            raise SynthesizerError(
                f"flite's voice {name!r} is not installed ({HOW_TO_INSTALL}): {error}"
            ) from error
        self._voices[name] = library
        return library

    def speak(
        self,
        text: str,
        voice: int,
        *,
        stretch: float,
        heard: Callable[[Pcm, int, Callable[[], list[tuple[int, float]]]], bool],
    ) -> None:
        """Synthesizes ASCII `text` that has at least one word in it.

        heard(samples, rate, words) is called for every stretch of audio; words() gives for each
        word (the text's index just after it, its end in seconds). False from it ends the work.
        Raises what `heard` raises.
        """
        failures: list[BaseException] = []

        def received(wave: Any, start: int, size: int, _last: int, streaming: Any) -> int:
            try:
                streaming.contents.min_buffsize = min(
                    _LARGEST_BUFFER, streaming.contents.min_buffsize * 2
                )
                got = wave.contents
                samples = pcm_at(got.samples, start, size)
                go_on = heard(samples, got.sample_rate, lambda: list(self._words(utterance)))
            except BaseException as error:  # must not pass through C; raised again below
                failures.append(error)
                return _STOP
            return _CONTINUE if go_on else _STOP

        callback = _Callback(received)
        utterance = self._new_utterance()
        try:
            features = utterance.contents.features
            self._set_string(features, b"input_text", text.encode("ascii"))
            self._init(utterance, voice)
            streaming = self._new_streaming()  # the utterance's features own and free it
            streaming.contents.min_buffsize = _FIRST_BUFFER
            streaming.contents.asc = callback
            self._set(features, b"streaming_info", self._streaming_value(streaming))
            self._set_float(features, b"duration_stretch", stretch)
            self._synthesize(utterance)
        finally:
            self._delete_utterance(utterance)
        if failures:
            raise failures[0]

    def _words(self, utterance: Any) -> Iterator[tuple[int, float]]:
        item = self._head(self._relation(utterance, b"Word"))
        while item:
            # file_pos has read one character past the token, except at the end of the text;
            # either way the character before it is the token's last or the space behind it.
            position = self._int(item, b"R:Token.parent.file_pos")
            end = self._float(item, b"R:SylStructure.daughtern.daughtern.R:Segment.end")
            yield position, end
            item = self._next(item)
