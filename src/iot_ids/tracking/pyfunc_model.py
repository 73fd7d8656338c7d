"""The code that MLflow stores with a model, and runs to load the detector. Loading a model runs its copy, unchecked."""

from pathlib import Path
from typing import Any

import mlflow
import pandas
import polars as pl

from iot_ids.serving.detector import Detector


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Predict class probabilities: a pandas table of flows in, one with a column per class out."""

    def load_context(self, context: Any) -> None:
        """Load the detector from the model's artifacts."""
        trust = (context.model_config or {}).get("trust", [])  # MLflow runs this folder's code in any case
        self.detector = Detector.load(Path(context.artifacts["detector"]), trust)

    def predict(self, context: Any, model_input: pandas.DataFrame, params: Any = None) -> pandas.DataFrame:
        """Return class probabilities `(rows, classes)`; None for rows that miss a number, as JSON knows no NaN."""
        probabilities = self.detector.probabilities(pl.from_pandas(model_input))
        table = pandas.DataFrame(probabilities, columns=self.detector.classes)
        return table.astype(object).where(table.notna(), None) if table.isna().to_numpy().any() else table


mlflow.models.set_model(Served())
