"""The interface every model implements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Report = Callable[[int, Mapping[str, float]], None]
"""Called with the epoch, from 0, and its metrics; a sweep prunes by raising here."""
WINDOWS = 16_384
"""Windows scored at a time: each copies its flows, and all of them together may not fit in memory."""


@dataclass(frozen=True)
class Table:
    """Rows ready for a model: `x` float32 `(rows, features)`, `y` class codes from 0 `(rows,)`.

    With `model.sequence=window` a row is a window of flows: for each row of `y`, `steps` `(rows, window)` holds the
    positions of its flows in `x`, earliest first, the row's own flow last, then -1 as padding. `x` then has more flows
    than `y` has rows, plus a last row of NaN, which -1 points to (`with_padding_row`).
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    steps: NDArray[np.int64] | None = None


class Classifier(Protocol):
    """A model. A user's own class needs only these methods."""

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Learn from `train`; `validation` may select the best epoch. Call `report` after each epoch, if any."""

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class probabilities `(rows, classes)` of `(rows, features)`.

        With `model.sequence=window`, of `(rows, window, features)`, where a step of NaN is padding.
        """

    def parameters(self) -> int | None:
        """Return the number of learned parameters; None if a count would be meaningless."""

    def save(self, folder: Path) -> None:
        """Write everything `load` needs, without pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""


def with_padding_row(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Append the row of padding that `Table` needs to flows `(flows, features)`: `(flows + 1, features)`."""
    return np.concatenate([x, np.full((1, x.shape[1]), np.nan, dtype=np.float32)])


def predict_probabilities(
    model: Classifier, x: NDArray[np.float32], steps: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Compute class probabilities `(rows, classes)` of a `Table`'s rows; windows are built WINDOWS at a time."""
    if steps is None:
        return model.probabilities(x)
    slices = (steps[start : start + WINDOWS] for start in range(0, len(steps), WINDOWS))
    return np.concatenate([model.probabilities(x[part]) for part in slices])
