"""The interfaces between the domain and the world: Protocols, the records they carry, the errors they raise.

Said once for all ports: durations are float seconds, instants aware UTC, payloads bytes, keys opaque
text. Only `PortError` crosses a port. Cancellation is never caught, converted or counted. Every adapter is an
async context manager, entered and left in one task, and declares its capabilities.
"""
