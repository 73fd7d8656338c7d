"""The audit finds what was planted, exactly, and stays silent where nothing was."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iot_ids.metrics.audit import (
    _even_draw,
    audit,
    contradictions,
    in_a_cell_of_train,
    seen_in_train,
    single_column_f1,
)

ROWS = 600


def noise(rows: int, seed: int) -> np.ndarray:
    """Feature vectors that do not repeat and know nothing of any class."""
    return np.random.default_rng(seed).normal(size=(rows, 3)).astype(np.float32)


def labels(rows: int, seed: int = 0, classes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, rows)


def clean_case() -> dict:
    """Noise everywhere: the arguments of an audit that has nothing to find."""
    train_y, validation_y = labels(ROWS, 1), labels(ROWS, 2)
    places = np.random.default_rng(4).permutation(2 * ROWS)
    return {
        "train_x": noise(ROWS, 1),
        "train_y": train_y,
        "test_x": noise(200, 3),
        "test_y": labels(200, 3),
        "train": pl.from_numpy(noise(ROWS, 1), schema=["a", "b", "c"]).with_columns(row=places[:ROWS]),
        "validation": pl.from_numpy(noise(ROWS, 2), schema=["a", "b", "c"]).with_columns(row=places[ROWS:]),
        "validation_y": validation_y,
        "row_id": "row",
        "identifiers": [],
        "identifiers_allowed": False,
        "windowed": False,
        "contradicting_labels": 0,
        "classes": 3,
        "seed": 0,
    }


def leaking_case() -> dict:
    """The clean case with an address that tells the class, 150 of 200 test rows repeated, 20 rows contradicted."""
    case = clean_case()
    case["test_x"][:150] = case["train_x"][:150]
    case["test_y"][:130] = case["train_y"][:130]
    case["test_y"][130:150] = (case["train_y"][130:150] + 1) % 3
    for part in ("train", "validation"):
        addresses = [f"10.0.0.{label}" for label in case[f"{part}_y"]]
        case[part] = case[part].with_columns(pl.Series("saddr", addresses))
    return case | {"identifiers": ["saddr"]}


def score(train, train_y, validation, validation_y, classes=3) -> float:
    """Macro-F1 of one column."""
    frames = pl.DataFrame({"it": train}), pl.DataFrame({"it": validation})
    return single_column_f1(frames[0], train_y, frames[1], validation_y, classes, seed=0)["it"]


# Repeats


def test_planted_repeats_are_counted_exactly():
    train, test = noise(500, 0), noise(300, 1)
    test[[3, 50, 299]] = train[[7, 7, 0]]
    assert seen_in_train(train, test) == 3


def test_a_row_repeated_within_test_counts_each_time():
    train = noise(5, 0)
    assert seen_in_train(train, np.repeat(train[:1], 4, axis=0)) == 4


def test_a_row_repeated_within_train_counts_once():
    train = noise(5, 0)
    assert seen_in_train(np.repeat(train, 3, axis=0), train[:2]) == 2


def test_one_different_feature_makes_a_new_row():
    train = noise(5, 0)
    test = train.copy()
    test[:, 2] = np.nextafter(test[:, 2], np.float32(9))
    assert seen_in_train(train, test) == 0


def test_columns_are_not_mixed_up():
    assert seen_in_train(np.array([[1, 2]], np.float32), np.array([[2, 1]], np.float32)) == 0


def test_minus_zero_is_zero():
    assert seen_in_train(np.array([[0.0]], np.float32), np.array([[-0.0]], np.float32)) == 1


def test_no_test_rows_repeat_nothing():
    assert seen_in_train(noise(5, 0), noise(0, 0)) == 0


def test_different_features_are_refused():
    with pytest.raises(ValueError, match="3 features and test has 2"):
        seen_in_train(noise(5, 0), noise(5, 0)[:, :2])


# Near repeats


def same_cell(train: np.ndarray, one: float, other: float) -> bool:
    """By definition: no percentile of `train` lies between the two, and neither below its smallest value alone."""
    ordered = sorted(train)
    cuts = [ordered[round(step * (len(train) - 1) / 100)] for step in range(101)]
    return all((one <= cut) == (other <= cut) for cut in cuts) and (one < cuts[0]) == (other < cuts[0])


def by_brute_force(train: np.ndarray, test: np.ndarray) -> int:
    features = range(train.shape[1])
    return sum(
        any(all(same_cell(train[:, at], row[at], other[at]) for at in features) for other in train) for row in test
    )


@settings(max_examples=25)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 250), st.just(2)), elements=st.integers(-3, 40)),
    arrays(np.float32, st.tuples(st.integers(0, 30), st.just(2)), elements=st.integers(-5, 45)),
)
def test_near_repeats_are_those_of_the_definition(train: np.ndarray, test: np.ndarray) -> None:
    assert in_a_cell_of_train(train, test) == by_brute_force(train, test)


def test_near_repeats_of_heavy_tails_are_those_of_the_definition():
    draw = np.random.default_rng(0)
    train = np.exp(3 * draw.normal(size=(400, 2))).astype(np.float32)
    test = np.concatenate([np.exp(3 * draw.normal(size=(80, 2))).astype(np.float32), train[:20] * np.float32(1.0005)])
    expected = by_brute_force(train, test)
    assert 10 < expected < 90
    assert in_a_cell_of_train(train, test) == expected


def test_planted_near_repeats_are_counted_exactly():
    train = np.arange(2000, dtype=np.float32).reshape(1000, 2)  # a cell is ten rows wide
    test = train[[5, 300, 999]] + np.float32([[0.5, 0], [0, -0.5], [0.5, 0.5]])  # the last one lies beyond all
    assert (seen_in_train(train, test), in_a_cell_of_train(train, test)) == (0, 2)


def test_near_in_one_feature_is_not_near():
    train = np.arange(2000, dtype=np.float32).reshape(1000, 2)
    assert in_a_cell_of_train(train, np.column_stack([train[:, 0], np.roll(train[:, 1], 500)])) == 0


def test_equal_rows_are_in_a_cell_of_train():
    train = noise(500, 0)
    assert in_a_cell_of_train(train, train[[3, 3, 499]]) == 3


@pytest.mark.parametrize("value", [-0.5, 1.5])
def test_what_lies_beyond_train_is_near_nothing(value):
    assert in_a_cell_of_train(np.float32([[0], [1], [1]]), np.float32([[value]])) == 0


@pytest.mark.parametrize("ones", [0, 1, 199, 200])
def test_a_flag_that_differs_is_not_near(ones):
    train = np.repeat(np.float32([[1], [0]]), [ones, 200 - ones], axis=0)
    assert in_a_cell_of_train(train, np.float32([[0], [1]])) == len(np.unique(train))


def test_near_repeats_need_the_same_features():
    with pytest.raises(ValueError, match="3 features and test has 2"):
        in_a_cell_of_train(noise(5, 0), noise(5, 0)[:, :2])


# Row order


def row_order(row: np.ndarray, y: np.ndarray, classes: int = 3) -> dict:
    """The audit of rows at these places, every other one of them in train; y is the class of each."""
    case = clean_case()
    for part, them in (("train", slice(0, None, 2)), ("validation", slice(1, None, 2))):
        case[part] = case[part].with_columns(row=row[them])
        case[f"{part}_y"] = y[them]
    return audit(**case | {"classes": classes})


def test_a_file_sorted_by_class_is_known_by_its_row_order():
    found = row_order(np.arange(2 * ROWS), np.sort(labels(2 * ROWS)))
    assert found["row_order_f1"] > 0.99
    (sentence,) = found["sentences"]
    assert sentence.startswith("A row's position in its file alone reaches macro-F1 1.00: the classes come in blocks.")


def test_classes_in_turns_of_a_hundred_rows_are_blocks_too():
    found = row_order(np.arange(2 * ROWS), np.arange(2 * ROWS) // 100 % 2, classes=2)
    assert found["row_order_f1"] > 0.95


@pytest.mark.parametrize("classes", [2, 3])
def test_a_shuffled_file_has_no_order(classes):
    found = row_order(np.arange(2 * ROWS), labels(2 * ROWS, classes=classes), classes)
    assert 0 < found["row_order_f1"] < 1 / classes + 0.1
    assert found["sentences"] == []


def test_the_row_order_is_no_column():
    found = row_order(np.arange(2 * ROWS), np.sort(labels(2 * ROWS)))
    assert "row" not in found["single_feature_f1"] | found["identifier_f1"]
    assert found["flagged"] == []


# Contradictions


def test_planted_contradictions_are_counted_exactly():
    x, y = noise(100, 0), labels(100)
    x[1], y[1] = x[0], y[0] + 1  # two rows, one vector
    x[10:13], y[10:13] = x[10], [0, 1, 1]  # three rows, one vector
    x[20:24], y[20:24] = x[20], 2  # equal, and of one mind
    assert contradictions(x, y) == (2, 5)


def test_distinct_rows_contradict_nothing():
    assert contradictions(noise(100, 0), labels(100)) == (0, 0)


def test_minus_zero_contradicts_zero():
    assert contradictions(np.array([[0.0], [-0.0]], np.float32), np.array([0, 1])) == (1, 2)


# Single columns


def test_a_number_that_is_the_class_scores_one():
    y, other = labels(ROWS, 1), labels(ROWS, 2)
    assert score(y * 10.0, y, other * 10.0, other) == 1.0


def test_a_text_that_is_the_class_scores_one():
    y, other = labels(ROWS, 1), labels(ROWS, 2)
    assert score([f"host-{code}" for code in y], y, [f"host-{code}" for code in other], other) == 1.0


def test_noise_scores_like_guessing():
    assert score(noise(ROWS, 1)[:, 0], labels(ROWS, 1), noise(ROWS, 2)[:, 0], labels(ROWS, 2)) < 0.45


def test_the_score_is_of_validation_not_of_train():
    y, other = labels(ROWS, 1, 2), labels(ROWS, 2, 2)
    assert score(y, y, 1 - other, other, classes=2) == 0.0


def test_a_large_identifier_keeps_its_last_digits():
    # In 32 bits, as the tree reads its input, all of these are one number.
    y, other = labels(ROWS, 1, 2), labels(ROWS, 2, 2)
    assert score(2**33 + y, y, 2**33 + other, other, classes=2) == 1.0


def test_a_time_is_a_number():
    y, other = labels(ROWS, 1, 2), labels(ROWS, 2, 2)
    times = [pl.from_epoch(pl.Series(1_500_000_000 + 3600 * code)) for code in (y, other)]
    assert score(times[0], y, times[1], other, classes=2) == 1.0


@pytest.mark.parametrize("known", [0.0, "x", True])
def test_a_missing_value_is_a_value_of_its_own(known):
    y, other = labels(ROWS, 1, 2), labels(ROWS, 2, 2)
    columns = [pl.Series([known if code else None for code in codes]) for codes in (y, other)]
    assert score(columns[0], y, columns[1], other, classes=2) == 1.0


def test_a_text_unseen_in_train_shares_the_code_of_missing_ones():
    y, other = labels(ROWS, 1, 2), labels(ROWS, 2, 2)
    train = pl.Series(["x" if code else None for code in y])
    assert score(train, y, pl.Series(["x" if code else "new" for code in other]), other, classes=2) == 1.0


def test_nan_and_infinity_do_not_stop_the_audit():
    y, other = labels(ROWS, 1), labels(ROWS, 2)
    values = np.array([np.nan, np.inf, -np.inf])
    assert score(values[y], y, values[other], other) == 1.0


def test_a_number_between_two_infinities_has_a_place():
    y, other = labels(ROWS, 1, 2), labels(ROWS, 2, 2)
    assert score(np.where(y, np.inf, -np.inf), y, np.where(other, np.inf, -1.0), other, classes=2) == 1.0


@pytest.mark.parametrize("dtype", [pl.Float64, pl.String, pl.Null])
def test_a_column_without_values_scores_like_a_constant_answer(dtype):
    y, other = np.repeat([0, 1], [400, 200]), np.repeat([0, 1], [100, 100])
    nothing = [pl.Series([None] * len(codes), dtype=dtype) for codes in (y, other)]
    assert score(nothing[0], y, nothing[1], other, classes=2) == pytest.approx(1 / 3)


def test_a_value_between_two_train_values_goes_to_the_nearer():
    y, other = np.repeat([0, 1], 50), np.repeat([0, 1], 50)
    assert score(y * 100.0, y, np.where(other, 51.0, 49.0), other, classes=2) == 1.0


def test_columns_keep_their_order():
    case = clean_case()
    scores = single_column_f1(case["train"], case["train_y"], case["validation"], case["validation_y"], 3, seed=0)
    assert list(scores) == ["a", "b", "c", "row"]


def test_the_draw_takes_rare_classes_whole_and_shares_the_rest():
    y = np.repeat([0, 1, 2], [7, 1000, 2000])
    assert np.bincount(y[_even_draw(y, 101, seed=0)]).tolist() == [7, 47, 47]


def test_the_draw_never_repeats_a_row():
    chosen = _even_draw(labels(1000), 500, seed=0)
    assert len(set(chosen.tolist())) == 500


def test_few_rows_are_all_drawn():
    assert len(_even_draw(labels(300), 500, seed=0)) == 300


# All together


def test_the_identifier_that_gives_the_class_away_is_flagged():
    assert audit(**leaking_case())["flagged"] == ["saddr"]


def test_identifiers_and_features_stand_apart():
    found = audit(**leaking_case())
    assert (set(found["identifier_f1"]), set(found["single_feature_f1"])) == ({"saddr"}, {"a", "b", "c"})


def test_the_best_column_comes_first():
    scores = list(audit(**clean_case())["single_feature_f1"].values())
    assert scores == sorted(scores, reverse=True)


def test_planted_repeats_are_reported():
    found = audit(**leaking_case())
    assert (found["test_rows"], found["test_rows_seen_in_train"], found["share_seen"]) == (200, 150, 0.75)


def test_contradictions_are_counted_over_train_and_test_together():
    found = audit(**leaking_case())
    assert (found["contradicting_vectors"], found["contradicting_rows"]) == (20, 40)


def test_findings_are_told_in_plain_sentences():
    repeats, giveaway, contradicting = audit(**leaking_case())["sentences"]
    assert repeats == (
        "150 of 200 test rows (75%) also occur in train: accuracy on this split says little about new flows."
    )
    assert giveaway.startswith("The identifier saddr alone reaches macro-F1 1.00")
    assert contradicting.startswith("40 of 800 train and test rows equal a row of another class")


def test_windows_are_not_judged_by_single_flows():
    repeats, _, contradicting = audit(**leaking_case() | {"windowed": True})["sentences"]
    assert repeats.endswith("also occur in train, ignoring the flows before them, which the model reads as well.")
    assert contradicting.endswith("only the flows before them, which the model reads as well, can tell them apart.")


def test_a_feature_that_gives_the_class_away_is_told_apart_from_an_identifier():
    sentences = audit(**leaking_case() | {"identifiers": []})["sentences"]
    assert sentences[1].startswith("The feature saddr alone")


def test_an_identifier_that_is_allowed_is_not_called_no_feature():
    told = audit(**leaking_case() | {"identifiers_allowed": True})
    assert set(told["identifier_f1"]) == {"saddr"}
    assert told["sentences"][1].startswith("The identifier saddr alone reaches macro-F1 1.00: it gives the class away.")
    assert "dataset.identifiers=allow made it a feature" in told["sentences"][1]
    assert "no feature" not in told["sentences"][1]


def test_near_repeats_do_not_count_the_equal_ones():
    case = leaking_case()
    spread = np.arange(3 * ROWS, dtype=np.float32).reshape(ROWS, 3)
    test = np.concatenate([spread[:20], spread[50:170] + np.float32(0.5), spread[:60, ::-1] + np.float32(0.5)])
    found = audit(**case | {"train_x": spread, "test_x": test})
    assert found["test_rows_seen_in_train"] == 20
    assert found["test_rows_nearly_seen_in_train"] == by_brute_force(spread, test) - 20
    assert 100 < found["test_rows_nearly_seen_in_train"] == 200 * found["share_nearly_seen"]
    assert found["sentences"][1].startswith(f"{found['test_rows_nearly_seen_in_train']} of 200 test rows")


def test_rows_with_two_labels_at_odds_are_told():
    found = audit(**clean_case() | {"contradicting_labels": 1234})
    assert found["contradicting_labels"] == 1234
    (sentence,) = found["sentences"]
    assert sentence.startswith(
        "1,234 of the rows that cleaning left are normal by one label of the dataset and an attack"
    )


def test_a_clean_split_needs_no_sentence():
    assert audit(**clean_case())["sentences"] == []


def test_the_report_is_json():
    found = audit(**leaking_case())
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_same_seed_gives_the_same_report():
    assert audit(**leaking_case()) == audit(**leaking_case())


def test_no_test_rows_share_nothing():
    case = clean_case()
    found = audit(**case | {"test_x": case["test_x"][:0], "test_y": case["test_y"][:0]})
    assert (found["test_rows"], found["share_seen"]) == (0, 0.0)
