"""The interface of every split: which rows train, which validate, which test. Nothing is fitted here.

A split's class is the schema of its YAML too, so it is imported before anything else is: its module imports NumPy and
Polars only when rows are divided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from iot_ids.common.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from iot_ids.data.schema import Dataset

LARGEST_SEED = 2**32 - 1
"""The largest seed that NumPy, PyTorch and scikit-learn all take."""


@dataclass(frozen=True)
class Parts:
    """Row positions of each part, ascending, disjoint."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass
class Split:
    """Settings of a split, and the method that divides the rows by them. docs/extending.md adds one.

    A subclass is a dataclass: its fields are the keys of its YAML, checked against their types. Fields called `test`
    and `validation` are shares.
    """

    name: str
    """The choice's name, by which runs are compared."""
    _target_: str = field(default="", kw_only=True)
    """The path of the class."""

    by_time = False
    """Whether each part is one stretch of time. Needs `dataset.columns.time`; a model may then read windows."""
    test_elsewhere = False
    """Whether the test rows are those of the dataset's official test file; `split` then leaves the test part empty."""
    stratified = True
    """False only where rows are drawn over all classes at once, one of the paper's shortcuts."""

    unused_rows = "left out by the split"
    """What `cleaning.json` calls the rows that are in no part."""

    @property
    def attack_label(self) -> str | None:
        """The key of `dataset.labels` that `left_out` names classes of; None where no class is left out."""
        return None

    def left_out(self, dataset: Dataset) -> list[str]:
        """Return the classes that are neither in train nor in validation, whose test rows are evaluated separately."""
        return []

    @property
    def shares(self) -> dict[str, float]:
        """The shares among the settings, by their keys in the configuration."""
        return {f"split.{part}": getattr(self, part) for part in ("validation", "test") if hasattr(self, part)}

    def check(self, dataset: Dataset, test_dataset: Dataset | None) -> None:
        """Raise a UserError where the settings do not suit the dataset, before any file is read."""

    def split(self, flows: pl.DataFrame, dataset: Dataset, seed: int) -> Parts:
        """Divide `flows`; rows in no part are left out and counted.

        Args:
            flows: cleaned rows, in the order of the files; `iot_ids.data.label.CLASS` names the column of classes.
            dataset: its columns by role.
            seed: decides every draw: equal seeds give equal parts.

        Raises:
            UserError: the rows cannot be divided so.
        """
        raise NotImplementedError


def check_shares(split: Split) -> None:
    """Raise a UserError where one of the shares is not between 0 and 1."""
    for key, share in split.shares.items():
        check_share(key, share)


def check_share(key: str, share: float) -> None:
    """Raise a UserError where `share` is not between 0 and 1."""
    if not 0 < share < 1:
        raise UserError(f"{key}={share} must be between 0 and 1")


def check_seed(seed: int, key: str = "seed") -> None:
    """Raise a UserError where a random generator would not take the seed."""
    if not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"{key}={seed} is not between 0 and {LARGEST_SEED}")
