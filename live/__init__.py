"""One `LiveSession` drives one conversation. No sockets here."""
