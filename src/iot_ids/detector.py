"""The detector that is kept: raw columns in, class probabilities out. Judging and serving both go through here."""

import importlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from iot_ids.data.clean import typed
from iot_ids.data.spec import Columns
from iot_ids.data.windows import needed, refuse_lacking, windows_of
from iot_ids.evaluate.calibration import calibrated
from iot_ids.features.pipeline import Pipeline
from iot_ids.models.classifier import Classifier, answers, padded


@dataclass(frozen=True)
class Detector:
    """A fitted pipeline and model, with the names of their columns and classes.

    `temperature` calibrates the model's probabilities (`evaluate/calibration.py`); 1 leaves them as they are.
    """

    columns: Columns
    missing: Sequence[str]
    classes: list[str]
    pipeline: Pipeline
    model: Classifier
    temperature: float = 1.0
    window: int | None = None
    """How many flows of a source the model reads, with `model.sequence=window`; None where it reads one by one."""
    shift: float = 0.0
    """Added to the second of two classes' log-odds after the temperature; 0 where nothing was adapted (`adapt.py`)."""

    def probabilities(self, flows: pl.DataFrame, context: pl.DataFrame | None = None) -> NDArray[np.float32]:
        """Class probabilities `(rows, classes)` of flows with the dataset's raw columns, as text or as numbers.

        A row that lacks a number the model needs, or has an infinite one, gets NaN. A category not seen in training
        counts as none of those seen.

        A detector with a `window` also needs the time and the source column. It reads each flow after those that the
        same source sent before it, as far as they are among `flows` or `context`: more flows with the same columns,
        which get no answer. Rows that get NaN are in no window. Flows of one time follow each other by ROW_ID, or as
        they were given where there is none.

        Raises:
            UserError: a column is not there (named), or the time column holds text.
        """
        return self.calibrate(self.uncalibrated(flows, context))

    def calibrate(self, uncalibrated: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's own probabilities `(rows, classes)` at this detector's temperature and shift."""
        return calibrated(uncalibrated, self.temperature, self.shift)

    def uncalibrated(self, flows: pl.DataFrame, context: pl.DataFrame | None = None) -> NDArray[np.float32]:
        """`probabilities` as the model gives them, before temperature and shift.

        Raises:
            UserError: as `probabilities`.
        """
        if self.window is not None:
            return self._of_windows(flows, flows if context is None else pl.concat([flows, context]), self.window)
        x = self.pipeline.transform(self._typed(flows))
        missing = np.isnan(x).any(axis=1)
        answers = np.full((len(x), len(self.classes)), np.nan, dtype=np.float32)
        if not missing.all():
            answers[~missing] = self.model.probabilities(x[~missing])
        return answers

    @property
    def inputs(self) -> list[str]:
        """The raw columns that flows may need to have."""
        features = [*self.columns.numeric, *self.columns.categorical]
        return features if self.window is None else [*features, *needed(self.columns)]

    def _of_windows(self, flows: pl.DataFrame, every: pl.DataFrame, window: int) -> NDArray[np.float32]:
        """The answers on `flows`, the first of `every`."""
        x = self.pipeline.transform(self._typed(every))
        there = np.flatnonzero(~np.isnan(x).any(axis=1))
        targets = np.flatnonzero(there < flows.height)
        probabilities = np.full((flows.height, len(self.classes)), np.nan, dtype=np.float32)
        if len(targets):
            steps = windows_of(every[there], self.columns, self.missing, targets, window)
            probabilities[there[targets]] = answers(self.model, padded(x[there]), steps)
        return probabilities

    def _typed(self, flows: pl.DataFrame) -> pl.DataFrame:
        encoder = self.pipeline.encoder
        used = Columns(
            numeric=list(encoder.numeric),
            categorical=list(dict.fromkeys(column for column, _ in encoder.categories)),
            identifiers=self.columns.identifiers,
            ports=self.columns.ports,
        )
        refuse_lacking(flows, [*used.numeric, *used.categorical])
        raw = flows.lazy().select(*used.numeric, *used.categorical)
        numbers = raw.with_columns(cs.boolean().cast(pl.Int8))  # as they are read from Parquet files
        return typed(numbers, used, self.missing).collect()

    def save(self, folder: Path) -> None:
        """Write the detector into `folder`: JSON, npz, safetensors or skops; nothing that runs code when it is read."""
        folder.mkdir(parents=True, exist_ok=True)
        kind = type(self.model)
        facts = {
            "columns": asdict(self.columns),
            "missing": list(self.missing),
            "classes": self.classes,
            "temperature": self.temperature,
            "window": self.window,
            "shift": self.shift,
            "model": f"{kind.__module__}.{kind.__qualname__}",
        }
        (folder / "detector.json").write_text(json.dumps(facts, indent=1))
        self.pipeline.save(folder)
        self.model.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "Detector":
        """Read what `save` wrote."""
        facts = json.loads((folder / "detector.json").read_text())
        module, _, name = facts["model"].rpartition(".")
        model: Classifier = getattr(importlib.import_module(module), name).load(folder)
        columns, pipeline = Columns(**facts["columns"]), Pipeline.load(folder)
        later = (
            facts.get("temperature", 1.0),
            facts.get("window"),
            facts.get("shift", 0.0),
        )  # which those kept before had not
        return cls(columns, facts["missing"], facts["classes"], pipeline, model, *later)
