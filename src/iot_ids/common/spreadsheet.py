"""Make tables safe to open in a spreadsheet, where a cell that begins with `=` is a formula and may run commands."""

import polars as pl

FORMULA = r"^'*[=+\-@\t\r\n]"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^-$"
"""Not formulas: numbers, and the dash that marks an empty cell."""


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
