"""Measure and correct calibration: reliability bins, and temperature scaling.

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from iot_ids.metrics.intervals import wilson

BINS = 15
RANGE = (-5.0, 5.0)
"""Bounds of the temperature's logarithm, the same as for the sharpness in `models/sklearn/svm.py`."""
FLOOR = 1e-4
"""Added to every probability before taking its logarithm, since trees and neighbours return exact zeros. If it were
much smaller, a few such mistakes would demand a temperature that spoils all other rows; if much larger, the logits of a
network three times overconfident would be distorted (both observed by fitting on one half of validation and evaluating
on the other)."""
LEAK = 1e-4
"""The share of the logarithm's slope kept below the floor: it changes values there by 1 % at most (at temperature 1)
and preserves their order, since a threshold may have to separate 1e-19 from 1e-20, as naive Bayes returns.
"""
SMALLEST = 1e-45
"""Stands in for 0 where a logarithm is taken: smaller than any positive float32."""


@dataclass(frozen=True)
class Bins:
    """Rows by their confidence, the probability of the most probable class, in 15 bins of equal width.

    Each field is `(15,)`, from low to high confidence; an empty bin has a count of 0, and NaN elsewhere. `low` and
    `high` are the ends of accuracy's 95 % Wilson interval.
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between accuracy and confidence, weighted by rows."""
        filled = self.count > 0
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float(np.average(gaps, weights=self.count[filled]))


def fit_temperature(probabilities: NDArray[np.floating], y: NDArray[np.integer]) -> float:
    """Return the temperature with the smallest log-loss on these rows: above 1 if the model was overconfident.

    Labels are smoothed by 1 / (n + 2), spread over the classes, as in Platt scaling: n rows without a mistake do not
    prove that there is none, and without smoothing the temperature of a perfect model would fall without limit.

    Args:
        probabilities: of validation rows, `(rows, classes)`, without NaN. No rows give a temperature of 1.
        y: their class codes, `(rows,)`, each in `0 .. classes - 1`.
    """
    if not len(y):
        return 1.0
    logits, rows, doubt = _logits(probabilities), np.arange(len(y)), 1 / (len(y) + 2)

    def log_loss(exponent: float) -> float:
        answers = log_softmax(logits / np.exp(exponent), axis=1)
        return float(-(1 - doubt) * answers[rows, y].mean() - doubt * answers.mean())

    return float(np.exp(minimize_scalar(log_loss, bounds=RANGE, method="bounded").x))


def calibrate(probabilities: NDArray[np.float32], temperature: float, shift: float = 0.0) -> NDArray[np.float32]:
    """Rescale probabilities `(rows, classes)` by a temperature, keeping the most probable class; 1 changes nothing.

    With two classes, the log-odds of the second may then be shifted, which moves the decision boundary. Rows of NaN
    stay NaN.
    """
    if temperature == 1 and not shift:
        return probabilities
    logits = _logits(probabilities) / temperature
    if shift:
        logits[:, 1] += shift
    answers: NDArray[np.float32] = softmax(logits, axis=1).astype(np.float32)
    best = (logits if shift else probabilities).argmax(axis=1)
    (lost,) = np.nonzero(answers.argmax(axis=1) != best)  # a lead lost in rounding to float32
    answers[lost, best[lost]] = np.nextafter(answers[lost].max(axis=1), np.float32(2))
    return answers


def shift_to_even(probabilities: NDArray[np.float64], temperature: float) -> float:
    """Return the shift that turns these probabilities of two classes, `(2,)`, into even odds at a temperature."""
    first, second = _logits(probabilities) / temperature
    return float(first - second)


def bins(probabilities: NDArray[np.floating], y: NDArray[np.integer]) -> Bins:
    """Compute the bins of a reliability diagram. A confidence on the edge of two bins counts in the lower one.

    Args:
        probabilities: `(rows, classes)`.
        y: class codes, `(rows,)`; a code without a column never counts as correct.
    """
    confidence, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == y
    places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    count = np.bincount(places, minlength=BINS)
    hits, total = (np.bincount(places, weights, BINS) for weights in (right, confidence))
    rows = np.where(count > 0, count, np.nan)
    low, high = np.array([wilson(int(hit), int(of)) for hit, of in zip(hits, count, strict=True)]).T
    return Bins(count, total / rows, hits / rows, low, high)


def _logits(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    exact = probabilities.astype(np.float64)
    below = np.log(np.clip(exact, SMALLEST, FLOOR) / FLOOR)  # 0 at and above the floor
    logits: NDArray[np.float64] = np.log(exact + FLOOR) + LEAK * below
    return logits
