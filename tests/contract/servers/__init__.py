"""Servers that tests need, started by the first process of a test run that asks and stopped after the last.

A keeper process owns each server. Every process of the run holds a lock; when all of them are gone, however they went,
the keeper stops its server and removes its files.

Import them by their full name, from neighbours too: pytest may give a module loaded by a relative import another name,
and the second copy would hold the lock beyond the end of the run.
"""
