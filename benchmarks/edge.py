"""An exported detector on a gateway: one flow at a time, 1,024 at a time, memory, start and size, on one thread.

Raw columns in, probabilities out, preprocessing included; scikit-learn's own `predict_proba` gets the scaled matrix.
The GRU with min-max scaling is the paper's, on 8 features; the one with quantiles reads all 45. Memory is what the
process holds after answering. The flows are simulated.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.child import held_mib, measured
from benchmarks.figure import Figure

MODELS = {
    "GRU, min-max": ["+experiment=gru_pearson", "trainer.max_epochs=1"],
    "GRU, quantiles": ["+experiment=gru_quantile", "trainer.max_epochs=1"],
    "gradient boosting": ["+experiment=gru_pearson", "model=gradient_boosting"],
}
MANY, CALLS = 1_024, 400
KEPT, PYFUNC, SKLEARN = "the kept detector", "MLflow's predict", "scikit-learn's predict_proba"


def measure(rounds: int) -> list[Figure]:
    """Measure each way in its own process, in alternation."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as aside:
        for model, words in MODELS.items():
            measured(__name__, "make", _folder(aside, model), *words)
        for _ in range(rounds):
            for model in MODELS:
                for way in ("onnx", "kept", "pyfunc", *(["sklearn"] if "boosting" in model else [])):
                    found.setdefault((model, way), []).append(measured(__name__, way, _folder(aside, model)))

    def figure(model: str, what: str, unit: str, key: str, way: str, opponent: str) -> Figure:
        ours, theirs = ([each[key] for each in found[model, name]] for name in ("onnx", way))
        return Figure(f"{model}: {what}", unit, ours, opponent, theirs, unit == "flows/s")

    figures = []
    for model in MODELS:
        figures += [
            figure(model, "one flow, p50", "ms", "p50", "kept", KEPT),
            figure(model, "one flow, p50", "ms", "p50", "pyfunc", PYFUNC),
            figure(model, "one flow, p99", "ms", "p99", "kept", KEPT),
            figure(model, f"{MANY:,} flows at a time", "flows/s", "many", "kept", KEPT),
        ]
        if (model, "sklearn") in found:
            figures.append(figure(model, "one flow, p50", "ms", "p50", "sklearn", SKLEARN))
            figures.append(figure(model, f"{MANY:,} flows at a time", "flows/s", "many", "sklearn", SKLEARN))
    gru = "GRU, min-max"
    return [
        *figures,
        figure(gru, "memory held", "MiB", "mib", "kept", KEPT),
        figure(gru, "memory held", "MiB", "mib", "pyfunc", PYFUNC),
        figure(gru, "import and load", "s", "start", "kept", KEPT),
        figure(gru, "import and load", "s", "start", "pyfunc", PYFUNC),
        figure(gru, "size of the model", "kB", "kb", "kept", KEPT),
    ]


def _folder(aside: str, model: str) -> Path:
    return Path(aside, model.replace(", ", "_").replace(" ", "_"))


def _make(folder: Path, words: list[str]) -> dict[str, Any]:
    import iot_ids
    from iot_ids import tracking
    from iot_ids.experiment.state import examples
    from iot_ids.serving import parity
    from iot_ids.serving.export import export

    fitted = iot_ids.fit(iot_ids.prepare([*words, "dataset.rows=50000", "cache=off"]))
    flows = fitted.prepared.loaded.validation.head(MANY)
    tracking.save_model(fitted.detector, folder / "model", examples(fitted.prepared))
    export(folder / "model", folder / "detector.onnx")
    import numpy as np

    rows = parity.as_flows(fitted.detector, flows)
    np.savez(folder / "flows.npz", numbers=rows.numbers, texts=rows.texts.astype(str))
    parity.as_frame(fitted.detector, rows).write_parquet(folder / "flows.parquet")
    return {}


def _onnx(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    import numpy as np

    from iot_ids.gateway.detector import Detector

    detector = Detector(folder / "detector.onnx")
    seconds = time.perf_counter() - start
    with np.load(folder / "flows.npz") as kept:
        numbers, texts = kept["numbers"], kept["texts"].astype(object)
    calls = [lambda at=at: detector.answer(numbers[at : at + 1], texts[at : at + 1]) for at in range(len(numbers))]
    size = (folder / "detector.onnx").stat().st_size
    return _answers(calls, lambda: detector.answer(numbers, texts)) | {"start": seconds, "kb": size / 1000}


def _kept(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    import torch

    from iot_ids.serving import scoring

    torch.set_num_threads(1)
    detector = scoring.load_detector(folder / "model")
    seconds = time.perf_counter() - start
    import polars as pl

    flows = pl.read_parquet(folder / "flows.parquet")
    size = sum(file.stat().st_size for file in (folder / "model" / "artifacts").rglob("*") if file.is_file())
    calls = [lambda row=row: detector.probabilities(row) for row in flows.iter_slices(1)]
    return _answers(calls, lambda: detector.probabilities(flows)) | {"start": seconds, "kb": size / 1000}


def _pyfunc(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    import mlflow
    import torch

    import iot_ids.tracking  # noqa: F401  which keeps MLflow from reporting its use

    torch.set_num_threads(1)
    model = mlflow.pyfunc.load_model(str(folder / "model"))
    seconds = time.perf_counter() - start
    import pandas

    flows = pandas.read_parquet(folder / "flows.parquet")
    calls = [lambda at=at: model.predict(flows.iloc[at : at + 1]) for at in range(len(flows))]
    return _answers(calls, lambda: model.predict(flows)) | {"start": seconds}


def _sklearn(folder: Path) -> dict[str, Any]:
    import polars as pl
    from threadpoolctl import threadpool_limits

    from iot_ids.serving import scoring

    detector: Any = scoring.load_detector(folder / "model")
    x, predict = detector.transform(pl.read_parquet(folder / "flows.parquet")), detector.model.estimator.predict_proba
    with threadpool_limits(1):
        return _answers([lambda at=at: predict(x[at : at + 1]) for at in range(len(x))], lambda: predict(x))


def _answers(calls: list[Any], every: Any) -> dict[str, Any]:
    """Return p50 and p99 of single flows in milliseconds, flows per second of many, and the memory held, in MiB."""
    singles = [_seconds(calls[at % len(calls)]) for at in range(2 * CALLS)][CALLS:]
    together = [_seconds(every) for _ in range(40)][10:]
    late = sorted(singles)
    times = {"p50": 1000 * late[len(late) // 2], "p99": 1000 * late[len(late) * 99 // 100]}
    return times | {"many": MANY / median(together), "mib": held_mib()}


def _seconds(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


WAYS = {"onnx": _onnx, "kept": _kept, "pyfunc": _pyfunc, "sklearn": _sklearn}

if __name__ == "__main__":
    way, place = sys.argv[1], Path(sys.argv[2])
    print(json.dumps(_make(place, sys.argv[3:]) if way == "make" else WAYS[way](place)))
