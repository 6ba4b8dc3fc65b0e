"""The commands of `agent-memory`, one a module, each imported when it is used."""
