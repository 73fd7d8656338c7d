"""What a store and its folder hold, looked at without MLflow: what was left behind is not tidied by looking."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .tally import Fault

KNOWN = (
    "mlflow.db",
    "mlflow.db.lock",
    ".mlflow.db.runs",
    ".mlflow.db.lock",
    "artifacts",
    "optuna.journal",
    ".optuna.journal.locks",
)


@dataclass(frozen=True)
class Kept:
    """A run as the store has it."""

    id: str
    status: str
    tags: dict[str, str]
    metrics: int


def runs(folder: Path) -> list[Kept]:
    """The runs below `folder`; none where there is no store."""
    file = folder / "mlruns" / "mlflow.db"
    if not file.exists():
        return []
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60) as store:
        found = store.execute("select run_uuid, status from runs").fetchall() if _has_tables(store) else []
        return [
            Kept(
                run,
                status,
                dict(store.execute("select key, value from tags where run_uuid = ?", [run]).fetchall()),
                store.execute("select count(*) from latest_metrics where run_uuid = ?", [run]).fetchone()[0],
            )
            for run, status in found
        ]


def _has_tables(store: sqlite3.Connection) -> bool:
    return bool(store.execute("select count(*) from sqlite_master where name = 'runs'").fetchone()[0])


def still_running(folder: Path) -> list[Fault]:
    """The runs that stand as RUNNING, to be asked for where no process is."""
    left = [run.id for run in runs(folder) if run.status in ("RUNNING", "SCHEDULED")]
    return [("running", f"{len(left)}: {', '.join(left)}")] * bool(left)


def incomplete(folder: Path) -> list[Fault]:
    """FINISHED runs of a training without their metrics or their model."""
    places = folder / "mlruns" / "artifacts"
    whole = ("model", "predictions.parquet", "config.yaml")
    short = [
        run.id
        for run in runs(folder)
        if run.status == "FINISHED"
        and "kind" not in run.tags
        and not (run.metrics and all((places / run.id / "artifacts" / name).exists() for name in whole))
    ]
    return [("silent", f"FINISHED without all it should have: {', '.join(short)}")] * bool(short)


def leftovers(folder: Path) -> list[Fault]:
    """Files that nobody needs any more: temporary ones, locks of the dead, what was being written."""
    aside, store = folder / "tmp", folder / "mlruns"
    left = [path for path in aside.glob("*") if path.name not in ("torchinductor", ".iot-ids")]
    left += [path for path in store.glob("*") if path.name not in KNOWN]
    left += [
        path for place in (".mlflow.db.runs", ".optuna.journal.locks") for path in (store / place).glob("worker-*")
    ]
    left += list((store / ".mlflow.db.runs").glob("*"))
    left += [path for path in (folder / "cache").glob("*.*") if path.suffix not in (".json", ".csv", ".sha256")]
    left += list((folder / "cache").glob(".*"))
    names = sorted({str(path.relative_to(folder)) for path in left})
    return [("leftover", f"{len(names)}: {', '.join(names[:4])}")] * bool(names)
