"""From typed columns to numbers: numeric columns as they are, categorical ones as one indicator per category."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoder:
    """Which encoded columns there are: numeric names, and `(column, category)` pairs that were seen in training."""

    numeric: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]

    @classmethod
    def fit(cls, train: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> "Encoder":
        """Learn the categories of the training rows, in alphabetical order."""
        pairs = [(column, value) for column in categorical for value in sorted(train[column].unique())]
        return cls(tuple(numeric), tuple(pairs))

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns, in the order of `transform`: `bytes`, `proto=tcp`."""
        return [*self.numeric, *(f"{column}={value}" for column, value in self.categories)]

    def only(self, names: Sequence[str]) -> "Encoder":
        """The encoder of just these encoded columns; their order stays this one's."""
        wanted = set(names)
        pairs = tuple((column, value) for column, value in self.categories if f"{column}={value}" in wanted)
        return Encoder(tuple(name for name in self.numeric if name in wanted), pairs)

    def transform(self, flows: pl.DataFrame) -> NDArray[np.float32]:
        """`(rows, encoded columns)`, float32, each column in one piece.

        A category not seen in training is zero in every indicator; a number that is null or not finite is NaN.
        """
        encoded = np.empty((flows.height, len(self.names)), dtype=np.float32, order="F")
        for at, name in enumerate(self.numeric):
            encoded[:, at] = flows[name].cast(pl.Float32).to_numpy()
            encoded[~np.isfinite(encoded[:, at]), at] = np.nan
        for at, (column, value) in enumerate(self.categories, start=len(self.numeric)):
            encoded[:, at] = (flows[column] == value).cast(pl.Float32).to_numpy()
        return encoded
