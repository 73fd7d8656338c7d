"""`model.sequence=window` from the files to the score: windows find a class that only earlier flows reveal."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from polars.testing import assert_frame_equal

import train
from conftest import CONF, Workplace, typed
from iot_ids.common.errors import UserError
from iot_ids.config import Config, register, resolve
from iot_ids.data.clean import ROW_ID
from iot_ids.data.schema import Columns, Dataset, Taxonomy
from iot_ids.experiment import steps as experiment
from iot_ids.experiment.state import Prepared

MINE = Dataset(
    name="remembers",
    title="Flows that remember",
    columns=Columns(numeric=["value"], identifiers=["when", "host"], labels=["kind"], time="when", source="host"),
    label="category",
    labels={"category": Taxonomy(columns=["kind"], normal="low", classes={"low": ["low"], "high": ["high"]})},
)


def write_flows(file: Path, rows: int = 4000, levels: int = 3000) -> pl.DataFrame:
    """Flows of four hosts, in disorder. The class says how large the value of the host's flow before was.

    Its own value is random, and a quarter of the flows repeats an earlier value and class.
    """
    draw = np.random.default_rng(3)
    value, host = draw.integers(0, levels, rows) / levels, draw.integers(0, 4, rows)
    flows = pl.DataFrame({"when": np.arange(rows) // 2 * 1.0, "host": host, "value": value}).with_columns(
        pl.format("h{}", "host").alias("host"),
        pl.when(pl.col("value").shift().over("host") > 0.5).then(pl.lit("high")).otherwise(pl.lit("low")).alias("kind"),
    )
    pairs = draw.permutation(rows // 2)[:, None] * 2 + [0, 1]  # flows of one time stay in order
    flows = flows[pairs.reshape(-1)]
    flows.write_csv(file)
    return flows


def config(file: Path, *overrides: str) -> Config:
    register()
    words = ["split=temporal", "split.embargo=10", "trainer=cpu", "evaluate.replicates=10", *overrides]
    quick = ["cache=off", "trainer.max_epochs=25", "trainer.batch_size=64", "model.hidden_size=16", "model.window=4"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return replace(resolve(compose("train", overrides=quick + words)), dataset=replace(MINE, path=str(file)))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("remembers") / "flows.csv"
    write_flows(place)
    return place


@pytest.fixture(scope="module")
def prepared(file: Path) -> Any:
    return cache(lambda sequence: experiment.prepare(config(file, f"model.sequence={sequence}")))


def accuracy(prepared: Prepared) -> float:
    fitted = experiment.fit(prepared, lambda *_: None)
    return experiment.evaluate(fitted, prepared.loaded.read_test()).metrics["test/accuracy"]


def test_windows_find_what_only_the_past_tells(prepared: Any) -> None:
    assert accuracy(prepared("window")) > 0.95


def test_single_flows_are_at_chance_where_only_the_past_tells(prepared: Any) -> None:
    assert 0.4 < accuracy(prepared("flow")) < 0.6


def test_windows_train_and_test_the_same_rows_as_single_flows(prepared: Any) -> None:
    window, flow = prepared("window"), prepared("flow")
    assert_frame_equal(window.loaded.train, flow.loaded.train)
    assert_frame_equal(window.loaded.validation, flow.loaded.validation)
    assert_frame_equal(window.loaded.read_test().flows, flow.loaded.read_test().flows)
    assert np.array_equal(window.train.y, flow.train.y)
    assert window.features.pipeline.scaler.state().keys() == flow.features.pipeline.scaler.state().keys()
    for name, value in window.features.pipeline.scaler.state().items():
        assert np.array_equal(value, flow.features.pipeline.scaler.state()[name])


@pytest.mark.parametrize("part", ["train", "validation"])
def test_every_window_ends_with_its_own_flow(prepared: Any, part: str) -> None:
    table, flow = getattr(prepared("window"), part), getattr(prepared("flow"), part)
    length = (table.steps >= 0).sum(axis=1)
    assert np.array_equal(table.x[table.steps[np.arange(len(length)), length - 1]], flow.x)


def stretch(prepared: Prepared, part: str) -> pl.DataFrame:
    """Return the rows of a part and its history, in the order of the network's table."""
    flows, history = getattr(prepared.loaded, part), getattr(prepared.loaded, f"{part}_history")
    return pl.concat([flows, history])


@pytest.mark.parametrize("part", ["train", "validation"])
def test_windows_hold_the_last_flows_of_the_source_in_their_own_part(prepared: Any, part: str) -> None:
    table, flows = getattr(prepared("window"), part), stretch(prepared("window"), part)
    assert len(table.x) == flows.height + 1
    keys = list(flows.select("host", "when", ROW_ID).iter_rows())
    for row, steps in enumerate(table.steps):
        host, when, own = keys[row]
        before = [key for key in keys if key[0] == host and key[1:] <= (when, own)]
        assert [keys[at] for at in steps if at >= 0] == sorted(before)[-4:]


def test_parts_are_stretches_of_time_that_do_not_touch(prepared: Any) -> None:
    loaded = prepared("window").loaded
    test = loaded.read_test()
    parts = [stretch(prepared("window"), "train"), stretch(prepared("window"), "validation")]
    parts.append(pl.concat([test.flows, test.history]))
    ends = [(part.select("when", ROW_ID).sort("when", ROW_ID)) for part in parts]
    assert ends[0].row(-1) < ends[1].row(0)
    assert ends[1].row(-1) < ends[2].row(0)


def test_duplicates_are_no_targets_but_stay_in_the_history(prepared: Any, file: Path) -> None:
    window = prepared("window").loaded
    raw = pl.read_csv(file).with_row_index(ROW_ID)
    first = raw.unique(["value", "kind"], keep="first")
    train, history = window.train, window.train_history
    assert set(train[ROW_ID]) <= set(first[ROW_ID])
    assert not set(history[ROW_ID]) & set(first[ROW_ID])
    last = train.select("when", ROW_ID).sort("when", ROW_ID).row(-1)
    until = {row_id for when, row_id in raw.select("when", ROW_ID).iter_rows() if (when, row_id) <= last}
    opening = train.select("when", ROW_ID).sort("when", ROW_ID).row(0)
    early = {row_id for when, row_id in raw.select("when", ROW_ID).iter_rows() if (when, row_id) < opening}
    assert set(train[ROW_ID]) | set(history[ROW_ID]) == until - early
    assert window.cleaning["read_by_windows_alone"]["train"] == history.height > 100


def test_single_flows_have_no_context(prepared: Any) -> None:
    loaded = prepared("flow").loaded
    assert (loaded.train_history, loaded.validation_history, loaded.read_test().history) == (None, None, None)
    assert prepared("flow").train.steps is None


def test_a_cached_run_of_windows_sees_the_same(file: Path, tmp_path: Path) -> None:
    words = ["cache=disk", f"cache.path={tmp_path}", "model.sequence=window"]
    one, other = (experiment.prepare(config(file, *words)) for _ in range(2))
    assert one.train.steps is not None
    assert np.array_equal(one.train.steps, other.train.steps)
    assert np.array_equal(one.train.x, other.train.x, equal_nan=True)
    first, second = one.loaded.read_test(), other.loaded.read_test()
    assert first.history is not None
    assert second.history is not None
    assert_frame_equal(first.history, second.history)


def test_outliers_are_no_targets_but_stay_in_the_history(prepared: Any, file: Path) -> None:
    inside = experiment.prepare(config(file, "model.sequence=window", "outliers=iqr", "outliers.factor=0.3"))
    assert len(inside.train.y) < len(prepared("window").train.y)
    assert len(inside.train.x) == len(prepared("window").train.x)


def test_files_without_the_source_column_are_refused(tmp_path: Path) -> None:
    write_flows(tmp_path / "flows.csv").drop("host").write_csv(tmp_path / "flows.csv")
    with pytest.raises(UserError, match="lack the columns host"):
        experiment.prepare(config(tmp_path / "flows.csv", "model.sequence=window"))


# --- as a user types it

YAML = """\
name: remembers
title: Flows that remember
columns: {numeric: [value], identifiers: [when, host], labels: [kind], time: when, source: host}
labels:
  category: {columns: [kind], normal: low, classes: {low: [low], high: [high]}}
"""
WORDS = ["dataset=remembers", "split=temporal", "split.embargo=10", "model.sequence=window", "model.window=3"]


def test_a_kept_detector_of_windows_answers_raw_flows_as_in_the_test(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace.folder / "my_conf" / "dataset" / "remembers.yaml").write_text(YAML)
    raw = write_flows(workplace.flows, rows=1200, levels=900)
    assert typed(monkeypatch, train, *workplace.words(*WORDS)) == 0
    (run,) = workplace.runs()
    place = workplace.artifacts(run)
    predictions = pl.read_parquet(place / "predictions.parquet")
    rows = raw.with_row_index(ROW_ID)
    ends = rows.join(predictions, left_on=ROW_ID, right_on="row_id").select("when", ROW_ID).sort("when", ROW_ID)
    (first, _), (last, _) = ends.row(0), ends.row(-1)
    seen = rows.filter(pl.col("when").is_between(first, last))  # as a user would cut it: whole seconds
    answers = mlflow.pyfunc.load_model(str(place / "model")).predict(seen.drop("kind", ROW_ID).to_pandas())
    served = dict(zip(seen[ROW_ID], answers["high"], strict=True))
    kept = dict(predictions.select("row_id", "probability/high").iter_rows())
    inside = rows.filter(pl.col("when").is_between(first + 20, last, closed="none"))[ROW_ID]  # past the cut's edge
    both = [row for row in inside if row in kept]
    assert len(both) > 100
    np.testing.assert_allclose([served[row] for row in both], [kept[row] for row in both], atol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("model.sequence=window", "model.sequence=window with split=random"),
        ("model.sequence=window split=temporal model.window=0", "model.window=0 has to be at least 1"),
        (
            "model.sequence=window split=temporal dataset=bot_iot_10_best dataset.path=nowhere",
            "declares no time column",
        ),
        ("model.sequence=window split=temporal dataset=ton_iot dataset.path=nowhere", "declares no time column"),
    ],
)
def test_windows_without_a_history_are_refused_before_a_file_is_looked_for(
    words: str, message: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, train, *words.split()) != 0
    assert message in capsys.readouterr().err
    assert not workplace.runs()


def test_times_written_as_text_make_the_same_windows_and_the_detector_knows_their_format(tmp_path: Path) -> None:
    numbers, texts = tmp_path / "numbers.csv", tmp_path / "texts.csv"
    flows = write_flows(numbers, rows=200)
    when = pl.from_epoch("when", time_unit="s").dt.strftime("%d/%m/%Y %H:%M:%S")
    flows.with_columns(when.str.replace("01/01/1970", "13/01/1970", literal=True)).write_csv(texts)
    of_numbers, of_texts = (
        experiment.prepare(config(file, "trainer.max_epochs=1", "model.sequence=window")) for file in (numbers, texts)
    )
    assert np.array_equal(of_texts.train.steps, of_numbers.train.steps)
    assert experiment.fit(of_texts, lambda *_: None).detector.columns.time_format == "%d/%m/%Y %H:%M:%S"
