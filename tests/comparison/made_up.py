"""Run records that no training made: what a comparison reads, with truth planted."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iot_ids.comparison.loading import Record, RunTable, group
from iot_ids.comparison.stats import bootstrap
from iot_ids.metrics.metrics import measures
from iot_ids.tracking import KeptRun

CLASSES = ["Normal", "Flood", "Scan"]
ROWS = (60, 300, 40)
COUNT = count()


def kept(
    model: str = "gru",
    seed: int = 0,
    *,
    matrix: NDArray[np.int64] | None = None,
    parameters: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    without: Sequence[str] = (),
    **others: Any,
) -> KeptRun:
    """A run as the store gives it; `parameters` and `tags` replace some, `without` names metrics that it lacks."""
    given = {
        "dataset.name": "mine",
        "dataset.title": "Greenhouse flows",
        "dataset.label": "category",
        "dataset.labels.category.normal": "Normal",
        "dataset.labels.category.classes.Normal": '["Normal"]',
        "dataset.duplicates": "distinct",
        "split.name": "random",
        "split.test": "0.2",
        "selector.name": "all",
        "scaler.name": "minmax",
        "model.name": model,
        "seed": str(seed),
        **(parameters or {}),
    }
    words = {
        "data.origin": "published",
        "data.sha256": "a" * 64,
        "data.test_sha256": "a" * 64,
        "protocol": "clean",
        "tuned": "false",
        "git.commit": "c0ffee",
        "config.fingerprint": f"{model}-{given['selector.name']}",
        **(tags or {}),
    }
    counts = np.diag(ROWS) if matrix is None else matrix
    metrics = {f"test/{name}": float(value) for name, value in measures(counts, CLASSES, "Normal").items()}
    metrics |= {
        "test/majority_accuracy": counts.sum(axis=1).max() / counts.sum(),
        "data/train_rows": 1280.0,
        "data/validation_rows": 320.0,
        "data/test_rows": float(counts.sum()),
        "time/fit_seconds": 1.5,
        "time/predict_seconds": 0.25,
    }
    info: dict[str, Any] = {"id": f"{model}{seed}".ljust(32, "0"), "status": "FINISHED", "start": 1000 + seed, **others}
    left = {name: value for name, value in metrics.items() if name not in without}
    return KeptRun(name=f"{model}-all-3-{seed}", parameters=given, tags=words, metrics=left, **info)


def answered(share: float, seed: int, rows: Sequence[int] = ROWS) -> NDArray[np.int64]:
    """A confusion matrix in which about `share` of every class is right and the rest goes to the next class."""
    draw = np.random.default_rng(seed)
    right = draw.binomial(rows, share)
    matrix = np.diag(right)
    for code, total in enumerate(rows):
        matrix[code, (code + 1) % len(rows)] = total - right[code]
    return matrix.astype(np.int64)


def records(shares: dict[str, float], seeds: Sequence[int], **others: Any) -> list[Record]:
    """Runs on random splits: a method per name, right with that chance."""
    return [
        Record(kept(model, seed, matrix=matrix, **others), matrix)
        for at, (model, share) in enumerate(shares.items())
        for seed in seeds
        for matrix in [answered(share, 1000 * at + seed)]
    ]


def on_random_splits(shares: dict[str, float], seeds: Sequence[int], **others: Any) -> RunTable:
    """Those runs, gathered."""
    return group(records(shares, seeds, **others), CLASSES, None)


def on_one_test_file(shares: dict[str, float], seeds: Sequence[int], rows: Sequence[int] = ROWS) -> RunTable:
    """Runs that answer the same test rows, each row right with the method's chance."""
    draw = np.random.default_rng(7)
    labels = np.repeat(np.arange(len(rows)), rows)
    them, columns = [], []
    for model, share in shares.items():
        for seed in seeds:
            predictions = np.where(draw.random(len(labels)) < share, labels, (labels + 1) % len(rows))
            matrix = np.zeros((len(rows), len(rows)), dtype=np.int64)
            np.add.at(matrix, (labels, predictions), 1)
            them.append(Record(kept(model, seed, matrix=matrix, parameters={"split.name": "official"}), matrix))
            columns.append(predictions)
    return group(them, CLASSES, bootstrap.of_rows(labels, np.column_stack(columns), len(rows)))


def at_threshold(
    model: str, seed: int, found: float, false: float, *, unseen: str | None = None, rows: int = 200, **others: Any
) -> KeptRun:
    """A binary run whose validation gave a threshold: it calls these shares of attacks and of normal flows attacks.

    With `unseen`, a value of `split.attack`, what is found are `rows` of that attack.
    """
    given = {
        "dataset.label": "binary",
        "dataset.labels.binary.normal": "Normal",
        "evaluate.false_positive_rate": "0.01",
    }
    if unseen is not None:
        given |= {"split.name": "unseen_attack", "split.attack": unseen}
    given |= others.pop("parameters", {})
    tags = {"config.fingerprint": f"{model}-{sorted(given.items())}"} | others.pop("tags", {})
    name = others.pop("id", f"{model}{seed}-{next(COUNT)}")
    run = kept(model, seed, parameters=given, tags=tags, id=name, **others)
    group = "operating" if unseen is None else "unseen"
    metrics = {f"{group}/detection_rate": found, f"{group}/false_positive_rate": false}
    if unseen is not None:
        metrics |= {"unseen/rows": rows, "unseen/test_normal_rows": 60, "unseen/validation_normal_rows": 120}
    return replace(run, metrics={**run.metrics, **metrics})
