"""Intrusion detection in IoT networks: train, evaluate, compare and serve detectors. docs/api.md shows how."""

import os
from typing import TYPE_CHECKING, Any

from iot_ids.common.imports import lazy_attributes

if TYPE_CHECKING:
    from iot_ids.common.errors import UserError
    from iot_ids.experiment.api import evaluate, fit, prepare, run
    from iot_ids.serving.detector import Detector
    from iot_ids.serving.scoring import load_detector

    __version__: str

# Polars' allocator keeps freed memory by default, and a preparation then holds twice what it uses. Returning it after
# 20 ms from two arenas costs no time; at once, a quarter more. Polars reads this at its import, hence here.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,dirty_decay_ms:20,muzzy_decay_ms:0")

__all__ = ["Detector", "UserError", "__version__", "evaluate", "fit", "load_detector", "prepare", "run"]
_HOMES = {
    "Detector": "serving.detector",
    "UserError": "common.errors",
    "evaluate": "experiment.api",
    "fit": "experiment.api",
    "load_detector": "serving.scoring",
    "prepare": "experiment.api",
    "run": "experiment.api",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # or mypy would let every name pass
    _public = lazy_attributes(__name__, _HOMES)

    def __getattr__(name: str) -> Any:
        if name != "__version__":
            return _public(name)
        from importlib.metadata import version  # takes a tenth of a second

        return version("iot-ids")
