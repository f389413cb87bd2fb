"""A Whisper model of the right shape, made on the spot: real format, real code, hand-set weights.

What it hears depends on the sound: broadband sound (speech) is always SAID; a pure low tone is TEA,
a middle one "la la la" without end, a high one "thanks for watching"; quiet is no speech. A prompt
with HINT in it makes it hear MOCHA, and German (the multilingual one) "guten tag".

Weights: every token has a dimension of its own, the projection leads from each to the next. The
encoder measures loudness in three bands; cross-attention looks at the loudest frames.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from voice.audio import HEARING_RATE, Pcm

SAID = "can i get a large latte"
TEA = "tea please"
MOCHA = "mocha please"
GUTEN_TAG = "guten tag"
HINT = "barista"
PHANTOM = "thanks for watching"
LOW_HZ, MIDDLE_HZ, HIGH_HZ = 300.0, 1500.0, 3500.0

MULTILINGUAL = ""
"""CTranslate2 takes a model that knows the empty token, as OpenAI's do, for a multilingual one."""

_WIDTH = 64
_CONST, _BANDS = 60, (61, 62, 63)  # decoder dimensions beside the tokens'
_BAND_ENDS = (13, 22, 40)  # of 40 pairs of mel bands: 1 kHz, 2 kHz, 8 kHz
_HOT = 10.0

_Weights = NDArray[np.float32]

SENTENCES = (SAID, TEA, MOCHA, GUTEN_TAG, PHANTOM)
_WORDS = [*dict.fromkeys(" ".join(SENTENCES).split()), "la", HINT, "<unk>"]
_SPECIAL = [
    *("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>"),
    *("<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
]
_OWN = {token: number for number, token in enumerate([*_WORDS, *_SPECIAL])}
"""Each token's own dimension; in the multilingual model its number is another."""


def tone(hz: float, seconds: float = 1.0) -> Pcm:
    """A pure tone that fades in and out: a click would be broadband."""
    time = np.arange(round(seconds * HEARING_RATE)) / HEARING_RATE
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 0.1)
    pcm: Pcm = (np.sin(2 * np.pi * hz * time) * fade * 16000).astype(np.int16)
    return pcm


def quiet_room(seconds: float = 1.0) -> Pcm:
    """Faint noise, over digital silence."""
    noise = np.random.default_rng(3).standard_normal(round(seconds * HEARING_RATE)) * 20
    pcm: Pcm = noise.astype(np.int16)
    return pcm


def make_small_whisper(folder: Path, *, multilingual: bool = False) -> Path:
    """Writes the model; its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*_WORDS, *([MULTILINGUAL] if multilingual else []), *_SPECIAL]
    numbers = {token: number for number, token in enumerate(tokens)}
    spec = whisper_spec.WhisperSpec(1, 1, 1, 1)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [numbers["<|en|>"], numbers["<|de|>"]]
    spec.config.alignment_heads = [(0, 0)]
    _encoder(spec.encoder)
    _decoder(spec.decoder, numbers)
    spec.register_vocabulary(tokens)
    spec.validate()
    spec.save(str(folder))
    _tokenizer(tokens).save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": 80}))
    return folder


def _tokenizer(tokens: Sequence[str]) -> Tokenizer:
    vocabulary = {word: number for number, word in enumerate(tokens[: -len(_SPECIAL)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    return tokenizer


def _zeros(*shape: int) -> _Weights:
    return np.zeros(shape, np.float32)


def _encoder(spec: whisper_spec.WhisperEncoderSpec) -> None:
    """Output dimensions 0 to 2: loudness of the bands; 3: constant."""
    first, second = _zeros(_WIDTH, 80, 3), _zeros(_WIDTH, _WIDTH, 3)
    threshold = _zeros(_WIDTH)
    for pair in range(40):
        first[pair, 2 * pair : 2 * pair + 2, 1] = 4.0
        threshold[pair] = -8 * 0.3  # normalised log-mel of loud sound is over 0.3
    begin = 0
    for band, end in enumerate(_BAND_ENDS):
        second[band, begin:end, 1] = 1.0
        begin = end
    constant = _zeros(_WIDTH)
    constant[3] = 10.0
    spec.conv1.weight, spec.conv1.bias = first, threshold
    spec.conv2.weight, spec.conv2.bias = second, constant
    spec.position_encodings.encodings = _zeros(1500, _WIDTH)
    _norm(spec.layer_norm)
    layer = spec.layer[0]
    _norm(layer.self_attention.layer_norm)
    _linear(layer.self_attention.linear[0], _zeros(3 * _WIDTH, _WIDTH))
    _linear(layer.self_attention.linear[1], _zeros(_WIDTH, _WIDTH))
    _feed_forward(layer.ffn)


def _decoder(spec: Any, numbers: Mapping[str, int]) -> None:
    embeddings = _zeros(len(numbers), _WIDTH)
    for token, own in _OWN.items():
        embeddings[numbers[token], own] = _HOT
    embeddings[:, _CONST] = _HOT
    spec.embeddings.weight = embeddings
    spec.position_encodings.encodings = _zeros(448, _WIDTH)
    _norm(spec.layer_norm)
    _linear(spec.projection, _projection(numbers), bias=False)
    layer = spec.layer[0]
    _norm(layer.self_attention.layer_norm)
    own = _zeros(3 * _WIDTH, _WIDTH)  # the mean of all tokens so far
    own[2 * _WIDTH :] = np.eye(_WIDTH)
    _linear(layer.self_attention.linear[0], own)
    remembered = 2 * np.eye(_WIDTH, dtype=np.float32)
    remembered[_CONST:, :] = 0
    _linear(layer.self_attention.linear[1], remembered)
    _norm(layer.attention.layer_norm)
    query, heard, out = _zeros(_WIDTH, _WIDTH), _zeros(2 * _WIDTH, _WIDTH), _zeros(_WIDTH, _WIDTH)
    query[0, _CONST] = 3.0
    heard[0, :3] = 1.0  # keys: how loud the frame is
    for band, dimension in enumerate(_BANDS):
        heard[_WIDTH + band, band] = 1.0
        out[dimension, band] = 1.5
    for linear, weight in zip(layer.attention.linear, (query, heard, out), strict=True):
        _linear(linear, weight)
    _feed_forward(layer.ffn)


def _projection(numbers: Mapping[str, int]) -> _Weights:
    """From each token to the next; what comes first depends on sound, prompt and language."""
    weights = _zeros(len(numbers), _WIDTH)
    for sentence in SENTENCES:
        words = [*sentence.split(), "<|endoftext|>"]
        for word, following in pairwise(words):
            weights[numbers[following], _OWN[word]] = 3.0
    weights[numbers["la"], _OWN["la"]] = 3.0
    start = _OWN["<|notimestamps|>"]
    weights[numbers["can"], start] = 3.0
    for word, band in (("tea", 0), ("la", 1), ("thanks", 2)):
        weights[numbers[word], start] = 2.0
        weights[numbers[word], list(_BANDS)] = -2.0
        weights[numbers[word], _BANDS[band]] = 2.0
    for word, told in (("mocha", HINT), ("guten", "<|de|>")):
        weights[numbers[word], start] = 2.8
        weights[numbers[word], _OWN[told]] += 5.0
    nobody = numbers["<|nospeech|>"]
    weights[nobody, _OWN["<|startoftranscript|>"]] = 3.0
    weights[nobody, list(_BANDS)] = -12.0
    return weights


def _linear(spec: Any, weight: _Weights, *, bias: bool = True) -> None:
    spec.weight = weight
    if bias:
        spec.bias = _zeros(len(weight))


def _norm(spec: Any) -> None:
    spec.gamma = np.ones(_WIDTH, np.float32)
    spec.beta = _zeros(_WIDTH)


def _feed_forward(spec: Any) -> None:
    _norm(spec.layer_norm)
    _linear(spec.linear_0, _zeros(4 * _WIDTH, _WIDTH))
    _linear(spec.linear_1, _zeros(_WIDTH, 4 * _WIDTH))
