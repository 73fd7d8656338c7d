"""The typed schemas behind `conf/outliers/`, `conf/selector/` and `conf/scaler/`."""

from dataclasses import dataclass


@dataclass
class NoOutliers:
    """Nothing is dropped."""

    name: str


@dataclass
class Iqr:
    """Bounds from the training rows' quartiles."""

    name: str
    _target_: str
    factor: float
    """How many interquartile ranges outside the quartiles a number may lie."""


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
    """A scaler without settings."""

    name: str
    _target_: str
