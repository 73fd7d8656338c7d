"""The random split: its counts, its seed, and what it refuses."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.common.errors import UserError
from iot_ids.data.splits.base import Parts
from iot_ids.data.splits.random import random_split


def labels(**counts: int) -> np.ndarray:
    """Shuffled class names, `counts` of each."""
    names = np.repeat(list(counts), list(counts.values())).astype(object)
    return np.random.default_rng(7).permutation(names)


def sizes(parts: Parts) -> tuple[int, int, int]:
    return len(parts.train), len(parts.validation), len(parts.test)


def counted(names: np.ndarray, parts: Parts, name: str) -> tuple[int, ...]:
    return tuple(int((names[rows] == name).sum()) for rows in (parts.train, parts.validation, parts.test))


def test_shares_are_the_papers_64_16_20() -> None:
    assert sizes(random_split(labels(a=1000), 0.2, 0.2, seed=1)) == (640, 160, 200)


@pytest.mark.parametrize(("name", "expected"), [("a", (640, 160, 200)), ("b", (64, 16, 20)), ("c", (16, 4, 5))])
def test_every_class_is_shared_out_to_a_row(name: str, expected: tuple[int, ...]) -> None:
    names = labels(a=1000, b=100, c=25)
    assert counted(names, random_split(names, 0.2, 0.2, seed=1), name) == expected


def test_the_smallest_class_has_a_row_in_every_part() -> None:
    names = labels(a=500, rare=3)
    assert counted(names, random_split(names, 0.2, 0.2, seed=1), "rare") == (1, 1, 1)


@given(
    counts=st.lists(st.integers(3, 200), min_size=1, max_size=6),
    test=st.floats(0.01, 0.99),
    validation=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32 - 1),
)
def test_parts_are_disjoint_and_complete(counts: Sequence[int], test: float, validation: float, seed: int) -> None:
    names = labels(**{f"class {at}": count for at, count in enumerate(counts)})
    parts = random_split(names, test, validation, seed)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together) == list(range(sum(counts)))


@given(counts=st.lists(st.integers(3, 300), min_size=1, max_size=6), test=st.floats(0.05, 0.9), seed=st.integers(0, 99))
def test_every_class_has_its_share_of_the_test_rows(counts: Sequence[int], test: float, seed: int) -> None:
    names = labels(**{f"class {at}": count for at, count in enumerate(counts)})
    parts = random_split(names, test, 0.2, seed)
    for at, count in enumerate(counts):
        there = counted(names, parts, f"class {at}")[2]
        assert abs(there - test * count) <= 0.5 or there in (1, count - 2)


def test_without_stratifying_the_parts_have_the_same_sizes() -> None:
    assert sizes(random_split(labels(a=700, b=300), 0.2, 0.2, seed=1, stratified=False)) == (640, 160, 200)


def test_without_stratifying_a_class_has_the_share_that_chance_gives_it() -> None:
    names = labels(a=900, b=100)
    drawn = [counted(names, random_split(names, 0.2, 0.2, seed, stratified=False), "b")[2] for seed in range(200)]
    spread = np.sqrt(100 * 0.2 * 0.8 * 900 / 999)  # hypergeometric: 100 rows of 1,000, of which 200 are drawn
    assert np.mean(drawn) == pytest.approx(20, abs=4 * spread / np.sqrt(200))
    assert np.std(drawn) == pytest.approx(spread, rel=0.2)


@given(rows=st.integers(3, 300), rare=st.integers(0, 5), seed=st.integers(0, 99))
def test_without_stratifying_parts_are_disjoint_and_complete(rows: int, rare: int, seed: int) -> None:
    parts = random_split(labels(a=rows, b=rare), 0.2, 0.2, seed, stratified=False)
    assert sorted(np.concatenate([parts.train, parts.validation, parts.test])) == list(range(rows + rare))
    assert all(len(part) for part in (parts.train, parts.validation, parts.test))


def test_without_stratifying_a_class_of_one_row_is_taken() -> None:
    names = labels(a=50, single=1)
    assert sum(counted(names, random_split(names, 0.2, 0.2, 0, stratified=False), "single")) == 1


def test_without_stratifying_two_rows_are_still_too_few() -> None:
    with pytest.raises(UserError, match="the dataset has 2 rows"):
        random_split(labels(a=1, b=1), 0.2, 0.2, 0, stratified=False)


def test_positions_ascend() -> None:
    parts = random_split(labels(a=100, b=50), 0.2, 0.2, seed=3)
    assert all((np.diff(rows) > 0).all() for rows in (parts.train, parts.validation, parts.test))


def test_equal_seeds_draw_equal_rows() -> None:
    first, second = (random_split(labels(a=100, b=50), 0.2, 0.2, seed=5) for _ in range(2))
    assert np.array_equal(first.test, second.test)
    assert np.array_equal(first.validation, second.validation)


def test_seed_zero_repeats_itself() -> None:
    first, second = (random_split(labels(a=100), 0.2, 0.2, seed=0) for _ in range(2))
    assert np.array_equal(first.test, second.test)


def test_seed_zero_is_not_seed_one() -> None:
    zero, one = (random_split(labels(a=100), 0.2, 0.2, seed=seed) for seed in (0, 1))
    assert not np.array_equal(zero.test, one.test)


def test_rows_are_drawn_from_all_over_the_file() -> None:
    tested = random_split(np.array(["a"] * 1000, dtype=object), 0.2, 0.2, seed=0).test
    assert np.histogram(tested, bins=4, range=(0, 1000))[0].min() > 25


def test_no_test_share_leaves_the_test_part_empty() -> None:
    assert sizes(random_split(labels(a=100), 0, 0.2, seed=0)) == (80, 20, 0)


def test_fixed_width_text_is_split_like_objects() -> None:
    names = labels(a=60, b=40)
    objects, texts = (random_split(kind, 0.2, 0.2, seed=0) for kind in (names, names.astype(str)))
    assert np.array_equal(objects.train, texts.train)


def test_a_class_that_is_too_small_is_refused_by_name_and_count() -> None:
    with pytest.raises(UserError, match=r"'tiny' has 2 rows.*3 parts"):
        random_split(labels(a=100, tiny=2), 0.2, 0.2, seed=0)


def test_two_rows_are_enough_where_no_test_part_is_asked_for() -> None:
    assert sizes(random_split(labels(a=2), 0, 0.2, seed=0)) == (1, 1, 0)


def test_a_single_row_is_refused_where_no_test_part_is_asked_for() -> None:
    with pytest.raises(UserError, match=r"'b' has 1 row, too few for one in each of 2 parts"):
        random_split(labels(a=10, b=1), 0, 0.2, seed=0)


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, float("nan")])
def test_a_test_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UserError, match=f"split.test={share}"):
        random_split(labels(a=100), share, 0.2, seed=0)


@pytest.mark.parametrize("share", [-0.1, 0.0, 1.0, float("nan")])
def test_a_validation_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UserError, match=f"split.validation={share}"):
        random_split(labels(a=100), 0.2, share, seed=0)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_a_library_would_refuse_is_refused_at_once(seed: int) -> None:
    with pytest.raises(UserError, match=f"seed={seed}"):
        random_split(labels(a=100), 0.2, 0.2, seed)
