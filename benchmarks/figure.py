"""One measured figure: our values and the baseline's, taken in alternation, and their ratio."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """Values of `ours` and `theirs`, one each per round; `least` is the ratio required, `aim` the one desired."""

    what: str
    """Such as `GRU-64, 10 steps x 1 feature, batch 1,024`."""
    unit: str
    """Such as `samples/s`, `s`, `MiB`."""
    ours: list[float]
    opponent: str
    """Such as `Keras fit`."""
    theirs: list[float]
    more_is_better: bool
    least: float | None = None
    aim: float | None = None

    @property
    def ratio(self) -> float:
        """How many times better ours is: the median of the rounds' ratios."""
        return median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        """How many times better ours was, round by round."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return [ours / theirs if self.more_is_better else theirs / ours for ours, theirs in pairs]
