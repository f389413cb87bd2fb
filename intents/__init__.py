"""What was meant: intents, slots, forms, and how complete the words are."""
