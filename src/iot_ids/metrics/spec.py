"""The typed schema behind `conf/evaluate/`."""

from dataclasses import dataclass


@dataclass
class Evaluate:
    """How a detector is judged."""

    name: str
    replicates: int
    """Bootstrap replicates behind the interval of macro-F1."""
    false_positive_rate: float
    """Which share of validation's normal flows the threshold of the operating point may call attacks."""
    flows_per_day: int
    """How many flows a day has, all of them normal, for `operating/alerts_per_day`."""
