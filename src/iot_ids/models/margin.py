"""scikit-learn's classifiers that answer with margins instead of probabilities: support vector machines."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from iot_ids.kept import read, require
from iot_ids.models.classical import Classical
from iot_ids.models.classifier import Report, Table

FILE = "margin.json"
RANGE = (-5.0, 5.0)
"""Of the logarithm of the sharpness: classes that never meet would have it grow without end."""


@dataclass
class Facts:
    """What `margin.json` says."""

    sharpness: float


class Margin(Classical):
    """The probabilities are the softmax of the decision values times one number, the sharpness.

    The sharpness is chosen on validation for the smallest log-loss (temperature scaling, Guo et al. 2017): it makes the
    probabilities as bold as they are right, and leaves their order, so that the most probable class is the
    estimator's own answer.
    """

    answer = "decision_function"
    sharpness = 1.0

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit the estimator on `train`, then the sharpness on `validation`.

        Raises:
            UserError: the estimator refuses its settings.
        """
        self.learn(train, seed)
        margins, rows = self._margins(validation.x), np.arange(len(validation.y))

        def log_loss(exponent: float) -> float:
            return float(-log_softmax(np.exp(exponent) * margins, axis=1)[rows, validation.y].mean())

        self.sharpness = float(np.exp(minimize_scalar(log_loss, bounds=RANGE, method="bounded").x))

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class probabilities `(rows, classes)`."""
        return softmax(self.sharpness * self._margins(x), axis=1).astype(np.float32)  # type: ignore[no-any-return]

    def _margins(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Decision values `(rows, classes)`; of two classes scikit-learn gives only the second one's."""
        values = self.answers(x)
        return values if values.ndim == 2 else np.column_stack([np.zeros(len(values)), values])

    def save(self, folder: Path) -> None:
        """Write the estimator with skops, and the sharpness."""
        super().save(folder)
        (folder / FILE).write_text(json.dumps({"sharpness": self.sharpness}))

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote."""
        classifier, facts = super().load(folder, trust), read(folder / FILE, Facts)
        require(facts.sharpness > 0, f"{FILE}: sharpness is {facts.sharpness}, and has to be above 0")
        classifier.sharpness = facts.sharpness
        return classifier
