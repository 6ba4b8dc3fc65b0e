"""What is measured, and how it is told: metrics, health over HTTP, lines in the log, traces."""
