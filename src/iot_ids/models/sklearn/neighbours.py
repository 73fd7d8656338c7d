"""K nearest neighbours, ten times as fast where the extra `fast` (scikit-learn-intelex) is installed."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from iot_ids.common.errors import UserError
from iot_ids.common.typed_json import read_json, require
from iot_ids.models.classifier import Report, Table
from iot_ids.models.sklearn.adapter import Classical

FILE = "neighbours.json"
ROWS = "neighbours.npz"


@dataclass
class Facts:
    """What `neighbours.json` says."""

    n_neighbors: int
    weights: str
    n_jobs: int


class NeighboursClassifier(Classical):
    """The training rows are the model; what is kept are they and the settings, and either implementation reads them.

    Both give the same answers, but where the last of the k neighbours is as far away as the next one: which of the two
    counts is chance.
    """

    def __init__(self, n_neighbors: int, weights: str, n_jobs: int) -> None:
        self.settings: dict[str, Any] = {"n_neighbors": n_neighbors, "weights": weights, "n_jobs": n_jobs}
        super().__init__(implementation()(**self.settings))

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Index the training rows.

        Raises:
            UserError: there are fewer than neighbours, or scikit-learn refuses the settings.
        """
        if self.settings["n_neighbors"] > len(train.y):
            raise UserError(
                f"model.n_neighbors={self.settings['n_neighbors']} is more than the {len(train.y):,} training rows"
            )
        self.learn(train, seed)
        self.train = train

    def save(self, folder: Path) -> None:
        """Write the settings as JSON and the rows as npz."""
        (folder / FILE).write_text(json.dumps(self.settings))
        np.savez_compressed(folder / ROWS, x=self.train.x, y=self.train.y)

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> Self:
        """Read what `save` wrote, and index the rows anew."""
        classifier = cls(**vars(read_json(folder / FILE, Facts)))
        with np.load(folder / ROWS, allow_pickle=False) as rows:
            classifier.train = Table(rows["x"], rows["y"])
        _refuse_broken(classifier.train)
        classifier.learn(classifier.train, seed=0)
        return classifier


def _refuse_broken(rows: Table) -> None:
    """Raise a ValueError where rows and classes are not numbers of one length; learning them would say less."""
    require(rows.x.dtype == np.float32 and rows.x.ndim == 2 and np.isfinite(rows.x).all(), f"{ROWS}: x is no table")
    require(rows.y.dtype == np.int64 and rows.y.shape == (len(rows.x),), f"{ROWS}: y has no class for each row of x")


def implementation() -> Any:
    """scikit-learn-intelex's class where it is installed, else scikit-learn's. Nothing else is exchanged."""
    if find_spec("sklearnex") is None:
        return KNeighborsClassifier
    from sklearnex.neighbors import KNeighborsClassifier as Fast

    return Fast
