"""The front door: command line, settings, the agent folder, and where parts are joined."""
