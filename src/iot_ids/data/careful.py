"""Rows read as text, cell by cell, so that what is wrong with one can be told."""

import polars as pl

from iot_ids.data import read, unreadable
from iot_ids.data.cells import tables
from iot_ids.data.lines import CELLS, LINE
from iot_ids.data.spec import Columns, Dataset
from iot_ids.data.unreadable import NUMBER, REASON


def careful(part: read.Layout, dataset: Dataset, lines: pl.Series | None = None) -> pl.DataFrame:
    """LINE, REASON, CELLS and the declared columns that are there.

    Numbers are float32, ports float64, names and other identifiers text. Of the file's rows, those on `lines`; None
    means all.

    Raises:
        UserError: the file cannot be read, or a quotation mark opens a cell and is not closed in its line.
    """
    return pl.concat(typed(table, dataset) for table in tables(part, read.declared(dataset.columns), lines))


def typed(table: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """As `careful`, of rows that `tables` has read."""
    columns = dataset.columns
    there = [name for name in table.columns if name not in (LINE, CELLS)]
    texts = table.lazy().with_columns(read.text(name, dataset.format.missing).alias(name) for name in there)
    parsed = texts.with_columns(
        read.float32(read.number(pl.col(name))).alias(NUMBER + name) for name in columns.numeric
    )
    rows = parsed.with_columns(unreadable.reason(dataset, there)).select(
        LINE, REASON, CELLS, *(_cell(name, columns).alias(name) for name in there)
    )
    return rows.collect()


def _cell(name: str, columns: Columns) -> pl.Expr:
    return pl.col(NUMBER + name) if name in columns.numeric else read.named(pl.col(name), name, columns)
