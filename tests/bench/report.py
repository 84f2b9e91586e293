"""What was measured, as a table: ratios first."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `aim` and `ratio` where there is something to compare it with."""

    what: str
    value: str
    ratio: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    title: str
    rows: tuple[Row, ...]


def ratios(sections: Iterable[Section]) -> Section:
    """Every ratio of the other sections, to be shown first."""
    rows = tuple(Row(row.what, row.ratio) for each in sections for row in each.rows if row.ratio)
    return Section("Ratios", rows)


def render(sections: Iterable[Section]) -> str:
    """The whole table as text."""
    all_of_them = list(sections)
    sections = [ratios(all_of_them), *all_of_them]
    width = max(len(row.what) for each in sections for row in each.rows)
    blocks = []
    for each in sections:
        lines = [each.title, *(f"  {row.what:<{width}}  {row.value}" for row in each.rows)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def share(value: float, of: float) -> float:
    """value / of, NaN where that makes no sense."""
    return value / of if of else math.nan


def against(value: float, aim: float, unit: str, *, least: bool) -> str:
    """A value beside its aim: how much of it was reached, or how much of it was used up."""
    word, sign = ("of the aim", ">=") if least else ("of what is allowed", "<=")
    return f"{share(value, aim):.2f} {word} ({value:,.3g} {unit}, aim {sign} {aim:g} {unit})"
