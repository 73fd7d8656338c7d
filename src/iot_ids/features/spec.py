"""The typed schemas behind `conf/outliers/`, `conf/selector/`, `conf/scaler/` and `conf/adapt/`."""

from dataclasses import dataclass
from typing import Annotated

from iot_ids.common.bounds import Between


@dataclass
class NoOutliers:
    """No rows are dropped."""

    name: str


@dataclass
class Iqr:
    """Bounds from quartiles; by default, both learned from and applied to training rows only."""

    name: str
    _target_: str
    factor: Annotated[float, Between(0, 1e20)]
    """Interquartile ranges that a number may lie outside the quartiles."""
    before_split: bool = False
    """A shortcut of the paper: bounds from all rows, including test rows, and rows dropped from all parts."""


@dataclass
class AllFeatures:
    """Every column that is not constant on the training rows."""

    name: str


@dataclass
class ScoredSelector:
    """The `k` columns with the highest scores."""

    name: str
    _target_: str
    k: Annotated[int, Between(1)]
    """Number of encoded columns to keep."""


@dataclass
class Scaler:
    """A scaler without further settings."""

    name: str
    _target_: str
    before_split: bool = False
    """A shortcut of the paper: the scaler is fitted on all rows, including test rows."""


@dataclass
class Adaptation:
    """How unlabelled flows of another network may adapt the detector before it is evaluated on them."""

    name: str
    scaler: bool
    """Whether the scaler is refitted on them."""
    threshold: bool
    """Whether attacks are flows above Otsu's threshold of their scores instead of above one half."""

    @property
    def on(self) -> bool:
        """Return whether anything is adapted."""
        return self.scaler or self.threshold


SELECTED_BY, COUNTS = ("pearson", "chi_square"), (5, 10, 20)
SELECTIONS: dict[str, tuple[str, int | None]] = {
    "all": ("all", None),
    **{f"{selector}_{k}": (selector, k) for selector in SELECTED_BY for k in COUNTS},
}
"""The choices of the group `selection`: a selector and its `k` in one word, which a multirun varies together."""
