"""Track runs and models in MLflow. The only package that imports it."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from iot_ids.tracking.run import (
    PARENT,
    WORKER,
    Run,
    begin_sweep,
    commit,
    end_lost,
    end_sweep,
    flat,
    save_model,
    spelled,
    start,
    supersede,
)
from iot_ids.tracking.store import (
    STORE_ERRORS,
    KeptRun,
    Store,
    as_user_error,
    existing_stores,
    fetch,
    finished,
    kept_runs,
    open_store,
)

__all__ = [
    "PARENT",
    "STORE_ERRORS",
    "WORKER",
    "KeptRun",
    "Run",
    "Store",
    "as_user_error",
    "begin_sweep",
    "commit",
    "end_lost",
    "end_sweep",
    "existing_stores",
    "fetch",
    "finished",
    "flat",
    "kept_runs",
    "open_store",
    "save_model",
    "spelled",
    "start",
    "supersede",
]
