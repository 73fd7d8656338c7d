"""The steps of a run as functions: a configuration is the list of words that one would type after `python -m train`.

Hydra composes them; the command line of the calling program is not read. docs/api.md shows each function at work.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from iot_ids import tracking
from iot_ids.experiment import run as runs
from iot_ids.experiment import steps
from iot_ids.experiment.composition import compose_config, resolve_with_files
from iot_ids.experiment.state import Fitted, Prepared, Result
from iot_ids.models.classifier import Report


def prepare(overrides: Sequence[str] = (), config_dir: Path | str | None = None) -> Prepared:
    """Read, clean and split the flows, and fit encoding, selection and scaling on the training rows.

    The test rows stay unread.

    Args:
        overrides: as on the command line, `["+experiment=gru_pearson", "dataset=nsl_kdd", "dataset.path=FOLDER"]`.
        config_dir: a folder with YAML files of your own, as `--config-dir`.

    Raises:
        UserError: the configuration or the data cannot be used; the message says why.
    """
    return steps.prepare(resolve_with_files(compose_config(overrides, config_dir)))


def fit(prepared: Prepared, report: Report | None = None) -> Fitted:
    """Train the model; calibrate it and set its threshold on the validation rows.

    Args:
        prepared: from `prepare`.
        report: called with the epoch and its metrics (`train/loss`, `val/loss`, `val/f1_macro`) after every epoch.

    Raises:
        UserError: the model cannot learn with these settings.
    """
    return steps.fit(prepared, report or _ignore)


def evaluate(fitted: Fitted) -> Result:
    """Read the test rows and score them: metrics with intervals, audit, predictions.

    Call it once, at the end: whoever chooses between models by its result has used the test rows for validation.
    """
    return steps.evaluate(fitted, fitted.prepared.loaded.read_test())


def run(overrides: Sequence[str] = (), config_dir: Path | str | None = None) -> str:
    """Do what `python -m train` does: prepare, fit, evaluate, print the result, keep the run in MLflow.

    Args:
        overrides: as for `prepare`.
        config_dir: as for `prepare`.

    Returns:
        The id of the MLflow run.

    Raises:
        UserError: the configuration, the data or the store cannot be used.
    """
    config = compose_config(overrides, config_dir)
    with tracking.as_user_error(resolve_with_files(config).tracking.uri):
        return runs.run(config)


def _ignore(epoch: int, metrics: Mapping[str, float]) -> None:
    """Report nothing."""
