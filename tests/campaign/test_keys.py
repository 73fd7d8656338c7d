"""Values of a key's own type."""

from .keys import COSTLY, SMALL, keys


def values(name: str) -> set[str]:
    return {value for key in keys()[name] for value in key.values}


def test_a_number_gets_its_bounds_and_what_lies_just_beyond() -> None:
    assert {"0", "1", "-1", str(2**31 - 1), str(2**31)} <= values("model.n_neighbors")
    assert {"1e-20", "1e+20", "nan"} <= values("model.C")


def test_an_enumeration_gets_each_of_its_members_and_a_flag_both() -> None:
    assert values("model.cell") == {"gru", "lstm", "rnn"}
    assert values("split.stratified") == {"true", "false"}


def test_a_key_comes_with_the_choice_that_has_it() -> None:
    assert {key.needs for key in keys()["split.embargo"]} == {("split=temporal",)}


def test_a_costly_number_is_small_or_refused() -> None:
    assert set(COSTLY) <= {*keys()}
    assert {int(value) for value in values("model.n_estimators") if int(value) > SMALL} == {
        100_001, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63,
    }  # fmt: skip
