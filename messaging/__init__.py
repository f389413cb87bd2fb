"""The bus: messages between instances, consumed once, by all, or by one named owner."""
