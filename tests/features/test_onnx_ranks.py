"""The exported scalers give what the scalers give, to the last digit, also at the borders of their steps."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri

from iot_ids.common.onnx_graph import Graph
from iot_ids.features import onnx_ranks
from iot_ids.features.scalers import Midrank, MinMax, Quantile, Scaler, Share

RANDOM = np.random.default_rng(0)
ROWS = 3_000
X = np.column_stack(
    [
        RANDOM.normal(size=ROWS),
        RANDOM.exponential(size=ROWS) ** 3 * 1e4,  # heavy-tailed
        RANDOM.poisson(0.3, ROWS),  # a counter that is mostly zero
        RANDOM.random(ROWS) < 0.01,  # an indicator
        np.zeros(ROWS),
        RANDOM.integers(0, 1_500, ROWS),
        np.full(ROWS, 7e8),
    ]
).astype(np.float32)


def exported(scaler: Scaler, x: NDArray[np.float32]) -> NDArray[np.float32]:
    graph = Graph()
    result = scaler.to_onnx(graph, "x")
    model = graph.model({"x": (np.float32, x.shape[1])}, {"y": (result, np.float32, x.shape[1])}, {})
    found: NDArray[np.float32] = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    return found


def neighbours(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([np.nextafter(x, np.float32(side)) for side in (-np.inf, np.inf)])


@pytest.mark.parametrize("kind", [MinMax, Quantile, Midrank, Share])
def test_every_digit_is_the_same_on_and_next_to_training_values_and_far_from_them(kind: Any) -> None:
    scaler = kind()
    scaler.fit(X)
    far = np.array([0, -0.0, 1e-40, 1e-9, 3e38, -3e38, 1e10, -5], dtype=np.float32)
    x = np.concatenate(
        [
            X,
            neighbours(X),
            np.repeat(far[:, None], X.shape[1], axis=1),
            RANDOM.normal(size=X.shape).astype(np.float32) * 1e5,
        ]
    )
    np.testing.assert_array_equal(exported(scaler, x), scaler.transform(x))


@pytest.mark.parametrize("kind", [Quantile, Midrank])
def test_every_digit_is_the_same_on_the_quantiles_themselves(kind: Any) -> None:
    scaler = kind()
    scaler.fit(X)
    x = scaler.state()["quantiles"].astype(np.float32)
    x = np.concatenate([x, neighbours(x)])
    np.testing.assert_array_equal(exported(scaler, x), scaler.transform(x))


@settings(max_examples=25)
@given(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.sampled_from([Quantile, Midrank, Share]),
)
def test_any_small_table_is_scaled_the_same(values: list[float], kind: Any) -> None:
    x, scaler = np.array(values, dtype=np.float32)[:, None], kind()
    scaler.fit(x)
    x = np.concatenate([x, neighbours(x)])
    x = x[np.isfinite(x[:, 0])]
    with np.errstate(all="ignore"):
        expected = scaler.transform(x)
    same = np.isclose(exported(scaler, x), expected, rtol=0, atol=0, equal_nan=True)
    assert same[np.isfinite(expected)].all()


def test_normal_deviates_are_scipys() -> None:
    ranks = np.concatenate([np.linspace(1e-7, 1 - 1e-7, 5_001), [0.075, 0.925, 0.5]])[:, None]
    graph = Graph()
    result = onnx_ranks.normal_deviates(graph, "p")
    model = graph.model({"p": (np.float64, 1)}, {"z": (result, np.float64, 1)}, {})
    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"p": ranks})[0]
    np.testing.assert_allclose(found, ndtri(ranks), rtol=1e-13, atol=1e-14)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_smallest_float32_is_found_by_bisection(border: float) -> None:
    (found,) = onnx_ranks.smallest_float32(lambda x: x >= np.float32(border))
    assert found == border


def test_no_float32_at_all_is_infinite() -> None:
    assert onnx_ranks.smallest_float32(lambda x: np.zeros(len(x), dtype=np.bool_)).tolist() == [np.inf]
