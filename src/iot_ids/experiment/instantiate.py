"""Instantiate what a `_target_` in the configuration names: a class or function of ours, or a user's own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_class, get_method, instantiate
from sklearn.base import BaseEstimator

from iot_ids.common.errors import UserError
from iot_ids.common.imports import gc_paused_import
from iot_ids.experiment.fingerprint import MOVED
from iot_ids.features.pipeline import Rule, Scores
from iot_ids.features.scalers import Scaler
from iot_ids.models.classifier import Classifier
from iot_ids.models.spec import Trainer

Settings = Mapping[str, Any]
NOT_ARGUMENTS = ("name", "before_split")
"""Keys of a YAML file that are not arguments of its `_target_`."""


@gc_paused_import()
def model(settings: Settings, trainer: Trainer, normal: int | None) -> Classifier:
    """Create the untrained model.

    A class with a `trainer` parameter receives that group's settings, one with `normal` the code of the normal class.
    A scikit-learn estimator is wrapped as a Classifier.

    Raises:
        UserError: the class does not exist or rejects its settings.
    """
    with _as_user_error("model", settings):
        if "_target_" not in settings:
            raise ValueError("its YAML file has no _target_ that names a class")
        wants = signature(get_class(_target(settings))).parameters
        given = {name: value for name, value in (("trainer", trainer), ("normal", normal)) if name in wants}
        built = instantiate(_arguments(settings), **given)
    if not isinstance(built, BaseEstimator):
        return built  # type: ignore[no-any-return]
    from iot_ids.models.sklearn.adapter import Classical
    from iot_ids.models.sklearn.svm import Margin

    only_margins = hasattr(built, "decision_function") and not hasattr(built, "predict_proba")
    return Margin(built) if only_margins else Classical(built)


def scores(settings: Settings) -> Scores | None:
    """Look up the selector's scoring function; None if every column is kept."""
    if "_target_" not in settings:
        return None
    with _as_user_error("selector", settings):
        function = get_method(_target(settings))
        signature(function).bind(None, None)  # features, classes
    return function


def rule(settings: Settings) -> Rule | None:
    """Bind the outlier rule to its settings; None if no rows are dropped."""
    if "_target_" not in settings:
        return None
    with _as_user_error("outliers", settings):
        made = instantiate({**_arguments(settings), "_partial_": True})
        signature(made).bind(None)  # the features
    return made  # type: ignore[no-any-return]


def scaler(settings: Settings) -> Scaler:
    """Create the scaler, not yet fitted."""
    with _as_user_error("scaler", settings):
        built = instantiate(_arguments(settings))
        missing = [method for method in ("fit", "transform", "state", "restore") if not hasattr(built, method)]
        if missing:
            raise ValueError(f"{settings['_target_']} has no {', '.join(missing)}; see docs/extending.md")
    return built  # type: ignore[no-any-return]


def _arguments(settings: Settings) -> dict[str, Any]:
    given = {key: value for key, value in settings.items() if key not in NOT_ARGUMENTS}
    return {**given, "_target_": _target(settings)}


def _target(settings: Settings) -> str:
    """Return the path of the `_target_`; a path of 9b1016a is translated to today's."""
    named = settings["_target_"]
    return next((path for path, before in MOVED.items() if before == named), named)


@contextmanager
def _as_user_error(group: str, settings: Settings) -> Iterator[None]:
    """Turn an error into a UserError that names the choice and its group; a UserError inside it passes through."""
    try:
        yield
    except (InstantiationException, KeyError, ImportError, ValueError, TypeError) as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from None
        choice = f"{group}={settings.get('name')}"
        lines = [line.strip() for line in str(error).splitlines() if line.strip() and "full_key" not in line]
        raise UserError(f"{choice} cannot be built: {' '.join(lines[:2])}") from error
