"""scikit-learn's classifiers, behind the same four verbs as the networks."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import skops.io
from numpy.typing import NDArray

from iot_ids.errors import UserError
from iot_ids.models.classifier import Report, Table

FILE = "estimator.skops"
SCORING_ROWS = 65_536
TRUSTED = "sklearn."
"""Where the types of a kept estimator may come from, besides those that skops itself trusts."""


class Classical:
    """A scikit-learn classifier. It learns in one go, so nothing is reported, and validation rows are not used."""

    def __init__(self, estimator: Any) -> None:
        if not hasattr(estimator, "predict_proba"):
            raise UserError(f"model: {estimator} gives no probabilities (predict_proba); choose another, or set it to")
        self.estimator = estimator

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit on `train`; the seed is handed over where the estimator draws random numbers.

        Raises:
            UserError: the estimator refuses its settings, or cannot answer with them.
        """
        if "random_state" in self.estimator.get_params():
            self.estimator.set_params(random_state=seed)
        try:
            self.estimator.fit(train.x, train.y)
            self.estimator.predict_proba(train.x[:1])
        except ValueError as error:
            raise UserError(f"model: {self.estimator} on {len(train.y):,} training rows: {error}") from error

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities `(rows, classes)`, in slices."""
        starts = range(0, len(x), SCORING_ROWS)
        parts = [self.estimator.predict_proba(x[start : start + SCORING_ROWS]) for start in starts]
        return np.concatenate(parts).astype(np.float32)

    def parameters(self) -> None:
        """None: no count of theirs could be set beside a network's."""

    def save(self, folder: Path) -> None:
        """Write the estimator with skops, which runs no code when it is read.

        Raises:
            UserError: it holds types that `load` would refuse.
        """
        skops.io.dump(self.estimator, folder / FILE)
        if foreign := [name for name in _types(folder) if not name.startswith(TRUSTED)]:
            raise UserError(
                f"model: {type(self.estimator).__name__} cannot be kept without pickle: it holds {', '.join(foreign)}; "
                "write a Classifier of your own for it (iot_ids.models.classifier)"
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; a file that holds types from anywhere else than TRUSTED is refused by skops."""
        return cls(skops.io.load(folder / FILE, trusted=[name for name in _types(folder) if name.startswith(TRUSTED)]))


def _types(folder: Path) -> list[str]:
    """The types in the kept estimator that skops does not trust by itself."""
    return [str(name) for name in skops.io.get_untrusted_types(file=folder / FILE)]
