from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["servers.postgres_keeper", "servers.redis_keeper", "builders"])
def test_programs_beside_the_tests_do_not_load_pytest(module: str) -> None:
    program = f"import sys, agent_memory_contract.{module}; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
