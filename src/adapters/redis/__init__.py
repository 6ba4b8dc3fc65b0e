"""Lock, RateLimiter, CircuitBreaker, Cache and EventBus on Redis or Valkey, for a fleet of processes and hosts.

Nothing is imported here: settings are read by programs that never load the driver.
"""
