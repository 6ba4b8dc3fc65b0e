"""All saboteurs of the Storage contract."""

from __future__ import annotations

from . import (
    storage_of_entries,
    storage_of_events,
    storage_of_filters,
    storage_of_graphs,
    storage_of_history,
    storage_of_jobs,
    storage_of_marks,
    storage_of_moving,
    storage_of_pages,
    storage_of_schedules,
    storage_of_search,
    storage_of_sessions,
    storage_of_starts,
    storage_of_units,
    storage_of_upkeep,
)
from .storage_registry import saboteurs

MODULES = (
    storage_of_entries,
    storage_of_events,
    storage_of_filters,
    storage_of_graphs,
    storage_of_history,
    storage_of_jobs,
    storage_of_marks,
    storage_of_moving,
    storage_of_pages,
    storage_of_schedules,
    storage_of_search,
    storage_of_sessions,
    storage_of_starts,
    storage_of_units,
    storage_of_upkeep,
)
"""Importing them is what fills the registry."""

SABOTEURS = tuple(saboteurs)
