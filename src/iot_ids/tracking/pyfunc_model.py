"""The model file of a run: MLflow runs these lines, as whoever changed them wrote them, to load a kept detector."""

from pathlib import Path
from typing import Any

import mlflow
import pandas
import polars as pl

from iot_ids.serving.detector import Detector


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Flows as a pandas table in, a pandas table with one probability per class out."""

    def load_context(self, context: Any) -> None:
        """Read the detector from the run's artifacts."""
        trust = (context.model_config or {}).get("trust", [])  # MLflow runs the code in this folder in any case
        self.detector = Detector.load(Path(context.artifacts["detector"]), trust)

    def predict(self, context: Any, model_input: pandas.DataFrame, params: Any = None) -> pandas.DataFrame:
        """Class probabilities `(rows, classes)`; NaN where a row lacks a number."""
        return pandas.DataFrame(self.detector.probabilities(pl.from_pandas(model_input)), columns=self.detector.classes)


mlflow.models.set_model(Served())
