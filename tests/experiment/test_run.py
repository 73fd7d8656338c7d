"""One run in MLflow: the parameters, tags, metrics and files that scripts rely on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import mlflow
import numpy as np
import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, matthews_corrcoef, roc_auc_score

import train
from conftest import Workplace, make_workplace, typed, write_flows
from iot_ids.common.paths import CONF
from iot_ids.config import register
from iot_ids.data.load import Loaded
from iot_ids.experiment import steps
from iot_ids.experiment.fingerprint import fingerprint
from iot_ids.experiment.run import run
from iot_ids.metrics.operating_point import attack_scores
from iot_ids.serving.detector import Detector

EVERY_RUN = [
    "val/f1_macro",
    "test/accuracy",
    "test/balanced_accuracy",
    "test/f1_macro",
    "test/f1_macro_low",
    "test/f1_macro_high",
    "test/f1_weighted",
    "test/mcc",
    "test/detection_rate",
    "test/false_positive_rate",
    "test/majority_accuracy",
    "time/prepare_seconds",
    "time/fit_seconds",
    "time/predict_seconds",
    "data/train_rows",
    "data/validation_rows",
    "data/test_rows",
    "audit/test_rows_seen_in_train",
    "calibration/temperature",
    "test/expected_calibration_error",
    "test/expected_calibration_error_uncalibrated",
    "test/roc_auc",
    "test/average_precision",
    "operating/validation_normal_rows",
    "test/precision/Normal",
    "test/recall/Normal",
    "test/f1/Normal",
    "test/precision/Scan",
    "test/recall/Scan",
    "test/f1/Scan",
]
BINARY = "{Normal: [Normal], Attack: [Flood, Scan]}"
FILES = [
    "config.yaml",
    "selected_features.csv",
    "predictions.parquet",
    "classification_report.csv",
    "confusion_matrix.csv",
    "confusion_matrix.png",
    "per_class.png",
    "reliability.png",
    "curves.png",
    "cleaning.json",
    "audit.json",
    "model/MLmodel",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Make two runs in a workplace: a GRU on Pearson's features, then k nearest neighbours on all features."""
    with pytest.MonkeyPatch.context() as patch:
        workplace = make_workplace(tmp_path_factory.mktemp("run"), patch)
        for words in (("+experiment=gru_pearson", "selector.k=2"), ("model=knn",)):
            assert typed(patch, train, *workplace.words(*words)) == 0
        yield workplace


@pytest.fixture(scope="module")
def gru(place: Workplace) -> Any:
    return place.runs()[1]


@pytest.fixture(scope="module")
def knn(place: Workplace) -> Any:
    return place.runs()[0]


@pytest.mark.parametrize("name", ["gru", "knn"])
def test_every_metric_of_the_contract_is_there(name: str, request: pytest.FixtureRequest) -> None:
    kept = request.getfixturevalue(name)
    assert not set(EVERY_RUN) - set(kept.data.metrics)


def test_networks_have_metrics_by_epoch_and_a_parameter_count(gru: Any, place: Workplace) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{place.folder}/mlruns/mlflow.db")
    for name in ("train/loss", "val/loss"):
        assert [point.step for point in client.get_metric_history(gru.info.run_id, name)] == [0, 1, 2]
    assert gru.data.metrics["model/parameters"] == 3 * 64 * (2 + 64 + 2) + 64 * 3 + 3


def test_models_without_epochs_have_neither(knn: Any) -> None:
    assert not {"train/loss", "val/loss", "model/parameters"} & set(knn.data.metrics)


def test_the_last_validation_score_is_that_of_the_kept_weights(gru: Any, place: Workplace) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{place.folder}/mlruns/mlflow.db")
    points = sorted(client.get_metric_history(gru.info.run_id, "val/f1_macro"), key=lambda point: point.step)
    *epochs, final = (point.value for point in points)
    assert len(epochs) == 3
    assert gru.data.metrics["val/f1_macro"] == final == pytest.approx(max(epochs))


def test_the_whole_configuration_is_kept_as_parameters(gru: Any) -> None:
    expected = {
        "dataset.name": "mine",
        "dataset.label": "category",
        "dataset.columns.numeric": '["pkts", "rate", "size"]',
        "dataset.labels.category.classes.Flood": '["Flood"]',
        "split.name": "random",
        "scaler.name": "minmax",
        "selector.name": "pearson",
        "selector.k": "2",
        "model.name": "gru",
        "model.hidden_size": "64",
        "seed": "42",
    }
    assert expected.items() <= gru.data.params.items()


def test_the_tags_say_where_data_and_code_come_from(gru: Any, place: Workplace) -> None:
    tags = gru.data.tags
    summed = subprocess.run(["sha256sum", place.flows], capture_output=True, text=True, check=True).stdout.split()[0]
    assert tags["data.sha256"] == tags["data.test_sha256"] == summed
    assert (tags["data.origin"], tags["protocol"], tags["tuned"]) == ("published", "clean", "false")
    assert len(tags["config.fingerprint"]) == 16
    assert len(tags["git.commit"].removesuffix("-dirty")) in (40, len("unknown"))


@pytest.mark.parametrize("name", ["gru", "knn"])
def test_every_file_of_the_contract_is_there(name: str, place: Workplace, request: pytest.FixtureRequest) -> None:
    folder = place.artifacts(request.getfixturevalue(name))
    extra = ["learning_curve.png", "selected_features.png"] if name == "gru" else []
    for file in [*FILES, *extra]:
        assert (folder / file).stat().st_size > 0
        assert file.endswith(".png") == (folder / file).read_bytes().startswith(b"\x89PNG")


def test_rows_in_are_rows_kept_and_rows_dropped(gru: Any, place: Workplace) -> None:
    report = json.loads((place.artifacts(gru) / "cleaning.json").read_text())
    assert report["rows_in"] == 240 == report["rows_out"] + sum(report["dropped"].values())
    assert report["rows_out"] == report["train"] + report["validation"] + report["test"]


@pytest.mark.parametrize("name", ["gru", "knn"])
def test_metrics_follow_from_the_kept_predictions(name: str, place: Workplace, request: pytest.FixtureRequest) -> None:
    kept = request.getfixturevalue(name)
    table = pl.read_parquet(place.artifacts(kept) / "predictions.parquet")
    classes = [column.removeprefix("probability/") for column in table.columns if column.startswith("probability/")]
    probabilities = table.select(f"probability/{label}" for label in classes).to_numpy()
    answers = np.array(classes)[probabilities.argmax(axis=1)]
    truth = table["label"].to_numpy()
    metrics = kept.data.metrics
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert metrics["test/accuracy"] == pytest.approx(accuracy_score(truth, answers))
    assert metrics["test/balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, answers))
    assert metrics["test/f1_macro"] == pytest.approx(f1_score(truth, answers, average="macro"))
    assert metrics["test/mcc"] == pytest.approx(matthews_corrcoef(truth, answers))
    assert metrics["test/detection_rate"] == pytest.approx(np.mean(answers[truth != "Normal"] != "Normal"))
    assert metrics["data/test_rows"] == len(truth) == 48


@pytest.mark.parametrize("name", ["gru", "knn"])
def test_too_few_normal_rows_leave_the_operating_point_out(name: str, request: pytest.FixtureRequest) -> None:
    metrics = request.getfixturevalue(name).data.metrics  # 1 % of 13 rows cannot be told
    assert {each for each in metrics if each.startswith("operating/")} == {"operating/validation_normal_rows"}
    assert metrics["operating/validation_normal_rows"] == 13


@pytest.mark.parametrize("model", ["gru", "isolation_forest", "svm"])
def test_a_stated_rate_is_kept_on_validation_and_the_kept_model_tells_it(
    model: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    mine = workplace.folder / "my_conf" / "dataset" / "mine.yaml"
    mine.write_text(f"{mine.read_text()}  binary:\n    columns: [kind]\n    normal: Normal\n    classes: {BINARY}\n")
    words = [f"model={model}", "dataset.label=binary", "evaluate.false_positive_rate=0.25", "evaluate.flows_per_day=80"]
    assert typed(monkeypatch, train, *workplace.words(*words)) == 0
    (kept,) = workplace.runs()
    metrics, folder = kept.data.metrics, workplace.artifacts(kept)
    config = experiment_config(workplace, *words)
    loaded = steps.prepare(config).loaded
    detector = Detector.load(folder / "model" / "artifacts" / "detector")
    normal = loaded.validation.filter(pl.col("__class") == "Normal")
    above = attack_scores(detector.probabilities(normal), 0) > metrics["operating/threshold"]
    assert (len(above), above.sum()) == (metrics["operating/validation_normal_rows"], 3)  # a quarter of 13
    flows = loaded.read_test().flows
    table = pl.read_parquet(folder / "predictions.parquet")
    probabilities = table.select("probability/Normal", "probability/Attack").to_numpy()
    np.testing.assert_array_equal(probabilities, detector.probabilities(flows))
    assert detector.temperature == metrics["calibration/temperature"] != 1
    log_odds = np.log(probabilities[:, 1].astype(float)) - np.log(probabilities[:, 0].astype(float))
    attack, called = (table["label"] == "Attack").to_numpy(), log_odds > metrics["operating/threshold"]
    assert metrics["operating/detection_rate"] == pytest.approx(called[attack].mean())
    assert metrics["operating/false_positive_rate"] == pytest.approx(called[~attack].mean())
    assert metrics["operating/alerts_per_day"] == pytest.approx(80 * called[~attack].mean())
    assert metrics["test/roc_auc"] == pytest.approx(roc_auc_score(attack, probabilities[:, 1]))
    assert metrics["test/roc_auc"] > 0.7
    said = capfd.readouterr().out
    assert "at 25 % false positives on validation (13 normal rows, threshold " in said
    assert f"{100 * called[attack].mean():.2f} % of attacks found [" in said
    assert "false alarms a day if all of 80 flows are normal" in said
    assert "calibration error in percentage points: " in said


def test_a_label_without_a_normal_class_has_no_operating_point(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    mine = workplace.folder / "my_conf" / "dataset" / "mine.yaml"
    mine.write_text(mine.read_text().replace("    normal: Normal\n", ""))
    assert typed(monkeypatch, train, *workplace.words("model=naive_bayes")) == 0
    (kept,) = workplace.runs()
    assert not {"test/roc_auc", "operating/validation_normal_rows"} & set(kept.data.metrics)
    assert "test/expected_calibration_error" in kept.data.metrics
    assert not (workplace.artifacts(kept) / "curves.png").exists()
    assert "false positives on validation" not in capfd.readouterr().out


def test_predictions_name_the_rows_of_the_file(gru: Any, place: Workplace) -> None:
    table = pl.read_parquet(place.artifacts(gru) / "predictions.parquet")
    flows = pl.read_csv(place.flows)
    assert flows["kind"].gather(table["row_id"]).to_list() == table["label"].to_list()


ANSWERING = """
import sys, mlflow, pandas
flows = pandas.read_csv(sys.argv[1])
for folder in sys.argv[2:]:
    model = mlflow.pyfunc.load_model(f"{folder}/model")
    model.predict(flows[["pkts", "rate", "size", "proto"]]).to_csv(f"{folder}/answers.csv", index=False)
assert "lightning" not in sys.modules
"""


def test_the_kept_models_answer_raw_rows_in_a_fresh_process_like_the_trained_ones(
    gru: Any, knn: Any, place: Workplace
) -> None:
    folders = [place.artifacts(kept) for kept in (gru, knn)]
    line = [sys.executable, "-c", ANSWERING, str(place.flows), *map(str, folders)]
    done = subprocess.run(line, cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for folder in folders:
        table = pl.read_parquet(folder / "predictions.parquet")
        fresh = pl.read_csv(folder / "answers.csv")
        assert len(fresh.columns) == 3
        for label in fresh.columns:
            again = fresh[label].gather(table["row_id"]).to_numpy()
            assert again == pytest.approx(table[f"probability/{label}"].to_numpy(), abs=1e-5)


def test_the_kept_model_holds_no_pickle(gru: Any, knn: Any, place: Workplace) -> None:
    endings = {
        path.suffix for kept in (gru, knn) for path in (place.artifacts(kept) / "model").rglob("*") if path.is_file()
    }
    assert endings == {".py", ".typed", ".json", ".npz", ".parquet", ".safetensors", ".yaml", ".txt", ""}


def test_the_dataset_is_logged(gru: Any, place: Workplace) -> None:
    (given,) = gru.inputs.dataset_inputs
    assert given.dataset.name == "mine"
    assert json.loads(given.dataset.profile)["num_rows"] == gru.data.metrics["data/train_rows"]


def test_an_identifier_that_gives_the_class_away_is_flagged(gru: Any, place: Workplace) -> None:
    findings = json.loads((place.artifacts(gru) / "audit.json").read_text())
    assert findings["flagged"] == ["id"]
    assert "id" not in findings["single_feature_f1"]


def test_generated_rows_say_simulated_in_every_table(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, _ = quick_run("dataset.rows=300", "model=naive_bayes", f"cache.path={workplace.folder}/cache")
    folder = workplace.artifacts(next(each for each in workplace.runs() if each.info.run_id == kept))
    for file in folder.glob("*.csv"):
        rows = file.read_text().splitlines()
        assert all(row.startswith("SIMULATED,") for row in rows[1:]), file
    for name in ("audit.json", "cleaning.json"):
        assert json.loads((folder / name).read_text())["simulated"] is True
    assert pl.read_parquet(folder / "predictions.parquet").columns[0] == "origin"


def quick_run(*overrides: str) -> tuple[str, Any]:
    """Compose and run in this process; return the run's id and the configuration."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", overrides=["trainer=cpu", "evaluate.replicates=20", *overrides])
    return run(config), config


def test_test_rows_are_read_once_and_last(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def watched(*arguments: Any) -> Loaded:
        loaded = load(*arguments)
        read = loaded.read_test
        object.__setattr__(loaded, "read_test", lambda: order.append("test") or read())
        return loaded

    def fitted(*arguments: Any) -> Any:
        order.append("fit")
        return fit(*arguments)

    load, fit = steps.load, steps.fit
    monkeypatch.setattr(steps, "load", watched)
    monkeypatch.setattr(steps, "fit", fitted)
    quick_run("dataset.rows=300", "model=naive_bayes", f"cache.path={workplace.folder}/cache")
    assert order == ["fit", "test"]


def test_repeats_of_train_rows_in_test_are_counted_exactly(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    flows = place.folder / "repeats.csv"
    lines = write_flows(flows).read_text().splitlines()
    flows.write_text("\n".join([lines[0], *(line for line in lines[1:] for _ in range(3))]) + "\n")
    monkeypatch.chdir(place.folder)
    words = [f"dataset.path={flows}", "dataset.duplicates=keep", "model=naive_bayes"]
    assert typed(monkeypatch, train, *place.words(*words)) == 0
    kept = place.runs()[0]
    table = pl.read_parquet(place.artifacts(kept) / "predictions.parquet")
    config = experiment_config(place, *words)
    train_rows = set(steps.prepare(config).loaded.train["__row_id"] // 3)
    expected = sum(row // 3 in train_rows for row in table["row_id"])
    assert kept.data.metrics["audit/test_rows_seen_in_train"] == expected > 100


def experiment_config(place: Workplace, *overrides: str) -> Any:
    from iot_ids.config import resolve

    words = place.words(*overrides)[2:]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        path = f"hydra.searchpath=[file://{place.folder}/my_conf]"
        return resolve(compose("train", overrides=[path, *words]))


def test_a_fingerprint_ignores_seed_paths_and_tracking_and_nothing_else() -> None:
    plain = {
        "dataset": {"name": "a", "path": "x"},
        "seed": 1,
        "tracking": {"uri": "u"},
        "cache": {},
        "model": {"name": "gru"},
    }
    same = {**plain, "dataset": {"name": "a", "path": "y"}, "seed": 2, "tracking": {"uri": "v"}, "cache": {"path": "z"}}
    other = {**plain, "model": {"name": "lstm"}}
    assert fingerprint(plain, "data") == fingerprint(same, "data")
    assert fingerprint(plain, "data") != fingerprint(other, "data")
    assert fingerprint(plain, "data") != fingerprint(plain, "other data")


def test_what_is_the_same_as_before_is_not_prepared_again_and_comes_out_the_same(workplace: Workplace) -> None:
    def config(*more: str) -> Any:
        return experiment_config(workplace, "selector=pearson", *(more or ["selector.k=2"]))

    register()
    first = steps.prepare(config())
    same = steps.prepare(config("selector.k=2", "model.hidden_size=7"), first)
    assert same.train is first.train
    assert same.model is not first.model
    wider = steps.prepare(config("selector.k=3"), first)
    assert wider.loaded is first.loaded
    assert np.array_equal(wider.train.x, steps.prepare(config("selector.k=3")).train.x)
    elsewhere = steps.prepare(config("selector.k=2", "seed=1"), first)
    assert elsewhere.loaded is not first.loaded
    assert steps.prepare(config("selector.k=2", "seed=1", "split_seed=42"), first).loaded is first.loaded
