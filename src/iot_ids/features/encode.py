"""Encode typed columns as numbers: numeric columns as they are, categorical ones as one indicator per category."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.data.reading.layout import MISSING_NAME

MOST_NAMES = 1_000
"""Most categories of one column in the training rows; each becomes a column. Protocols, services and states have a
hundred or two; a column with more holds addresses, host names or running numbers, which name flows instead of
describing them, and 100,000 of them fill any memory.
"""


@dataclass(frozen=True)
class Encoder:
    """The encoded columns: numeric names, and `(column, category)` pairs seen in training.

    `indicated` are the numeric columns with an extra indicator for missing values, namely those with missing values in
    training; every missing number is then encoded as zero. If None, missing numbers are NaN.
    """

    numeric: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]
    indicated: tuple[str, ...] | None = None

    @classmethod
    def fit(
        cls, train: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str], indicate: bool = False
    ) -> "Encoder":
        """Learn the training rows' categories, sorted, and which numbers are sometimes missing.

        Raises:
            UserError: a column has more than MOST_NAMES categories.
        """
        names = {column: train[column].unique() for column in categorical}
        for column, values in names.items():
            if len(values) > MOST_NAMES:
                raise UserError(_too_many(column, values, train.height))
        pairs = [(column, value) for column, values in names.items() for value in sorted(values)]
        missing = tuple(name for name in numeric if train[name].null_count()) if indicate else None
        return cls(tuple(numeric), tuple(pairs), missing)

    @property
    def names(self) -> list[str]:
        """Name the encoded columns in the order of `transform`: `bytes`, `proto=tcp`, `bytes=missing`."""
        categories = (f"{column}={value}" for column, value in self.categories)
        return [*self.numeric, *categories, *map(_indicator, self.indicated or ())]

    @property
    def numbers(self) -> list[str]:
        """Return the raw numeric columns that are read."""
        return list(dict.fromkeys([*self.numeric, *(self.indicated or ())]))

    @property
    def texts(self) -> list[str]:
        """Return the raw categorical columns that are read."""
        return list(dict.fromkeys(column for column, _ in self.categories))

    def only(self, names: Sequence[str]) -> "Encoder":
        """Return an encoder of only these encoded columns, in the present order."""
        wanted = set(names)
        pairs = tuple((column, value) for column, value in self.categories if f"{column}={value}" in wanted)
        numeric = tuple(name for name in self.numeric if name in wanted)
        if self.indicated is None:
            return Encoder(numeric, pairs)
        return Encoder(numeric, pairs, tuple(name for name in self.indicated if _indicator(name) in wanted))

    def transform(self, flows: pl.DataFrame) -> NDArray[np.float32]:
        """Return `(rows, encoded columns)`, float32, in column-major order.

        A category not seen in training is zero in every indicator. A null or non-finite number becomes NaN; with
        `indicated`, null becomes zero, and one in the column's indicator if it has one.
        """
        encoded = np.empty((flows.height, len(self.names)), dtype=np.float32, order="F")
        for at, name in enumerate(self.numeric):
            numbers = flows[name].cast(pl.Float32)
            encoded[:, at] = (numbers if self.indicated is None else numbers.fill_null(0)).to_numpy()
            encoded[~np.isfinite(encoded[:, at]), at] = np.nan
        for at, (column, value) in enumerate(self.categories, start=len(self.numeric)):
            encoded[:, at] = (flows[column] == value).cast(pl.Float32).to_numpy()
        for at, name in enumerate(self.indicated or (), start=len(self.numeric) + len(self.categories)):
            encoded[:, at] = flows[name].is_null().cast(pl.Float32).to_numpy()
        return encoded


def _indicator(name: str) -> str:
    return f"{name}={MISSING_NAME}"


def _too_many(column: str, values: pl.Series, rows: int) -> str:
    examples = ", ".join(map(repr, sorted(values.head(3))))
    return (
        f"{column} has {len(values):,} names in {rows:,} training rows ({examples}, ...), and each would become a "
        f"column of its own; {MOST_NAMES:,} are the most. Take {column} out of dataset.columns.categorical: into "
        "dataset.columns.identifiers where it names hosts or flows, into numeric where it is a number, or leave it "
        "out. Where dataset.identifiers=allow made it a feature, take it out of dataset.columns.identifiers"
    )
