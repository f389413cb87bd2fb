"""What a session remembers between turns, connections and instances."""
