"""`agent-memory benchmark`: what this program costs on this machine, beside the least that could do the same."""
