"""scikit-learn's classifiers with the same interface as the networks."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._forest import BaseForest

from iot_ids.common.errors import UserError
from iot_ids.common.onnx_graph import Graph
from iot_ids.models.classifier import Report, Table
from iot_ids.models.sklearn import skops_file, to_onnx

SCORING_ROWS = 65_536


class Classical:
    """A scikit-learn classifier. It has no epochs, so nothing is reported, and validation rows are not used."""

    answer = "predict_proba"
    """The estimator's method that `answers` calls."""

    def __init__(self, estimator: Any) -> None:
        if not hasattr(estimator, self.answer):
            raise UserError(
                f"model: {estimator} gives no probabilities ({self.answer}); choose another, or change its settings"
            )
        self.estimator = estimator

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit on `train`, passing the seed on if the estimator draws random numbers.

        Raises:
            UserError: the estimator rejects its settings, or cannot predict with them.
        """
        self.learn(train, seed)

    def learn(self, train: Table, seed: int) -> None:
        """Fit the estimator; subclasses build on this."""
        seeds = [name for name in self.estimator.get_params() if name.rpartition("__")[2] == "random_state"]
        self.estimator.set_params(**dict.fromkeys(seeds, seed))
        try:
            self.estimator.fit(train.x, train.y)
            self.answers(train.x[:1])
        except (ValueError, OverflowError) as error:
            raise UserError(f"model: {self.estimator} on {len(train.y):,} training rows: {error}") from error
        if isinstance(self.estimator, BaseForest):
            self.estimator.set_params(n_jobs=1)  # threads would sum the trees' votes in any order, changing digits

    def answers(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Call the estimator's method on `(rows, features)`, in slices."""
        ask = getattr(self.estimator, self.answer)
        return np.concatenate([ask(x[start : start + SCORING_ROWS]) for start in range(0, len(x), SCORING_ROWS)])

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute class probabilities `(rows, classes)`."""
        return self.answers(x).astype(np.float32)

    def parameters(self) -> None:
        """Return None: no count would be comparable to a network's."""

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add the estimator to an ONNX graph: float32 `(rows, features)` to probabilities.

        Raises:
            NotExportableError: there is no converter for it, or it is too large.
        """
        return to_onnx.probabilities(graph, x, self.estimator)

    def save(self, folder: Path) -> None:
        """Write the estimator with skops, which runs no code on reading.

        Raises:
            UserError: it contains types that `load` would reject.
        """
        skops_file.save(self.estimator, folder)

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote: a classifier that can score but not train.

        Raises:
            UserError: the file contains a class that is neither part of the shipped models nor in `trust`.
        """
        classifier = cls.__new__(cls)
        classifier.estimator = skops_file.load(folder, trust)
        return classifier


class MonotoneBoosting(Classical):
    """Histogram gradient boosting whose attack probability never decreases as a feature increases.

    It needs features for which larger values suggest an attack, as those of `scaler=share` do if attacks repeat
    themselves. `settings` are scikit-learn's.
    """

    def __init__(self, normal: int | None, **settings: Any) -> None:
        super().__init__(HistGradientBoostingClassifier(**settings))
        self.rises = 1 if normal_of_two("gradient_boosting_monotone", normal) == 0 else -1
        """scikit-learn's constraint is on the probability of class 1, which may be the normal one."""

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit on `train`.

        Raises:
            UserError: scikit-learn rejects the settings.
        """
        self.estimator.set_params(monotonic_cst=[self.rises] * train.x.shape[1])
        self.learn(train, seed)


def normal_of_two(model: str, normal: int | None) -> int:
    """Return the code of the normal class for a model that knows only normal flows and attacks.

    Raises:
        UserError: the label has no normal class, or more than one kind of attack.
    """
    if normal is None:
        raise UserError(
            f"model={model} separates normal flows from attacks and needs a label with these two classes: "
            "dataset.label=binary if the dataset has it"
        )
    return normal
