"""Periods of time as people and models write them: what is understood, and what each is exactly."""
