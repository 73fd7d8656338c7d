"""Registered names of the classes in a saved detector: nothing else that it names is ever imported.

A saved folder is data. Names in it are looked up here, so that moving a module does not make old folders unreadable,
and a folder cannot run code by naming it. A user's own class is only imported if the user trusts it by name.
"""

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

from iot_ids.common.errors import UserError

MODELS = {
    "recurrent": "iot_ids.models.networks.network:RecurrentClassifier",
    "feed_forward": "iot_ids.models.networks.network:FeedForwardClassifier",
    "estimator": "iot_ids.models.sklearn.adapter:Classical",
    "margin": "iot_ids.models.sklearn.svm:Margin",
    "svm_rbf": "iot_ids.models.sklearn.svm:NystroemSvm",
    "svm_exact": "iot_ids.models.sklearn.svm:ExactSvm",
    "neighbours": "iot_ids.models.sklearn.neighbours:NeighboursClassifier",
    "isolation_forest": "iot_ids.models.sklearn.isolation_forest:IsolationClassifier",
    "monotone_boosting": "iot_ids.models.sklearn.adapter:MonotoneBoosting",
}
SCALERS = {
    "minmax": "iot_ids.features.scalers:MinMax",
    "quantile": "iot_ids.features.scalers:Quantile",
    "midrank": "iot_ids.features.scalers:Midrank",
    "share": "iot_ids.features.scalers:Share",
}
OLD_NAMES = {
    "iot_ids.models.network.RecurrentClassifier": "recurrent",
    "iot_ids.models.network.FeedForwardClassifier": "feed_forward",
    "iot_ids.models.classical.Classical": "estimator",
    "iot_ids.models.margin.Margin": "margin",
    "iot_ids.models.svm.NystroemSvm": "svm_rbf",
    "iot_ids.models.svm.ExactSvm": "svm_exact",
    "iot_ids.models.neighbours.NeighboursClassifier": "neighbours",
    "iot_ids.models.isolation.IsolationClassifier": "isolation_forest",
    "iot_ids.models.monotone.MonotoneBoosting": "monotone_boosting",
    "iot_ids.features.scale.MinMax": "minmax",
    "iot_ids.features.scale.Quantile": "quantile",
    "iot_ids.features.scale.Midrank": "midrank",
    "iot_ids.features.share.Share": "share",
}
"""Class paths in folders saved before names were registered. Never changes, wherever the classes move."""


def registered_name(kind: type) -> str:
    """Return the registered name of one of our classes, or `module.Class` for any other."""
    place = f"{kind.__module__}:{kind.__qualname__}"
    return next((name for name, ours in (MODELS | SCALERS).items() if ours == place), place.replace(":", "."))


def load_class(name: str, ours: Mapping[str, str], trust: Collection[str] = ()) -> Any:
    """Return the class that a saved file names: one of `ours` (MODELS or SCALERS), or a `module.Class` in `trust`.

    Raises:
        UserError: it is neither (then nothing was imported), or the trusted name cannot be imported or is not a class.
    """
    place = ours.get(OLD_NAMES.get(name, name))
    if place is not None:
        module, _, attribute = place.partition(":")
        return getattr(import_module(module), attribute)
    if name not in trust:
        raise untrusted_error([name])
    return import_trusted(name)


def import_trusted(name: str) -> type:
    """Import a user's own class by `module.Class`, which runs the module's code.

    Raises:
        UserError: it cannot be imported, or is not a class.
    """
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"trust={name} cannot be imported ({error}); install it, or start where it is") from error
    if not isinstance(found, type):
        raise UserError(
            f"trust={name} is not a class, and only classes can be trusted; give that of the model or the scaler"
        )
    return found


def untrusted_error(names: Collection[str]) -> UserError:
    """Return the error for a saved file that names classes that are neither ours nor trusted."""
    return UserError(
        f"it holds {', '.join(names)}, which iot_ids does not load by itself: that runs its code. Where you know and "
        f"trust it, add trust={','.join(names)} (in Python: load_detector(folder, trust={list(names)}))"
    )
