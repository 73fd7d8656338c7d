"""A threshold without labels: where scores fall into two groups.

Source: N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on Systems, Man, and
Cybernetics 9 (1979) 62-66; here on the scores themselves, without a histogram.
"""

import numpy as np
from numpy.typing import NDArray


def cut(scores: NDArray[np.float64]) -> float:
    """The middle between the two neighbouring scores that part them into the groups farthest from each other.

    That is the largest variance between the groups, each mean weighed by its rows; the lowest of equals. Scores that
    are all the same have no two groups: then it is their value, and nothing lies above it.

    Args:
        scores: at least one, `(rows,)`.
    """
    ascending = np.sort(scores)
    rows, below = len(ascending), np.arange(1, len(ascending))
    if ascending[0] == ascending[-1]:
        return float(ascending[0])
    sums = np.cumsum(ascending)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / (rows - below)
    at = int(np.argmax(below * (rows - below) * apart**2))
    return float((ascending[at] + ascending[at + 1]) / 2)
