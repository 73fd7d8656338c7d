"""The detector as an MLflow model."""

import warnings
from importlib.metadata import version
from pathlib import Path

import mlflow
from mlflow.models import ModelSignature
from mlflow.types.schema import AnyType, ColSpec, Schema

from iot_ids.common import atomic
from iot_ids.common.paths import PACKAGE
from iot_ids.serving.detector import Detector, to_trust

REQUIREMENTS = ("mlflow", "pandas", "polars", "numpy", "scikit-learn", "torch", "safetensors", "skops")
"""What loading a kept model needs; kept with the versions of the training."""


def save_model(detector: Detector, folder: Path) -> None:
    """Write `detector` into `folder` as an MLflow model that is loaded from code, never by unpickling.

    Its signature names the raw columns and the classes; a column may be of any type, since the detector reads text too.
    """
    signature = ModelSignature(
        inputs=Schema([ColSpec(AnyType(), name) for name in detector.inputs]),
        outputs=Schema([ColSpec("float", name) for name in detector.classes]),
    )
    with atomic.temporary_folder() as place:
        kept = place / "detector"
        detector.save(kept)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input example", category=UserWarning)  # the signature says it
            mlflow.pyfunc.save_model(
                str(folder),
                python_model=str(Path(__file__).with_name("pyfunc_model.py")),
                artifacts={"detector": str(kept)},
                code_paths=[str(PACKAGE)],
                signature=signature,
                model_config={"trust": to_trust(kept)},
                pip_requirements=[f"{name}=={version(name).split('+')[0]}" for name in REQUIREMENTS],
            )
