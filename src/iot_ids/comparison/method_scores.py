"""One method's scores with their intervals, and its difference to another method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iot_ids.comparison.loading import Method, RunTable
from iot_ids.comparison.paper_claims import claimed
from iot_ids.comparison.stats import bootstrap
from iot_ids.comparison.stats.seeds import Difference, Estimate, corrected, corrected_difference
from iot_ids.metrics.intervals import wilson
from iot_ids.metrics.metrics import measures

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
    seen: float | None = None
    """Test rows whose features occur in train, averaged over the seeds; `seen_share`: as a share of all test rows."""
    seen_share: float | None = None
    tuned: str = ""
    claim: str = ""
    difference: Difference | None = None
    p: float | None = None
    constant: bool = False

    @property
    def star(self) -> str:
        """A star where the difference to the best is significant after Holm's correction."""
        return "*" if self.p is not None and self.p < SIGNIFICANT else ""


def joint_draws(gathered: RunTable, replicates: int, seed: int) -> Draws | None:
    """Return every measure of every run on resampled test rows, `(replicates, runs)`; None if the test rows differ."""
    return None if gathered.predictions is None else _draws(gathered, gathered.predictions, replicates, seed)


def scored(gathered: RunTable, method: Method, joint: Draws | None, replicates: int, seed: int) -> Row:
    """Return a method's scores with their intervals; `joint` is what `joint_draws` returned."""
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


def difference(
    gathered: RunTable, method: Method, reference: Method, joint: Draws | None, seed: int, measure: str = RANKED_BY
) -> Difference | None:
    """Subtract the reference's measure from the method's, on the seeds that both have; None if they share no seed.

    With one common seed there is an interval only if all runs have the same test rows.
    """
    common = sorted(set(method.seeds) & set(reference.seeds))
    if not common:
        return None
    places = [[each.seeds.index(at) for at in common] for each in (method, reference)]
    pairs = list(zip((method, reference), places, strict=True))
    scores, its = (_observed(gathered, each)[measure][at] for each, at in pairs)
    if joint is None:
        return corrected_difference(scores.tolist(), its.tolist(), _test_to_train(method))
    draws, its_draws = (joint[measure][:, [each.columns[place] for place in at]] for each, at in pairs)
    return bootstrap.paired_difference(float(np.mean(scores - its)), draws, its_draws, seed)


def _description(method: Method) -> Row:
    """Return everything about a method but its scores."""
    parameters, metrics = method.parameters, [record.run.metrics for record in method.records]

    def mean(name: str) -> float | None:
        there = [each[name] for each in metrics if name in each]
        return float(np.mean(there)) if there else None

    size, seen = mean("model/parameters"), "audit/test_rows_seen_in_train"
    shares = [each[seen] / each["data/test_rows"] for each in metrics if seen in each]
    tuned = {record.run.tags.get("tuned", "false") for record in method.records}
    return Row(
        method.name,
        method.seeds,
        {},
        fit_seconds=mean("time/fit_seconds"),
        predict_seconds=mean("time/predict_seconds"),
        parameters=None if size is None else round(size),
        seen=mean(seen),
        seen_share=float(np.mean(shares)) if shares else None,
        tuned="partly" if len(tuned) > 1 else "yes" if tuned == {"true"} else "no",
        claim=claimed(parameters.get("model.name", ""), parameters.get("selector.name", "")),
    )


def _draws(gathered: RunTable, predictions: bootstrap.Predictions, replicates: int, seed: int) -> Draws:
    """Return every measure on resampled test rows: `(replicates, runs)`."""
    chunks = [
        measures(matrices, gathered.classes, gathered.normal)
        for matrices in bootstrap.resampled(predictions, replicates, seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _observed(gathered: RunTable, method: Method) -> dict[str, NDArray[np.float64]]:
    """Return every measure of every seed, `(seeds,)`."""
    return measures(np.stack([record.matrix for record in method.records]), gathered.classes, gathered.normal)


def _test_to_train(method: Method) -> float:
    metrics = [record.run.metrics for record in method.records]
    return float(np.mean([each["data/test_rows"] / each["data/train_rows"] for each in metrics]))


def _widened(gathered: RunTable, method: Method, name: str, found: Estimate) -> Estimate:
    """Give a share that never varied the Wilson interval of one split's rows: always right so far is not certainty."""
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
