"""The table as numbers: a row per method, each measure with its interval, ranked by macro-F1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iot_ids.comparison import bootstrap
from iot_ids.comparison.claims import claimed
from iot_ids.comparison.gathering import Gathered, Method
from iot_ids.comparison.measures import measures
from iot_ids.comparison.statistics import Difference, Estimate, corrected, corrected_difference, holm
from iot_ids.evaluate.intervals import wilson

RANKED_BY = "f1_macro"
SIGNIFICANT = 0.05
Draws = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Row:
    """A method's scores as shares. `difference` to the best is None for the best itself; `p` is Holm-corrected."""

    name: str
    seeds: Sequence[int]
    scores: Mapping[str, Estimate]
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    parameters: int | None = None
    tuned: str = ""
    claim: str = ""
    difference: Difference | None = None
    p: float | None = None
    constant: bool = False

    @property
    def star(self) -> str:
        """A star where the difference to the best is significant after Holm's correction."""
        return "*" if self.p is not None and self.p < SIGNIFICANT else ""


def rows(gathered: Gathered, replicates: int, seed: int) -> list[Row]:
    """Every method and the constant answer, the best macro-F1 first.

    Args:
        gathered: the methods.
        replicates: of the bootstrap, where it is used.
        seed: of that bootstrap.
    """
    joint = None if gathered.answers is None else _draws(gathered, gathered.answers, replicates, seed)
    of = {method.name: _row(gathered, method, joint, replicates, seed) for method in gathered.methods}
    best = max(gathered.methods, key=lambda method: of[method.name].scores[RANKED_BY].mean)
    differences = {
        method.name: found
        for method in gathered.methods
        if method is not best and (found := _difference(gathered, method, best, joint, seed)) is not None
    }
    corrected_p = holm({name: found.p for name, found in differences.items() if found.p is not None})
    judged = [replace(row, difference=differences.get(row.name), p=corrected_p.get(row.name)) for row in of.values()]
    return sorted([*judged, constant(gathered)], key=lambda row: -row.scores[RANKED_BY].mean)


def constant(gathered: Gathered) -> Row:
    """What answering the largest class of the test rows scores, averaged over the splits."""
    matrices = np.stack([constant_matrix(record.matrix) for record in gathered.by_seed.values()])
    scores = measures(matrices, gathered.classes, gathered.normal)
    largest = gathered.classes[int(matrices.sum(axis=(0, 2)).argmax())]
    means = {name: Estimate(float(np.nanmean(values))) for name, values in scores.items() if not np.isnan(values).all()}
    return Row(f"constant answer ({largest})", [], means, constant=True)


def constant_matrix(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """The confusion matrix of answering the largest class to the same rows: `(classes, classes)` like `matrix`."""
    counts = matrix.sum(axis=1)
    answered = np.zeros_like(matrix)
    answered[:, counts.argmax()] = counts
    return answered


def _draws(gathered: Gathered, answers: bootstrap.Answers, replicates: int, seed: int) -> Draws:
    """Every measure on test rows drawn again: `(replicates, runs)`."""
    chunks = [
        measures(matrices, gathered.classes, gathered.normal)
        for matrices in bootstrap.resampled(answers, replicates, seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _row(gathered: Gathered, method: Method, joint: Draws | None, replicates: int, seed: int) -> Row:
    observed = _observed(gathered, method)
    if joint is None and len(method.records) == 1:
        alone = bootstrap.of_matrix(method.records[0].matrix)
        joint, columns = _draws(gathered, alone, replicates, seed), [0]
    else:
        columns = list(method.columns)
    scores: dict[str, Estimate] = {}
    for name, values in observed.items():
        if np.isnan(values).all():
            continue
        if joint is None:
            lowest = -1.0 if name == "mcc" else 0.0
            found = corrected(values[~np.isnan(values)].tolist(), _test_to_train(method), lowest, 1.0)
        else:
            found = bootstrap.percentiles(float(np.mean(values)), bootstrap.over_seeds(joint[name][:, columns], seed))
        scores[name] = _widened(gathered, method, name, found)
    return replace(_description(method), scores=scores)


def _description(method: Method) -> Row:
    """What is said of a method besides its scores."""
    parameters, metrics = method.parameters, [record.run.metrics for record in method.records]

    def mean(name: str) -> float | None:
        there = [each[name] for each in metrics if name in each]
        return float(np.mean(there)) if there else None

    size = mean("model/parameters")
    tuned = {record.run.tags.get("tuned", "false") for record in method.records}
    return Row(
        method.name,
        method.seeds,
        {},
        fit_seconds=mean("time/fit_seconds"),
        predict_seconds=mean("time/predict_seconds"),
        parameters=None if size is None else round(size),
        tuned="partly" if len(tuned) > 1 else "yes" if tuned == {"true"} else "no",
        claim=claimed(parameters.get("model.name", ""), parameters.get("selector.name", "")),
    )


def _observed(gathered: Gathered, method: Method) -> dict[str, NDArray[np.float64]]:
    """Every measure of every seed, `(seeds,)`."""
    return measures(np.stack([record.matrix for record in method.records]), gathered.classes, gathered.normal)


def _test_to_train(method: Method) -> float:
    metrics = [record.run.metrics for record in method.records]
    return float(np.mean([each["data/test_rows"] / each["data/train_rows"] for each in metrics]))


def _widened(gathered: Gathered, method: Method, name: str, found: Estimate) -> Estimate:
    """A share that never varied has the Wilson interval of one split's rows: always right is not surely right."""
    if found.high - found.low > 1e-9:
        return found
    counts = method.records[0].matrix.sum(axis=1)
    normal = gathered.classes.index(gathered.normal) if gathered.normal else 0
    rows_behind = {
        "accuracy": counts.sum(),
        "detection_rate": counts.sum() - counts[normal],
        "false_positive_rate": counts[normal],
        **{f"recall/{label}": counts[code] for code, label in enumerate(gathered.classes)},
    }
    if name not in rows_behind:
        return found
    total = int(rows_behind[name])
    return Estimate(found.mean, *wilson(round(found.mean * total), total))


def _difference(gathered: Gathered, method: Method, best: Method, joint: Draws | None, seed: int) -> Difference | None:
    """On the seeds that both have; None where there is none, or only one and its split is not everybody's."""
    common = sorted(set(method.seeds) & set(best.seeds))
    if not common or (joint is None and len(common) < 2):
        return None
    places = [[each.seeds.index(at) for at in common] for each in (method, best)]
    scores, top = (_observed(gathered, each)[RANKED_BY][at] for each, at in zip((method, best), places, strict=True))
    if joint is None:
        return corrected_difference(scores.tolist(), top.tolist(), _test_to_train(method))
    mine, its = (
        joint[RANKED_BY][:, [each.columns[place] for place in at]]
        for each, at in zip((method, best), places, strict=True)
    )
    return bootstrap.paired_difference(float(np.mean(scores - top)), mine, its, seed)
