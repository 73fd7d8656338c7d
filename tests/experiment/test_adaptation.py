"""`adapt=unlabelled` through `python -m train`, on two made-up networks with one law and different units."""

import json
from dataclasses import replace

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

import compare
import train
from conftest import Workplace, typed
from experiment.test_run import experiment_config
from iot_ids.common.errors import UserError
from iot_ids.config import check
from iot_ids.data.label import CLASS
from iot_ids.data.schema import Columns
from iot_ids.experiment import steps
from iot_ids.experiment.adaptation import adapt, move_threshold, sentences
from iot_ids.features.encode import Encoder
from iot_ids.features.pipeline import Pipeline
from iot_ids.features.scalers import MinMax
from iot_ids.features.spec import Adaptation
from iot_ids.metrics import operating_point
from iot_ids.serving.detector import Detector

NETWORK = """\
name: {name}
title: {name}
columns:
  numeric: [a, b, c, d]
  labels: [label]
label: {label}
labels:
  binary: {{columns: [label], normal: {normal}, classes: {{{classes}}}}}
  whole: {{columns: [label], classes: {{any: ['0', '1']}}}}
"""
CODES = {"normal first": "normal: ['0'], attack: ['1']", "attack first": "attack: ['1'], normal: ['0']"}
RECIPE = ["+experiment=transductive", "evaluate.false_positive_rate=0.1", "cache=off"]


def networks(place: Workplace, order: str = "normal first") -> list[str]:
    """Attacks repeat a dozen values in each column, normal flows hardly any; the second network has a unit and a dozen
    of its own. What to type for training on the first and testing on the second."""
    for seed, (name, unit) in enumerate([("home", 1.0), ("away", 7000.0)]):
        random = np.random.default_rng(seed)
        attack = random.uniform(size=1500) < 0.85
        favourite = random.uniform(1, 1000, (4, 12))
        repeated = np.column_stack([random.choice(values, 1500) for values in favourite])
        numbers = unit * np.where(attack[:, None], repeated, 10 ** random.uniform(0, 3, (1500, 4)))
        flows = pl.DataFrame(numbers, schema=list("abcd")).with_columns(label=pl.Series(attack).cast(pl.Int8))
        flows.write_csv(place.folder / f"{name}.csv")
        text = NETWORK.format(name=name, normal="normal", classes=CODES[order], label="binary")
        (place.folder / "my_conf" / "dataset" / f"{name}.yaml").write_text(text)
    home = ["dataset=home", f"dataset.path={place.folder}/home.csv"]
    return [*home, "+dataset@test_dataset=away", f"test_dataset.path={place.folder}/away.csv"]


def test_unlabelled_flows_carry_a_law_from_one_network_to_the_other_and_nothing_else_does(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = networks(workplace)
    assert typed(monkeypatch, train, *workplace.words(*RECIPE, *words)) == 0
    assert "Unlabelled flows of the tested network shaped this run" in capfd.readouterr().out
    assert typed(monkeypatch, train, *workplace.words(*RECIPE, *words, "adapt=none")) == 0
    plain, adapted_run = workplace.runs()
    assert adapted_run.data.metrics["test/balanced_accuracy"] > 0.9
    assert plain.data.metrics["test/balanced_accuracy"] == pytest.approx(0.5, abs=0.1)
    assert plain.data.metrics["val/f1_macro"] == adapted_run.data.metrics["val/f1_macro"] > 0.9
    assert [run.data.tags["protocol"] for run in (plain, adapted_run)] == ["clean", "transductive"]


@pytest.mark.parametrize("order", CODES)
def test_metrics_matrix_predictions_and_kept_model_agree_on_the_moved_threshold(
    order: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = networks(workplace, order)
    assert typed(monkeypatch, train, *workplace.words(*RECIPE, *words)) == 0
    (kept,) = workplace.runs()
    folder, metrics = workplace.artifacts(kept), kept.data.metrics
    table = pl.read_parquet(folder / "predictions.parquet")
    called = (table["probability/attack"] > table["probability/normal"]).to_numpy()
    truth = (table["label"] == "attack").to_numpy()
    assert metrics["test/balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, called))
    matrix = pl.read_csv(folder / "confusion_matrix.csv")
    assert matrix.filter(pl.col("label") == "attack")["attack"].item() == int((called & truth).sum())
    flows = pd.read_csv(workplace.folder / "away.csv")[list("abcd")]
    again = mlflow.pyfunc.load_model(str(folder / "model")).predict(flows)["attack"].to_numpy()
    np.testing.assert_array_equal(again[table["row_id"].to_numpy()], table["probability/attack"].to_numpy())
    detector = Detector.load(folder / "model" / "artifacts" / "detector")
    uncalibrated = detector.uncalibrated(pl.from_pandas(flows))[:, detector.classes.index("attack")].astype(np.float64)
    odds = np.log((uncalibrated + 1e-3) / (1 - uncalibrated + 1e-3))
    np.testing.assert_array_equal(called, (odds > operating_point.otsu_threshold(odds))[table["row_id"].to_numpy()])


def test_a_moved_threshold_leaves_the_operating_point_out_and_a_new_scale_does_not(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = networks(workplace)
    for override in ("adapt.threshold=false", "adapt.scaler=false", "adapt=unlabelled"):
        assert typed(monkeypatch, train, *workplace.words(*RECIPE, *words, override)) == 0
    runs = workplace.runs()[::-1]
    points = [{name for name in run.data.metrics if name.startswith("operating/")} for run in runs]
    assert [len(point) > 1 for point in points] == [True, False, False]
    assert points[1:] == [set(), set()]
    assert all("test/roc_auc" in run.data.metrics for run in runs)
    assert {run.data.tags["protocol"] for run in runs} == {"transductive"}
    said = [json.loads((workplace.artifacts(run) / "audit.json").read_text())["sentences"][0] for run in runs]
    assert ["scaler was refitted" in line for line in said] == [True, False, True]
    assert ["Otsu" in line for line in said] == [False, True, True]


def test_a_comparison_does_not_mix_them_with_clean_runs(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = networks(workplace)
    for override in ("adapt=none", "adapt=unlabelled"):
        assert typed(monkeypatch, train, *workplace.words(*RECIPE, *words, override)) == 0
    assert typed(monkeypatch, compare) == 1
    assert "protocol" in capfd.readouterr().err
    (seeing,) = [run for run in workplace.runs() if run.data.tags["protocol"] == "transductive"]
    assert typed(monkeypatch, compare, "protocol=transductive") == 0
    assert typed(monkeypatch, compare, "report=gap", "dataset=away", "log=false", f"folder={workplace.folder}/gap") == 0
    gap = pl.read_csv(workplace.folder / "gap" / "gap.csv").drop_nulls("balanced_accuracy")
    rows = dict(gap.select("condition", "balanced_accuracy").iter_rows())
    assert sorted(rows) == ["transductive", "transfer"]
    assert rows["transductive"] == pytest.approx(seeing.data.metrics["test/balanced_accuracy"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset=mine"], r"\+dataset@test_dataset=NAME test_dataset.path=FILE"),
        (["dataset.label=whole"], "choose dataset.label=binary"),
    ],
)
def test_what_cannot_be_adapted_is_refused(
    words: list[str], message: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = networks(workplace) if "dataset.label=whole" in words else []
    config = experiment_config(workplace, "adapt=unlabelled", *others, *words)
    with pytest.raises(UserError, match=message):
        check(config)


def test_nothing_is_said_without_adaptation() -> None:
    assert sentences(Adaptation("none", scaler=False, threshold=False)) == []


class Given:
    """A model that predicts its only feature as the probability of class `attack`."""

    def __init__(self, attack: int) -> None:
        self.attack = attack

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.column_stack([1 - x[:, 0], x[:, 0]])[:, :: 1 if self.attack else -1]


def detector_of(attack: int, temperature: float) -> Detector:
    scaler = MinMax()
    scaler.fit(np.array([[0], [1]], dtype=np.float32))
    pipeline = Pipeline(Encoder(("p",), ()), scaler)
    return Detector(Columns(numeric=["p"]), [""], ["a", "b"], pipeline, Given(attack), temperature)  # type: ignore[arg-type]


@given(
    scores=arrays(np.float32, st.integers(3, 60), elements=st.integers(0, 1000).map(lambda each: each / 1000)),
    attack=st.sampled_from([0, 1]),
    temperature=st.sampled_from([0.05, 0.7, 1.0, 30.0]),
)
def test_a_flow_is_an_attack_exactly_above_otsus_cut(
    scores: NDArray[np.float32], attack: int, temperature: float
) -> None:
    exact = scores.astype(np.float64)
    odds = np.log((exact + 1e-3) / (1 - exact + 1e-3))
    if len(np.unique(scores)) == 1:
        return
    flows = pl.DataFrame({"p": scores})
    moved = move_threshold(detector_of(attack, temperature), flows, 1 - attack).probabilities(flows)
    np.testing.assert_array_equal(moved.argmax(axis=1) == attack, odds > operating_point.otsu_threshold(odds))
    np.testing.assert_allclose(moved.sum(axis=1), 1, atol=1e-6)
    order = np.argsort(scores, kind="stable")
    assert (np.diff(moved[order, attack]) >= -1e-6).all()


@given(
    score=st.integers(0, 1000).map(lambda each: each / 1000),
    attack=st.sampled_from([0, 1]),
    temperature=st.sampled_from([0.007, 0.7, 1.0, 148.0]),
)
def test_scores_that_are_all_alike_leave_every_flow_normal(score: float, attack: int, temperature: float) -> None:
    flows = pl.DataFrame({"p": np.full(4, score, dtype=np.float32)})
    moved = move_threshold(detector_of(attack, temperature), flows, 1 - attack).probabilities(flows)
    assert (moved.argmax(axis=1) == 1 - attack).all()


def test_labels_are_not_looked_at(workplace: Workplace) -> None:
    config = experiment_config(workplace, *RECIPE, *networks(workplace))
    prepared = steps.prepare(config)
    fitted = steps.fit(prepared, lambda *_: None)
    flows = prepared.loaded.read_test().flows
    shuffled = adapt(fitted, flows.with_columns(pl.col(CLASS).shuffle(seed=0))).detector
    without = adapt(fitted, flows.select(list("abcd"))).detector
    np.testing.assert_array_equal(without.probabilities(flows), shuffled.probabilities(flows))
    plain = replace(prepared, config=replace(config, adapt=Adaptation("none", scaler=False, threshold=False)))
    untouched = replace(fitted, prepared=plain)
    assert adapt(untouched, flows) is untouched
