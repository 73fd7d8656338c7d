"""The typed schema behind `conf/evaluate/`."""

from dataclasses import dataclass


@dataclass
class Evaluate:
    """How a detector is judged."""

    name: str
    replicates: int
    """Bootstrap replicates behind the interval of macro-F1."""
