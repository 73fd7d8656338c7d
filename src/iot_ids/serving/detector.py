"""The detector: raw columns in, class probabilities out. Evaluation and scoring both use it."""

import json
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from inspect import signature
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from iot_ids.common import registry
from iot_ids.common.errors import UserError
from iot_ids.common.typed_json import read_json, require
from iot_ids.data.checks import of_format
from iot_ids.data.clean import typed
from iot_ids.data.schema import Columns, Format
from iot_ids.data.windows import needed, refuse_lacking, windows_of
from iot_ids.features import pipeline
from iot_ids.features.pipeline import Pipeline
from iot_ids.metrics.calibration import calibrate
from iot_ids.metrics.operating_point import OperatingPoint, attack_scores
from iot_ids.models.classifier import Classifier, predict_probabilities, with_padding_row
from iot_ids.serving import manifest
from iot_ids.serving.provenance import Provenance

FILE = "detector.json"
EXAMPLES = "examples.parquet"
TIE = 1e-5
"""How much higher a score must be than the threshold, as a share of it, to differ from it."""
VERSION = 3
"""Of the saved folder; version 1 had no registered names, manifest or format, version 2 no operating point."""


@dataclass
class Facts:
    """The content of `detector.json`. The defaults apply to folders saved before a key existed."""

    columns: Columns
    missing: list[str]
    classes: list[str]
    model: str
    temperature: float = 1.0
    window: int | None = None
    shift: float = 0.0
    format: Format = field(default_factory=Format)
    normal: int | None = None
    operating_point: OperatingPoint | None = None
    origin: Provenance | None = None
    version: int = 1


@dataclass(frozen=True)
class Detector:
    """A fitted pipeline and model, with the names of their columns and classes.

    `temperature` calibrates the model's probabilities (`metrics/calibration.py`); 1 changes nothing.
    """

    columns: Columns
    missing: Sequence[str]
    classes: list[str]
    pipeline: Pipeline
    model: Classifier
    temperature: float = 1.0
    window: int | None = None
    """Flows of a source per window with `model.sequence=window`; None if the model reads single flows."""
    shift: float = 0.0
    """Added to the second of two classes' log-odds after the temperature; 0 without adaptation."""
    form: Format = field(default_factory=Format)
    """The file format of its dataset."""
    normal: int | None = None
    """The code of the class that is not an attack; None if there is none, and in folders saved before 0.2.0."""
    point: OperatingPoint | None = None
    """The threshold set on validation; None without a normal class, and after an adaptation has shifted the scores."""
    origin: Provenance | None = None
    """The run that trained it; None before it is kept, and in folders saved before 0.2.0."""

    def probabilities(self, flows: pl.DataFrame, history: pl.DataFrame | None = None) -> NDArray[np.float32]:
        """Compute class probabilities `(rows, classes)` of flows with the dataset's raw columns, as text or numbers.

        A row with a missing or infinite number that the model needs gets NaN. A category not seen in training matches
        none of those seen.

        A detector with a `window` also needs the time and the source column. It reads each flow after earlier ones of
        the same source in `flows` or `history`: further flows with the same columns, which are not scored themselves.
        Rows that get NaN are in no window. Flows with equal times are ordered by ROW_ID, or as given without it.

        Raises:
            UserError: a column is missing (named), or the time column contains text.
        """
        return self.calibrate(self.uncalibrated(flows, history))

    def attack_scores(self, probabilities: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Score flows by their log-odds of being attacks, `(rows,)`; None without a normal class.

        A flow is an alarm if its score is above `point.threshold`. NaN stays NaN.
        """
        return None if self.normal is None else attack_scores(probabilities, self.normal)

    @property
    def alarm_limit(self) -> float | None:
        """Return the attack score above which a flow is an alarm; None if no threshold was set.

        It lies a TIE above the operating point's threshold, which is a score of a validation row: flows with the same
        score are normal, whatever the last digits of the computation, here or in an exported file.
        """
        if self.point is None or self.point.threshold is None:
            return None
        return self.point.threshold + TIE * max(1.0, abs(self.point.threshold))

    def transform(self, flows: pl.DataFrame) -> NDArray[np.float32]:
        """Compute the model's input `(rows, features)` from raw columns; NaN where a number is missing."""
        return self.pipeline.transform(self.typed(flows))

    def calibrate(self, uncalibrated: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply this detector's temperature and shift to the model's own probabilities `(rows, classes)`."""
        return calibrate(uncalibrated, self.temperature, self.shift)

    def uncalibrated(self, flows: pl.DataFrame, history: pl.DataFrame | None = None) -> NDArray[np.float32]:
        """Compute the model's own probabilities, before temperature and shift.

        Raises:
            UserError: see `probabilities`.
        """
        if self.window is not None:
            return self._of_windows(flows, flows if history is None else pl.concat([flows, history]), self.window)
        x = self.transform(flows)
        missing = ~np.isfinite(x).all(axis=1)  # scaling may turn an extreme number into an infinite one
        answers = np.full((len(x), len(self.classes)), np.nan, dtype=np.float32)
        if not missing.all():
            answers[~missing] = self.model.probabilities(x[~missing])
        return answers

    @property
    def inputs(self) -> list[str]:
        """Return the raw columns that flows may need."""
        features = [*self.columns.numeric, *self.columns.categorical]
        return features if self.window is None else [*features, *needed(self.columns)]

    def _of_windows(self, flows: pl.DataFrame, every: pl.DataFrame, window: int) -> NDArray[np.float32]:
        """Compute the probabilities of `flows`, which come first in `every`."""
        x = self.transform(every)
        complete = np.flatnonzero(np.isfinite(x).all(axis=1))
        targets = np.flatnonzero(complete < flows.height)
        probabilities = np.full((flows.height, len(self.classes)), np.nan, dtype=np.float32)
        if len(targets):
            steps = windows_of(every[complete], self.columns, self.missing, targets, window)
            probabilities[complete[targets]] = predict_probabilities(self.model, with_padding_row(x[complete]), steps)
        return probabilities

    def typed(self, flows: pl.DataFrame) -> pl.DataFrame:
        """Return the columns that the model reads, as declared: null where a number is missing, NaN where it is none.

        Raises:
            UserError: a column is missing (named).
        """
        encoder = self.pipeline.encoder
        used = Columns(
            numeric=encoder.numbers,
            categorical=encoder.texts,
            identifiers=self.columns.identifiers,
            ports=self.columns.ports,
        )
        refuse_lacking(flows, [*used.numeric, *used.categorical])
        raw = flows.lazy().select(*used.numeric, *used.categorical)
        numbers = raw.with_columns(cs.boolean().cast(pl.Int8))  # as when read from Parquet files
        return typed(numbers, used, self.missing).collect()

    def save(self, folder: Path, examples: pl.DataFrame | None = None) -> None:
        """Write the detector into `folder` as JSON, npz, safetensors or skops; nothing that runs code on reading.

        `examples` are flows with the columns that it reads, kept for later comparisons (`examples`).
        """
        folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "version": VERSION,
            "columns": asdict(self.columns),
            "format": asdict(self.form),
            "missing": list(self.missing),
            "classes": self.classes,
            "temperature": self.temperature,
            "window": self.window,
            "shift": self.shift,
            "normal": self.normal,
            "operating_point": None if self.point is None else asdict(self.point),
            "origin": None if self.origin is None else asdict(self.origin),
            "model": registry.registered_name(type(self.model)),
        }
        (folder / FILE).write_text(json.dumps(facts, indent=1, default=attrgetter("value")))
        self.pipeline.save(folder)
        self.model.save(folder)
        if examples is not None:
            encoder = self.pipeline.encoder
            examples.select(*encoder.numbers, *encoder.texts).write_parquet(folder / EXAMPLES)
        manifest.write(folder)

    @classmethod
    def load(cls, folder: Path, trust: Collection[str] = ()) -> "Detector":
        """Read what `save` wrote, checking its manifest, then every value, then one prediction of the model.

        Only names in `trust`, each `module.Class`, are imported from the folder: all others must be registered classes
        of ours or the parts of scikit-learn that these consist of. A folder saved before manifests existed is read with
        a warning.

        Raises:
            UserError: a file is damaged, or a class is neither ours nor trusted (the message says what to add).
        """
        with _loading_errors(folder):
            whole = manifest.check(folder)
            facts = read_json(folder / FILE, Facts)
            _check_facts(facts, whole)
            fitted, model = Pipeline.load(folder, trust), _model(facts.model, folder, trust)
            values = facts.temperature, facts.window, facts.shift, facts.format
            said = facts.normal, facts.operating_point, facts.origin
            detector = cls(facts.columns, facts.missing, facts.classes, fitted, model, *values, *said)
            _check_consistency(detector)
        if not whole:
            warnings.warn(f"model={folder} was saved before manifests existed: damage may go unnoticed", stacklevel=2)
        return detector


def examples(folder: Path) -> pl.DataFrame | None:
    """Return the flows kept in a saved `folder`: validation rows of the run, typed; None in folders before 0.2.0."""
    file = folder / EXAMPLES
    return pl.read_parquet(file) if file.is_file() else None


def classes_to_trust(folder: Path) -> list[str]:
    """Return the classes in a saved `folder` that need `trust`: none if everything in it is ours."""
    model = json.loads((folder / FILE).read_text())["model"]
    scaler = json.loads((folder / pipeline.FILE).read_text())["scaler"]
    names = [name for name in (model, scaler) if name not in registry.MODELS | registry.SCALERS]
    if not (folder / "estimator.skops").is_file():
        return names
    from iot_ids.models.sklearn import (
        skops_file,  # not at the top: networks need not wait a second for skops
    )

    return [*names, *skops_file.classes_to_trust(folder)]


@contextmanager
def _loading_errors(folder: Path) -> Iterator[None]:
    """Turn whatever JSON, NumPy, safetensors, skops or a class raise on a damaged file into a UserError."""
    try:
        yield
    except UserError as error:
        raise UserError(f"model={folder}: {error}") from error
    except ImportError as error:
        raise UserError(f"model={folder} needs what cannot be imported: {error}") from error
    except Exception as error:
        raise UserError(
            f"model={folder} cannot be loaded ({type(error).__name__}: {error}): a file in it was changed or cut off "
            "since the run kept it; copy it again, or train again"
        ) from error


def _check_facts(facts: Facts, whole: bool) -> None:
    """Raise if `detector.json` contains invalid values."""
    if facts.version > VERSION:
        raise UserError(f"was kept by a later iot_ids ({facts.version}, this one reads {VERSION}); update it")
    if facts.version > 1 and not whole:
        raise UserError(f"{manifest.FILE} is missing, which the run kept; {manifest.REMEDY}")
    require(facts.classes and len({*facts.classes}) == len(facts.classes), f"{FILE}: classes: a name occurs twice")
    require(facts.temperature > 0, f"{FILE}: temperature is {facts.temperature}, and must be above 0")
    for problem in of_format(facts.format):
        raise ValueError(f"{FILE}: format.{problem}")
    require(
        facts.normal is None or 0 <= facts.normal < len(facts.classes), f"{FILE}: normal is {facts.normal}, no class"
    )
    require(facts.window is None or facts.window > 0, f"{FILE}: window is {facts.window}, and must be at least 1")


def _model(name: str, folder: Path, trust: Collection[str]) -> Classifier:
    """Load the model, passing `trust` on if its `load` takes it."""
    kind = registry.load_class(name, registry.MODELS, trust)
    given: dict[str, Any] = {"trust": trust} if "trust" in signature(kind.load).parameters else {}
    return kind.load(folder, **given)  # type: ignore[no-any-return]


def _check_consistency(detector: Detector) -> None:
    """Raise if pipeline, model and classes do not fit together, by making one prediction."""
    columns, encoder = detector.columns, detector.pipeline.encoder
    known = {*columns.numeric, *columns.categorical, *columns.identifiers}
    unknown = {*encoder.numbers, *encoder.texts} - known
    require(not unknown, f"pipeline.json reads {', '.join(sorted(unknown))}, which {FILE} does not name")
    flow = np.zeros((1, len(encoder.names)), dtype=np.float32)
    answer = detector.model.probabilities(flow if detector.window is None else flow[None])
    require(
        np.shape(answer) == (1, len(detector.classes)) and np.isfinite(answer).all(),
        f"the model does not return one probability for each of {len(detector.classes)} classes",
    )
