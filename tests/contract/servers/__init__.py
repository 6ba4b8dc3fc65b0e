"""Servers that tests need, started by the first process of a test run that asks and stopped after the last.

A keeper process owns each server. Every process of the run holds a lock; when all of them are gone, however they went,
the keeper stops its server and removes its files.
"""
