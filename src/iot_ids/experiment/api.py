"""The verbs as Python calls them: a configuration is the words that one would type after `python -m train`.

Hydra composes them inside; nothing is read from the command line. docs/api.md is a page of it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig

from iot_ids.common.errors import UserError
from iot_ids.common.paths import CONF
from iot_ids.config import register, resolve_and_check
from iot_ids.experiment import run as runs
from iot_ids.experiment import steps
from iot_ids.experiment.state import Fitted, Prepared, Result
from iot_ids.models.classifier import Report

Overrides = Sequence[str]


def prepare(overrides: Overrides = (), config_dir: Path | str | None = None) -> Prepared:
    """Read, clean and split the flows, and fit encoding, selection and scaling on the training rows.

    The test rows stay unread.

    Args:
        overrides: as on the command line, `["+experiment=gru_pearson", "dataset=nsl_kdd", "dataset.path=FOLDER"]`.
        config_dir: a folder with YAML files of your own, as `--config-dir`.

    Raises:
        UserError: the configuration or the data cannot be used; the message says why.
    """
    return steps.prepare(resolve_and_check(_composed(overrides, config_dir)))


def fit(prepared: Prepared, report: Report | None = None) -> Fitted:
    """Train the model; calibrate it and set its threshold on validation rows.

    Args:
        prepared: from `prepare`.
        report: called with the epoch and its metrics (`train/loss`, `val/loss`, `val/f1_macro`) after every epoch.

    Raises:
        UserError: the settings do not let the model learn.
    """
    return steps.fit(prepared, report or _ignore)


def evaluate(fitted: Fitted) -> Result:
    """Read the test rows and score them: metrics with intervals, audit, predictions.

    Call it once, at the end: a choice made by its result is made on test rows.
    """
    return steps.evaluate(fitted, fitted.prepared.loaded.read_test())


def run(overrides: Overrides = (), config_dir: Path | str | None = None) -> str:
    """Prepare, fit and evaluate, keep the run in MLflow as `python -m train` does, and return the run's id.

    Raises:
        UserError: the configuration, the data or the store cannot be used.
    """
    return runs.run(_composed(overrides, config_dir))


def _composed(overrides: Overrides, config_dir: Path | str | None) -> DictConfig:
    register()
    own = [] if config_dir is None else [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"]
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("train", overrides=[*own, *overrides])
    except HydraException as error:
        raise UserError(" ".join(str(error).split())) from error


def _ignore(epoch: int, metrics: Mapping[str, float]) -> None:
    pass
