"""Which settings two runs must share to be averaged, skipped or resumed, spelled as every version has spelled them.

A run and a study stay recognised while the code changes around them. A key that was added since counts only where its
value differs from what was in effect before it existed; a class that has moved counts by the path it had first.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

NOT_IN_FINGERPRINT = ("seed", "tracking", "cache")
NOT_IN_DATASET = ("path", "test_path", "title", "about")
ADDED = {
    "dataset.missing_numbers": "drop",
    "dataset.columns.time_format": None,
    "dataset.format.comment": "",
}
"""Keys that 9b1016a did not have, with the value that was in effect then. A default changed later is another run."""
MOVED: dict[str, str] = {}
"""The path that 9b1016a had for what `_target_` names now."""


def fingerprint(plain: Mapping[str, Any], *data: str) -> str:
    """Hash the data's hashes and the configuration without paths, tracking, cache and seed.

    Runs with equal fingerprints may be averaged.
    """
    settings = lasting(plain, NOT_IN_FINGERPRINT)
    if settings.get("test_dataset", {}) is None:  # spelled so since the first version
        settings["test_dataset"] = {}
    text = json.dumps([settings, *data], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def lasting(plain: Mapping[str, Any], left_out: Collection[str]) -> dict[str, Any]:
    """The configuration without the groups `left_out` and without where files lie, as earlier versions spelled it."""
    settings = {group: values for group, values in plain.items() if group not in left_out}
    for group in ("dataset", "test_dataset"):
        if settings.get(group):
            settings[group] = {key: value for key, value in settings[group].items() if key not in NOT_IN_DATASET}
    return {group: _as_before(values, group) for group, values in settings.items()}


def _as_before(value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        return MOVED.get(value, value) if path.endswith("._target_") else value
    path = path.replace("test_dataset", "dataset")
    return {
        key: _as_before(inner, f"{path}.{key}")
        for key, inner in value.items()
        if f"{path}.{key}" not in ADDED or ADDED[f"{path}.{key}"] != inner
    }
