"""Check that this code gives the same numbers as an earlier commit: `python -m benchmarks.equal COMMIT` runs both.

Every model, split and scaler is trained on simulated flows, and also on published ones if IOT_IDS_DATA is the folder of
their files; then `compare` compares the runs. All metrics except `time/`, the files of each run and the comparison's
CSV must be equal to the last digit.
"""

import csv
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

HOUSE = Path(__file__).parent.parent
Key = tuple[object, ...]
"""A run's settings, or `compare` and a method; the metric, file or column; the step of a metric."""
SMALL = ["cache=off", "dataset.rows=3000", "trainer.max_epochs=3", "seed=0"]
MODELS = "gru,lstm,rnn,mlp,knn,naive_bayes,svm,svm_rbf,decision_tree,random_forest,gradient_boosting,majority"
BINARY = "isolation_forest,gradient_boosting_monotone,svm_exact"
JOBS = (
    ["+experiment=gru_pearson"],
    ["-m", f"model={MODELS}", *SMALL],
    ["-m", f"model={BINARY}", "dataset.label=binary", *SMALL],
    ["-m", "split=random,grouped,temporal", "model=decision_tree", *SMALL],
    ["split=unseen_attack", "split.attack=Theft", "model=decision_tree", "evaluate.false_positive_rate=.1", *SMALL],
    [
        "-m",
        "scaler=minmax,quantile,midrank,share",
        "selector=chi_square,mutual_information",
        "model=naive_bayes",
        *SMALL,
    ],
    ["-m", "model.sequence=features,window", "split=temporal", "selector=pearson", *SMALL],
)
PUBLISHED = (
    ["dataset=nsl_kdd", "dataset.path={data}/nsl_kdd", "dataset.label=binary", "split=official", "model=naive_bayes"],
    ["dataset=bot_iot_10_best", "dataset.path={data}/bot_iot/10_best_sample.csv", "model=decision_tree"],
)
CHOSEN = (
    *("dataset.name", "dataset.rows", "dataset.label", "split.name", "scaler.name", "selector.name"),
    *("model.name", "model.sequence", "trainer.max_epochs"),
)
FILES = ("predictions.parquet", "confusion_matrix.csv", "classification_report.csv", "selected_features.csv")
"""The files of a run that hold its rows' numbers; of the others, plots and texts may change their words."""
ADDED = "operating/nearest_reachable_rate"
"""A metric that 9b1016a did not have yet."""
COMPARED = ("dataset=simulated", "where=[dataset.rows:3000,dataset.label:category,split.name:random]", "log=false")


def main(commit: str) -> int:
    """Run both, print every difference, and return their number."""
    with tempfile.TemporaryDirectory() as aside:
        old = Path(aside) / "code"
        git = ["git", "-C", str(HOUSE)]
        subprocess.run([*git, "worktree", "add", "--quiet", "--detach", str(old), commit], check=True)
        try:
            here, there = (_numbers(code, Path(aside) / name) for code, name in ((HOUSE, "new"), (old, "old")))
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(old)], check=True)
    here = {key: value for key, value in here.items() if ADDED not in key or key in there}
    different = [key for key in sorted(here.keys() | there.keys(), key=str) if here.get(key) != there.get(key)]
    for key in different:
        print(f"{key}: {there.get(key)} at {commit}, {here.get(key)} now")
    print(f"{len(here):,} numbers, {len(different)} of them differ from {commit}")
    return len(different)


def _numbers(code: Path, place: Path) -> dict[Key, object]:
    """Collect everything that the runs of the code in the folder `code` leave, by run and name."""
    place.mkdir()
    data = os.environ.get("IOT_IDS_DATA")
    published = [[word.format(data=data) for word in job] + ["cache=off", "seed=0"] for job in PUBLISHED if data]
    for job in [*JOBS, *published]:
        _python(code, place, "train", *job)
    _python(code, place, "compare", *COMPARED, "folder=compared")
    with (place / "compared" / "table.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    cells = {("compare", row["method"], name): cell for row in rows for name, cell in row.items()}
    return _metrics(place) | {key: cell for key, cell in cells.items() if "seconds" not in key[2]}


def _python(code: Path, place: Path, module: str, *words: str) -> None:
    print(f"{code.name}: python -m {module} {' '.join(words)}", flush=True)
    environment = os.environ | {"PYTHONPATH": str(code / "src")}
    done = subprocess.run([sys.executable, "-m", module, *words], cwd=place, env=environment, capture_output=True)
    if done.returncode:
        sys.exit(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])


def _metrics(place: Path) -> dict[Key, object]:
    """Read the metrics of every run and hash its FILES, by the settings that identify the run in both stores."""
    store = sqlite3.connect(place / "mlruns" / "mlflow.db")
    marks = ", ".join(["?"] * len(CHOSEN))
    chosen = f"select * from params where key in ({marks}) order by key"
    query = f"select run_uuid, group_concat(value, ' ') from ({chosen}) group by 1"
    names = dict(store.execute(query, CHOSEN).fetchall())
    rows = store.execute("select run_uuid, key, step, value from metrics where key not like 'time/%'").fetchall()
    found: dict[Key, object] = {(names.get(run, "?"), key, step): value for run, key, step, value in rows}
    for run, uri in store.execute("select run_uuid, artifact_uri from runs").fetchall():
        kept = [file for file in (Path(uri.removeprefix("file://")) / name for name in FILES) if file.exists()]
        found |= {(names.get(run, "?"), file.name): hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2 or shutil.which("git") is None:
        sys.exit("python -m benchmarks.equal COMMIT, in a git checkout")
    sys.exit(1 if main(sys.argv[1]) else 0)
