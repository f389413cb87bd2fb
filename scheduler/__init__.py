"""When to speak first: rules, policy, triggers, ticker, analysis, sweeper."""
