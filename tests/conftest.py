"""What several test files share: a small made-up dataset, the shipped YAMLs, and the real files where they are."""

import os
import random
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything reads it: the tests already run on every processor

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import settings
from omegaconf import DictConfig, OmegaConf

from iot_ids.config import register
from iot_ids.data.schema import Columns, Dataset, Taxonomy

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background job; the commands under test inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("project", deadline=None)  # how long an example takes says what else the machine does
settings.load_profile("project")
Done = TypeVar("Done")
CONF = Path(__file__).parent.parent / "conf"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have slow tests: one at the end would leave all workers but its own without work."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def own_modules() -> Iterator[None]:
    """Take back what a test put on the import path: MLflow's loader leaves a model's copy of the code there."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture
def small() -> Dataset:
    """A dataset of two numbers, a name, an identifier, a port and two labels."""
    return Dataset(
        name="small",
        title="Small",
        about="get it at https://example.org",
        columns=Columns(
            numeric=["pkts", "rate"],
            categorical=["proto"],
            identifiers=["id", "sport"],
            ports=["sport"],
            labels=["attack", "kind"],
        ),
        labels={
            "category": Taxonomy(
                columns=["kind"],
                normal="Normal",
                classes={"Normal": ["Normal"], "Flood": ["Flood"], "Scan": ["Scan"]},
            ),
            "binary": Taxonomy(columns=["attack"], normal="normal", classes={"normal": ["0"], "attack": ["1"]}),
        },
    )


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file of the small dataset: the header and the given lines."""

    def write(*lines: str, name: str = "flows.csv", header: str = "id,proto,sport,pkts,rate,attack,kind") -> Path:
        file = tmp_path / name
        file.write_bytes("".join(f"{line}\n" for line in (header, *lines)).encode())
        return file

    return write


@pytest.fixture(scope="session")
def shipped() -> Callable[..., Dataset]:
    """Composes `dataset=NAME` with overrides as a run would, and gives its typed configuration."""
    register()

    @cache
    def config_of(name: str, *overrides: str) -> DictConfig:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("train", overrides=[f"dataset={name}", *overrides])

    def composed(name: str, *overrides: str) -> Dataset:
        dataset = OmegaConf.to_object(config_of(name, *overrides).dataset)
        assert isinstance(dataset, Dataset)
        return dataset

    return composed


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real samples; tests that need it are skipped where there is none."""
    folder = os.environ.get("IOT_IDS_DATA")
    if not folder:
        pytest.skip("IOT_IDS_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture
def own_environment() -> Iterator[None]:
    """Puts the environment back, in which sealed addresses and a server's credentials are kept."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


MINE = """\
name: mine
title: Greenhouse flows
about: recorded by nobody
columns:
  numeric: [pkts, rate, size]
  categorical: [proto]
  identifiers: [id]
  labels: [kind]
labels:
  category:
    columns: [kind]
    normal: Normal
    classes: {Normal: [Normal], Flood: [Flood], Scan: [Scan]}
"""


@dataclass(frozen=True)
class Workplace:
    """A folder to work in, with a dataset of the user's own: `my_conf/dataset/mine.yaml` and `flows.csv`."""

    folder: Path
    flows: Path

    def words(self, *overrides: str) -> list[str]:
        """What to type after `python -m train` for a quick run on that dataset."""
        place = [] if any(word.startswith("dataset.path=") for word in overrides) else [f"dataset.path={self.flows}"]
        quick = ["trainer=cpu", "trainer.max_epochs=3", "evaluate.replicates=50", f"cache.path={self.folder}/cache"]
        return ["--config-dir", str(self.folder / "my_conf"), "dataset=mine", *place, *quick, *overrides]

    def runs(self) -> list[Any]:
        """The MLflow runs kept here, the latest first; none where there is no store."""
        from mlflow import MlflowClient

        if not (self.folder / "mlruns" / "mlflow.db").exists():
            return []
        client = MlflowClient(f"sqlite:///{self.folder}/mlruns/mlflow.db")
        return list(client.search_runs([experiment.experiment_id for experiment in client.search_experiments()]))

    def artifacts(self, run: Any) -> Path:
        """The folder of a run's artifacts."""
        return Path(run.info.artifact_uri.removeprefix("file://"))


@cache
def empty_store() -> bytes:
    """A store as MLflow makes one, without a run; making its tables takes a second, copying them nothing."""
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory() as folder:
        MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
        return (Path(folder) / "mlflow.db").read_bytes()


def typed(patch: pytest.MonkeyPatch, program: Any, *words: str) -> int:
    """Run `train` or `compare` in this process, which has imported everything already. Returns the exit code.

    The working directory has an empty store then; tests that start a process of its own see the store being made.
    """
    store = Path("mlruns", "mlflow.db")
    if not store.exists():
        store.parent.mkdir(exist_ok=True)
        store.write_bytes(empty_store())
    patch.setattr(sys, "argv", ["program", *words])
    try:
        program.main()
    except SystemExit as end:
        if isinstance(end.code, str):  # Python prints it then, and ends with 1
            print(end.code, file=sys.stderr)
            return 1
        return int(end.code or 0)
    return 0


def processor_seconds(act: Callable[[], Done]) -> tuple[float, Done]:
    """The processor time of what `act` runs, which depends less than the clock on what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done


def write_flows(file: Path, rows: int = 240, seed: int = 0) -> Path:
    """Flows of three classes that differ in `pkts` and `rate`; `size` and `proto` say nothing, `id` gives all away."""
    draw = random.Random(seed)
    lines = ["id,proto,pkts,rate,size,kind"]
    for row in range(rows):
        kind = ("Normal", "Flood", "Scan")[row * 3 // rows]
        centre = {"Normal": 10, "Flood": 30, "Scan": 20}[kind]
        numbers = f"{draw.gauss(centre, 4):.4f},{draw.gauss(centre, 6):.4f},{draw.random():.5f}"
        lines.append(f"{row},{draw.choice(['tcp', 'udp'])},{numbers},{kind}")
    file.write_text("\n".join(lines) + "\n")
    return file


def make_workplace(parent: Path, patch: pytest.MonkeyPatch) -> Workplace:
    """A folder with the dataset `mine`, made the working directory."""
    folder = parent / "work"
    (folder / "my_conf" / "dataset").mkdir(parents=True)
    (folder / "my_conf" / "dataset" / "mine.yaml").write_text(MINE)
    patch.chdir(folder)
    return Workplace(folder, write_flows(folder / "flows.csv"))


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A workplace for one test."""
    return make_workplace(tmp_path, monkeypatch)
