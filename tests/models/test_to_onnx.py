"""Every shipped model, exported, gives its own probabilities; those that cannot be exported say why."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from omegaconf import OmegaConf
from sklearn.ensemble import ExtraTreesClassifier

from iot_ids.common.onnx_graph import Graph, NotExportableError
from iot_ids.models.classifier import Classifier, Table
from iot_ids.models.sklearn import to_onnx
from iot_ids.models.sklearn.adapter import Classical

RANDOM = np.random.default_rng(0)
CONF = Path(__file__).parents[2] / "conf" / "model"
REFUSED = ("svm_exact", "svm_rbf")
EXPORTED = sorted(file.stem for file in CONF.glob("*.yaml") if file.stem not in REFUSED)


def table(rows: int, classes: int) -> Table:
    x = RANDOM.normal(size=(rows, 5)).astype(np.float32)
    return Table(x, (np.digitize(x[:, 0] + x[:, 1] ** 2, np.linspace(0, 2, classes - 1))).astype(np.int64))


def built(name: str, **changed: Any) -> Classifier:
    """Build a shipped model, with a small trainer."""
    from iot_ids.experiment import instantiate as ours
    from iot_ids.models.spec import Trainer

    settings = OmegaConf.load(CONF / f"{name}.yaml")
    parents = [each for each in settings.pop("defaults") if each != "_self_" and "schema" not in str(each)]
    for parent in parents:
        settings = OmegaConf.merge(
            {k: v for k, v in OmegaConf.load(CONF / f"{parent}.yaml").items() if k != "defaults"}, settings
        )
    trainer = Trainer("cpu", "cpu", max_epochs=1, batch_size=64, patience=1, gradient_clip=1.0)
    return ours.model({**OmegaConf.to_container(settings), **changed}, trainer, 0)  # type: ignore[dict-item]


def learned(name: str, classes: int, **changed: Any) -> tuple[Classifier, Table]:
    model, validation = built(name, **changed), table(200, classes)
    model.fit(table(400, classes), validation, classes, 0, lambda *_: None)
    return model, validation


def exported(model: Any, x: Any, classes: int) -> Any:
    graph = Graph()
    made = graph.model({"x": (np.float32, 5)}, {"p": (model.to_onnx(graph, "x"), np.float32, classes)}, {})
    return onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})[0]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_model_gives_its_own_probabilities(name: str, classes: int) -> None:
    if classes > 2 and name in ("isolation_forest", "gradient_boosting_monotone"):
        classes = 2
    model, validation = learned(name, classes)
    tight = 2e-6 if name in ("gru", "lstm", "rnn", "mlp", "naive_bayes") else 1e-7
    np.testing.assert_allclose(exported(model, validation.x, classes), model.probabilities(validation.x), atol=tight)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize(
    "shape", [{"sequence": "features"}, {"layers": 2, "bidirectional": True}, {"sequence": "features", "layers": 2}]
)
def test_every_shape_of_a_recurrent_network_is_exported(cell: str, shape: dict[str, Any]) -> None:
    model, validation = learned(cell, 3, hidden_size=8, **shape)
    for rows in (1, 7, 200):  # nn.GRU was once exported wrongly for some batch sizes
        x = validation.x[:rows]
        np.testing.assert_allclose(exported(model, x, 3), model.probabilities(x), atol=2e-6)


@pytest.mark.parametrize("normal", [0, 1])
def test_an_isolation_forest_is_exported_whichever_class_is_normal(normal: int) -> None:
    model: Any = built("isolation_forest")
    model.normal = normal
    validation = table(200, 2)
    model.fit(table(400, 2), validation, 2, 0, lambda *_: None)
    np.testing.assert_allclose(exported(model, validation.x, 2), model.probabilities(validation.x), atol=1e-7)


def test_a_tree_without_a_split_is_exported() -> None:
    model, validation = learned("decision_tree", 2, max_depth=1, min_samples_leaf=300)
    np.testing.assert_array_equal(exported(model, validation.x, 2), model.probabilities(validation.x))


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("svm_rbf", {}, "float32"),
        ("svm_exact", {}, "every support vector"),
        ("knn", {"weights": "distance"}, "model.weights=distance is not exported"),
        ("majority", {"strategy": "stratified"}, "draws its answers"),
    ],
)
def test_what_cannot_be_exported_says_why(name: str, changed: dict[str, Any], said: str) -> None:
    model, _ = learned(name, 2, **changed)
    with pytest.raises(NotExportableError, match=said):
        model.to_onnx(Graph(), "x")  # type: ignore[attr-defined]


def test_what_is_too_large_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_onnx, "MOST_LEAVES", 100)
    forest, _ = learned("random_forest", 2)
    with pytest.raises(NotExportableError, match=r"leaves, and more than 100 make a file"):
        forest.to_onnx(Graph(), "x")  # type: ignore[attr-defined]
    monkeypatch.setattr("iot_ids.models.sklearn.neighbours.MOST_EXPORTED", 100)
    neighbours, _ = learned("knn", 2)
    with pytest.raises(NotExportableError, match="all 400 training rows; more than 100 are"):
        neighbours.to_onnx(Graph(), "x")  # type: ignore[attr-defined]


def test_neighbours_at_equal_distance_are_ambiguous_and_no_others() -> None:
    model: Any = built("knn", n_neighbors=1)
    rows = Table(np.array([[0.0], [2.0], [9.0]], dtype=np.float32), np.array([0, 1, 1]))
    model.fit(rows, rows, 2, 0, lambda *_: None)
    assert model.ambiguous(np.array([[1.0], [0.9], [9.0]], dtype=np.float32)).tolist() == [True, False, False]


def test_another_estimator_has_no_converter() -> None:
    model = Classical(ExtraTreesClassifier(2))
    model.learn(table(50, 2), 0)
    with pytest.raises(NotExportableError, match="ExtraTreesClassifier has no ONNX converter; a class of your own can"):
        model.to_onnx(Graph(), "x")
