"""The chain of outlier rule, encoding, selection and scaling; above all, that it sees the training rows alone."""

import pickle
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from iot_ids.common.errors import UserError
from iot_ids.data.clean import ROW_ID
from iot_ids.data.label import CLASS
from iot_ids.data.load import load
from iot_ids.data.schema import Cache, Columns, Dataset, Duplicates, Taxonomy
from iot_ids.data.splits import RandomSplit
from iot_ids.features.pipeline import Fit, Pipeline, Rule, Scores, fit
from iot_ids.features.scalers import MinMax, Quantile, Scaler
from iot_ids.features.selectors import chi_square, iqr, mutual_information, pearson

SELECTORS = {"pearson": pearson, "chi_square": chi_square, "mutual": mutual_information}
SCALERS = {"minmax": MinMax, "quantile": Quantile}
NUMERIC = ["noise", "tell", "constant", "heavy"]
CLASSES = ["attack", "normal"]


def flows(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """`tell` and `proto=tcp` give the class away; `constant` and `only` are constant; the others are noise."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, rows)
    return pl.DataFrame(
        {
            "noise": random.uniform(size=rows),
            "tell": y + random.normal(0, 0.1, rows),
            "constant": np.full(rows, 0.1),
            "heavy": random.lognormal(0, 2, rows),
            "proto": np.where(y == 1, "tcp", random.choice(["udp", "icmp"], rows)),
            "only": np.full(rows, "same"),
            CLASS: np.array(CLASSES)[y],
        }
    ).with_columns(pl.col(NUMERIC).cast(pl.Float32))


def codes(table: pl.DataFrame) -> NDArray[np.int64]:
    return (table[CLASS] == "normal").cast(pl.Int64).to_numpy()


def fitted(
    table: pl.DataFrame,
    scores: Scores | None = None,
    k: int | None = None,
    scaler: Scaler | None = None,
    rule: Rule | None = None,
) -> Fit:
    return fit(table, codes(table), NUMERIC, ["proto", "only"], rule, scores, k, scaler or MinMax())


# --- selection


def test_without_a_selector_everything_that_varies_is_kept() -> None:
    names = ["noise", "tell", "heavy", "proto=icmp", "proto=tcp", "proto=udp"]
    assert fitted(flows()).pipeline.names == names


def test_without_a_selector_nothing_is_scored() -> None:
    assert not fitted(flows()).selection.scored


@pytest.mark.parametrize("scores", SELECTORS.values(), ids=SELECTORS)
def test_two_planted_columns_are_chosen(scores: Scores) -> None:
    chosen = fitted(flows(), scores, k=2).pipeline.names
    assert "proto=tcp" in chosen
    if scores is not chi_square:  # which weighs a number between 0 and 1 by its size
        assert "tell" in chosen


@pytest.mark.parametrize("scores", [None, *SELECTORS.values()], ids=["none", *SELECTORS])
def test_a_constant_column_is_never_chosen(scores: Scores | None) -> None:
    k = 6 if scores else None
    assert not {"constant", "only=same"} & set(fitted(flows(), scores, k).pipeline.names)


def test_a_constant_column_is_not_chosen_by_a_selector_that_loves_it() -> None:
    def upside_down(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
        return -x.std(axis=0).astype(np.float64)

    assert not {"constant", "only=same"} & set(fitted(flows(), upside_down, 6).pipeline.names)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_k_columns_are_kept(k: int) -> None:
    assert len(fitted(flows(), pearson, k).pipeline.names) == k


@pytest.mark.parametrize("k", [-1, 0, 7])
def test_k_out_of_bounds_is_refused_with_the_numbers(k: int) -> None:
    with pytest.raises(UserError, match=rf"selector\.k={k}: there are 6 .*\(2 more are constant\); choose 1 to 6"):
        fitted(flows(), pearson, k)


def test_scores_without_k_keep_everything_and_are_shown() -> None:
    selection = fitted(flows(), pearson).selection
    assert selection.selected.all()
    assert selection.scored


def test_of_equal_scores_the_first_columns_are_kept() -> None:
    def all_alike(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.ones(x.shape[1])

    assert fitted(flows(), all_alike, 3).pipeline.names == ["noise", "tell", "heavy"]


def test_a_column_without_a_score_comes_last() -> None:
    def partly(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([np.nan, 1, 2, 3, 4, 5])

    assert "noise" not in fitted(flows(), partly, 5).pipeline.names


@pytest.mark.parametrize("shape", [(1,), (8,), (6, 2), ()])
def test_scores_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"gives scores of shape \(.*\), not \(6,\)"):
        fitted(flows(), lambda x, y: np.ones(shape), 1)


def test_nothing_that_varies_is_refused() -> None:
    same = flows().with_columns(pl.col(NUMERIC).first(), pl.lit("tcp").alias("proto"))
    with pytest.raises(UserError, match="all 6 columns are constant on the 300 training rows"):
        fitted(same)


def test_the_selections_table_has_the_best_first() -> None:
    table = fitted(flows(), pearson, 2).selection.table()
    assert table.columns == ["feature", "score", "selected"]
    assert table["score"].is_sorted(descending=True)
    assert table["selected"].to_list() == [True, True, False, False, False, False]


def test_the_selector_is_given_unscaled_columns() -> None:
    seen: list[float] = []

    def look(x: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
        seen.append(float(x.max()))
        return np.ones(x.shape[1])

    table = flows()
    fitted(table, look, 1)
    assert seen == [table["heavy"].max()]


# --- outliers


def test_outliers_leave_the_training_rows() -> None:
    table = flows().with_columns(heavy=pl.when(pl.int_range(300) < 3).then(1e9).otherwise("noise").cast(pl.Float32))
    kept = fitted(table, rule=partial(iqr, factor=3.0)).train
    assert kept.equals(table[3:])


def test_an_outlier_does_not_set_the_scale() -> None:
    table = flows().with_columns(noise=pl.when(pl.int_range(300) == 5).then(1e6).otherwise("noise").cast(pl.Float32))
    pipeline = fitted(table, rule=partial(iqr, factor=3.0)).pipeline
    assert pipeline.transform(table)[5, 0] > 1e5


def test_a_category_of_outliers_alone_is_not_learned() -> None:
    first = pl.int_range(300) == 0
    table = flows().with_columns(
        noise=pl.when(first).then(1e6).otherwise("noise").cast(pl.Float32),
        proto=pl.when(first).then(pl.lit("sctp")).otherwise("proto"),
    )
    assert "proto=sctp" not in fitted(table, rule=partial(iqr, factor=3.0)).pipeline.names


def test_a_class_of_outliers_alone_is_refused_by_name() -> None:
    attack = pl.int_range(300) < 4
    table = flows().with_columns(
        pl.when(attack).then(1e6).otherwise("noise").cast(pl.Float32).alias("noise"),
        pl.when(attack).then(pl.lit("attack")).otherwise(pl.lit("normal")).alias(CLASS),
    )
    with pytest.raises(UserError, match=r"every training row of 'attack'"):
        fitted(table, rule=partial(iqr, factor=3.0))


def test_names_alone_have_no_outliers() -> None:
    table = flows()
    rule = partial(iqr, factor=3.0)
    assert fit(table, codes(table), [], ["proto"], rule, None, None, MinMax()).train.height == 300


# --- transforming


@pytest.mark.parametrize("scaler", SCALERS.values(), ids=SCALERS)
def test_the_models_input_is_the_scaled_selection(scaler: type[MinMax | Quantile]) -> None:
    table = flows()
    pipeline = fitted(table, pearson, 2, scaler()).pipeline
    reference = scaler()
    chosen = np.column_stack([table["tell"], table["proto"] == "tcp"]).astype(np.float32)
    reference.fit(chosen)
    assert np.array_equal(pipeline.transform(table), reference.transform(chosen))


def test_other_rows_are_scaled_by_the_training_rows() -> None:
    pipeline = fitted(flows(), pearson, 1).pipeline
    table = flows(seed=9)
    assert np.array_equal(pipeline.transform(table)[10:20], pipeline.transform(table[10:20]))


# --- the leak


COLUMNS = Columns(numeric=["a", "b"], categorical=["c"], labels=["kind"])
SPLIT = RandomSplit("random", test=0.2, validation=0.2)
OFF = Cache(path=None)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
held_out = st.lists(st.tuples(numbers, numbers, st.sampled_from(["tcp", "udp", "new", "9"])), min_size=36, max_size=36)


def published() -> pl.DataFrame:
    random = np.random.default_rng(3)
    kinds = random.permutation(["n"] * 70 + ["x"] * 30)
    return pl.DataFrame(
        {
            "a": random.normal(size=100),
            "b": random.lognormal(size=100) + (kinds == "x"),
            "c": random.choice(["tcp", "udp"], 100),
            "kind": kinds,
        }
    )


def training_rows(table: pl.DataFrame) -> pl.DataFrame:
    """The training rows when `table` is the dataset's file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flows.csv"
        table.write_csv(file)
        dataset = Dataset(
            name="leaky",
            title="Leaky",
            path=str(file),
            columns=COLUMNS,
            labels={"category": Taxonomy(["kind"], {"n": ["n"], "x": ["x"]}, "n")},
            duplicates=Duplicates.keep,
        )
        return load(dataset, SPLIT, 0, OFF).train


def state(table: pl.DataFrame, scores: Scores, scaler: Scaler, rule: Rule | None) -> tuple[bytes, ...]:
    """Every byte that is fitted when `table` is the dataset's file."""
    train = training_rows(table)
    y = (train[CLASS] == "x").cast(pl.Int64).to_numpy()
    learned = fit(train, y, COLUMNS.numeric, COLUMNS.categorical, rule, scores, 3, scaler)
    arrays = learned.pipeline.scaler.state()
    return (
        repr(learned.pipeline.encoder).encode(),
        *(arrays[name].tobytes() for name in sorted(arrays)),
        learned.selection.scores.tobytes(),
        learned.train[ROW_ID].to_numpy().tobytes(),
    )


@settings(max_examples=4, deadline=None)  # whatever looks at held-out rows is seen by the first
@given(values=held_out)
@pytest.mark.parametrize("rule", [None, partial(iqr, factor=3.0)], ids=["all rows", "iqr"])
@pytest.mark.parametrize("scaler", SCALERS.values(), ids=SCALERS)
@pytest.mark.parametrize("scores", SELECTORS.values(), ids=SELECTORS)
def test_validation_and_test_rows_have_no_part_in_what_is_fitted(
    scores: Scores, scaler: type[MinMax | Quantile], rule: Rule | None, values: list[tuple[float, float, str]]
) -> None:
    table = published()
    before = state(table, scores, scaler(), rule)
    seen = set(training_rows(table)[ROW_ID])
    others = [row for row in range(100) if row not in seen]
    changed = table.to_dict(as_series=False)
    for row, (a, b, c) in zip(others, values, strict=True):
        changed["a"][row], changed["b"][row], changed["c"][row] = a, b, c
    assert state(pl.DataFrame(changed), scores, scaler(), rule) == before


def test_a_training_row_has_a_part_in_what_is_fitted() -> None:
    table = published()
    row = training_rows(table)[ROW_ID][0]
    changed = table.with_columns(a=pl.when(pl.int_range(100) == row).then(1e6).otherwise("a"))
    before, after = (state(each, pearson, MinMax(), None) for each in (table, changed))
    assert before != after


# --- kept and loaded


@pytest.mark.parametrize("scaler", SCALERS.values(), ids=SCALERS)
def test_a_loaded_pipeline_gives_the_same_bits(scaler: type[MinMax | Quantile], tmp_path: Path) -> None:
    pipeline = fitted(flows(), scaler=scaler()).pipeline
    pipeline.save(tmp_path)
    other = flows(seed=4)
    assert np.array_equal(Pipeline.load(tmp_path).transform(other), pipeline.transform(other))


def test_a_loaded_pipeline_has_the_same_names(tmp_path: Path) -> None:
    pipeline = fitted(flows(), pearson, 3).pipeline
    pipeline.save(tmp_path)
    assert Pipeline.load(tmp_path).names == pipeline.names


def test_loading_unpickles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted(flows(), scaler=Quantile()).pipeline.save(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    assert Pipeline.load(tmp_path).names


def test_a_planted_pickle_is_refused(tmp_path: Path) -> None:
    fitted(flows()).pipeline.save(tmp_path)
    with (tmp_path / "pipeline.npz").open("wb") as stream:
        np.savez(stream, low=np.array([{}], dtype=object), span=np.ones(1))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Pipeline.load(tmp_path)
