"""scikit-learn's classifiers, behind the same four verbs as the networks."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._forest import BaseForest

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Report, Table
from iot_ids.models.sklearn import skops_file

SCORING_ROWS = 65_536


class Classical:
    """A scikit-learn classifier. It learns in one go, so nothing is reported, and validation rows are not used."""

    answer = "predict_proba"
    """The estimator's method that `answers` asks."""

    def __init__(self, estimator: Any) -> None:
        if not hasattr(estimator, self.answer):
            raise UserError(f"model: {estimator} gives no probabilities ({self.answer}); choose another, or set it to")
        self.estimator = estimator

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit on `train`; the seed is handed over where the estimator draws random numbers.

        Raises:
            UserError: the estimator refuses its settings, or cannot answer with them.
        """
        self.learn(train, seed)

    def learn(self, train: Table, seed: int) -> None:
        """`fit`, for subclasses that go on from there."""
        seeds = [name for name in self.estimator.get_params() if name.rpartition("__")[2] == "random_state"]
        self.estimator.set_params(**dict.fromkeys(seeds, seed))
        try:
            self.estimator.fit(train.x, train.y)
            self.answers(train.x[:1])
        except (ValueError, OverflowError) as error:
            raise UserError(f"model: {self.estimator} on {len(train.y):,} training rows: {error}") from error
        if isinstance(self.estimator, BaseForest):
            self.estimator.set_params(n_jobs=1)  # threads would add up the trees' votes in any order, to other digits

    def answers(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """What the estimator's method says of `(rows, features)`, in slices."""
        ask = getattr(self.estimator, self.answer)
        return np.concatenate([ask(x[start : start + SCORING_ROWS]) for start in range(0, len(x), SCORING_ROWS)])

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities `(rows, classes)`."""
        return self.answers(x).astype(np.float32)

    def parameters(self) -> None:
        """None: no count of theirs could be set beside a network's."""

    def save(self, folder: Path) -> None:
        """Write the estimator with skops, which runs no code when it is read.

        Raises:
            UserError: it holds types that `load` would refuse.
        """
        skops_file.save(self.estimator, folder)

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote: a classifier that can score, not train.

        Raises:
            UserError: the file holds a class that is not among those of the shipped models and not in `trust`.
        """
        classifier = cls.__new__(cls)
        classifier.estimator = skops_file.load(folder, trust)
        return classifier
