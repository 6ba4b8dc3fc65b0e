"""The Storage contract, complete: subclass `StorageContract` and override `harness`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .storage_counts import StorageCounts
from .storage_duplicates import StorageDuplicates
from .storage_entries import StorageEntries
from .storage_explored import StorageExplored
from .storage_explored_jobs import StorageExploredJobs
from .storage_filters import StorageFilters
from .storage_filters_combined import StorageFiltersCombined
from .storage_generations import StorageGenerations
from .storage_graph import StorageGraph
from .storage_history import StorageHistory
from .storage_job_ends import StorageJobEnds
from .storage_jobs import StorageJobs
from .storage_marks import StorageMarks
from .storage_once import StorageOnce
from .storage_outbox import StorageOutbox
from .storage_outlooks import StorageOutlooks
from .storage_pages import StoragePages
from .storage_random import StorageRandom
from .storage_relations import StorageRelations
from .storage_restore import StorageRestore
from .storage_search import StorageSearch
from .storage_sessions import StorageSessions
from .storage_starts import StorageStarts
from .storage_sweeps import StorageSweeps
from .storage_text import StorageText
from .storage_units import StorageUnits
from .storage_units_together import StorageUnitsTogether
from .storage_upkeep import StorageUpkeep
from .storage_vectors import StorageVectors

if TYPE_CHECKING:
    from .storage_harness import StorageHarness


class StorageContract(
    StorageUnits,
    StorageUnitsTogether,
    StorageEntries,
    StorageDuplicates,
    StorageHistory,
    StorageFilters,
    StorageFiltersCombined,
    StoragePages,
    StorageText,
    StorageSearch,
    StorageRelations,
    StorageGraph,
    StorageSessions,
    StorageVectors,
    StorageOutbox,
    StorageGenerations,
    StorageJobs,
    StorageJobEnds,
    StorageOnce,
    StorageStarts,
    StorageCounts,
    StorageRandom,
    StorageExplored,
    StorageExploredJobs,
    StorageMarks,
    StorageOutlooks,
    StorageUpkeep,
    StorageRestore,
    StorageSweeps,
):
    """STORAGE-01 to STORAGE-319; each module names those that it holds."""

    @pytest.fixture
    def harness(self) -> StorageHarness:
        raise NotImplementedError("give a fresh, empty backend")
