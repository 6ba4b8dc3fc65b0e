from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .blob_files_harness import FileBlobHarness
from .blob_store_contract import BlobStoreContract

if TYPE_CHECKING:
    from pathlib import Path


class TestFileBlobStore(BlobStoreContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> FileBlobHarness:
        return FileBlobHarness(tmp_path)
