"""From `_target_` in the configuration to the class or function it names, ours or a user's own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_class, get_method, instantiate
from sklearn.base import BaseEstimator

from iot_ids.common.errors import UserError
from iot_ids.common.fast_import import gc_paused_import
from iot_ids.experiment.fingerprint import MOVED
from iot_ids.features.pipeline import Rule, Scores
from iot_ids.features.scalers import Scaler
from iot_ids.models.classifier import Classifier
from iot_ids.models.spec import Trainer

Settings = Mapping[str, Any]
NOT_HANDED_ON = ("name", "before_split")
"""What a choice's file says to this project, not to the class or function that it names."""


@gc_paused_import()
def model(settings: Settings, trainer: Trainer, normal: int | None) -> Classifier:
    """The untrained model.

    A class that asks for a `trainer` is given that group's settings, one that asks for `normal` the code of the normal
    class; a scikit-learn estimator is given the verbs of a Classifier.

    Raises:
        UserError: there is no such class, or it refuses its settings.
    """
    with _named("model", settings):
        if "_target_" not in settings:
            raise ValueError("its file names no class as _target_")
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
    """The selector's function; None where every column is kept."""
    if "_target_" not in settings:
        return None
    with _named("selector", settings):
        return get_method(_target(settings))


def rule(settings: Settings) -> Rule | None:
    """The outlier rule with its settings filled in; None where nothing is dropped."""
    if "_target_" not in settings:
        return None
    with _named("outliers", settings):
        return instantiate({**_arguments(settings), "_partial_": True})  # type: ignore[no-any-return]


def scaler(settings: Settings) -> Scaler:
    """The scaler, not fitted yet."""
    with _named("scaler", settings):
        built = instantiate(_arguments(settings))
        lacking = [verb for verb in ("fit", "transform", "state", "restore") if not hasattr(built, verb)]
        if lacking:
            raise ValueError(f"{settings['_target_']} has no {', '.join(lacking)}; see docs/extending.md")
    return built  # type: ignore[no-any-return]


def _arguments(settings: Settings) -> dict[str, Any]:
    given = {key: value for key, value in settings.items() if key not in NOT_HANDED_ON}
    return {**given, "_target_": _target(settings)}


def _target(settings: Settings) -> str:
    """The class or function that is named; one of ours also by the path that an earlier version had for it."""
    named = settings["_target_"]
    return next((path for path, before in MOVED.items() if before == named), named)


@contextmanager
def _named(group: str, settings: Settings) -> Iterator[None]:
    """Say which choice of which group cannot be built, and why; a UserError from inside stays as it is."""
    try:
        yield
    except (InstantiationException, KeyError, ImportError, ValueError, TypeError) as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from None
        choice = f"{group}={settings.get('name')}"
        lines = [line.strip() for line in str(error).splitlines() if line.strip() and "full_key" not in line]
        raise UserError(f"{choice} cannot be built: {' '.join(lines[:2])}") from error
