"""An isolation forest: trained only on normal flows, so it knows no particular attack."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import IsolationForest

from iot_ids.common.errors import UserError
from iot_ids.common.onnx_graph import Graph
from iot_ids.common.typed_json import read_json, require
from iot_ids.models.classifier import Report, Table
from iot_ids.models.sklearn import to_onnx
from iot_ids.models.sklearn.adapter import Classical, normal_of_two

FILE = "isolation.json"
HAIR = 1e-5
"""How far, in spreads, the threshold lies above the score it was chosen at, so that equal scores stay normal."""


@dataclass
class Facts:
    """The content of `isolation.json`."""

    normal: int
    threshold: float
    spread: float


class IsolationClassifier(Classical):
    """Separates normal flows from attacks by the anomaly score of Liu et al. 2008.

    A flow with a score above the threshold is an attack; this holds for `false_positive_rate` of validation's normal
    flows. The attack probability is a logistic function of the score, one half at the threshold, scaled by the spread
    of those scores: it ranks like the anomaly score, but is not a calibrated probability. The detector's temperature
    brings it closer to one, without moving the threshold.
    """

    answer = "score_samples"

    def __init__(self, n_estimators: int, max_samples: int, false_positive_rate: float, normal: int | None) -> None:
        if not 0 < false_positive_rate < 1:
            raise UserError(f"model.false_positive_rate={false_positive_rate} must be between 0 and 1")
        super().__init__(IsolationForest(n_estimators=n_estimators, max_samples=max_samples))
        self.false_positive_rate = false_positive_rate
        self.normal = normal_of_two("isolation_forest", normal)

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit on the normal rows of `train`; set the threshold on the normal rows of `validation`.

        Raises:
            UserError: one of the two has no normal rows, or scikit-learn rejects the settings.
        """
        normal, held_out = train.x[train.y == self.normal], validation.x[validation.y == self.normal]
        if not (len(normal) and len(held_out)):
            raise UserError(
                f"model=isolation_forest learns from normal flows; there are {len(normal)} of them to train on and "
                f"{len(held_out)} to set the threshold on"
            )
        self.estimator.set_params(max_samples=min(self.estimator.max_samples, len(normal)))
        self.learn(Table(normal, np.full(len(normal), self.normal)), seed)
        scores = -self.answers(held_out)
        self.spread = float(scores.std()) or 1.0
        self.threshold = float(np.quantile(scores, 1 - self.false_positive_rate)) + HAIR * self.spread

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute probabilities `(rows, 2)` of the two classes, in the order of their codes."""
        attack = expit((-self.answers(x) - self.threshold) / self.spread)
        columns = [1 - attack, attack] if self.normal == 0 else [attack, 1 - attack]
        return np.column_stack(columns).astype(np.float32)

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add the forest's score and its logistic function to an ONNX graph."""
        score = to_onnx.isolation_scores(graph, x, self.estimator)
        above = graph.node("Sub", score, graph.constant(self.threshold, np.float64))
        attack = graph.node("Sigmoid", graph.node("Div", above, graph.constant(self.spread, np.float64)))
        both = to_onnx.second_of_two(graph, attack)
        return graph.cast(both if self.normal == 0 else graph.columns(both, [1, 0]), np.float32)

    def save(self, folder: Path) -> None:
        """Write the forest with skops, and the rest as JSON."""
        super().save(folder)
        facts = Facts(self.normal, self.threshold, self.spread)
        (folder / FILE).write_text(json.dumps(asdict(facts)))

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote: a classifier that can score but not train."""
        classifier, facts = super().load(folder, trust), read_json(folder / FILE, Facts)
        require(
            facts.normal in (0, 1) and facts.spread > 0,
            f"{FILE}: {facts} is invalid: normal must be 0 or 1, spread > 0",
        )
        classifier.normal, classifier.threshold, classifier.spread = facts.normal, facts.threshold, facts.spread
        return classifier
