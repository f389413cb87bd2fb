"""One file per recognition engine."""
