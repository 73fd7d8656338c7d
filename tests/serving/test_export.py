"""Exports: proved against the kept detector before a file appears, the same bytes each time, nothing half written."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.naive_bayes import GaussianNB

from iot_ids.common.errors import UserError
from iot_ids.features.pipeline import fit
from iot_ids.features.scalers import Midrank, MinMax, Quantile, Scaler, Share
from iot_ids.gateway.detector import Detector as Exported
from iot_ids.models.classifier import Classifier, Table
from iot_ids.models.networks.network import RecurrentClassifier
from iot_ids.models.sklearn.adapter import Classical
from iot_ids.models.sklearn.neighbours import NeighboursClassifier
from iot_ids.models.spec import Trainer
from iot_ids.serving import export as exports
from iot_ids.serving import parity
from iot_ids.serving.detector import Detector
from iot_ids.serving.export import export
from kept_folder import rebuild
from serving.test_detector import CLASSES, COLUMNS, MISSING, flows

TRAINER = Trainer("cpu", "cpu", max_epochs=2, batch_size=64, patience=2, gradient_clip=1.0)


def gru(**changed: Any) -> RecurrentClassifier:
    settings = {
        "cell": "gru",
        "hidden_size": 8,
        "layers": 1,
        "dropout": 0.0,
        "bidirectional": False,
        "sequence": "flow",
    }
    recipe = {
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "schedule": "constant",
        "loss": "cross_entropy",
        "class_weights": "none",
    }
    return RecurrentClassifier(**(settings | recipe | changed), trainer=TRAINER)


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Path]:
    """Keep a detector of a model and a scaler in a folder."""

    def kept(model: Classifier, scaler: Scaler | None = None, **changed: Any) -> Path:
        train, y = flows()
        chosen = fit(train, y, COLUMNS.numeric, COLUMNS.categorical, None, None, None, scaler or MinMax())
        table = Table(chosen.pipeline.transform(train), y)
        model.fit(table, table, 3, 0, lambda *_: None)
        detector = Detector(COLUMNS, MISSING, CLASSES, chosen.pipeline, model, 0.7, normal=0)
        replace(detector, **changed).save(tmp_path / "model", flows(seed=1)[0])
        return tmp_path / "model"

    return kept


@pytest.mark.parametrize("scaler", [MinMax, Quantile, Midrank, Share])
def test_every_scaler_with_the_gru_answers_as_the_kept_detector(
    keep: Callable[..., Path], scaler: Any, tmp_path: Path
) -> None:
    done = export(keep(gru(), scaler()), tmp_path / "out" / "d.onnx")
    assert (done.parity.of_the_run, done.parity.rows) == (300, 300 + parity.HARD_ROWS)
    assert done.parity.largest < parity.TOLERANCE
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["d.golden.csv", "d.onnx"]


def test_the_same_detector_gives_the_same_bytes(keep: Callable[..., Path], tmp_path: Path) -> None:
    folder = keep(gru())
    for name in ("a.onnx", "b.onnx", "a.pyz", "b.pyz"):
        export(folder, tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert (tmp_path / "a.pyz").read_bytes() == (tmp_path / "b.pyz").read_bytes()


def test_golden_rows_let_another_runtime_check_itself(keep: Callable[..., Path], tmp_path: Path) -> None:
    folder = keep(gru(), Quantile())
    export(folder, tmp_path / "d.onnx")
    found = Exported(tmp_path / "d.onnx")
    with (tmp_path / "d.golden.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == exports.GOLDEN_ROWS
    numbers = np.array([[float(row[name]) for name in found.facts.numbers] for row in rows])
    texts = np.array([[row[name] for name in found.facts.texts] for row in rows], dtype=object)
    answers = found.answer(numbers, texts)
    expected = np.array([[float(row[f"probability/{name}"]) for name in found.facts.classes] for row in rows])
    np.testing.assert_allclose(answers.probabilities, expected, atol=1e-7)
    assert np.isnan(expected).any()
    assert [row["answer"] for row in rows] == [CLASSES[code] if code >= 0 else "" for code in answers.code]


@pytest.mark.parametrize("what", ["probabilities", "answers", "attack scores", "alarms"])
def test_an_export_that_answers_otherwise_is_not_written_and_the_worst_row_is_shown(
    keep: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from iot_ids.metrics.operating_point import operating_point

    scores = np.linspace(-3, 3, 200)
    folder = keep(gru(), point=operating_point(scores, 0.2))
    right = exports.outputs

    def wrong(exported: Any, rows: parity.Flows) -> Any:
        found = right(exported, rows)
        assert found.alarm is not None
        if what == "probabilities":
            found.probabilities[7, 0] += 2e-5
        if what == "attack scores":
            found = replace(found, score=-found.score)  # type: ignore[operator]
        if what == "answers":
            found.code[7] = (found.code[7] + 1) % 3
        return replace(found, alarm=~found.alarm if what == "alarms" else found.alarm)

    monkeypatch.setattr(exports, "outputs", wrong)
    with pytest.raises(UserError, match=rf"not exported: {what} of .* flows differ .* bytes="):
        export(folder, tmp_path / "out" / "d.onnx")
    assert not (tmp_path / "out").exists()


def test_the_threshold_travels_and_the_file_says_where_it_comes_from(keep: Callable[..., Path], tmp_path: Path) -> None:
    from iot_ids.metrics.operating_point import operating_point

    point = operating_point(np.linspace(-3, 3, 200), 0.2)
    export(keep(Classical(GaussianNB()), point=point), tmp_path / "d.onnx")
    said = {
        name: json.loads(value) for name, value in Exported(tmp_path / "d.onnx").metadata.items() if name != "sha256"
    }
    assert said["operating_point"]["threshold"] == point.threshold
    assert said["operating_point"]["validation_normal_rows"] == 200
    assert [each["name"] for each in said["columns"]] == ["bytes", "dur", "proto", "tls"]
    assert (said["classes"], said["normal"]) == (CLASSES, "normal")
    assert {"python", "iot-ids", "numpy"} <= said["exported_with"].keys()


def test_without_a_threshold_there_is_no_alarm(keep: Callable[..., Path], tmp_path: Path) -> None:
    export(keep(Classical(GaussianNB())), tmp_path / "d.onnx")
    found = Exported(tmp_path / "d.onnx")
    assert found.outputs == ["probabilities", "answer", "attack_score"]
    assert found.facts.alarm_limit is None


def test_a_detector_kept_before_there_were_examples_is_proved_on_made_up_rows(
    keep: Callable[..., Path], tmp_path: Path
) -> None:
    folder = keep(gru())
    (folder / "examples.parquet").unlink()
    (folder / "manifest.json").unlink()
    facts = json.loads((folder / "detector.json").read_text())
    (folder / "detector.json").write_text(json.dumps({**facts, "version": 1}))
    with pytest.warns(UserWarning, match="manifests"):
        done = export(folder, tmp_path / "d.onnx")
    assert (done.parity.of_the_run, done.parity.rows) == (0, 1 + parity.HARD_ROWS)


def test_windows_and_other_endings_are_refused(keep: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must end in \.onnx, or in \.pyz"):
        export(tmp_path, tmp_path / "d.bin")
    with pytest.raises(UserError, match="holds no kept detector"):
        export(tmp_path / "absent", tmp_path / "d.onnx")
    folder = keep(gru())
    facts = json.loads((folder / "network.json").read_text())
    (folder / "network.json").write_text(json.dumps({**facts, "sequence": "window"}))
    (folder / "manifest.json").unlink()
    kept = json.loads((folder / "detector.json").read_text())
    (folder / "detector.json").write_text(json.dumps({**kept, "window": 3, "version": 1}))
    with pytest.warns(UserWarning, match="manifests"), pytest.raises(UserError, match=r"model\.sequence=window reads"):
        export(folder, tmp_path / "d.onnx")


def test_a_class_without_a_converter_is_named(
    keep: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = keep(Classical(GaussianNB()))
    monkeypatch.delattr(Classical, "to_onnx")
    with pytest.raises(UserError, match=r"the model is of class Classical, which has no method to_onnx; write one"):
        export(folder, tmp_path / "d.onnx")


def test_the_file_passes_onnxs_own_checker(keep: Callable[..., Path], tmp_path: Path) -> None:
    export(keep(gru()), tmp_path / "d.onnx")
    model = onnx.load(tmp_path / "d.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert {each.domain: each.version for each in model.opset_import} == {"": 21, "ai.onnx.ml": 5}


def test_hard_rows_have_missing_and_infinite_numbers_unknown_names_and_borders() -> None:
    base = parity.Flows(np.arange(20.0).reshape(10, 2), np.full((10, 1), "tcp", dtype=object))
    hard = parity.hard_rows(base)
    assert np.isnan(hard.numbers).any()
    assert np.isinf(hard.numbers).any()
    assert {"never seen", ""} <= set(hard.texts.ravel())
    values = set(hard.numbers[:, 0])
    assert {2.0, 3.0, float(np.nextafter(np.float32(2), np.float32(3)))} <= values  # a value, a middle, a neighbour


def test_a_flow_tied_with_the_threshold_is_normal_for_both(keep: Callable[..., Path], tmp_path: Path) -> None:
    from iot_ids.metrics.operating_point import OperatingPoint

    folder = keep(gru())
    kept = Detector.load(folder)
    scores = kept.attack_scores(kept.probabilities(flows(seed=1)[0]))
    assert scores is not None
    tied = float(scores[7])
    for threshold in (tied, tied - 2e-7):  # as its own computation, and another one, may have it
        point = OperatingPoint(0.1, 100, threshold)
        folder = keep(gru(), point=point)
        export(folder, tmp_path / "d.onnx")
        again = Detector.load(folder)
        assert again.alarm_limit == Exported(tmp_path / "d.onnx").facts.alarm_limit
        assert again.alarm_limit is not None
        assert not tied > again.alarm_limit


def test_neighbours_without_a_definite_answer_are_no_golden_rows_and_too_many_are_refused(
    keep: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = keep(NeighboursClassifier(5, "uniform", 1))
    own = NeighboursClassifier.ambiguous
    monkeypatch.setattr(NeighboursClassifier, "ambiguous", lambda self, x: own(self, x) | (np.arange(len(x)) % 20 == 0))
    done = export(folder, tmp_path / "d.onnx")
    assert 100 < done.parity.ambiguous < 0.2 * done.parity.rows
    chosen = exports._golden_rows(Detector.load(folder), parity.as_flows(Detector.load(folder), flows(seed=1)[0]), 300)
    assert chosen.numbers[0, 0] != flows(seed=1)[0]["bytes"][0]
    monkeypatch.setattr(NeighboursClassifier, "ambiguous", lambda self, x: np.arange(len(x)) % 2 == 0)
    with pytest.raises(UserError, match="have no definite answer"):
        export(folder, tmp_path / "e.onnx")
    assert not (tmp_path / "e.onnx").exists()


def test_nothing_is_left_where_the_detector_cannot_be_written(keep: Callable[..., Path], tmp_path: Path) -> None:
    folder, out = keep(gru()), tmp_path / "out"
    (out / "d.onnx").mkdir(parents=True)
    with pytest.raises(UserError, match="is a folder; name a file"):
        export(folder, out / "d.onnx")
    with pytest.raises(UserError, match="lies within model="):
        export(folder, folder / "d.onnx")
    files = {out / "e.onnx": b"detector", out / "e.golden.csv": b"rows"}
    (out / "e.onnx").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        exports._write(files)
    assert sorted(path.name for path in out.iterdir()) == ["d.onnx", "e.onnx"]


def test_another_runs_card_does_not_stay_beside_the_detector(keep: Callable[..., Path], tmp_path: Path) -> None:
    folder = keep(gru())
    (tmp_path / "model_card.md").write_text("the run's own")
    export(folder, tmp_path / "out" / "d.onnx")
    assert (tmp_path / "out" / "d.model_card.md").read_text() == "the run's own"
    (tmp_path / "model_card.md").unlink()
    export(folder, tmp_path / "out" / "d.onnx")
    assert not (tmp_path / "out" / "d.model_card.md").exists()


def test_a_run_on_generated_flows_is_marked_also_if_only_its_audit_says_so(
    keep: Callable[..., Path], tmp_path: Path
) -> None:
    folder = keep(gru())
    (tmp_path / "audit.json").write_text('{"simulated": true}')
    export(folder, tmp_path / "d.onnx")
    assert Exported(tmp_path / "d.onnx").facts.simulated


def test_examples_that_are_none_are_one_sentence(keep: Callable[..., Path], tmp_path: Path) -> None:
    folder = keep(gru())
    (folder / "examples.parquet").write_bytes(b"PAR1 no")
    rebuild(folder)
    with pytest.raises(UserError, match=r"examples\.parquet cannot be read"):
        export(folder, tmp_path / "d.onnx")


def test_a_damaged_pyz_is_one_sentence(keep: Callable[..., Path], tmp_path: Path) -> None:
    export(keep(gru()), tmp_path / "d.pyz")
    content = (tmp_path / "d.pyz").read_bytes()
    place = content.index(b"detector.onnx") + 2_000  # within its compressed bytes
    (tmp_path / "d.pyz").write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    done = subprocess.run([sys.executable, tmp_path / "d.pyz", "x.csv"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("d.pyz was damaged or cut off; export or copy it again\n")


class Own:
    """A model of a user's own, with the converter that docs/extending.md shows."""

    def __init__(self, features: int) -> None:
        self.weights = np.random.default_rng(0).normal(size=(features, 3)).astype(np.float32)

    def probabilities(self, x: Any) -> Any:
        powers = np.exp(x @ self.weights)
        return powers / powers.sum(axis=1, keepdims=True)

    def to_onnx(self, graph: Any, x: str) -> str:
        return str(graph.node("Softmax", graph.node("MatMul", x, graph.constant(self.weights, np.float32)), axis=1))


def test_a_users_class_brings_its_own_converter() -> None:
    train, y = flows()
    chosen = fit(train, y, COLUMNS.numeric, COLUMNS.categorical, None, None, None, MinMax())
    model: Any = Own(len(chosen.pipeline.names))
    detector = Detector(COLUMNS, MISSING, CLASSES, chosen.pipeline, model)
    rows, exported = parity.as_flows(detector, train), Exported(exports.build(detector))
    assert parity.compare(detector, lambda each: exports.outputs(exported, each), rows, 300).largest < 1e-6
    page = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
    assert 'graph.node("Softmax", graph.node("MatMul", x, graph.constant(self.weights, np.float32)), axis=1)' in page
