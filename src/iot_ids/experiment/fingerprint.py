"""Hash the settings that two runs must share to be averaged, skipped or resumed; stable across versions of the code.

Runs and studies of earlier versions stay recognised. A key added later enters the hash only if its value differs from
the behaviour before the key existed; a class that has moved enters it by its first path.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

NOT_IN_FINGERPRINT = ("seed", "tracking", "cache")
NOT_IN_DATASET = ("path", "test_path", "title", "about", "extractor")
ADDED = {
    "dataset.missing_numbers": "drop",
    "dataset.columns.time_format": None,
    "dataset.format.comment": "",
}
"""Keys added after 9b1016a, with the value in effect before. A default changed later makes a different run."""
MOVED = {
    "iot_ids.models.ExactSvm": "iot_ids.models.svm.ExactSvm",
    "iot_ids.models.FeedForwardClassifier": "iot_ids.models.network.FeedForwardClassifier",
    "iot_ids.models.IsolationClassifier": "iot_ids.models.isolation.IsolationClassifier",
    "iot_ids.models.MonotoneBoosting": "iot_ids.models.monotone.MonotoneBoosting",
    "iot_ids.models.NeighboursClassifier": "iot_ids.models.neighbours.NeighboursClassifier",
    "iot_ids.models.NystroemSvm": "iot_ids.models.svm.NystroemSvm",
    "iot_ids.models.RecurrentClassifier": "iot_ids.models.network.RecurrentClassifier",
    "iot_ids.features.Midrank": "iot_ids.features.scale.Midrank",
    "iot_ids.features.MinMax": "iot_ids.features.scale.MinMax",
    "iot_ids.features.Quantile": "iot_ids.features.scale.Quantile",
    "iot_ids.features.Share": "iot_ids.features.share.Share",
    "iot_ids.features.chi_square": "iot_ids.features.chi_square.scores",
    "iot_ids.features.iqr": "iot_ids.features.outliers.iqr",
    "iot_ids.features.mutual_information": "iot_ids.features.mutual_information.scores",
    "iot_ids.features.pearson": "iot_ids.features.pearson.scores",
}
"""From a `_target_` of today to its path in 9b1016a, which a user's YAML file may still name."""


def fingerprint(plain: Mapping[str, Any], *data: str) -> str:
    """Hash the configuration, without paths, tracking, cache and seed, together with the hashes of the data.

    Runs with equal fingerprints may be averaged.
    """
    settings = normalised(plain, NOT_IN_FINGERPRINT)
    if settings.get("test_dataset", {}) is None:  # the first version wrote an absent test_dataset as {}
        settings["test_dataset"] = {}
    text = json.dumps([settings, *data], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def normalised(plain: Mapping[str, Any], left_out: Collection[str]) -> dict[str, Any]:
    """Spell the configuration as 9b1016a did, without file paths and the groups `left_out`."""
    settings = {group: values for group, values in plain.items() if group not in left_out}
    for group in ("dataset", "test_dataset"):
        if settings.get(group):
            settings[group] = {key: value for key, value in settings[group].items() if key not in NOT_IN_DATASET}
    return {group: _as_first_spelled(values, group) for group, values in settings.items()}


def _as_first_spelled(value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        return MOVED.get(value, value) if path.endswith("._target_") else value
    path = path.replace("test_dataset", "dataset")
    return {
        key: _as_first_spelled(inner, f"{path}.{key}")
        for key, inner in value.items()
        if f"{path}.{key}" not in ADDED or ADDED[f"{path}.{key}"] != inner
    }
