"""The exported encoding gives what the encoder gives, from raw columns."""

import numpy as np
import onnxruntime
import polars as pl
import pytest

from iot_ids.common.onnx_graph import Graph
from iot_ids.data.clean import typed
from iot_ids.data.schema import Columns
from iot_ids.features import onnx_encode
from iot_ids.features.encode import Encoder

TRAIN = pl.DataFrame(
    {
        "bytes": [1.0, None, 3.0],
        "port": [80.0, 53.0, 22.0],
        "proto": ["tcp", "missing", "udp"],
        "state": ["tcp", "-", "2"],
    },
    schema={"bytes": pl.Float32, "port": pl.Float64, "proto": pl.String, "state": pl.String},
)
RAW = pl.DataFrame(
    {
        "bytes": [5.0, None, 1e41, -1e41, float("inf"), 1e-50],
        "port": [80.0, None, 1e41, float("inf"), 3.0, 4.0],
        "proto": ["tcp", None, "", "icmp", "udp", "missing"],
        "state": ["tcp", "-", "2", "udp", None, ""],
    }
)


CHOSEN = (None, ["bytes"], ["proto=missing"], ["state=tcp", "port"])


@pytest.mark.parametrize(
    ("indicate", "names"), [*((flag, names) for flag in (False, True) for names in CHOSEN), (True, ["bytes=missing"])]
)
@pytest.mark.parametrize("identifiers", [[], ["port"]])
def test_raw_columns_are_encoded_as_in_training(
    indicate: bool, names: list[str] | None, identifiers: list[str]
) -> None:
    columns = Columns(
        numeric=["bytes", "port"], categorical=["proto", "state"], identifiers=identifiers, ports=identifiers
    )
    encoder = Encoder.fit(TRAIN, columns.numeric, columns.categorical, indicate)
    encoder = encoder if names is None else encoder.only(names)
    used = Columns(numeric=encoder.numbers, categorical=encoder.texts, identifiers=identifiers, ports=identifiers)
    expected = encoder.transform(typed(RAW.lazy(), used, [""]).collect())

    graph = Graph()
    result = onnx_encode.encode(graph, encoder, identifiers, [""])
    inputs = {"numbers": (np.float64, len(encoder.numbers)), "texts": (np.str_, len(encoder.texts))}
    inputs = {name: each for name, each in inputs.items() if each[1]}
    model = graph.model(inputs, {"x": (result, np.float32, len(encoder.names))}, {})
    numbers = RAW.select(encoder.numbers).fill_null(float("nan")).to_numpy()
    texts = RAW.select(encoder.texts).fill_null("").to_numpy().astype(object)
    feed = {name: {"numbers": numbers, "texts": texts}[name] for name in inputs}
    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feed)[0]
    np.testing.assert_array_equal(found, expected)
