"""The typed schema behind `conf/hydra/sweeper/optuna.yaml`."""

from dataclasses import dataclass, field
from typing import Any

from iot_ids.common.bounds import Between
from iot_ids.common.errors import UserError
from iot_ids.config import LARGEST_SEED

OBJECTIVES = {
    "val/f1_macro": "maximize",
    "val/loss": "minimize",
    "model/parameters": "minimize",
    "time/fit_seconds": "minimize",
    "time/predict_seconds": "minimize",
}
"""The possible objectives and their directions. In a sweep, predicting is timed on the validation rows."""
MOST_TRIALS, MOST_SEEDS = 1_000_000, 1_000


@dataclass
class SweepSettings:
    """`hydra.sweeper.*`: the number of trials, the sampler and the pruner, and the study's storage."""

    _target_: str
    params: dict[str, Any] = field(default_factory=dict)
    """The search space, in Hydra's override grammar; the command line overrides it."""
    n_trials: int = 40
    """Trials of the whole study: started again, a sweep runs only the missing ones."""
    study_name: str | None = None
    """By default derived from configuration, data and search space, so that the same command resumes its study."""
    storage: str = "mlruns/optuna.journal"
    """A file (Optuna's journal), `sqlite:///FILE`, or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`."""
    sampler: Any = "tpe"
    """`tpe`, `random`, `grid`, or any of Optuna's by `_target_`."""
    pruner: Any = "median"
    """`median`, `hyperband`, `none`, or any of Optuna's by `_target_`."""
    objectives: list[str] = field(default_factory=lambda: ["val/f1_macro"])
    """One objective, or several conflicting ones; the best trial is then chosen by the first."""
    max_failure_rate: float = 0.25
    """The share of `n_trials` that may fail before the sweep stops."""
    final_seeds: Any = 5
    """Number of seeds, or a list of them, for the final runs of the best and the untuned configuration; 0 for none."""

    @property
    def directions(self) -> list[str]:
        """Optuna's word for each objective."""
        return [OBJECTIVES[name] for name in self.objectives]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the final runs."""
        return list(range(self.final_seeds)) if isinstance(self.final_seeds, int) else list(self.final_seeds)


def check(settings: SweepSettings) -> None:
    """Validate the settings.

    Raises:
        UserError: a value is invalid; the message says which are valid.
    """
    Between(1, MOST_TRIALS).refuse("hydra.sweeper.n_trials", settings.n_trials)
    if not 0 <= settings.max_failure_rate <= 1:
        raise UserError(f"hydra.sweeper.max_failure_rate={settings.max_failure_rate} must be between 0 and 1")
    _check_objectives(settings.objectives)
    seeds = settings.final_seeds
    listed = seeds if isinstance(seeds, list) else [seeds]
    if not all(isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= LARGEST_SEED for seed in listed):
        raise UserError(f"hydra.sweeper.final_seeds={seeds} must be a number of seeds or a list of them")
    if isinstance(seeds, int):
        Between(0, MOST_SEEDS).refuse("hydra.sweeper.final_seeds", seeds)
    if len(set(listed)) < len(listed):
        raise UserError(f"hydra.sweeper.final_seeds={seeds} contains a seed twice")


def _check_objectives(objectives: list[str]) -> None:
    asked = f"hydra.sweeper.objectives={objectives}"
    if not objectives or len(set(objectives)) < len(objectives):
        raise UserError(f"{asked}: name at least one, and none twice")
    for name in objectives:
        if name.startswith("test/"):
            raise UserError(
                f"{asked}: {name} would tune on the test rows; use a validation score, such as val/f1_macro"
            )
        if name not in OBJECTIVES:
            raise UserError(f"{asked}: {name} must be one of {', '.join(OBJECTIVES)}")
