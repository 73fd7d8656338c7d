"""Write names that users chose: in a terminal, where they may look like markup, and in tables for a spreadsheet, where
a cell that begins with `=` is a formula and may run commands.

Nothing heavy is imported before it is used: checking a configuration lists names, too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

from iot_ids.common.imports import Later

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console
else:
    pl = Later("polars")

FEWEST_COLUMNS, FEWEST_LINES = 40, 4
FORMULA = r"^'*[=+\-@\t\r\n]"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^-$"
"""Not formulas: numbers, and the dash that marks an empty cell."""


def plain_console(width: int | None = None, soft_wrap: bool = False) -> Console:
    """Return a console without markup: `[/]` and `:bug:` are text. Useless values of COLUMNS and LINES are raised."""
    from rich.console import Console

    size = shutil.get_terminal_size()
    if width is None and "COLUMNS" in os.environ:  # rich would take COLUMNS=0 literally, and print nothing
        width = max(size.columns, FEWEST_COLUMNS)
    height = max(size.lines, FEWEST_LINES) if "LINES" in os.environ else None
    return Console(width=width, height=height, soft_wrap=soft_wrap, markup=False, emoji=False)


def list_first(items: Iterable[object], most: int) -> str:
    """List the first `most` of the items, and count the others: `a, b, c and 4 more`."""
    texts = [str(item) for item in items]
    return ", ".join(texts[:most]) + f" and {len(texts) - most} more" * (len(texts) > most)


def mark_simulated(table: pl.DataFrame, simulated: bool) -> pl.DataFrame:
    """Put a first column that says SIMULATED in front of a table made from generated flows."""
    return table.select(pl.lit("SIMULATED").alias("origin"), pl.all()) if simulated else table


def escape_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """Prefix every text that a spreadsheet would evaluate with an apostrophe, column names included.

    A text that already has an apostrophe gets another one, so that `unescape_formulas` is the exact inverse.
    """
    names = pl.Series("name", table.columns, dtype=pl.String).to_frame().select(_guard("name")).to_series().to_list()
    texts = [name for name, kind in table.schema.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    return table.with_columns(_guard(name) for name in texts).rename(dict(zip(table.columns, names, strict=True)))


def unescape_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """Undo `escape_formulas` on a table read from the file that was written."""
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    names = pl.Series("name", table.columns, dtype=pl.String).to_frame().select(_bare("name")).to_series().to_list()
    return table.with_columns(_bare(name) for name in texts).rename(dict(zip(table.columns, names, strict=True)))


def _guard(name: str) -> pl.Expr:
    cell = pl.col(name).cast(pl.String)
    computed = cell.str.contains(FORMULA) & ~cell.str.contains(NUMBER)
    return pl.when(computed).then("'" + cell).otherwise(cell).alias(name)


def _bare(name: str) -> pl.Expr:
    cell = pl.col(name)
    return pl.when(cell.str.contains(r"^'+[=+\-@\t\r\n]")).then(cell.str.slice(1)).otherwise(cell).alias(name)
