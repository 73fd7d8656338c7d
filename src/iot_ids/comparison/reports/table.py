"""The report `table`: every method and the constant answer, ranked by macro-F1."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iot_ids.comparison.loading import RunTable, load_runs
from iot_ids.comparison.method_scores import RANKED_BY, Row, difference, joint_draws, scored
from iot_ids.comparison.render import cells, page, table
from iot_ids.comparison.render import console as shown
from iot_ids.comparison.render.latex import latex
from iot_ids.comparison.render.methods_text import latex_paragraph, paragraph
from iot_ids.comparison.render.page import Report
from iot_ids.comparison.render.plots import forest
from iot_ids.comparison.spec import Compare
from iot_ids.comparison.stats.seeds import Estimate, holm
from iot_ids.metrics.metrics import measures
from iot_ids.tracking import Store


def rows(gathered: RunTable, replicates: int, seed: int) -> list[Row]:
    """Rank every method and the constant answer by macro-F1; `replicates` and `seed` are those of the bootstrap."""
    joint = joint_draws(gathered, replicates, seed)
    of = {method.name: scored(gathered, method, joint, replicates, seed) for method in gathered.methods}
    best = max(gathered.methods, key=lambda method: of[method.name].scores[RANKED_BY].mean)
    differences = {
        method.name: found
        for method in gathered.methods
        if method is not best and (found := difference(gathered, method, best, joint, seed)) is not None
    }
    corrected_p = holm({name: found.p for name, found in differences.items() if found.p is not None})
    ranked = [replace(row, difference=differences.get(row.name), p=corrected_p.get(row.name)) for row in of.values()]
    return sorted([*ranked, constant(gathered)], key=lambda row: -row.scores[RANKED_BY].mean)


def constant(gathered: RunTable) -> Row:
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


def make(stores: dict[str, Store], settings: Compare, copies: Path) -> tuple[Store, Report]:
    """Compare all methods that `settings` choose.

    Raises:
        UserError: nothing is left to compare, or the runs do not belong in one table.
    """
    store, gathered = load_runs(stores, settings, copies)
    ranked = rows(gathered, settings.replicates, settings.seed)
    files = {
        "table.md": lambda path: cells.write_text(path, table.markdown(gathered, ranked)),
        "table.csv": lambda path: cells.write_csv(path, table.csv(gathered, ranked)),
        "table.tex": lambda path: cells.write_text(path, latex(gathered, ranked)),
        "methods.txt": lambda path: cells.write_text(path, paragraph(gathered, ranked)),
        "methods.tex": lambda path: cells.write_text(path, latex_paragraph(gathered, ranked)),
        "forest.png": lambda path: forest(gathered, ranked, path),
    }
    place = page.folder(gathered.first, settings)
    return store, Report(gathered.runs, place, lambda console: shown.show(gathered, ranked, console), files)
