"""Storage, Lock and EventBus on PostgreSQL, for as many processes and hosts as the server takes.

Nothing is imported here: settings are read by programs that never load the driver.
"""
