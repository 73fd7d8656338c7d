"""Hydra's override grammar as a search space: the distribution of each override, and the values a trial may have."""

from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from iot_ids.common.errors import UserError
from iot_ids.sweep.space import ParsedOverrides, first_trial, limit_features, parse, size, spelled, values


def typed(*words: str) -> ParsedOverrides:
    return parse(OverridesParser.create().parse_overrides(list(words)))


@pytest.mark.parametrize(
    ("word", "distribution"),
    [
        ("selector.k=range(4,20)", IntDistribution(4, 19)),
        ("selector.k=range(4,20,5)", IntDistribution(4, 19, step=5)),
        ("selector.k=range(4,21,5)", IntDistribution(4, 19, step=5)),
        ("selector.k=tag(log,range(1,101))", IntDistribution(1, 100, log=True)),
        ("a=range(0.1,0.5,0.1)", FloatDistribution(0.1, 0.4, step=0.1)),
        ("a=interval(0,0.5)", FloatDistribution(0.0, 0.5)),
        ("a=tag(log,interval(1e-4,1e-1))", FloatDistribution(1e-4, 1e-1, log=True)),
        ("a=int(interval(1,50))", IntDistribution(1, 50)),
        ("a=choice(32,64,128)", CategoricalDistribution([32, 64, 128])),
        ("a=32,64", CategoricalDistribution([32, 64])),
        ("a=null,balanced", CategoricalDistribution(["null", "balanced"])),
        ("a=choice(true,false)", CategoricalDistribution([True, False])),
        ("a=choice([1,2],[3])", CategoricalDistribution(["[1,2]", "[3]"])),
        ("a=choice(5,5,6)", CategoricalDistribution([5, 6])),
    ],
)
def test_a_word_of_the_grammar_is_a_distribution(word: str, distribution: BaseDistribution) -> None:
    (found,) = typed(word).space.values()
    if isinstance(found, FloatDistribution) and found.step:
        assert isinstance(distribution, FloatDistribution)
        assert found.high == pytest.approx(distribution.high)
    else:
        assert found == distribution


def test_what_is_no_sweep_is_fixed_and_the_later_of_two_words_counts() -> None:
    found = typed(
        "+experiment=gru_pearson", "selector.k=range(4,20)", "seed=3", "selector.k=12", "a=1", "a=choice(1,2)"
    )
    assert found.fixed == ["+experiment=gru_pearson", "selector.k=12", "seed=3"]
    assert list(found.space) == ["a"]


def test_a_trial_is_typed_as_it_was_asked_for() -> None:
    found = typed("+a=choice(1,2)", "b=null,x", "c=choice(true,false)")
    assert found.overrides({"a": 2, "b": "null", "c": True}) == ["+a=2", "b=null", "c=true"]


@pytest.mark.parametrize("word", ["seed=0,1", "split_seed=range(0,5)"])
def test_a_seed_is_no_hyper_parameter(word: str) -> None:
    with pytest.raises(UserError, match="luckiest"):
        typed(word)


@pytest.mark.parametrize(
    "word", ["a=range(5,5)", "a=tag(log,interval(0,1))", "a=interval(2,1)", "a=tag(log,range(1,9,2))"]
)
def test_a_range_without_values_or_a_logarithm_of_nothing_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="a="):
        typed(word)


def test_more_features_than_there_are_are_not_searched_and_the_user_is_told() -> None:
    space, note = limit_features({"selector.k": IntDistribution(4, 19, step=5)}, 13)
    assert space == {"selector.k": IntDistribution(4, 9, step=5)}
    assert note is not None
    assert "up to 13" in note
    space, _ = limit_features({"selector.k": CategoricalDistribution([4, 13, 14])}, 13)
    assert space == {"selector.k": CategoricalDistribution([4, 13])}
    space, note = limit_features({"selector.k": IntDistribution(4, 13)}, 13)
    assert (space, note) == ({"selector.k": IntDistribution(4, 13)}, None)
    with pytest.raises(UserError, match="above 3"):
        limit_features({"selector.k": IntDistribution(4, 19)}, 3)


@pytest.mark.parametrize(
    ("distribution", "own", "first"),
    [
        (IntDistribution(4, 19), 8, 8),
        (IntDistribution(4, 19), 38, 19),
        (IntDistribution(4, 19, step=5), 8, 9),
        (FloatDistribution(0.1, 0.4, step=0.1), 0.0, 0.1),
        (FloatDistribution(1e-3, 1e-1, log=True), 1.0, 1e-1),
        (CategoricalDistribution([32, 64, 128]), 60, 64),
        (CategoricalDistribution([32, 64, 128]), 64, 64),
        (CategoricalDistribution(["null", "balanced"]), None, "null"),
        (CategoricalDistribution(["uniform", "distance"]), "mine", "uniform"),
        (CategoricalDistribution([True, False]), False, False),
        (CategoricalDistribution(["null", 8, 16]), 15, 16),
        (IntDistribution(4, 19), None, 4),
    ],
)
def test_the_first_trial_is_the_own_value_moved_into_the_space(
    distribution: BaseDistribution, own: Any, first: Any
) -> None:
    assert first_trial({"a": distribution}, lambda key: own) == {"a": first}


@given(st.integers(-50, 50), st.integers(0, 40), st.integers(1, 7), st.integers(-100, 100))
def test_a_moved_value_is_the_nearest_of_all(low: int, width: int, step: int, own: int) -> None:
    distribution = IntDistribution(low, low + width // step * step, step=step)
    first = first_trial({"a": distribution}, lambda key: own)["a"]
    assert abs(first - own) == min(abs(value - own) for value in values(distribution))


@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 4), st.integers(1, 6))
def test_the_size_is_the_product_of_the_values(low: int, width: int, step: int, choices: int) -> None:
    space = {
        "a": IntDistribution(low, low + width // step * step, step=step),
        "b": CategoricalDistribution(list(range(choices))),
    }
    assert size(space) == len(range(low, low + width + 1, step)) * choices
    assert values(space["a"]) == list(range(low, low + width + 1, step))


def test_a_space_with_an_interval_has_no_end() -> None:
    assert size({"a": FloatDistribution(0, 1), "b": IntDistribution(1, 2)}) is None
    assert size({"a": FloatDistribution(0, 1, step=0.25)}) == 5


def test_values_are_spelled_as_hydra_reads_them() -> None:
    assert [spelled(value) for value in (True, None, 0.1, 5, "null")] == ["true", "null", "0.1", "5", "null"]
