"""How methods are told apart in a picture: by colour and by the shape of the marker, twice over."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from iot_ids.comparison.statistics import Estimate
from iot_ids.evaluate.canvas import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def style(place: int) -> tuple[str, str]:
    """Colour and marker of the method at `place`: 56 methods before two look alike."""
    return COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]


def reaches(estimates: Sequence[Estimate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means in percent `(n,)` and how far their intervals reach down and up `(2, n)`; 0 without one."""
    scores = 100 * np.array([[each.mean, each.low, each.high] for each in estimates]).reshape(-1, 3)
    means, low, high = scores.T
    reach = np.stack([means - np.where(np.isnan(low), means, low), np.where(np.isnan(high), means, high) - means])
    return means, np.maximum(reach, 0)
