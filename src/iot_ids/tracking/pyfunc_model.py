"""The code that MLflow stores with a model, and runs to load the detector. Loading a model runs its copy, unchecked."""

from pathlib import Path
from typing import Any

import mlflow
import pandas
import polars as pl
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from iot_ids.common.errors import UserError
from iot_ids.serving.detector import Detector


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Predict class probabilities: a pandas table of flows in, one with a column per class out."""

    def load_context(self, context: Any) -> None:
        """Load the detector from the model's artifacts."""
        trust = (context.model_config or {}).get("trust", [])  # MLflow runs this folder's code in any case
        self.detector = Detector.load(Path(context.artifacts["detector"]), trust)

    def predict(self, context: Any, model_input: pandas.DataFrame, params: Any = None) -> pandas.DataFrame:
        """Return class probabilities `(rows, classes)`; None for rows that miss a number, as JSON knows no NaN.

        Raises:
            MlflowException: a column is missing or holds text for a number (named); a server answers with status 400.
        """
        flows = pl.from_pandas(model_input)
        try:
            self._refuse_text(flows)
            probabilities = self.detector.probabilities(flows)
        except UserError as error:
            raise MlflowException(str(error), BAD_REQUEST) from error
        table = pandas.DataFrame(probabilities, columns=self.detector.classes)
        return table.astype(object).where(table.notna(), None) if table.isna().to_numpy().any() else table

    def _refuse_text(self, flows: pl.DataFrame) -> None:
        for name, column in self.detector.typed(flows).select(pl.selectors.float()).to_dict(as_series=True).items():
            if (wrong := column.is_nan().fill_null(False)).any():
                raise UserError(f"{name} holds {flows[name].filter(wrong)[0]!r}, which is not a number")


mlflow.models.set_model(Served())
