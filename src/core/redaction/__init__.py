"""Secrets in what is stored: found, taken out, and told by kind and place."""
