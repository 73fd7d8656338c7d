"""The typed schema behind `conf/compare.yaml`."""

from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from iot_ids.common.errors import UserError
from iot_ids.comparison.reports import summaries
from iot_ids.config import LARGEST_SEED, Replicates, Tracking, resolution_errors, to_typed


@dataclass
class Compare:
    """Which runs to compare, and where to write the comparison. A filter left at `null` takes every run."""

    dataset: str | None = None
    """As in `dataset.name`; may be left out where the store holds runs of one dataset only."""
    test_dataset: str | None = None
    """As in `test_dataset.name`: the network that was tested on, where it is another; `none` where it is not."""
    label: str | None = None
    split: str | None = None
    duplicates: str | None = None
    protocol: str | None = None
    data: str | None = None
    """The first characters of `data.sha256`, where runs read different files."""
    tuned: bool | None = None
    """Only what a sweep has chosen, or only what none has."""
    where: list[str] = MISSING
    """More parameters that a run has to have, each `NAME:VALUE`, as in `selector.k:8`."""
    report: str = "table"
    """A module of `iot_ids.comparison.reports`: `table` ranks the methods, the others answer one question each."""
    run: str | None = None
    """The beginning of one run's id: instead of comparing, the paper's table per class is made for that run."""
    folder: str | None = None
    """Where the files go; a folder in `comparison/`, named after what was compared, unless said otherwise."""
    replicates: Replicates = MISSING
    """Of the bootstrap."""
    seed: int = MISSING
    """Of the bootstrap."""
    log: bool = MISSING
    """Whether the comparison is kept in MLflow as well."""
    tracking: Tracking = MISSING


def register(conf: Path) -> None:
    """Hand Hydra the schema filled with `compare.yaml` of `conf`, under the name `compare`.

    The file is not left to Hydra's search path, where the folders `dataset/` and `split/` beside it would make
    `dataset=NAME` a choice of a file.
    """
    given = OmegaConf.load(conf / "compare.yaml")
    assert isinstance(given, DictConfig)
    frame = {"defaults": given.pop("defaults"), "hydra": given.pop("hydra")}
    typed = OmegaConf.merge(OmegaConf.structured(Compare), given)
    ConfigStore.instance().store(name="schema_compare", node=typed)
    ConfigStore.instance().store(name="compare", node=frame)


def resolve(config: DictConfig) -> Compare:
    """Return the configuration as a typed object.

    Raises:
        UserError: an unknown key was added with `+`, a value is missing, or makes no sense.
    """
    with resolution_errors():
        typed: Compare = to_typed(config)
    if typed.report not in (known := summaries()):
        raise UserError(f"report={typed.report}: there are {', '.join(known)}")
    if typed.run is not None and typed.report != "table":
        raise UserError(f"run={typed.run} makes the paper's table of one run; leave out report={typed.report}")
    if not 0 <= typed.seed <= LARGEST_SEED:
        raise UserError(f"seed={typed.seed} is not between 0 and {LARGEST_SEED}")
    for condition in typed.where:
        if ":" not in condition:
            raise UserError(f"where: {condition!r} is not a condition; type for example 'where=[selector.k:8]'")
    return typed
