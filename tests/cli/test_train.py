"""`python -m train` as a user types it: what it leaves behind, and what it says where something is wrong."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import pytest

import train
from campaign.child import begin, fresh
from conftest import Workplace, processor_seconds, typed, write_flows
from iot_ids.common.paths import CONF

SOURCE = Path(train.__file__).parent


def command(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run `python -m train` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    line = [sys.executable, "-m", "train", *words]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_first_run_of_a_few_hundred_simulated_rows_tells_where_it_is_kept_within_twenty_seconds(
    tmp_path: Path,
) -> None:
    words = ["+experiment=gru_pearson", "dataset.rows=300", f"cache.path={tmp_path}/cache"]
    seconds, done = processor_seconds(lambda: command(*words, folder=tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "dtype=" not in done.stdout  # MLflow's remarks on columns
    assert seconds < 20
    (run,) = Workplace(tmp_path, tmp_path).runs()
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "gru-pearson-8-42"
    assert f"run {run.info.run_id}" in done.stdout
    assert f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/mlruns/mlflow.db" in done.stdout
    assert "SIMULATED" in done.stdout
    assert "constant answer" in done.stdout
    assert "no threshold for a 1 % false-positive rate: it needs 100 normal validation rows, there are " in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "mlruns"]


def test_help_answers_at_once(tmp_path: Path) -> None:
    seconds, done = processor_seconds(lambda: command("--help", folder=tmp_path))
    assert "python -m train +experiment=gru_pearson" in done.stdout
    assert seconds < 0.5


def test_help_lists_every_choice_of_every_group_and_the_users_own(workplace: Workplace) -> None:
    done = command("--help", "--config-dir", "my_conf", folder=workplace.folder)
    for file in CONF.glob("*/*.yaml"):
        assert file.stem in done.stdout
    assert "mine" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("model.hiden_size=3", "Key 'hiden_size' not in 'Recurrent'"),
        ("model.hidden_size=many", "Value 'many' of type 'str' could not be converted to Integer"),
        ("+dataset.pth=x", "dataset.pth is not a key of this configuration"),
        ("model=grru", "Could not find 'model/grru'"),
        ("model.cell=gruu", "Invalid value 'gruu', expected one of"),
        ("dataset=bot_iot", "https://research.unsw.edu.au/projects/bot-iot-dataset"),
        ("dataset.label=colour", "dataset.label=colour is unknown"),
        ("selector.k=0", "Key 'k' not in 'AllFeatures'"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0 has to be at least 1"),
        ("split=official scaler.before_split=true", "scaler.before_split=true is not possible with split=official"),
    ],
)
def test_a_mistake_in_the_configuration_is_named_at_once(words: str, message: str, tmp_path: Path) -> None:
    seconds, done = processor_seconds(lambda: command(*words.split(), folder=tmp_path))
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert seconds < 1.5  # a half where nothing else runs, one where much does; PyTorch's import takes as long again


def edited(workplace: Workplace, edit: Callable[[list[str]], list[str]]) -> str:
    """A copy of the flows, its lines changed by `edit`."""
    file = workplace.folder / "edited.csv"
    lines = edit(workplace.flows.read_text().splitlines())
    file.write_text("".join(f"{line}\n" for line in lines))
    return f"dataset.path={file}"


def gzip_cut_short(workplace: Workplace) -> str:
    import gzip

    file = workplace.folder / "cut.csv.gz"
    packed = gzip.compress(workplace.flows.read_bytes())
    file.write_bytes(packed[: len(packed) // 2])
    return f"dataset.path={file}"


def written(workplace: Workplace, text: str) -> str:
    (workplace.folder / "written.csv").write_text(text)
    return f"dataset.path={workplace.folder / 'written.csv'}"


def with_cell(line: str, column: int, value: str) -> str:
    cells = line.split(",")
    cells[column] = value
    return ",".join(cells)


def in_tenth(column: int, value: str) -> Callable[[list[str]], list[str]]:
    """Put `value` into `column` of every tenth row: more than the allowed share."""
    return lambda lines: [
        with_cell(line, column, value) if at and at % 10 == 0 else line for at, line in enumerate(lines)
    ]


def constant(lines: list[str]) -> list[str]:
    return [lines[0], *(f"{at},tcp,1,1,1,{line.rsplit(',', 1)[1]}" for at, line in enumerate(lines[1:]))]


HEADER = "id,proto,pkts,rate,size,kind"
BAD: dict[str, tuple[Callable[[Workplace], str], list[str]]] = {
    "path that matches nothing": (lambda place: "dataset.path=nowhere/*.csv", ["nowhere/*.csv", "matches no file"]),
    "empty file": (lambda place: written(place, ""), ["written.csv", "empty"]),
    "header only": (lambda place: written(place, f"{HEADER}\n"), ["written.csv", "no rows"]),
    "wrong separator": (lambda place: "dataset.format.separator=';'", ["flows.csv", "';'", "pkts"]),
    "missing column": (
        lambda place: edited(place, lambda lines: [lines[0].replace("rate", "speed"), *lines[1:]]),
        ["edited.csv", "rate", "speed"],
    ),
    "text for a number": (
        lambda place: edited(place, in_tenth(2, "many")),
        ["24 of 240", "edited.csv:11", "pkts='many'"],
    ),
    "ragged rows": (
        lambda place: edited(
            place, lambda lines: [f"{line},1" if at % 10 == 5 else line for at, line in enumerate(lines)]
        ),
        ["24 of 240", "edited.csv:6", "ragged"],
    ),
    "NaN": (lambda place: edited(place, in_tenth(3, "NaN")), ["24 of 240", "edited.csv:11", "rate='NaN'"]),
    "infinity": (
        lambda place: edited(place, in_tenth(3, "Infinity")),
        ["24 of 240", "edited.csv:11", "rate='Infinity'"],
    ),
    "broken gzip": (gzip_cut_short, ["cut.csv.gz", "cannot be read"]),
    "label the taxonomy lacks": (
        lambda place: edited(place, in_tenth(5, "Ddos/Dos")),
        ["'Ddos/Dos' (24 rows)", "edited.csv"],
    ),
    "one class only": (lambda place: edited(place, lambda lines: lines[:60]), ["rows are Normal", "two classes"]),
    "class too small": (
        lambda place: edited(place, lambda lines: [*lines[:100], lines[-1], lines[-2]]),
        ["'Scan'", "2 rows"],
    ),
    "too many features": (lambda place: "selector=pearson selector.k=99", ["selector.k=99", "there are 5"]),
    "constant columns": (
        lambda place: f"dataset.duplicates=keep {edited(place, constant)}",
        ["all 4 columns are constant"],
    ),
    "store that cannot be written": (
        lambda place: "tracking.uri=sqlite:////proc/none/mlflow.db",
        ["/proc/none/mlflow.db"],
    ),
    "no GPU": (lambda place: "trainer=gpu", ["trainer=gpu", "no GPU"]),
    "unknown label": (lambda place: "dataset.label=colour", ["dataset.label=colour", "category"]),
    "share out of range": (lambda place: "split.test=1.5", ["split.test=1.5"]),
    "official split without a test file": (lambda place: "split=official", ["split=official", "dataset.test_path"]),
    "cache that cannot be written": (lambda place: "cache.path=/proc/none", ["/proc/none", "cache=off"]),
    "no feature to select": (lambda place: "selector=pearson selector.k=0", ["selector.k=0"]),
    "text for a count": (lambda place: "+experiment=gru_pearson selector.k=many", ["'many'", "Integer"]),
    "no replicates": (lambda place: "evaluate.replicates=0", ["evaluate.replicates=0"]),
    "false-positive rate out of range": (
        lambda place: "evaluate.false_positive_rate=0",
        ["evaluate.false_positive_rate=0", "between 0 and 1"],
    ),
    "no flows a day": (lambda place: "evaluate.flows_per_day=0", ["evaluate.flows_per_day=0"]),
    "no test rows": (lambda place: "split.test=0", ["split.test=0"]),
    "negative seed": (lambda place: "seed=-1", ["seed=-1"]),
    "no epochs": (lambda place: "trainer.max_epochs=0", ["trainer.max_epochs=0"]),
    "artifacts that cannot be written": (lambda place: "tracking.artifacts=/proc/none", ["/proc/none"]),
    "store that is no database": (
        lambda place: f"tracking.uri=sqlite:///{place.flows}",
        ["flows.csv", "file is not a database"],
    ),
    "no store": (lambda place: "tracking.uri=", ["tracking.uri is empty", "sqlite:///mlruns/mlflow.db"]),
    "a blank for a store": (lambda place: "tracking.uri='\t'", ["tracking.uri is empty"]),
    "too many replicates": (lambda place: "evaluate.replicates=99999999999", ["at most 100000"]),
    "too many trees": (lambda place: "model=random_forest model.n_estimators=2147483648", ["at most 100000"]),
    "store in memory": (lambda place: "tracking.uri=sqlite://", ["sqlite://", "memory"]),
    "store without its driver": (lambda place: "tracking.uri=mysql://nobody@localhost/none", ["mysql://"]),
    "odd glob": (lambda place: "dataset.path=a**b", ["a**b"]),
    "no such home": (lambda place: "dataset.path=~nobody_at_all/x.csv", ["nobody_at_all"]),
    "path too long": (lambda place: f"dataset.path={300 * 'x'}", ["too long"]),
    "interpolation of nothing": (lambda place: "trainer.max_epochs=${nope}", ["nope"]),
    "path for simulated flows": (
        lambda place: f"dataset=simulated dataset.path={place.flows}",
        ["dataset=simulated", "flows.csv", "dataset=NAME"],
    ),
    "scaler that is none": (
        lambda place: "scaler._target_=sklearn.preprocessing.StandardScaler",
        ["scaler=minmax", "state"],
    ),
    "no model of that class": (lambda place: "model=knn model._target_=sklearn.Nothing", ["sklearn.Nothing"]),
}
"""What a user may get wrong: the words that do it, and what the message has to name."""
ISSUE = list(BAD)[: list(BAD).index("unknown label")]
FINE = dict.fromkeys(ISSUE, "") | {
    "wrong separator": "','",
    "too many features": "2",
    "store that cannot be written": "sqlite:///mlruns/mlflow.db",
    "no GPU": "cpu",
}
"""For a multirun: a right value for the last word of each; where that is `dataset.path`, the flows as they are."""


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU, whatever this one has."""
    import torch

    for place in (torch.cuda, torch.backends.mps):
        monkeypatch.setattr(place, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_in_one_message_and_leaves_no_run(
    case: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words, named = BAD[case]
    code = typed(monkeypatch, train, *workplace.words(*words(workplace).split(" ")))
    said = capfd.readouterr().err
    assert code == 1
    for part in named:
        assert part in said
    assert "Traceback" not in said
    assert workplace.runs() == []


def multiruns(workplace: Workplace) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Mistakes that fit into one multirun, which differ in the last word's value alone: its other words, then these."""
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for case in FINE:
        *others, bad = BAD[case][0](workplace).split(" ")
        key, value = bad.split("=", 1)
        if Path(value).name in ("edited.csv", "written.csv"):  # the next case would write over it
            (workplace.folder / case).mkdir()
            value = str(Path(value).rename(workplace.folder / case / Path(value).name))
        found.setdefault((*others, key), []).append((case, value))
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("no_gpu")
def test_every_bad_input_leaves_the_next_jobs_of_a_multirun_alone(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The bad values first, each of which has to be told as if it were alone, then one that is fine."""
    for count, ((*others, key), bad) in enumerate(multiruns(workplace).items(), start=1):
        values = [value for _, value in bad] + [FINE[bad[0][0]] or str(workplace.flows)]
        words = workplace.words(*others, f"{key}={','.join(values)}")
        assert typed(monkeypatch, train, "-m", *words) == 1
        said = capfd.readouterr().err
        told = re.split(r"job (\d+): ", said)
        assert told[1::2] == [str(job) for job in range(len(bad))], said
        for (case, _), message in zip(bad, told[2::2], strict=True):
            assert all(part in message for part in BAD[case][1]), (case, message)
        assert "Traceback" not in said
        assert [run.info.status for run in workplace.runs()] == count * ["FINISHED"]


def epochs_kept(workplace: Workplace) -> int:
    """How many epochs the store has heard of, read past MLflow, which would take part in creating the tables."""
    import sqlite3

    file = workplace.folder / "mlruns" / "mlflow.db"
    if not file.exists():
        return 0
    reading = contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True))
    with reading as store, contextlib.suppress(sqlite3.OperationalError):
        return int(store.execute("select count(*) from metrics where key = 'val/f1_macro'").fetchone()[0])
    return 0


ENDLESS = ["model=gru", "trainer.max_epochs=1000000", "trainer.patience=1000000"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_killed(number: signal.Signals, workplace: Workplace) -> None:
    running = begin("train", workplace.words(*ENDLESS), workplace.folder)
    running.wait_until(lambda: epochs_kept(workplace))
    running.send(number)
    assert_killed(workplace, *astuple(running.ended()))


@pytest.mark.slow
def test_ctrl_c_is_heard_by_a_process_from_its_start(workplace: Workplace) -> None:
    running = fresh("train", workplace.words(*ENDLESS), workplace.folder)
    while not epochs_kept(workplace):
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert_killed(workplace, running.returncode, said)


def assert_killed(workplace: Workplace, code: int | None, said: str) -> None:
    assert code, said
    (run,) = workplace.runs()
    assert run.info.status == "KILLED"
    assert "Traceback" not in said


def test_a_run_that_fails_after_its_start_ends_failed(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = typed(monkeypatch, train, *workplace.words("model.learning_rate=1e38", "trainer.gradient_clip=0"))
    assert code == 1
    assert "model.learning_rate" in capfd.readouterr().err
    (run,) = workplace.runs()
    assert run.info.status == "FAILED"


def without_time(run: "object") -> dict[str, float]:
    return {name: value for name, value in run.data.metrics.items() if not name.startswith("time/")}  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", ["gru", "gradient_boosting"])
def test_the_same_command_gives_the_same_metrics_to_the_last_digit(
    model: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cache in ("cache=disk", "cache=disk", "cache=off"):
        place = "cache.path=null" if cache == "cache=off" else f"cache.path={workplace.folder}/cache"
        assert typed(monkeypatch, train, *workplace.words(f"model={model}", "seed=0", cache, place)) == 0
    first, second, third = map(without_time, workplace.runs())
    assert first == second == third


def test_seed_0_is_a_seed(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (0, 1):
        assert typed(monkeypatch, train, *workplace.words(f"seed={seed}")) == 0
    one, zero = workplace.runs()
    assert (zero.data.params["seed"], one.data.params["seed"]) == ("0", "1")
    assert without_time(zero) != without_time(one)
    assert zero.data.tags["config.fingerprint"] == one.data.tags["config.fingerprint"]


def test_other_rows_in_the_same_file_are_other_data(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (1, 2):
        write_flows(workplace.flows, seed=seed)
        assert typed(monkeypatch, train, *workplace.words("model=naive_bayes")) == 0
    later, first = workplace.runs()
    assert later.data.tags["data.sha256"] != first.data.tags["data.sha256"]
    assert later.data.tags["config.fingerprint"] != first.data.tags["config.fingerprint"]


def test_a_configuration_file_that_is_no_yaml_is_named(workplace: Workplace) -> None:
    (workplace.folder / "my_conf" / "dataset" / "mine.yaml").write_text("name: mine\n\ttitle: [")
    done = command(*workplace.words(), folder=workplace.folder)
    assert done.returncode == 1
    assert "mine.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def official(workplace: Workplace, lines: Callable[[list[str]], list[str]], name: str = "test.csv") -> list[str]:
    """The words for a test file of its own, made from the flows by `lines`."""
    file = write_flows(workplace.folder / name, rows=90, seed=7)
    file.write_text("\n".join(lines(file.read_text().splitlines())) + "\n")
    return ["split=official", f"dataset.test_path={file}", "model=naive_bayes"]


def test_an_official_test_file_that_cannot_be_used_leaves_a_failed_run(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = official(workplace, lambda lines: [lines[0].replace("rate", "speed"), *lines[1:]])
    assert typed(monkeypatch, train, *workplace.words(*words)) == 1
    assert "test.csv: lacks rate" in capfd.readouterr().err
    assert [run.info.status for run in workplace.runs()] == ["FAILED"]


def test_rows_that_an_official_test_file_loses_are_told(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = official(workplace, lambda lines: [*lines, "1,tcp,many,2,0.5,Scan"])
    assert typed(monkeypatch, train, *workplace.words(*words, "dataset.unreadable_share=0.5")) == 0
    said = capfd.readouterr().out
    assert "official test file: rows dropped of 91: 1 text in a number column" in said
    assert "test.csv:92" in said


def test_runs_on_other_official_test_files_cannot_be_averaged(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (60, 80):
        words = official(workplace, lambda lines, count=count: [*lines[:count], *lines[-5:]], f"test_{count}.csv")
        assert typed(monkeypatch, train, *workplace.words(*words)) == 0
    one, other = (run.data.tags for run in workplace.runs())
    assert one["data.sha256"] == other["data.sha256"]
    assert one["config.fingerprint"] != other["config.fingerprint"]


def test_a_file_of_the_folder_that_is_not_read_is_told(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = workplace.folder / "parts"
    folder.mkdir()
    write_flows(folder / "part.csv")
    (folder / "notes.parquet").write_bytes(b"")
    assert typed(monkeypatch, train, *workplace.words(f"dataset.path={folder}", "model=naive_bayes")) == 0
    assert f"in the folder, but not read: {folder}/notes.parquet" in capfd.readouterr().out


def test_plain_and_packed_parts_of_a_folder_are_read_together(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    folder = workplace.folder / "parts"
    folder.mkdir()
    write_flows(folder / "part_1.csv")
    packed = write_flows(workplace.folder / "other.csv", seed=1).read_bytes()
    (folder / "part_2.csv.gz").write_bytes(gzip.compress(packed))
    assert typed(monkeypatch, train, *workplace.words(f"dataset.path={folder}", "model=naive_bayes")) == 0
    metrics = workplace.runs()[0].data.metrics
    assert sum(metrics[f"data/{part}_rows"] for part in ("train", "validation", "test")) == 480
