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
from iot_ids.errors import UserError
from iot_ids.features.pipeline import Pipeline
from iot_ids.models.classifier import Classifier


@dataclass(frozen=True)
class Detector:
    """A fitted pipeline and model, with the names of their columns and classes."""

    columns: Columns
    missing: Sequence[str]
    classes: list[str]
    pipeline: Pipeline
    model: Classifier

    def probabilities(self, flows: pl.DataFrame) -> NDArray[np.float32]:
        """Class probabilities `(rows, classes)` of flows with the dataset's raw columns, as text or as numbers.

        A row that lacks a number the model needs, or has an infinite one, gets NaN. A category not seen in training
        counts as none of those seen.

        Raises:
            UserError: a feature column is not there (named).
        """
        x = self.pipeline.transform(self._typed(flows))
        missing = np.isnan(x).any(axis=1)
        answers = np.full((len(x), len(self.classes)), np.nan, dtype=np.float32)
        if not missing.all():
            answers[~missing] = self.model.probabilities(x[~missing])
        return answers

    def _typed(self, flows: pl.DataFrame) -> pl.DataFrame:
        encoder = self.pipeline.encoder
        needed = Columns(
            numeric=list(encoder.numeric),
            categorical=list(dict.fromkeys(column for column, _ in encoder.categories)),
            identifiers=self.columns.identifiers,
            ports=self.columns.ports,
        )
        lacking = [name for name in (*needed.numeric, *needed.categorical) if name not in flows.columns]
        if lacking:
            raise UserError(f"the flows lack the columns {', '.join(lacking)}; they have {', '.join(flows.columns)}")
        raw = flows.lazy().select(*needed.numeric, *needed.categorical)
        numbers = raw.with_columns(cs.boolean().cast(pl.Int8))  # as they are read from Parquet files
        return typed(numbers, needed, self.missing).collect()

    def save(self, folder: Path) -> None:
        """Write the detector into `folder`: JSON, npz, safetensors or skops; nothing that runs code when it is read."""
        folder.mkdir(parents=True, exist_ok=True)
        kind = type(self.model)
        facts = {
            "columns": asdict(self.columns),
            "missing": list(self.missing),
            "classes": self.classes,
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
        return cls(Columns(**facts["columns"]), facts["missing"], facts["classes"], Pipeline.load(folder), model)
