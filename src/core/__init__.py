"""The domain: what it means to remember, recall, update, forget and link. No I/O, no clock, no environment."""
