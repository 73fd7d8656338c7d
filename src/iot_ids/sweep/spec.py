"""The typed schema behind `conf/hydra/sweeper/optuna.yaml`."""

from dataclasses import dataclass, field
from typing import Any

from iot_ids.common.errors import UserError
from iot_ids.config import LARGEST_SEED

OBJECTIVES = {
    "val/f1_macro": "maximize",
    "val/loss": "minimize",
    "model/parameters": "minimize",
    "time/fit_seconds": "minimize",
    "time/predict_seconds": "minimize",
}
"""What a trial can be judged by, and which way is better. In a sweep, `predict` means the validation rows."""


@dataclass
class SweepSettings:
    """`hydra.sweeper.*`: how many trials, proposed and cut short by what, kept where."""

    _target_: str
    params: dict[str, Any] = field(default_factory=dict)
    """The search space, in Hydra's override grammar; what is typed on the command line counts before it."""
    n_trials: int = 40
    """Of the whole study: started again, it runs what is missing."""
    study_name: str | None = None
    """Derived from configuration, data and space unless given, so that the same command goes on."""
    storage: str = "mlruns/optuna.journal"
    """A file (Optuna's journal), `sqlite:///FILE`, or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`."""
    sampler: Any = "tpe"
    """`tpe`, `random`, `grid`, or any of Optuna's by `_target_`."""
    pruner: Any = "median"
    """`median`, `hyperband`, `none`, or any of Optuna's by `_target_`."""
    objectives: list[str] = field(default_factory=lambda: ["val/f1_macro"])
    """What is optimised: one, or several that pull apart. The best is the best by the first."""
    max_failure_rate: float = 0.25
    """Of `n_trials`: when more have failed, the sweep stops."""
    final_seeds: Any = 5
    """The best and the untuned configuration are trained and tested with so many seeds; 0: not at all; or a list."""

    @property
    def directions(self) -> list[str]:
        """Optuna's word for each objective."""
        return [OBJECTIVES[name] for name in self.objectives]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the final runs."""
        return list(range(self.final_seeds)) if isinstance(self.final_seeds, int) else list(self.final_seeds)


def check(settings: SweepSettings) -> None:
    """Refuse what no sweep can be run with.

    Raises:
        UserError: the key, its value, and what it may be.
    """
    if settings.n_trials < 1:
        raise UserError(f"hydra.sweeper.n_trials={settings.n_trials} has to be at least 1")
    if not 0 <= settings.max_failure_rate <= 1:
        raise UserError(f"hydra.sweeper.max_failure_rate={settings.max_failure_rate} is no share between 0 and 1")
    _check_objectives(settings.objectives)
    seeds = settings.final_seeds
    listed = seeds if isinstance(seeds, list) else [seeds]
    if not all(isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= LARGEST_SEED for seed in listed):
        raise UserError(f"hydra.sweeper.final_seeds={seeds} is neither a number of seeds nor a list of them")
    if len(set(listed)) < len(listed):
        raise UserError(f"hydra.sweeper.final_seeds={seeds} names a seed twice")


def _check_objectives(objectives: list[str]) -> None:
    asked = f"hydra.sweeper.objectives={objectives}"
    if not objectives or len(set(objectives)) < len(objectives):
        raise UserError(f"{asked}: name at least one, and none twice")
    for name in objectives:
        if name.startswith("test/"):
            raise UserError(f"{asked}: {name} would choose by the test rows; take validation's, such as val/f1_macro")
        if name not in OBJECTIVES:
            raise UserError(f"{asked}: {name} is none of {', '.join(OBJECTIVES)}")
