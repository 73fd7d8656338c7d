"""K nearest neighbours, ten times as fast with the extra `fast` (scikit-learn-intelex)."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from iot_ids.common.errors import UserError
from iot_ids.common.onnx_graph import Graph, NotExportableError
from iot_ids.common.typed_json import read_json, require
from iot_ids.models.classifier import Report, Table
from iot_ids.models.sklearn import to_onnx
from iot_ids.models.sklearn.adapter import Classical

FILE = "neighbours.json"
ROWS = "neighbours.npz"
MOST_EXPORTED = 20_000
"""Training rows in an exported file: 160 MB for 1,024 flows at a time, and a millisecond for each."""


@dataclass
class Facts:
    """The content of `neighbours.json`."""

    n_neighbors: int
    weights: str
    n_jobs: int


class NeighboursClassifier(Classical):
    """K nearest neighbours. The training rows and the settings are saved; either implementation can read them.

    Both give the same predictions, except when the k-th neighbour ties with the next one in distance: then either may
    be used.
    """

    def __init__(self, n_neighbors: int, weights: str, n_jobs: int) -> None:
        self.settings: dict[str, Any] = {"n_neighbors": n_neighbors, "weights": weights, "n_jobs": n_jobs}
        super().__init__(implementation()(**self.settings))

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Index the training rows.

        Raises:
            UserError: there are fewer rows than neighbours, or scikit-learn rejects the settings.
        """
        if self.settings["n_neighbors"] > len(train.y):
            raise UserError(
                f"model.n_neighbors={self.settings['n_neighbors']} is more than the {len(train.y):,} training rows"
            )
        self.learn(train, seed)
        self.train = train

    def ambiguous(self, x: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return whether the last neighbour that votes ties with the next one in distance, `(rows,)`."""
        k = self.settings["n_neighbors"]
        distances, _ = self.estimator.kneighbors(x, n_neighbors=min(k + 1, len(self.train.y)))
        last, following = distances[:, k - 1], distances[:, -1]
        return np.asarray((following - last <= 1e-6 * (1 + last)) & (distances.shape[1] > k))

    def to_onnx(self, graph: Graph, x: str) -> str:
        """Add the vote of the nearest training rows to an ONNX graph, which holds all of these.

        Raises:
            NotExportableError: there are too many, or nearer ones count more.
        """
        rows = len(self.train.y)
        if rows > MOST_EXPORTED:
            raise NotExportableError(
                f"k nearest neighbours compares each flow with all {rows:,} training rows; more than {MOST_EXPORTED:,} "
                "are too slow on a gateway, and take too much memory. Train on fewer rows, or with another model"
            )
        if self.settings["weights"] != "uniform":
            raise NotExportableError(f"model.weights={self.settings['weights']} is not exported; uniform is")
        return to_onnx.vote(graph, x, self.train.x, self.train.y, self.settings["n_neighbors"])

    def save(self, folder: Path) -> None:
        """Write the settings as JSON and the rows as npz."""
        (folder / FILE).write_text(json.dumps(self.settings))
        np.savez_compressed(folder / ROWS, x=self.train.x, y=self.train.y)

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote, and rebuild the index."""
        classifier = cls(**vars(read_json(folder / FILE, Facts)))
        with np.load(folder / ROWS, allow_pickle=False) as rows:
            classifier.train = Table(rows["x"], rows["y"])
        _refuse_broken(classifier.train)
        classifier.learn(classifier.train, seed=0)
        return classifier


def _refuse_broken(rows: Table) -> None:
    """Raise a ValueError if rows and classes are not numbers of equal length; fitting would explain less."""
    require(
        rows.x.dtype == np.float32 and rows.x.ndim == 2 and np.isfinite(rows.x).all(),
        f"{ROWS}: x is not a table of finite float32",
    )
    require(
        rows.y.dtype == np.int64 and rows.y.shape == (len(rows.x),), f"{ROWS}: y does not have one class per row of x"
    )


def implementation() -> Any:
    """Return scikit-learn-intelex's class if installed, else scikit-learn's."""
    if find_spec("sklearnex") is None:
        return KNeighborsClassifier
    from sklearnex.neighbors import KNeighborsClassifier as Fast

    return Fast
