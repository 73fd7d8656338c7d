"""What every model is to the rest of the house."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Report = Callable[[int, Mapping[str, float]], None]
"""Called with the epoch, from 0, and its metrics; a sweep prunes by raising here."""


@dataclass(frozen=True)
class Table:
    """Rows ready for a model: `x` float32 `(rows, features)`, `y` class codes from 0 `(rows,)`."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]


class Classifier(Protocol):
    """A model. A user's own class needs no more than this."""

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Learn from `train`; `validation` may choose the epoch. Where there are epochs, `report` hears of each."""

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities `(rows, classes)` of `(rows, features)`."""

    def parameters(self) -> int | None:
        """How many numbers were learned; None where the count says nothing."""

    def save(self, folder: Path) -> None:
        """Write everything `load` needs, without pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
