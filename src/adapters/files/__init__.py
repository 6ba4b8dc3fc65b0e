"""Ports on plain files."""
