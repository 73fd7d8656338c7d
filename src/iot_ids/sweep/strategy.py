"""Create the sampler and the pruner of a study: ours by name, or any of Optuna's by `_target_`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from optuna import Study, pruners, samplers
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from iot_ids.common.errors import UserError
from iot_ids.sweep.space import Space, size, values

STARTUP_TRIALS = 5
"""The number of trials that finish before the first one is compared with their median."""
HYPERBAND_EPOCHS = 10
"""The epochs that Hyperband gives its shortest trials."""
ATTEMPTS = 20
LARGEST_GRID = 100_000


def sampler(choice: Any, seed: int, space: Space, seen: list[dict[str, Any]]) -> samplers.BaseSampler:
    """Create the sampler of one trial; seeded per trial, so that an interrupted sweep resumes as if it never stopped.

    Args:
        choice: a name, or settings with a `_target_`.
        seed: of this trial.
        space: to search.
        seen: the parameters of the trials so far, which are not proposed again.

    Raises:
        UserError: the sampler does not exist, or a grid is asked for over a continuous space.
    """
    return WithoutRepeats(_sampler(choice, seed, space), seed, space, seen)


def _sampler(choice: Any, seed: int, space: Space) -> samplers.BaseSampler:
    if choice == "tpe":
        return samplers.TPESampler(seed=seed)
    if choice == "random":
        return samplers.RandomSampler(seed=seed)
    if choice == "grid":
        count = size(space)
        if count is None or count > LARGEST_GRID:
            raise UserError(
                "hydra.sweeper.sampler=grid: the search space is continuous or has too many configurations; use range "
                "or choice for every key, or another sampler"
            )
        return samplers.RandomSampler(seed=seed)  # without repeats it is a grid in random order
    built: samplers.BaseSampler = _instantiated("sampler", choice, ("tpe", "random", "grid"), {"seed": seed})
    return built


def pruner(choice: Any, epochs: int) -> pruners.BasePruner:
    """Create the pruner, which ends unpromising trials; `epochs` is the most that a trial can take.

    Raises:
        UserError: the pruner does not exist.
    """
    if choice == "median":
        half = epochs // 2  # earlier, the learning rate is high (`model.schedule=one_cycle`): good trials may look bad
        return pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=half)
    if choice == "hyperband":
        return pruners.HyperbandPruner(min_resource=min(HYPERBAND_EPOCHS, epochs), max_resource=epochs)
    if choice == "none":
        return pruners.NopPruner()
    built: pruners.BasePruner = _instantiated("pruner", choice, ("median", "hyperband", "none"), {})
    return built


def _instantiated(key: str, choice: Any, names: tuple[str, ...], more: Mapping[str, Any]) -> Any:
    if not isinstance(choice, Mapping) or "_target_" not in choice:
        raise UserError(f"hydra.sweeper.{key}={choice} must be one of {', '.join(names)}, or have a _target_")
    try:
        try:
            return instantiate(choice, **more)
        except InstantiationException as error:
            if not more or not isinstance(error.__cause__, TypeError):
                raise
            return instantiate(choice)  # without a seed: not every sampler takes one
    except (InstantiationException, ImportError) as error:
        raise UserError(f"hydra.sweeper.{key}={choice}: {str(error).splitlines()[0]}") from error


class WithoutRepeats(samplers.BaseSampler):
    """Pass on another sampler's proposals but never repeat one: training it again would give the same score.

    If the other sampler keeps repeating itself, a configuration is drawn at random from the remaining ones.
    """

    def __init__(self, proposes: samplers.BaseSampler, seed: int, space: Space, seen: list[dict[str, Any]]) -> None:
        self.proposes, self.space, self.seen = proposes, space, seen
        self.random = np.random.default_rng(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the whole search space."""
        return dict(self.space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a new proposal; the last one if nothing new is left."""
        for _ in range(ATTEMPTS):
            proposal = self._proposal(study, trial)
            if proposal not in self.seen:
                return proposal
        return self._left() or proposal

    def _proposal(self, study: Study, trial: FrozenTrial) -> dict[str, Any]:
        together = self.proposes.infer_relative_search_space(study, trial)
        proposal = self.proposes.sample_relative(study, trial, together)
        alone = {
            name: self.proposes.sample_independent(study, trial, name, distribution)
            for name, distribution in self.space.items()
            if name not in proposal
        }
        return {name: (proposal | alone)[name] for name in self.space}

    def _left(self) -> dict[str, Any] | None:
        """Draw a configuration that was not proposed yet; None if none is left or the space is too large to list."""
        count = size(self.space)
        if count is None or count > LARGEST_GRID:
            return None
        all_values = {name: values(distribution) for name, distribution in self.space.items()}
        for place in self.random.permutation(count):
            candidate = {}
            for name, possible in all_values.items():
                place, at = divmod(place, len(possible))
                candidate[name] = possible[at]
            if candidate not in self.seen:
                return candidate
        return None

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Ask the other sampler for one parameter; not reached, since all are proposed together."""
        return self.proposes.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Call the other sampler's hook."""
        self.proposes.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: Any, values: Any) -> None:
        """Call the other sampler's hook."""
        self.proposes.after_trial(study, trial, state, values)
