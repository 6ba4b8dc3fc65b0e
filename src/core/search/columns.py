"""Arrays that grow at the end, row by row, at a constant cost on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


_FIRST = 256


class Columns:
    """Named columns of equal length. `columns["at"]` is a view of the rows there are; `append` outdates it."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._arrays: dict[str, NDArray[Any]] = {name: np.zeros(_FIRST, kind) for name, kind in types.items()}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name][: self._count]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._arrays)

    def append(self, **values: Any) -> int:
        """A row, every column named; its number."""
        row = self._count
        if row == len(next(iter(self._arrays.values()))):
            for name, array in self._arrays.items():
                self._arrays[name] = np.concatenate([array, np.zeros(max(_FIRST, row), array.dtype)])
        for name, value in values.items():
            self._arrays[name][row] = value
        self._count = row + 1
        return row

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Copies, in place of what there is. `ValueError` unless they are columns of these types and of one length."""
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) != 1 or any(arrays[name].dtype != kept.dtype for name, kept in self._arrays.items()):
            raise ValueError("columns do not fit")
        self._arrays = {name: _with_room(array) for name, array in arrays.items()}
        self._count = lengths.pop()

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values())


class Rows:
    """A matrix that grows at the end. `dtype` rows of `width`."""

    def __init__(self, width: int, kind: str) -> None:
        self._array: NDArray[Any] = np.zeros((_FIRST, width), kind)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def view(self) -> NDArray[Any]:
        return self._array[: self._count]

    def append(self, rows: NDArray[Any]) -> None:
        need = self._count + len(rows)
        if need > len(self._array):
            size = max(need, len(self._array) * 3 // 2)
            grown = np.zeros((size, self._array.shape[1]), self._array.dtype)
            grown[: self._count] = self._array[: self._count]
            self._array = grown
        self._array[self._count : need] = rows
        self._count = need

    def take(self, array: NDArray[Any]) -> None:
        """A copy, in place of what there is."""
        self._array = _with_room(array)
        self._count = len(array)

    @property
    def nbytes(self) -> int:
        return self._array.nbytes


def _with_room(array: NDArray[Any]) -> NDArray[Any]:
    """With room for an eighth more: the next row does not copy all of them once more."""
    longer = np.zeros((len(array) + max(_FIRST, len(array) // 8), *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer
