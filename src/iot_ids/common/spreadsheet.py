"""Tables for people, who open them in a spreadsheet: there a cell that begins with `=` is a formula, and may act."""

import polars as pl

FORMULA = r"^'*[=+\-@\t\r\n]"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^-$"
"""A number is none, nor is the dash that stands for nothing."""


def escape_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """`table` with an apostrophe before each text, also before a column's name, that a spreadsheet would compute.

    An apostrophe that stands before such a text already gets another, so that `unguarded` undoes it exactly.
    """
    names = pl.Series("name", table.columns, dtype=pl.String).to_frame().select(_guard("name")).to_series().to_list()
    texts = [name for name, kind in table.schema.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    return table.with_columns(_guard(name) for name in texts).rename(dict(zip(table.columns, names, strict=True)))


def unescape_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """A table as it was before `guarded`, from the file that was written."""
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
