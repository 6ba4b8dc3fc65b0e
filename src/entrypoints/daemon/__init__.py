"""One daemon, many clients: where it listens, how a client finds it, what both say to each other.

`address`, `link`, `traffic` and `pump` run in every client's process and import nothing that is slow to load.
"""
