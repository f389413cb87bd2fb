"""Audio: voice activity, recognizers, synthesizers, pacing."""
