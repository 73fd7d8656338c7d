"""Save a scikit-learn estimator with skops, and load it after checking every node of the file against a list.

skops trusts more than our models need: among others NumPy's functions, methods and `functools.partial`, and whatever is
named to it. A node's kind decides what happens to the class or function it names, so kind and name are allowed only in
combination, and no allowed kind returns or calls a function.
"""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.tree._tree import Tree

from iot_ids.common import registry
from iot_ids.common.errors import UserError
from iot_ids.common.typed_json import require

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
"""Plain values, containers and random number generators."""
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
"""The classes that the models of `conf/model/` consist of: exact names, not prefixes."""
ALLOWED = PLAIN | PARTS | {("ObjectNode", name) for name in SHIPPED}
TRUSTABLE = ("ObjectNode", "LossNode")
"""Kinds that create an object without calling anything else named in the file."""
GENERATOR = '"PCG64"'
"""The only allowed random number generator, as JSON; skops looks it up by name."""


def save(estimator: Any, folder: Path) -> None:
    """Write `estimator.skops`.

    Raises:
        UserError: it contains functions, or types from outside scikit-learn, which `load` would reject.
    """
    skops.io.dump(estimator, folder / FILE, compression=ZIP_DEFLATED, compresslevel=1)  # a forest: to a fifth
    foreign = [
        name for kind, name in _unlisted(folder / FILE) if kind not in TRUSTABLE or not name.startswith("sklearn.")
    ]
    if foreign:
        raise UserError(
            f"model: {type(estimator).__name__} cannot be saved without pickle: it contains {', '.join(foreign)}; "
            "write your own Classifier for it (iot_ids.models.classifier)"
        )


def load(folder: Path, trust: Collection[str] = ()) -> Any:
    """Load `estimator.skops` if it consists only of ALLOWED and of classes named in `trust`.

    Raises:
        UserError: it contains another class, which may be trusted by name, or something that cannot be trusted at all:
            a function, a method, or a call of one. Then nothing was imported.
        ValueError: a tree in it points outside itself.
    """
    others = _unlisted(folder / FILE)
    if never := [f"{name} ({kind})" for kind, name in others if kind not in TRUSTABLE]:
        raise UserError(f"{FILE} holds {', '.join(never)}, as no saved model does: do not use this model")
    if unknown := [name for _, name in others if name not in trust]:
        raise registry.untrusted_error(unknown)
    for _, name in others:
        registry.import_trusted(name)
    names = [name for _, name in sorted(PARTS | {("ObjectNode", name) for name in SHIPPED} | set(others))]
    estimator = skops.io.load(folder / FILE, trusted=names)
    check_trees(estimator)
    return estimator


def classes_to_trust(folder: Path) -> list[str]:
    """Return the classes in `estimator.skops` that `load` only accepts if they are trusted."""
    return [name for _, name in _unlisted(folder / FILE)]


def check_trees(estimator: Any) -> None:
    """Raise a ValueError if a tree in `estimator` refers to children or features that do not exist.

    scikit-learn follows these indices even outside its own memory.
    """
    for tree, features in _trees(estimator, np.iinfo(np.int64).max):
        if isinstance(tree, Tree):
            nodes = tree.__getstate__()["nodes"]
            inner = nodes["left_child"] != -1
            _check_tree(nodes, inner, "left_child", "right_child", "feature", min(features, tree.n_features))
        else:
            nodes = tree.nodes
            require(not nodes["is_categorical"].any(), "a tree splits on categories, but no column is categorical")
            _check_tree(nodes, nodes["is_leaf"] == 0, "left", "right", "feature_idx", features)


def _unlisted(file: Path) -> list[tuple[str, str]]:
    """Return kind and name of the nodes that are not ALLOWED, each once."""
    with ZipFile(file) as parts:
        nodes = _nodes(parts.read("schema.json"))
    return sorted({*map(_checked, nodes)} - ALLOWED)


def _nodes(schema: bytes) -> list[dict[str, Any]]:
    """Return every node of a skops file, however deeply nested."""
    found: list[dict[str, Any]] = []
    json.loads(schema, object_hook=lambda each: found.append(each) or each)  # type: ignore[func-returns-value]
    return [each for each in found if "__loader__" in each]


def _checked(node: dict[str, Any]) -> tuple[str, str]:
    """Return kind and name of a node; check that they are strings, and a random generator the allowed one."""
    kind, module, name = node["__loader__"], node["__module__"], node["__class__"]
    require(all(type(text) is str for text in (kind, module, name)), f"{FILE}: a node is named by {kind!r:.80}")
    if kind == "RandomGeneratorNode":
        named = node["content"]["bit_generator"]["content"]["bit_generator"]["content"]
        require(named == GENERATOR, f"{FILE}: {named!r:.80} is not a random number generator of a saved model")
    return kind, f"{module}.{name}"


def _check_tree(
    nodes: NDArray[np.void], inner: NDArray[np.bool_], left: str, right: str, feature: str, features: int
) -> None:
    """Check that children come after their parents, so that every path ends in a leaf."""
    require(len(nodes), "a tree is empty")
    at = np.flatnonzero(inner)
    for side in (left, right):
        child = nodes[side][at].astype(np.int64)
        require(((child > at) & (child < len(nodes))).all(), "a tree's node points outside the tree")
    asked = nodes[feature][at]
    require(((asked >= 0) & (asked < features)).all(), "a tree splits on a feature that does not exist")


def _trees(part: Any, features: int) -> Iterator[tuple[Any, int]]:
    """Yield each tree in `part`, with the number of features according to the objects that contain it."""
    if isinstance(part, Tree | TreePredictor):
        yield part, features
        return
    if isinstance(part, np.ndarray):
        inside = list(part.flat) if part.dtype == object else []
    elif isinstance(part, dict):
        inside = list(part.values())
    elif isinstance(part, list | tuple):
        inside = list(part)
    else:
        inside = list(getattr(part, "__dict__", {}).values())
        features = min(features, getattr(part, "n_features_in_", features))
    for each in inside:
        yield from _trees(each, features)
