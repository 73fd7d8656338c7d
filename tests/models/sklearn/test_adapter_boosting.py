"""Gradient boosting that lets no feature's rise lower the probability of an attack, whichever code an attack has."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.adapter import Classical, MonotoneBoosting

QUICK = {"max_iter": 20, "class_weight": "balanced"}
FEATURES = 3


def flows(normal: int, rows: int = 600) -> Table:
    """Attacks are high in the first column and, against the constraint, low in the second; the third says nothing."""
    random = np.random.default_rng(0)
    attack = random.uniform(size=rows) < 0.7
    x = random.normal(0, 1, (rows, FEATURES))
    x[:, 0] += 1.5 * attack
    x[:, 1] -= 1.5 * attack
    return Table(x.astype(np.float32), np.where(attack, 1 - normal, normal))


def fitted(normal: int) -> MonotoneBoosting:
    model, table = MonotoneBoosting(normal, **QUICK), flows(normal)
    model.fit(table, table, 2, 0, lambda *_: None)
    return model


MODELS = {normal: fitted(normal) for normal in (0, 1)}
tables = arrays(np.float32, (20, FEATURES), elements=st.floats(-4, 4, width=32))
rises = arrays(np.float32, (20, FEATURES), elements=st.floats(0, 4, width=32))


@pytest.mark.parametrize("normal", [0, 1])
@given(x=tables, rise=rises)
def test_no_rise_lowers_the_probability_of_an_attack(
    normal: int, x: NDArray[np.float32], rise: NDArray[np.float32]
) -> None:
    before, after = (MODELS[normal].probabilities(each)[:, 1 - normal] for each in (x, x + rise))
    assert (after >= before - 1e-6).all()


@pytest.mark.parametrize("normal", [0, 1])
def test_without_the_constraint_a_rise_would(normal: int) -> None:
    free, table = Classical(HistGradientBoostingClassifier(**QUICK)), flows(normal)
    free.fit(table, table, 2, 0, lambda *_: None)
    low, high = (free.probabilities(np.array([[0, at, 0]], dtype=np.float32))[0, 1 - normal] for at in (-3, 3))
    assert high < low - 0.3


@pytest.mark.parametrize("normal", [0, 1])
def test_what_agrees_with_the_constraint_is_learned(normal: int) -> None:
    low, high = (MODELS[normal].probabilities(np.array([[at, 0, 0]], dtype=np.float32))[0] for at in (-3, 4))
    assert (low.argmax(), high.argmax()) == (normal, 1 - normal)


def test_the_columns_follow_the_codes() -> None:
    x = flows(0).x
    np.testing.assert_allclose(MODELS[0].probabilities(x), MODELS[1].probabilities(x)[:, ::-1], atol=1e-6)


def test_a_kept_model_gives_the_same_bits(tmp_path: Path) -> None:
    MODELS[1].save(tmp_path)
    assert np.array_equal(
        MonotoneBoosting.load(tmp_path).probabilities(flows(0).x), MODELS[1].probabilities(flows(0).x)
    )


def test_a_label_without_a_normal_class_is_refused() -> None:
    with pytest.raises(UserError, match=r"needs a label with these two classes: dataset\.label=binary"):
        MonotoneBoosting(normal=None, **QUICK)
