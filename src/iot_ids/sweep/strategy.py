"""Who proposes a trial, and who cuts one short: samplers and pruners by name, or any of Optuna's by `_target_`."""

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
"""So many trials are trained to their end before any is compared with their median."""
HYPERBAND_EPOCHS = 10
"""What Hyperband gives its shortest trials."""
ATTEMPTS = 20
LARGEST_GRID = 100_000


def sampler(choice: Any, seed: int, space: Space, seen: list[dict[str, Any]]) -> samplers.BaseSampler:
    """The sampler of one trial: seeded by its number, so that a sweep that was cut off goes on as it would have.

    Args:
        choice: a name, or settings with a `_target_`.
        seed: of this trial.
        space: what is searched.
        seen: the parameters of the trials so far, which are not proposed again.

    Raises:
        UserError: there is no such sampler, or a grid over a space without end.
    """
    return Unrepeated(_sampler(choice, seed, space), seed, space, seen)


def _sampler(choice: Any, seed: int, space: Space) -> samplers.BaseSampler:
    if choice == "tpe":
        return samplers.TPESampler(seed=seed)
    if choice == "random":
        return samplers.RandomSampler(seed=seed)
    if choice == "grid":
        count = size(space)
        if count is None or count > LARGEST_GRID:
            raise UserError(
                "hydra.sweeper.sampler=grid: the space has no end, or too many configurations; use range or choice for "
                "every key, or another sampler"
            )
        return samplers.RandomSampler(seed=seed)  # without repeats it is a grid in random order
    built: samplers.BaseSampler = _built("sampler", choice, ("tpe", "random", "grid"), {"seed": seed})
    return built


def pruner(choice: Any, epochs: int) -> pruners.BasePruner:
    """What ends a hopeless trial; `epochs` is the longest that one can take.

    Raises:
        UserError: there is no such pruner.
    """
    if choice == "median":
        half = epochs // 2  # before, the learning rate is high (`model.schedule=one_cycle`), and the best may look bad
        return pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=half)
    if choice == "hyperband":
        return pruners.HyperbandPruner(min_resource=min(HYPERBAND_EPOCHS, epochs), max_resource=epochs)
    if choice == "none":
        return pruners.NopPruner()
    built: pruners.BasePruner = _built("pruner", choice, ("median", "hyperband", "none"), {})
    return built


def _built(key: str, choice: Any, names: tuple[str, ...], more: Mapping[str, Any]) -> Any:
    if not isinstance(choice, Mapping) or "_target_" not in choice:
        raise UserError(f"hydra.sweeper.{key}={choice} is none of {', '.join(names)}, nor has it a _target_")
    try:
        try:
            return instantiate(choice, **more)
        except InstantiationException as error:
            if not more or not isinstance(error.__cause__, TypeError):
                raise
            return instantiate(choice)  # it draws no random numbers
    except (InstantiationException, ImportError) as error:
        raise UserError(f"hydra.sweeper.{key}={choice}: {str(error).splitlines()[0]}") from error


class Unrepeated(samplers.BaseSampler):
    """Another sampler's proposals, but never one that was made before: equal training gives an equal score.

    Where the other one insists, a configuration is drawn among those that are left.
    """

    def __init__(self, proposes: samplers.BaseSampler, seed: int, space: Space, seen: list[dict[str, Any]]) -> None:
        self.proposes, self.space, self.seen = proposes, space, seen
        self.random = np.random.default_rng(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All of it."""
        return dict(self.space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A proposal that is new; the last one where nothing new is left."""
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
        """Any configuration that was not proposed yet; None where there is none, or no end of them."""
        count = size(self.space)
        if count is None or count > LARGEST_GRID:
            return None
        all_values = {name: values(distribution) for name, distribution in self.space.items()}
        for place in self.random.permutation(count):
            candidate = {}
            for name, there in all_values.items():
                place, at = divmod(place, len(there))
                candidate[name] = there[at]
            if candidate not in self.seen:
                return candidate
        return None

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """What the other one says of a single parameter; not reached, since all are proposed together."""
        return self.proposes.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Handed on."""
        self.proposes.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: Any, values: Any) -> None:
        """Handed on."""
        self.proposes.after_trial(study, trial, state, values)
