"""A kept scikit-learn estimator as a file: written by skops, and read after each of its nodes was looked up here.

skops trusts more than our models need: among others NumPy's functions, methods and `functools.partial`, and whatever is
named to it. A node's kind says what is done with the class or function that it names, so kind and name are allowed
together, and there is no kind here that yields or calls a function.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import skops.io

from iot_ids.common import registry
from iot_ids.common.errors import UserError
from iot_ids.common.typed_json import require
from iot_ids.models.sklearn.tree_checks import check_trees

FILE = "estimator.skops"
NUMBERS = ["ndarray", "bool", "bool_", "int32", "int64", "uint8", "uint32", "uint64", "float32", "float64", "str_"]
PLAIN = {
    ("JsonNode", "builtins.str"),
    ("DictNode", "builtins.dict"),
    ("ListNode", "builtins.list"),
    ("TupleNode", "builtins.tuple"),
    ("TypeNode", "builtins.str"),
    ("TypeNode", "builtins.int"),
    ("RandomGeneratorNode", "numpy.random._generator.Generator"),
    ("RandomStateNode", "numpy.random.mtrand.RandomState"),
    *(("NdArrayNode", f"numpy.{name}") for name in NUMBERS),
}
"""Values, containers of them, and random numbers: nothing of a model's own."""
PARTS = {
    ("TreeNode", "sklearn.tree._tree.Tree"),
    ("LossNode", "sklearn._loss._loss.CyHalfBinomialLoss"),
    ("LossNode", "sklearn._loss._loss.CyHalfMultinomialLoss"),
    ("LossNode", "sklearn.linear_model._sgd_fast.Hinge"),
}
SHIPPED = [
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn.dummy.DummyClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._iforest.IsolationForest",
    "sklearn.kernel_approximation.Nystroem",
    "sklearn.linear_model._stochastic_gradient.SGDClassifier",
    "sklearn.naive_bayes.GaussianNB",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.svm._classes.LinearSVC",
    "sklearn.svm._classes.SVC",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.ExtraTreeRegressor",
]
"""What the models of `conf/model/` are made of: exactly these, and no prefix."""
ALLOWED = PLAIN | PARTS | {("ObjectNode", name) for name in SHIPPED}
TRUSTABLE = ("ObjectNode", "LossNode")
"""Kinds that make an object of a class without calling what else a file names."""
GENERATOR = '"PCG64"'
"""The one generator of random numbers, as JSON; skops finds it by its name."""


def save(estimator: Any, folder: Path) -> None:
    """Write `estimator.skops`.

    Raises:
        UserError: it holds functions, or types from elsewhere than scikit-learn, which `load` would refuse.
    """
    skops.io.dump(estimator, folder / FILE, compression=ZIP_DEFLATED, compresslevel=1)  # a forest: to a fifth
    foreign = [
        name for kind, name in _unlisted(folder / FILE) if kind not in TRUSTABLE or not name.startswith("sklearn.")
    ]
    if foreign:
        raise UserError(
            f"model: {type(estimator).__name__} cannot be kept without pickle: it holds {', '.join(foreign)}; "
            "write a Classifier of your own for it (iot_ids.models.classifier)"
        )


def load(folder: Path, trust: Collection[str] = ()) -> Any:
    """The estimator that `estimator.skops` holds, if it is made of ALLOWED and of classes named in `trust` alone.

    Raises:
        UserError: it holds another class, which may be trusted by its name, or what cannot be trusted at all: a
            function, a method, or what calls one. Nothing of it was imported then.
        ValueError: a tree in it points outside itself.
    """
    others = _unlisted(folder / FILE)
    if never := [f"{name} ({kind})" for kind, name in others if kind not in TRUSTABLE]:
        raise UserError(f"{FILE} holds {', '.join(never)}, as no kept model does: do not use this model")
    if unknown := [name for _, name in others if name not in trust]:
        raise registry.untrusted_error(unknown)
    for _, name in others:
        registry.import_trusted(name)
    names = [name for _, name in sorted(PARTS | {("ObjectNode", name) for name in SHIPPED} | set(others))]
    estimator = skops.io.load(folder / FILE, trusted=names)
    check_trees(estimator)
    return estimator


def classes_to_trust(folder: Path) -> list[str]:
    """The classes in `estimator.skops` that `load` takes only where they are trusted."""
    return [name for _, name in _unlisted(folder / FILE)]


def _unlisted(file: Path) -> list[tuple[str, str]]:
    """Kind and name of the nodes that are none of ALLOWED, each once."""
    with ZipFile(file) as parts:
        nodes = _nodes(parts.read("schema.json"))
    return sorted({*map(_checked, nodes)} - ALLOWED)


def _nodes(schema: bytes) -> list[dict[str, Any]]:
    """Every node of a skops file, wherever it stands."""
    found: list[dict[str, Any]] = []
    json.loads(schema, object_hook=lambda each: found.append(each) or each)  # type: ignore[func-returns-value]
    return [each for each in found if "__loader__" in each]


def _checked(node: dict[str, Any]) -> tuple[str, str]:
    """Kind and name of a node, which are texts; skops would look up a generator of random numbers by its name."""
    kind, module, name = node["__loader__"], node["__module__"], node["__class__"]
    require(all(type(text) is str for text in (kind, module, name)), f"{FILE}: a node is named by {kind!r:.80}")
    if kind == "RandomGeneratorNode":
        named = node["content"]["bit_generator"]["content"]["bit_generator"]["content"]
        require(named == GENERATOR, f"{FILE}: {named!r:.80} is no generator of random numbers that a model has")
    return kind, f"{module}.{name}"
