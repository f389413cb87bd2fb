"""Measurements from outside: clients that talk to a running server, and what they hear."""
