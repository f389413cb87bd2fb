"""Calls over WebRTC: signalling, media, and the data channel that carries the events."""
