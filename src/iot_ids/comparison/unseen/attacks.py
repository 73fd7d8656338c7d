"""Which attacks a run left out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from iot_ids.track import KeptRun


@dataclass(frozen=True)
class Unseen:
    """The attacks that training did not see; several are a family, left out together. None: the mean over attacks."""

    attacks: tuple[str, ...]

    @property
    def words(self) -> str:
        """As the table's rows are called."""
        if not self.attacks:
            return "mean over single attacks"
        return f"family {' + '.join(self.attacks)}" if self.family else self.attacks[0]

    @property
    def family(self) -> bool:
        """Whether several were left out together, so that none could teach another."""
        return len(self.attacks) > 1


MEAN = Unseen(())


def unseen(run: KeptRun) -> Unseen:
    """What `split.attack` of the run names: a class, or a list of classes as JSON."""
    named = run.parameters["split.attack"]
    return Unseen(tuple(sorted(json.loads(named)) if named.startswith("[") else [named]))


def by_attack(runs: Sequence[KeptRun]) -> dict[Unseen, dict[int, KeptRun]]:
    """Runs of one method, by attack and seed, seeds ascending."""
    found: dict[Unseen, dict[int, KeptRun]] = {}
    for run in sorted(runs, key=lambda run: int(run.parameters["seed"])):
        found.setdefault(unseen(run), {})[int(run.parameters["seed"])] = run
    return found


def common_seeds(groups: Sequence[dict[int, KeptRun]]) -> list[int]:
    """The seeds that all groups have, ascending; none where there is no group."""
    return sorted(set.intersection(*map(set, groups))) if groups else []
