"""The typed schemas behind `conf/outliers/`, `conf/selector/`, `conf/scaler/` and `conf/adapt/`."""

from dataclasses import dataclass


@dataclass
class NoOutliers:
    """Nothing is dropped."""

    name: str


@dataclass
class Iqr:
    """Bounds from quartiles, by default those of the training rows, which alone lose rows by them."""

    name: str
    _target_: str
    factor: float
    """How many interquartile ranges outside the quartiles a number may lie."""
    before_split: bool = False
    """A shortcut of the paper: bounds from all rows, test rows among them, and all parts lose rows by them."""


@dataclass
class AllFeatures:
    """Every column that is not constant on the training rows."""

    name: str


@dataclass
class ScoredSelector:
    """The `k` columns with the highest scores."""

    name: str
    _target_: str
    k: int
    """Encoded columns to keep."""


@dataclass
class Scaler:
    """A scaler without settings of its own."""

    name: str
    _target_: str
    before_split: bool = False
    """A shortcut of the paper: the scale is learned from all rows, test rows among them."""


@dataclass
class Adaptation:
    """What another network's flows may change, without their labels, before the detector is judged on them."""

    name: str
    scaler: bool
    """Whether the scaler is fitted on them anew."""
    threshold: bool
    """Whether a flow is an attack above Otsu's cut of their scores, not above one half."""

    @property
    def on(self) -> bool:
        """Whether anything is changed."""
        return self.scaler or self.threshold


SELECTED_BY, COUNTS = ("pearson", "chi_square"), (5, 10, 20)
SELECTIONS: dict[str, tuple[str, int | None]] = {
    "all": ("all", None),
    **{f"{selector}_{k}": (selector, k) for selector in SELECTED_BY for k in COUNTS},
}
"""The choices of the group `selection`: a selector and its `k` in one word, which a multirun varies together."""
