"""Prove that an exported detector answers as the kept one does, before its file appears.

Rows of the run, and made-up ones that are hard: missing and infinite numbers, unknown categories, values next to those
of the run and halfway between them (where trees and scalers change their answer), huge and tiny ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.gateway.detector import Answers
from iot_ids.serving.detector import Detector

TOLERANCE = 1e-5
"""Of probabilities."""
SCORE_TOLERANCE = 1e-4
"""Of attack scores, in log-odds, as a share of scores above 1: flows closer to the limit may fall on either side."""
DENORMAL = 85
"""Scores beyond come from probabilities that float32 holds with few digits."""
MOST_AMBIGUOUS = 0.2
HARD_ROWS = 2_000
EXTREMES = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-300, 1e-40, 1e-9, 65_535.0, 4_294_967.295, 1e10, 1e41, -1e41)
STRANGE = ("", "never seen", "-", "0", "missing", "TCP", "ü")


@dataclass(frozen=True)
class Flows:
    """Rows as an exported detector takes them: see `iot_ids.gateway.detector.Detector.answer`."""

    numbers: NDArray[np.float64]
    texts: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Parity:
    """The rows compared, how many of them are the run's own, and the largest difference of a probability."""

    rows: int
    of_the_run: int
    largest: float
    ambiguous: int
    """Rows left out because the model's own answer is arbitrary there: neighbours at equal distance."""


def as_flows(detector: Detector, frame: pl.DataFrame) -> Flows:
    """Convert typed rows, in which null is a missing number and NaN is none."""
    encoder = detector.pipeline.encoder
    numbers = np.empty((frame.height, len(encoder.numbers)))
    for at, name in enumerate(encoder.numbers):
        numbers[:, at] = frame[name].cast(pl.Float64).fill_nan(np.inf).fill_null(np.nan).to_numpy()
    texts = np.empty((frame.height, len(encoder.texts)), dtype=object)
    for at, name in enumerate(encoder.texts):
        texts[:, at] = frame[name].cast(pl.String).fill_null("").to_numpy()
    return Flows(numbers, texts)


def as_frame(detector: Detector, flows: Flows) -> pl.DataFrame:
    """Convert back to raw columns, as a file would hold them."""
    encoder = detector.pipeline.encoder
    numbers = {name: pl.Series(flows.numbers[:, at]).fill_nan(None) for at, name in enumerate(encoder.numbers)}
    texts = {name: pl.Series(flows.texts[:, at], dtype=pl.String) for at, name in enumerate(encoder.texts)}
    return pl.DataFrame(numbers | texts)


def hard_rows(base: Flows, rows: int = HARD_ROWS, seed: int = 0) -> Flows:
    """Draw from `base`, then move a third of the numbers onto borders, and make one cell of every other row strange."""
    random = np.random.default_rng(seed)
    drawn, strange = random.integers(0, len(base), rows), random.random(rows) < 0.5
    numbers, texts = base.numbers[drawn], base.texts[drawn]
    for at in range(numbers.shape[1]):
        moved = np.flatnonzero(random.random(rows) < 1 / 3)
        numbers[moved, at] = random.choice(_borders(base.numbers[:, at]), len(moved))
    for row in np.flatnonzero(strange):
        at = int(random.integers(0, numbers.shape[1] + texts.shape[1]))
        if at < numbers.shape[1]:
            numbers[row, at] = random.choice(EXTREMES)
        else:
            texts[row, at - numbers.shape[1]] = random.choice(STRANGE)
    return Flows(numbers, texts)


def _borders(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a column's values, their float32 neighbours, and the middles between them."""
    own = np.unique(values[np.isfinite(values)].astype(np.float32))
    if not len(own):
        return np.zeros(1)
    up, down = np.nextafter(own, np.float32(np.inf)), np.nextafter(own, np.float32(-np.inf))
    return np.concatenate([own, up, down, (own[1:] + own[:-1]) / 2]).astype(np.float64)


def concatenated(*parts: Flows) -> Flows:
    """Return the rows of all parts."""
    return Flows(np.concatenate([part.numbers for part in parts]), np.concatenate([part.texts for part in parts]))


def compare(detector: Detector, answer: Callable[[Flows], Answers], flows: Flows, of_the_run: int) -> Parity:
    """Compare the kept detector with an exported one on `flows`, whose first rows are those of the run.

    Raises:
        UserError: they differ; the message shows the worst row.
    """
    kept, found = detector.probabilities(as_frame(detector, flows)), answer(flows)
    definite = certain(detector, flows)
    if (share := 1 - definite.mean()) > MOST_AMBIGUOUS:
        raise UserError(
            f"not exported: {share:.0%} of {len(flows):,} flows have no definite answer (neighbours at equal "
            f"distance), and another computation gives another one; more than {MOST_AMBIGUOUS:.0%} are refused. Take "
            "another scaler, or another model"
        )
    differences = np.abs(np.nan_to_num(kept, nan=-1.0) - np.nan_to_num(found.probabilities, nan=-1.0)).max(axis=1)
    wrong = {"probabilities": differences > TOLERANCE}
    ordered = np.sort(np.nan_to_num(kept), axis=1)
    lead = ordered[:, -1] - (ordered[:, -2] if kept.shape[1] > 1 else 0)
    wrong["answers"] = (lead > 2 * TOLERANCE) & (kept.argmax(axis=1) != found.code)
    scores, limit = detector.attack_scores(kept), detector.alarm_limit
    if scores is not None and found.score is not None:
        size = np.maximum(1, np.abs(scores))
        allowed = size * np.where(size < DENORMAL, SCORE_TOLERANCE, 1e-2)
        wrong["attack scores"] = np.abs(scores - found.score) > allowed
    if found.alarm is not None and scores is not None and limit is not None:
        near = SCORE_TOLERANCE * max(1.0, abs(limit))
        wrong["alarms"] = (np.abs(scores - limit) > near) & ((scores > limit) != found.alarm)
    for what, rows in wrong.items():
        _refuse(detector, flows, differences, definite & rows, what)
    return Parity(len(flows), of_the_run, float(differences[definite].max(initial=0)), int((~definite).sum()))


def certain(detector: Detector, flows: Flows) -> NDArray[np.bool_]:
    """Return whether each flow has a definite answer; a model whose answers may be arbitrary has `ambiguous(x)`."""
    if not hasattr(detector.model, "ambiguous"):
        return np.ones(len(flows), dtype=np.bool_)
    x = detector.transform(as_frame(detector, flows))
    complete, found = np.isfinite(x).all(axis=1), np.zeros(len(x), dtype=np.bool_)
    if complete.any():
        found[complete] = detector.model.ambiguous(x[complete])
    return ~found


def _refuse(
    detector: Detector, flows: Flows, differences: NDArray[np.floating], wrong: NDArray[np.bool_], what: str
) -> None:
    if not wrong.any():
        return
    worst = int(np.argmax(np.where(wrong, differences, -1)))
    row = as_frame(detector, flows).row(worst, named=True)
    raise UserError(
        f"not exported: {what} of {int(wrong.sum()):,} of {len(flows):,} flows differ from the kept detector's, the "
        f"worst by {differences[worst]:.2g} on {', '.join(f'{name}={cell!r}' for name, cell in row.items())}. That is "
        "a fault of iot-ids, or of the method to_onnx of a class of yours; please report it"
    )
