"""How long each stage of a turn took.

All in milliseconds on the server's clock, counted from the last speech frame of the user's turn
(`end_of_turn`, `voice_to_voice`) or as the stage's own duration (the others). The microphone's and
the network's way to and from the server are not in them: the client measures those.
"""

from dataclasses import dataclass, field

STAGES = (
    "end_of_turn",
    "recognition",
    "retrieval",
    "answer",
    "first_audio",
    "voice_to_voice",
)
"""end_of_turn: last speech until the turn was taken to have ended.
recognition: the recognizer's own time. retrieval: intents and search until the first sentence.
answer: until the last sentence.
first_audio: turn ended until the first audio left. voice_to_voice: last speech until then."""


@dataclass(slots=True)
class Stopwatch:
    """One turn's times, in seconds; 0.0 where not reached.

    silence: audio from the last speech frame until the turn was taken to have ended.
    speech_ended, turn_ended: on the loop's clock.
    """

    silence: float = 0.0
    speech_ended: float = 0.0
    turn_ended: float = 0.0
    durations: dict[str, float] = field(default_factory=dict)

    def stages_ms(self, first_audio: float) -> dict[str, float]:
        """What is known when the first audio leaves."""
        stages = {name: seconds * 1000 for name, seconds in self.durations.items()}
        if self.turn_ended:
            stages["first_audio"] = (first_audio - self.turn_ended) * 1000
        if self.speech_ended and self.turn_ended:
            # Audio that is fed faster than real time still takes its own time to be spoken.
            ended = max(self.turn_ended - self.speech_ended, self.silence)
            stages["end_of_turn"] = ended * 1000
            stages["voice_to_voice"] = (ended + first_audio - self.turn_ended) * 1000
        return {name: round(stages[name], 1) for name in STAGES if name in stages}
