"""A figure: what was measured, the floor measured beside it, and whether the target is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COLUMNS = ("what", "target", "measured", "floor", "ratio", "")


class Target(msgspec.Struct, frozen=True):
    """`of` says what is compared: the measured value itself, or its ratio to the floor."""

    of: Literal["measured", "ratio"]
    relation: Literal["<=", ">="]
    value: float

    def met_by(self, value: float) -> bool:
        return value <= self.value if self.relation == "<=" else value >= self.value


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`floor` is in the same unit: what the plainest program needs or reaches for the same work, in the same run."""

    name: str
    what: str
    measured: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    target: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.measured / self.floor if self.floor else None

    @property
    def ok(self) -> bool | None:
        """None: there is no target, or no floor to compare with."""
        if self.target is None:
            return None
        value = self.measured if self.target.of == "measured" else self.ratio
        return None if value is None else self.target.met_by(value)


def as_json(figures: Sequence[Figure], machine: dict[str, Any]) -> str:
    rows = [{**msgspec.to_builtins(figure), "ratio": figure.ratio, "ok": figure.ok} for figure in figures]
    return msgspec.json.format(msgspec.json.encode({"machine": machine, "figures": rows})).decode()


def as_table(figures: Iterable[Figure]) -> str:
    rows: list[tuple[str, ...]] = [_COLUMNS]
    remarks: list[str] = []
    for figure in figures:
        mark = ""
        if figure.note or figure.floor_is:
            text = "; ".join(part for part in (_floor_remark(figure), figure.note) if part)
            if text not in remarks:
                remarks.append(text)
            mark = f" [{remarks.index(text) + 1}]"
        rows.append((figure.what + mark, *_cells(figure)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*lines, "", *(f"[{n}] {text}" for n, text in enumerate(remarks, 1))])


def _floor_remark(figure: Figure) -> str:
    return f"floor: {figure.floor_is}" if figure.floor_is else ""


def _cells(figure: Figure) -> tuple[str, ...]:
    verdict = {True: "ok", False: "SHORT", None: ""}[figure.ok]
    return (
        _target_text(figure),
        f"{_number(figure.measured)} {figure.unit}",
        "" if figure.floor is None else _number(figure.floor),
        "" if figure.ratio is None else f"{figure.ratio:.2f} x",
        verdict,
    )


def _target_text(figure: Figure) -> str:
    target = figure.target
    if target is None:
        return ""
    if target.of == "ratio":
        return f"{target.relation} {target.value:g} x floor"
    return f"{target.relation} {_number(target.value)} {figure.unit}"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
