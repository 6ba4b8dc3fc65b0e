"""Storage, Lock and EventBus on PostgreSQL, for as many processes and hosts as the server takes."""
