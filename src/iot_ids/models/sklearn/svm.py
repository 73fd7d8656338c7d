"""Support vector machines: linear, with an RBF kernel approximated (Nystroem), and exact."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from iot_ids.common.errors import UserError
from iot_ids.common.onnx_graph import Graph, NotExportableError
from iot_ids.common.typed_json import read_json, require
from iot_ids.models.classifier import Report, Table
from iot_ids.models.sklearn import to_onnx
from iot_ids.models.sklearn.adapter import Classical

FILE = "margin.json"
RANGE = (-5.0, 5.0)
"""Bounds of the sharpness's logarithm: for separable classes it would grow without limit."""


@dataclass
class Facts:
    """The content of `margin.json`."""

    sharpness: float


class Margin(Classical):
    """A classifier whose probabilities are the softmax of its decision values times one number, the sharpness.

    The sharpness minimises the log-loss on validation (temperature scaling, Guo et al. 2017): it calibrates the
    probabilities and preserves their order, so that the most probable class is the estimator's own prediction.
    """

    answer = "decision_function"
    sharpness = 1.0

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit the estimator on `train`, then the sharpness on `validation`.

        Raises:
            UserError: the estimator rejects its settings.
        """
        self.learn(train, seed)
        margins, rows = self._margins(validation.x), np.arange(len(validation.y))

        def log_loss(exponent: float) -> float:
            return float(-log_softmax(np.exp(exponent) * margins, axis=1)[rows, validation.y].mean())

        self.sharpness = float(np.exp(minimize_scalar(log_loss, bounds=RANGE, method="bounded").x))

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute class probabilities `(rows, classes)`."""
        return softmax(self.sharpness * self._margins(x), axis=1).astype(np.float32)  # type: ignore[no-any-return]

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add the decision values times the sharpness, and their softmax, to an ONNX graph."""
        margins = to_onnx.linear(graph, graph.cast(x, np.float64), self.estimator)
        sharp = graph.node("Mul", margins, graph.constant(self.sharpness, np.float64))
        return graph.cast(graph.node("Softmax", sharp, axis=1), np.float32)

    def _margins(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute decision values `(rows, classes)`; for two classes scikit-learn returns only those of the second."""
        values = self.answers(x)
        return values if values.ndim == 2 else np.column_stack([np.zeros(len(values)), values])

    def save(self, folder: Path) -> None:
        """Write the estimator with skops, and the sharpness."""
        super().save(folder)
        (folder / FILE).write_text(json.dumps({"sharpness": self.sharpness}))

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote."""
        classifier, facts = super().load(folder, trust), read_json(folder / FILE, Facts)
        require(facts.sharpness > 0, f"{FILE}: sharpness is {facts.sharpness}, and must be above 0")
        classifier.sharpness = facts.sharpness
        return classifier


class NystroemSvm(Margin):
    """A linear SVM on Nystroem features of the RBF kernel (Williams and Seeger 2001).

    Time grows linearly with the rows. `C` and `gamma` mean the same as for the exact SVM.
    """

    def __init__(self, C: float, gamma: float | str, components: int, epochs: int, class_weight: str | None) -> None:  # noqa: N803
        if not C > 0:
            raise UserError(f"model.C={C} must be above 0")
        if isinstance(gamma, str) and gamma != "scale":
            raise UserError(f"model.gamma={gamma} is neither a number nor scale")
        self.C = C
        self.gamma = gamma
        self.components = components
        machine = SGDClassifier(loss="hinge", average=True, max_iter=epochs, class_weight=class_weight)
        super().__init__(make_pipeline(Nystroem(kernel="rbf"), machine))

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Set the parameters that depend on the training rows, then fit.

        Raises:
            UserError: scikit-learn rejects the settings.
        """
        rows, features = train.x.shape
        gamma = 1 / (features * float(train.x.var())) if self.gamma == "scale" else self.gamma
        self.estimator.set_params(
            nystroem__gamma=gamma,
            nystroem__n_components=min(self.components, rows),
            sgdclassifier__alpha=1 / (self.C * rows),
        )
        super().fit(train, validation, classes, seed, report)

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Refuse: scikit-learn's float32 kernel is not reproduced to 1e-5 elsewhere (observed: 7e-3)."""
        raise NotExportableError(
            "model=svm_rbf: scikit-learn computes its kernel in float32 and multiplies it by large weights, so that "
            "other software gives probabilities up to 0.01 apart; export model=svm, or a network"
        )


class ExactSvm(Margin):
    """The exact RBF SVM. Its time grows with the square of the rows, so more than `max_rows` are refused."""

    def __init__(self, C: float, gamma: float | str, max_rows: int, class_weight: str | None) -> None:  # noqa: N803
        self.max_rows = max_rows
        super().__init__(SVC(C=C, gamma=gamma, class_weight=class_weight, break_ties=True))

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit, if there are at most `max_rows` rows.

        Raises:
            UserError: there are too many, or scikit-learn rejects the settings.
        """
        if len(train.y) > self.max_rows:
            raise UserError(
                f"the exact RBF SVM takes time quadratic in the rows, and {len(train.y):,} training rows are "
                f"more than model.max_rows={self.max_rows}: use model=svm_rbf, which approximates the kernel, or raise "
                "model.max_rows"
            )
        super().fit(train, validation, classes, seed, report)

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Refuse: a file would hold every support vector, and take as long for a flow as there are."""
        raise NotExportableError(
            "model=svm_exact compares each flow with every support vector, thousands of them; export model=svm, or a "
            "network"
        )

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote: a classifier that can score but not train."""
        classifier = super().load(folder, trust)
        _refuse_broken(classifier.estimator)
        return classifier


def _refuse_broken(machine: Any) -> None:
    """Raise a ValueError if an SVM's arrays have the wrong lengths, which libsvm does not check."""
    vectors, classes = len(machine.support_vectors_), len(machine.classes_)
    lengths = {
        "support_vectors_": (vectors, machine.n_features_in_),
        "support_": (vectors,),
        "_n_support": (classes,),
        "_dual_coef_": (classes - 1, vectors),
        "_intercept_": (classes * (classes - 1) // 2,),
    }
    for name, shape in lengths.items():
        require(getattr(machine, name).shape == shape, f"estimator.skops: {name} does not have the shape {shape}")
    require(
        machine._n_support.min() >= 0 and machine._n_support.sum() == vectors,
        "estimator.skops: _n_support does not add up to the support vectors",
    )
