"""Audit a dataset for what makes scores too good: repeated rows, columns or row order that give the class away.

Contradicting labels, which cap every score, are counted as well.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight

from iot_ids.metrics.audit_text import sentences
from iot_ids.metrics.confusion import confusion_matrix, f1_macro

GIVEAWAY = 0.95
"""A single column with at least this macro-F1 is flagged: no flow counter should separate all classes on its own."""
TREE_ROWS = 20_000
QUANTILES = 100


def audit(
    *,
    train_x: NDArray[np.float32],
    train_y: NDArray[np.integer],
    test_x: NDArray[np.float32],
    test_y: NDArray[np.integer],
    train: pl.DataFrame,
    validation: pl.DataFrame,
    validation_y: NDArray[np.integer],
    row_id: str,
    identifiers: Collection[str],
    identifiers_allowed: bool,
    windowed: bool,
    contradicting_labels: int,
    classes: int,
    seed: int,
) -> dict[str, Any]:
    """Run every check below and return the findings in one dictionary, ready for `json.dumps`.

    Args:
        train_x: the train rows as the model sees them, `(rows, features)`.
        train_y: their class codes, `(rows,)`.
        test_x: the test rows as the model sees them, `(test rows, features)`.
        test_y: their class codes. Labels serve only to count contradictions.
        train: the raw columns of the train rows, features and identifiers, and `row_id`; its rows are those of
            `train_y`.
        validation: the same columns of the validation rows.
        validation_y: class codes of the validation rows.
        row_id: the column of `train` that holds a row's position in the files.
        identifiers: the columns of `train` that identify flows; they are not features unless allowed.
        identifiers_allowed: whether they were offered as features, which the sentences then mention.
        windowed: whether the model also reads preceding flows, which are not compared here.
        contradicting_labels: rows that are normal by one label and an attack by another, as counted by cleaning.
        classes: the number of classes.
        seed: of the sample behind the single-column trees.

    Returns:
        Counts, shares and the two score tables (best column first). No row counts both as seen and as nearly seen.
        `row_order_f1` is the score of `row_id` by itself; contradictions are counted over train and test rows together;
        `flagged` names the columns, identifiers included, that reach 0.95 by themselves; `sentences` states in plain
        language what a reader must know, and is empty if nothing was found.
    """
    scores = single_column_f1(train, train_y, validation, validation_y, classes, seed)
    row_order = scores.pop(row_id)
    ranked = dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
    vectors, rows = contradictions(np.concatenate([train_x, test_x]), np.concatenate([train_y, test_y]))
    seen = seen_in_train(train_x, test_x)
    nearly = in_a_cell_of_train(train_x, test_x) - seen
    findings = {
        "test_rows": len(test_x),
        "test_rows_seen_in_train": seen,
        "share_seen": seen / max(len(test_x), 1),
        "test_rows_nearly_seen_in_train": nearly,
        "share_nearly_seen": nearly / max(len(test_x), 1),
        "row_order_f1": row_order,
        "single_feature_f1": {name: score for name, score in ranked.items() if name not in identifiers},
        "identifier_f1": {name: score for name, score in ranked.items() if name in identifiers},
        "flagged": [name for name, score in ranked.items() if score >= GIVEAWAY],
        "contradicting_vectors": vectors,
        "contradicting_rows": rows,
        "contradicting_labels": contradicting_labels,
    }
    return findings | {
        "sentences": sentences(findings, len(train_x) + len(test_x), classes, identifiers_allowed, windowed)
    }


def seen_in_train(train: NDArray[np.float32], test: NDArray[np.float32]) -> int:
    """Count the test rows that also occur in train, with all selected features exactly equal; labels are ignored.

    Args:
        train: `(rows, features)`; -0.0 equals 0.0, and NaN equals NaN.
        test: `(test rows, features)`. A vector that occurs in it n times counts n times.

    Raises:
        ValueError: the numbers of features differ.
    """
    _check_features(train, test)
    known = _vectors(train)
    return _vectors(test).join(known, on=known.columns, how="semi").height


def in_a_cell_of_train(train: NDArray[np.float32], test: NDArray[np.float32]) -> int:
    """Count the test rows that nearly equal a train row: in every feature, both lie in the same cell.

    Each feature is cut at the 0th, 1st, ... 100th percentile of its train values. A cell reaches from one of these,
    excluded, to the next, included; the smallest train value has a cell of its own, and so have the values below it and
    those above the largest; so the two values of a flag never share one. Cells of fixed width would put nearly all
    values of a heavy-tailed counter into one.

    Args:
        train: `(rows, features)`, finite; at least one row if there are test rows.
        test: `(test rows, features)`, finite. A vector that occurs in it n times counts n times.

    Raises:
        ValueError: the numbers of features differ.
    """
    _check_features(train, test)
    if not len(test):
        return 0
    places = np.linspace(0, len(train) - 1, QUANTILES + 1).round().astype(np.int64)
    cells: tuple[dict[str, NDArray[np.uint8]], ...] = ({}, {})
    for feature in range(train.shape[1]):
        known = np.ascontiguousarray(train[:, feature])
        cuts = np.sort(known)[places]
        for part, values in zip(cells, (known, test[:, feature]), strict=True):
            part[str(feature)] = (np.searchsorted(cuts, values) + (values >= cuts[0])).astype(np.uint8)
    occupied, asked = (pl.DataFrame(part) for part in cells)
    return asked.join(occupied, on=occupied.columns, how="semi").height


def contradictions(x: NDArray[np.float32], y: NDArray[np.integer]) -> tuple[int, int]:
    """Count equal flows with different labels: no model can get all of them right.

    Args:
        x: `(rows, features)`; -0.0 equals 0.0, and NaN equals NaN.
        y: class codes, `(rows,)`.

    Returns:
        The number of distinct feature vectors with more than one label, and of rows with such a vector.
    """
    vectors = _vectors(x)
    labelled = vectors.with_columns(pl.Series("label", y))
    mixed = (
        labelled.group_by(vectors.columns)
        .agg(labels=pl.col("label").n_unique(), rows=pl.len())
        .filter(pl.col("labels") > 1)
    )
    return mixed.height, int(mixed["rows"].sum())


def single_column_f1(
    train: pl.DataFrame,
    train_y: NDArray[np.integer],
    validation: pl.DataFrame,
    validation_y: NDArray[np.integer],
    classes: int,
    seed: int,
) -> dict[str, float]:
    """Measure how well each single column separates the classes: macro-F1 of a small decision tree on validation rows.

    Validation rows, because test rows are read only once, for the result. The tree has at most 32 leaves and balanced
    class weights, and learns from at most 20,000 train rows, drawn as evenly over the classes as their sizes allow: a
    proportional sample would keep two of twenty Theft rows and miss the column that gives them away.

    Args:
        train: raw columns. Numbers are replaced by their ranks, so that no identifier below 2^53 loses digits; a
            missing number ranks below all others. Texts are replaced by their position among the sorted values of the
            sampled train rows; unseen and missing ones share a code. A constant column scores like a constant answer.
        train_y: class codes, `(rows,)`.
        validation: the same columns.
        validation_y: class codes of its rows.
        classes: the number of classes.
        seed: of the sample and of the tree.

    Returns:
        Macro-F1 per column, in the order of `train`'s columns.
    """
    chosen = _even_draw(train_y, TREE_ROWS, seed)
    sample, sample_y = train[chosen], train_y[chosen]
    weights = compute_sample_weight("balanced", sample_y)  # once, not once per tree
    scores = {}
    for name in train.columns:
        learned, asked = _codes(sample[name], validation[name])
        tree = DecisionTreeClassifier(max_leaf_nodes=32, random_state=seed)
        answers = tree.fit(learned, sample_y, weights).predict(asked)
        scores[name] = f1_macro(confusion_matrix(validation_y, answers, classes))
    return scores


def _check_features(train: NDArray[np.float32], test: NDArray[np.float32]) -> None:
    if train.shape[1] != test.shape[1]:
        raise ValueError(f"train has {train.shape[1]} features and test has {test.shape[1]}.")


def _vectors(x: NDArray[np.float32]) -> pl.DataFrame:
    """Return the rows as a frame to join and group by; Polars treats -0.0 and 0.0, and NaN and NaN, as equal."""
    return pl.from_numpy(x, schema=[f"feature_{column}" for column in range(x.shape[1])])


def _even_draw(y: NDArray[np.integer], limit: int, seed: int) -> NDArray[np.int64]:
    """Return sorted positions of at most `limit` rows: rare classes whole, the others sharing the rest evenly."""
    shuffled = np.random.default_rng(seed).permutation(len(y))
    labels, sizes = np.unique(y, return_counts=True)
    chosen: list[NDArray[np.int64]] = []
    room = limit
    for served, position in enumerate(np.argsort(sizes, kind="stable")):
        quota = room // (len(labels) - served)
        chosen.append(shuffled[y[shuffled] == labels[position]][:quota])
        room -= len(chosen[-1])
    return np.sort(np.concatenate(chosen))


def _codes(train: pl.Series, validation: pl.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Encode both columns as numbers a tree can split, `(rows, 1)`; -1 is missing, or a text unseen in train."""
    if train.dtype.is_numeric() or train.dtype.is_temporal():
        return _ranks(train, validation)
    train, validation = train.cast(pl.String), validation.cast(pl.String)
    names = pl.Enum(train.drop_nulls().unique().sort())
    learned, asked = (
        column.cast(names, strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy().astype(np.float64)
        for column in (train, validation)
    )
    return learned[:, None], asked[:, None]


def _ranks(train: pl.Series, validation: pl.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rank values among the distinct train values, interpolating in between so that a split halves the same gap."""
    learned, asked = (
        np.clip(column.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy(), -1e300, 1e300)
        for column in (train, validation)
    )
    values = np.unique(learned[~np.isnan(learned)])
    if not len(values):
        values = np.zeros(1)
    places = np.arange(len(values), dtype=np.float64)
    learned, asked = (
        np.where(np.isnan(column), -1.0, np.interp(column, values, places)) for column in (learned, asked)
    )
    return learned[:, None], asked[:, None]
