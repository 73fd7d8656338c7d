"""From typed columns to numbers: numeric columns as they are, categorical ones as one indicator per category."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.errors import UserError

MOST_NAMES = 1_000
"""Categories of one column in the training rows, each of which becomes a column of its own. Protocols, services and
states have a hundred or two; what has more is an address, a host's name or a running number, which names flows instead
of describing them, and 100,000 of them fill any memory.
"""


@dataclass(frozen=True)
class Encoder:
    """Which encoded columns there are: numeric names, and `(column, category)` pairs that were seen in training."""

    numeric: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]

    @classmethod
    def fit(cls, train: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> "Encoder":
        """Learn the categories of the training rows, in alphabetical order.

        Raises:
            UserError: a column has more than MOST_NAMES of them.
        """
        names = {column: train[column].unique() for column in categorical}
        for column, values in names.items():
            if len(values) > MOST_NAMES:
                raise UserError(_too_many(column, values, train.height))
        pairs = [(column, value) for column, values in names.items() for value in sorted(values)]
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


def _too_many(column: str, values: pl.Series, rows: int) -> str:
    examples = ", ".join(map(repr, sorted(values.head(3))))
    return (
        f"{column} has {len(values):,} names in {rows:,} training rows ({examples}, ...), and each would become a "
        f"column of its own; {MOST_NAMES:,} are the most. Take {column} out of dataset.columns.categorical: into "
        "dataset.columns.identifiers where it names hosts or flows, into numeric where it is a number, or leave it "
        "out. Where dataset.identifiers=allow made it a feature, take it out of dataset.columns.identifiers"
    )
