"""What is counted of attempts, and how long they go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

KINDS = ("lost", "running", "doubled", "silent", "traceback", "hung", "leftover")
SHOWN = 20
Fault = tuple[str, str]
"""One of KINDS, and what was seen."""


@dataclass
class Tally:
    """The attempts of one attack and their faults; `examples` are the first, each with the seed that makes it again."""

    what: str
    aim: int
    tried: int = 0
    faults: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """What the attempts took, without the first, which prepares what all need."""

    def count(self, found: list[Fault], seed: str) -> None:
        """Count one attempt: a kind of fault counts once, however often it was seen in it."""
        self.tried += 1
        for kind, said in dict(reversed(found)).items():
            self.faults[kind] += 1
            if len(self.examples) < SHOWN:
                self.examples.append(f"{seed}: {kind}: {said[:300]}")


@dataclass(frozen=True)
class Attack:
    """Attempts of one kind: each takes its own random numbers, and says which faults it found."""

    what: str
    aim: int
    attempt: Callable[[Random], list[Fault]]


def pursue(attack: Attack, seed: int, numbers: range, seconds: float = float("inf")) -> Tally:
    """Make the attempts with these numbers, or as many as there is time for; equal seeds make equal ones."""
    tally = Tally(attack.what, attack.aim)
    for number in numbers:
        if tally.seconds > seconds:
            break
        start, name = time.monotonic(), f"{attack.what}/{seed}/{number}"
        tally.count(attack.attempt(Random(name)), name)
        tally.seconds += time.monotonic() - start if number else 0.0
    return tally


def added(tally: Tally, more: Tally) -> Tally:
    """Both together."""
    faults = {kind: tally.faults[kind] + more.faults[kind] for kind in KINDS}
    return Tally(
        what=tally.what,
        aim=tally.aim,
        tried=tally.tried + more.tried,
        faults=faults,
        examples=(tally.examples + more.examples)[:SHOWN],
        seconds=tally.seconds + more.seconds,
    )
