"""Work that is done beside the answers: jobs of the store, and what is due by the clock. No I/O, no threads."""
