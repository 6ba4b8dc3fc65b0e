"""The certification kit: what every adapter of a port must do, as tests that anyone can run on their own."""

import pkgutil
import sys

# Programs beside the tests (keepers of servers, workers to be killed) do without pytest, which takes long to load.
if "pytest" in sys.modules:
    import pytest

    # The clauses stand in plain modules that test modules import: without this a failed one would show no values.
    pytest.register_assert_rewrite(
        *(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
    )
