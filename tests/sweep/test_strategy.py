"""Samplers and pruners: by name, by `_target_`, seeded by the trial's number, never one configuration twice."""

from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from iot_ids.common.errors import UserError
from iot_ids.sweep import strategy

FINITE: dict[str, BaseDistribution] = {"k": IntDistribution(1, 4), "w": CategoricalDistribution([8, 16, 32])}
ENDLESS: dict[str, BaseDistribution] = {"k": IntDistribution(1, 4), "r": FloatDistribution(0, 1)}
CMA_ES = {"_target_": "optuna.samplers.QMCSampler", "warn_independent_sampling": False}


def proposals(choice: Any, space: dict[str, BaseDistribution], count: int, seed: int = 0) -> list[dict[str, Any]]:
    """List what `choice` proposes, with a new sampler for every trial as in a sweep."""
    study = optuna.create_study(direction="maximize")
    for number in range(count):
        seen = [trial.params for trial in study.trials]
        study.sampler = strategy.sampler(choice, seed + number, space, seen)
        trial = study.ask(dict(space))
        study.tell(trial, float(trial.params["k"]))
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("choice", ["tpe", "random", "grid"])
def test_a_finite_space_is_gone_through_without_a_repeat(choice: str) -> None:
    found = proposals(choice, FINITE, 12)
    assert len({tuple(each.items()) for each in found}) == 12


@pytest.mark.parametrize("choice", ["tpe", "random", CMA_ES])
def test_the_same_seed_proposes_the_same_and_another_one_something_else(choice: Any) -> None:
    assert proposals(choice, ENDLESS, 15) == proposals(choice, ENDLESS, 15)
    assert proposals(choice, ENDLESS, 15) != proposals(choice, ENDLESS, 15, seed=1000)


def test_tpe_learns_where_the_best_are() -> None:
    space = {"k": IntDistribution(1, 100), "r": FloatDistribution(0, 1)}
    by_tpe, by_chance = (proposals(choice, space, 40)[20:] for choice in ("tpe", "random"))
    assert sum(each["k"] for each in by_tpe) > 1.3 * sum(each["k"] for each in by_chance)


def test_a_grid_without_end_is_refused() -> None:
    with pytest.raises(UserError, match=r"hydra.sweeper.sampler=grid"):
        strategy.sampler("grid", 0, ENDLESS, [])


@pytest.mark.parametrize(
    "choice",
    ["tpee", {"_target_": "optuna.samplers.NoSuchSampler"}, {"_target_": "optuna.samplers.TPESampler", "x": 1}],
)
def test_a_sampler_that_there_is_not_is_named(choice: Any) -> None:
    with pytest.raises(UserError, match=r"hydra.sweeper.sampler="):
        strategy.sampler(choice, 0, FINITE, [])


def test_pruners_by_name_and_by_target() -> None:
    assert isinstance(strategy.pruner("median", 40), optuna.pruners.MedianPruner)
    assert isinstance(strategy.pruner("hyperband", 40), optuna.pruners.HyperbandPruner)
    assert isinstance(strategy.pruner("none", 40), optuna.pruners.NopPruner)
    threshold = strategy.pruner({"_target_": "optuna.pruners.ThresholdPruner", "lower": 0.5}, 40)
    assert isinstance(threshold, optuna.pruners.ThresholdPruner)
    with pytest.raises(UserError, match=r"hydra.sweeper.pruner=medium must be one of median"):
        strategy.pruner("medium", 40)
