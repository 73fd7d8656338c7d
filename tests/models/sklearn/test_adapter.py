"""scikit-learn's classifiers: seeds, refusals, and what is kept without pickle."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.adapter import Classical


def separable(rows: int = 300, seed: int = 0) -> Table:
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    return Table((np.eye(3)[y] + random.normal(0, 0.15, (rows, 3))).astype(np.float32), y)


def fitted(model: Any, seed: int = 0) -> Classical:
    model = Classical(model)
    model.fit(separable(), separable(100, seed=1), 3, seed, lambda *_: None)
    return model


def test_a_kept_model_is_one_skops_file(tmp_path: Path) -> None:
    fitted(GaussianNB()).save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["estimator.skops"]


@pytest.mark.parametrize("seed", [0, 4])
def test_the_seed_is_handed_over(seed: int) -> None:
    assert fitted(SGDClassifier(loss="log_loss"), seed).estimator.random_state == seed


def test_the_seed_is_handed_to_every_part_of_a_pipeline() -> None:
    parts = make_pipeline(Nystroem(n_components=10), SGDClassifier(loss="log_loss"))
    model = fitted(parts, 4)
    assert [part.random_state for part in model.estimator.named_steps.values()] == [4, 4]


def test_a_forests_votes_are_added_up_in_one_order() -> None:
    assert fitted(RandomForestClassifier(3, n_jobs=-1)).estimator.n_jobs == 1


def test_equal_seeds_give_equal_answers() -> None:
    one, other = (fitted(SGDClassifier(loss="log_loss"), 0).probabilities(separable().x) for _ in range(2))
    assert np.array_equal(one, other)


def test_seed_zero_is_not_seed_one() -> None:
    zero, one = (fitted(SGDClassifier(loss="log_loss"), seed).probabilities(separable().x) for seed in (0, 1))
    assert not np.array_equal(zero, one)


def test_validation_rows_are_not_learned_from() -> None:
    wrong = Table(separable().x, (separable().y + 1) % 3)
    one, other = Classical(GaussianNB()), Classical(GaussianNB())
    one.fit(separable(), separable(), 3, 0, lambda *_: None)
    other.fit(separable(), wrong, 3, 0, lambda *_: None)
    assert np.array_equal(one.probabilities(wrong.x), other.probabilities(wrong.x))


def test_nothing_is_reported() -> None:
    def report(*_: object) -> None:
        raise AssertionError("there are no epochs")

    Classical(GaussianNB()).fit(separable(), separable(), 3, 0, report)


def test_parameters_are_not_counted() -> None:
    assert fitted(GaussianNB()).parameters() is None


def test_an_estimator_without_probabilities_is_refused_at_once() -> None:
    with pytest.raises(UserError, match=r"SGDClassifier\(\) gives no probabilities"):
        Classical(SGDClassifier())


def test_what_scikit_learn_refuses_is_told() -> None:
    with pytest.raises(UserError, match=r"'var_smoothing' parameter of GaussianNB must be .* Got -1"):
        fitted(GaussianNB(var_smoothing=-1))


def test_a_depth_that_no_tree_can_count_is_told() -> None:
    with pytest.raises(UserError, match="too large"):
        fitted(DecisionTreeClassifier(max_depth=10**20))


def test_more_neighbours_than_rows_are_refused() -> None:
    with pytest.raises(UserError, match=r"n_neighbors=301.*300 training rows"):
        fitted(KNeighborsClassifier(n_neighbors=301))


class Foreign(GaussianNB):  # type: ignore[misc]
    """An estimator from somewhere else than scikit-learn."""


def test_an_estimator_that_could_not_be_loaded_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Foreign cannot be saved without pickle"):
        fitted(Foreign()).save(tmp_path)


class Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_the_trap_springs_where_it_is_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


def test_a_planted_pickle_is_not_executed(tmp_path: Path) -> None:
    (tmp_path / "estimator.skops").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever skops raises, as long as it loads nothing
        Classical.load(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_planted_in_the_archive_is_not_executed(tmp_path: Path) -> None:
    fitted(GaussianNB()).save(tmp_path)
    kept = tmp_path / "estimator.skops"
    with zipfile.ZipFile(kept) as parts:
        contents = {name: parts.read(name) for name in parts.namelist()}
    with io.BytesIO() as stream:
        np.save(stream, np.array([Trap(tmp_path / "sprung")], dtype=object), allow_pickle=True)
        planted = stream.getvalue()
    with zipfile.ZipFile(kept, "w") as parts:
        for name, content in contents.items():
            parts.writestr(name, planted if name.endswith(".npy") else content)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Classical.load(tmp_path)
    assert not (tmp_path / "sprung").exists()
