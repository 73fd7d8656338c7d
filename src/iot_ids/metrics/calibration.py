"""Whether probabilities mean what they say, and the one number that makes them: temperature scaling.

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
"""Of the temperature's logarithm, as wide as that of the sharpness in `models/sklearn/svm.py`."""
FLOOR = 1e-4
"""Added to every probability before its logarithm is taken, since trees and neighbours answer with a plain 0. Much
less, and few such mistakes call for a temperature that spoils every other row of theirs; much more, and the logarithms
of a network that is three times too bold are bent (both seen on halves of validation: learned on one, judged on the
other)."""
LEAK = 1e-4
"""The share of its slope that the logarithm keeps below the floor: what lies there differs by 1 % at most for it (at
a temperature of 1), and keeps its order, since a threshold may have to tell 1e-19 from 1e-20, as naive Bayes answers.
"""
SMALLEST = 1e-45
"""What a plain 0 counts as where a logarithm is taken: less than any float32 but 0."""


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
        """The expected calibration error: how far accuracy lies from confidence, on average over the rows."""
        there = self.count > 0
        gaps = np.abs(self.accuracy - self.confidence)[there]
        return float(np.average(gaps, weights=self.count[there]))


def best_temperature(probabilities: NDArray[np.floating], y: NDArray[np.integer]) -> float:
    """The temperature with the smallest log-loss on these rows: above 1 where the model was too bold.

    Each row is doubted by 1 in n + 2, spread over the classes, as in Platt's scaling: n rows without a mistake do not
    show that there is none, and the temperature of a perfect answer would fall without end.

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


def calibrated(probabilities: NDArray[np.float32], temperature: float, shift: float = 0.0) -> NDArray[np.float32]:
    """The probabilities at a temperature, `(rows, classes)`; the most probable class stays, 1 changes nothing.

    Where there are two classes, the second one's log-odds may then be shifted, which moves the border between them.
    Rows of NaN stay NaN.
    """
    if temperature == 1 and not shift:
        return probabilities
    logits = _logits(probabilities) / temperature
    if shift:
        logits[:, 1] += shift
    answers: NDArray[np.float32] = softmax(logits, axis=1).astype(np.float32)
    best = (logits if shift else probabilities).argmax(axis=1)
    (lost,) = np.nonzero(answers.argmax(axis=1) != best)  # a lead too small for the last digit of a float32
    answers[lost, best[lost]] = np.nextafter(answers[lost].max(axis=1), np.float32(2))
    return answers


def shift_to_even(probabilities: NDArray[np.float64], temperature: float) -> float:
    """The shift that makes even odds of these probabilities of two classes, `(2,)`, at a temperature."""
    first, second = _logits(probabilities) / temperature
    return float(first - second)


def bins(probabilities: NDArray[np.floating], y: NDArray[np.integer]) -> Bins:
    """The bins behind a reliability plot. A confidence on the border of two bins counts to the lower one.

    Args:
        probabilities: `(rows, classes)`.
        y: class codes, `(rows,)`; a code that has no column is never met.
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
    below = np.log(np.clip(exact, SMALLEST, FLOOR) / FLOOR)  # 0 from the floor on
    logits: NDArray[np.float64] = np.log(exact + FLOOR) + LEAK * below
    return logits
