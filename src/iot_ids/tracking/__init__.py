"""Track runs and models in MLflow. The only package that imports it."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from iot_ids.tracking.run import PARENT as PARENT
from iot_ids.tracking.run import WORKER as WORKER
from iot_ids.tracking.run import Run as Run
from iot_ids.tracking.run import begin_sweep as begin_sweep
from iot_ids.tracking.run import commit as commit
from iot_ids.tracking.run import end_lost as end_lost
from iot_ids.tracking.run import end_sweep as end_sweep
from iot_ids.tracking.run import flat as flat
from iot_ids.tracking.run import save_model as save_model
from iot_ids.tracking.run import spelled as spelled
from iot_ids.tracking.run import start as start
from iot_ids.tracking.run import supersede as supersede
from iot_ids.tracking.store import STORE_ERRORS as STORE_ERRORS
from iot_ids.tracking.store import KeptRun as KeptRun
from iot_ids.tracking.store import Store as Store
from iot_ids.tracking.store import as_user_error as as_user_error
from iot_ids.tracking.store import existing_stores as existing_stores
from iot_ids.tracking.store import fetch as fetch
from iot_ids.tracking.store import finished as finished
from iot_ids.tracking.store import kept_runs as kept_runs
from iot_ids.tracking.store import open_store as open_store
