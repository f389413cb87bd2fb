"""What one session lets the machine do: endpointing, who owns turns, who may interrupt."""

from dataclasses import dataclass, field

from conversation.completeness import Completeness


@dataclass(frozen=True, slots=True)
class Endpointing:
    """How much silence ends a turn, in milliseconds of audio after the last speech frame.

    complete_ms: after words from which hardly anybody goes on.
    likely_ms: after words from which few do.
    unsure_ms: when the words tell nothing.
    dangling_ms: after words that clearly go on.
    hard_ms: whatever was said.
    """

    complete_ms: int = 128
    likely_ms: int = 160
    unsure_ms: int = 352
    dangling_ms: int = 1200
    hard_ms: int = 3000

    def wait_ms(self, completeness: Completeness) -> int:
        """Silence that ends a turn after words of this completeness."""
        match completeness:
            case Completeness.COMPLETE:
                return self.complete_ms
            case Completeness.LIKELY:
                return self.likely_ms
            case Completeness.UNSURE:
                return self.unsure_ms
            case Completeness.DANGLING:
                return self.dangling_ms


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """The session's side of the rules of the floor.

    manual: the client ends turns itself (`turn_detection: null`).
    create_response: answer when a turn has ended.
    interrupt_response: the user's speech stops the agent.
    idle_timeout_ms: after an answer and this much silence the agent says something (or, without
        create_response, only reports it); None for never.
    """

    endpointing: Endpointing = field(default_factory=Endpointing)
    manual: bool = False
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: int | None = None


# Seconds on the caller's clock. Sources: DESIGN §2, rules of the floor.
CLIENT_STOPPED_SENDING = 1.0
"""Rule 2: no audio at all for this long ends the turn (muted tab, push to talk)."""
INTERRUPTION_SPEECH_MS = 700
"""Rule 3: speech this long over the agent is an interruption if there are words in it so far."""
CERTAIN_INTERRUPTION_SPEECH_MS = 1400
"""And this much, in one stretch or several, whatever the recognizer makes of it. A fit of coughing
is over by then."""
OVERLAP_DECISION = 1.5
"""Rule 3: paused this long with neither words nor more speech, the agent goes on. Words that
come later still interrupt it."""
LOW_QUIET = 3.0
"""Rule 4: mutual silence before a low prompt."""
NORMAL_QUIET = 0.7
"""Rule 4: silence before a normal prompt."""
STIR = 0.1
"""Rule 4: after a sound that may be the first of an utterance, no prompt begins for this long..."""
STIRRING_LIMIT = 0.5
"""... nor while more such sounds follow, up to this long: then they are noise."""
CRITICAL_PATIENCE = 2.0
"""Rule 4: how long a critical prompt waits for the user's pause."""
CLIENT_RESPONSE_WAIT = 5.0
"""Rule 5: prompts wait this long for the client's `response.create` after a commit."""
CLIENT_FUNCTION_WAIT = 10.0
"""Rule 5: and this long for the result of a function the client runs."""
HEARD_SHARE = 0.8
"""Rule 7: a prompt counts as heard when this share of its audio was played."""
UNANSWERED_LIMIT = 2
"""Rule 8: idle reports and low prompts in a row without the user saying anything."""
CLAIM_TIMEOUT = 2.0
"""A prompt's claim that is not answered within this has failed."""
WORK_TIMEOUT = 20.0
"""Recognition or an answer that gives no sign within this has failed: back to IDLE."""
UTTERANCE_LIMIT_MS = 60_000
"""One utterance at most; then it is recognized as it stands, and the next one begins."""
OWED_LIMIT = 8
"""Answers that may wait for the floor; who has said this much meanwhile has moved on."""
PROMPT_LIMIT = 64
"""Prompts that may wait in one conversation; more go back to where they came from."""
