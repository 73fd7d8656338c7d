"""Rows read as text, cell by cell, so that what is wrong with one can be told."""

import polars as pl

from iot_ids.data import read, unreadable
from iot_ids.data.lines import LINE
from iot_ids.data.spec import Columns, Dataset
from iot_ids.data.unreadable import NUMBER, REASON


def careful(part: read.Layout, dataset: Dataset, lines: pl.Series | None = None) -> pl.DataFrame:
    """LINE, REASON (but RAGGED, see `unreadable.mark_ragged`) and the declared columns that are there.

    Numbers are float32, ports float64, names and other identifiers text. Of the file's rows, those on `lines`; None
    means all.

    Raises:
        PolarsError, OSError: the file cannot be read.
    """
    columns = dataset.columns
    raw = read.scan_part(part, read.declared(columns))
    there = [name for name in raw.collect_schema().names() if name != LINE]
    if lines is not None:
        raw = raw.filter(pl.col(LINE).is_in(lines.implode()))
    texts = raw.with_columns(read.text(name, dataset.format.missing).alias(name) for name in there)
    parsed = texts.with_columns(
        read.float32(read.number(pl.col(name))).alias(NUMBER + name) for name in columns.numeric
    )
    rows = parsed.with_columns(unreadable.reason(columns, there)).select(
        LINE, REASON, *(_cell(name, columns).alias(name) for name in there)
    )
    return rows.collect(engine="streaming")


def _cell(name: str, columns: Columns) -> pl.Expr:
    return pl.col(NUMBER + name) if name in columns.numeric else read.named(pl.col(name), name, columns)
