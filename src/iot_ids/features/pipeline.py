"""Outlier removal, encoding, selection and scaling: fitted on the training rows, then applied to any rows."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common import registry
from iot_ids.common.errors import UserError
from iot_ids.common.typed_json import read_json, require
from iot_ids.data.label import CLASS
from iot_ids.features.encode import Encoder
from iot_ids.features.scalers import Scaler

FILE = "pipeline.json"
Scores = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]
Rule = Callable[[NDArray[np.float32]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Selection:
    """The encoded columns that vary on the training rows, their scores (NaN without a selector), and which are kept."""

    names: list[str]
    scores: NDArray[np.float64]
    selected: NDArray[np.bool_]

    @property
    def scored(self) -> bool:
        """Return whether there are scores; `selector=all` gives none."""
        return not bool(np.isnan(self.scores).all())

    def table(self) -> pl.DataFrame:
        """Return the table of `selected_features.csv`: feature, score, selected; best first."""
        table = pl.DataFrame({"feature": self.names, "score": self.scores, "selected": self.selected})
        return table.sort("score", descending=True, maintain_order=True, nulls_last=True)


@dataclass
class Facts:
    """The content of `pipeline.json`."""

    numeric: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]
    scaler: str
    indicated: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Pipeline:
    """Fitted preprocessing: from typed flows to the model's input."""

    encoder: Encoder
    scaler: Scaler

    @property
    def names(self) -> list[str]:
        """Return the selected encoded columns, in the model's order."""
        return self.encoder.names

    def encode(self, flows: pl.DataFrame) -> NDArray[np.float32]:
        """Encode the selected columns without scaling: `(rows, features)`."""
        return np.ascontiguousarray(self.encoder.transform(flows))

    def transform(self, flows: pl.DataFrame) -> NDArray[np.float32]:
        """Compute the model's input: `(rows, features)`, float32. NaN where a number is missing."""
        return np.ascontiguousarray(self.scaler.transform(self.encoder.transform(flows)))

    def save(self, folder: Path) -> None:
        """Write `pipeline.json` and `pipeline.npz`."""
        facts = Facts(
            self.encoder.numeric,
            self.encoder.categories,
            registry.registered_name(type(self.scaler)),
            self.encoder.indicated,
        )
        (folder / FILE).write_text(json.dumps(asdict(facts), indent=1))
        np.savez(folder / "pipeline.npz", allow_pickle=False, **self.scaler.state())

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> "Pipeline":
        """Read what `save` wrote.

        Raises:
            UserError: the scaler is not one of ours, and `trust` does not name it.
            ValueError: the files do not match.
        """
        facts = read_json(folder / FILE, Facts)
        scaler: Scaler = registry.load_class(facts.scaler, registry.SCALERS, trust)()
        with np.load(folder / "pipeline.npz", allow_pickle=False) as arrays:
            scaler.restore(dict(arrays))
        pipeline = cls(Encoder(facts.numeric, facts.categories, facts.indicated), scaler)
        one = np.zeros((1, len(pipeline.names)), dtype=np.float32)
        require(np.shape(scaler.transform(one)) == one.shape, "pipeline.npz and pipeline.json have different columns")
        return pipeline


@dataclass(frozen=True)
class Fit:
    """A fitted pipeline, the selection of its columns, and the training rows kept by the outlier rule."""

    pipeline: Pipeline
    selection: Selection
    train: pl.DataFrame


def fit(
    train: pl.DataFrame,
    y: NDArray[np.int64],
    numeric: Sequence[str],
    categorical: Sequence[str],
    outliers: Rule | None,
    scores: Scores | None,
    k: int | None,
    scaler: Scaler,
    scaling_rows: pl.DataFrame | None = None,
    indicate: bool = False,
) -> Fit:
    """Fit on the training rows only: outlier rule, categories, selection and scaling, in this order.

    The one exception is explicit: the scaler learns from `scaling_rows` if they are given (see
    `iot_ids.experiment.leaks`).

    Selection comes before scaling: Pearson's r is invariant under min-max scaling, and chi-square scales its own copy.
    Columns that are constant on the training rows are never selected. Of the others, the `k` with the highest scores
    are kept, ties in column order; all of them if `k` or `scores` is None. With `indicate`, missing numbers of `train`
    get indicators (`Encoder.indicated`); the outlier rule sees them as NaN.

    Raises:
        UserError: every column is constant, `k` is below 1 or exceeds the columns that vary, or the outlier rule leaves
            a class without rows.
    """
    if outliers is not None:
        kept = outliers(Encoder(tuple(numeric), ()).transform(train))
        check_classes_remain(train, kept)
        train, y = train.filter(pl.Series(kept)), y[kept]
    encoder = Encoder.fit(train, numeric, categorical, indicate)
    x, names = _varying(encoder.transform(train), encoder.names)
    selection = _select(x, y, names, len(encoder.names) - len(names), scores, k)
    pipeline = Pipeline(
        encoder.only([name for name, kept in zip(names, selection.selected, strict=True) if kept]), scaler
    )
    scaler.fit(_columns(x, selection.selected) if scaling_rows is None else pipeline.encode(scaling_rows))
    return Fit(pipeline, selection, train)


def _varying(x: NDArray[np.float32], names: Sequence[str]) -> tuple[NDArray[np.float32], list[str]]:
    """Return the non-constant columns of `x` and their names, compacted in place since `x` may be large."""
    varies = x.max(axis=0) > x.min(axis=0)
    if not varies.any():
        raise UserError(
            f"all {len(names)} columns are constant on the {len(x):,} training rows: there is nothing to learn from"
        )
    kept = np.flatnonzero(varies)
    for to, at in enumerate(kept):
        if to != at:
            x[:, to] = x[:, at]
    return x[:, : len(kept)], [name for name, vary in zip(names, varies, strict=True) if vary]


def _columns(x: NDArray[np.float32], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    return x if chosen.all() else x[:, chosen]


def _select(
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    names: list[str],
    constant: int,
    scores: Scores | None,
    k: int | None,
) -> Selection:
    if scores is None:
        return Selection(names, np.full(len(names), np.nan), np.ones(len(names), dtype=np.bool_))
    k = len(names) if k is None else k
    if not 1 <= k <= len(names):
        raise UserError(
            f"selector.k={k}: there are {len(names)} encoded columns that vary on the training rows "
            f"({constant} more are constant); choose 1 to {len(names)}, or selector=all"
        )
    score = scores(x, y)
    if np.shape(score) != (len(names),):
        raise UserError(
            f"the selector's function gives scores of shape {np.shape(score)}, not ({len(names)},), "
            "one for each of the columns that vary; see docs/extending.md"
        )
    selected = np.zeros(len(names), dtype=np.bool_)
    selected[np.argsort(-score, kind="stable")[:k]] = True
    return Selection(names, score, selected)


def check_classes_remain(train: pl.DataFrame, kept: NDArray[np.bool_]) -> None:
    """Raise a UserError if a class has no training row among those `kept`, a mask `(rows,)`."""
    lost = set(train[CLASS].unique()) - set(train.filter(pl.Series(kept))[CLASS].unique())
    if lost:
        raise UserError(
            f"the outlier rule drops every training row of {', '.join(sorted(map(repr, lost)))} "
            f"({(~kept).sum():,} of {len(kept):,} rows in all); use outliers=none, or a wider rule"
        )
