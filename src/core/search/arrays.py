"""The kinds of arrays, by name. Scores are float32; numpy's own types promise no more than that they are floats."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Flags: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.int32]
Places: TypeAlias = NDArray[np.intp]
"""Where something stands in an array. By these numpy reads twice as fast as by shorter numbers, which it widens."""
