"""A prompt's life: its states, ledger, mailbox, claims; consent and caps."""
