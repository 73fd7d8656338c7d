"""Registers the typed schemas with Hydra; they live beside what they describe."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from iot_ids.data import spec as data
from iot_ids.errors import UserError
from iot_ids.evaluate.spec import Evaluate
from iot_ids.features import spec as features
from iot_ids.models import spec as models


@dataclass
class Tracking:
    """Where MLflow keeps the runs."""

    uri: str = MISSING
    """A tracking store; a relative SQLite path counts from the working directory."""
    artifacts: str = MISSING
    """The folder of the artifacts, for stores that are no server."""


@dataclass
class Config:
    """One run. A group typed `Any` takes a user's own YAML as well; the shipped ones bring their schema.

    After `resolved`, groups that name a class or function by `_target_` are plain dictionaries, the others dataclasses.
    """

    dataset: data.Dataset = MISSING
    split: Any = MISSING
    outliers: Any = MISSING
    selector: Any = MISSING
    scaler: Any = MISSING
    model: Any = MISSING
    trainer: models.Trainer = MISSING
    evaluate: Evaluate = MISSING
    cache: data.Cache = MISSING
    tracking: Tracking = MISSING
    seed: int = MISSING


SCHEMAS: dict[str, Any] = {
    "config": Config,
    "dataset_simulated": data.SimulatedDataset,
    "split_random": data.RandomSplit,
    "split_official": data.OfficialSplit,
    "outliers_none": features.NoOutliers,
    "outliers_iqr": features.Iqr,
    "selector_all": features.AllFeatures,
    "selector_scored": features.ScoredSelector,
    "scaler": features.Scaler,
    "model_recurrent": models.Recurrent,
    "model_knn": models.Neighbours,
    "model_naive_bayes": models.NaiveBayes,
    "model_gradient_boosting": models.GradientBoosting,
    "trainer": models.Trainer,
    "evaluate": Evaluate,
    "cache": data.Cache,
    "tracking": Tracking,
}


def register() -> None:
    """Put every schema where the files of `conf/` name it: `/schema_<group>_<choice>`."""
    store = ConfigStore.instance()
    for name, node in SCHEMAS.items():
        store.store(name=f"schema_{name}", node=node)


def resolved(config: DictConfig) -> Config:
    """The configuration as typed objects, interpolations resolved.

    Raises:
        UserError: a key that the schema does not know was added with `+`, or a mandatory value is missing.
    """
    refuse_unknown_keys(config, "")
    lacking = OmegaConf.missing_keys(config)
    if lacking:
        raise UserError(f"the configuration lacks {', '.join(sorted(lacking))}")
    OmegaConf.resolve(config)
    typed: Config = OmegaConf.to_object(config)  # type: ignore[assignment]
    for group in ("outliers", "selector", "scaler", "model"):
        setattr(typed, group, OmegaConf.to_container(config[group], enum_to_str=True))
    if not isinstance(typed.split, data.RandomSplit | data.OfficialSplit):
        raise UserError("split: a split of your own has to build on a shipped one: defaults: [random, _self_]")
    return typed


def refuse_unknown_keys(config: DictConfig, prefix: str) -> None:
    """Raise a UserError where a key that the schema does not know was added with `+`."""
    kind = OmegaConf.get_type(config)
    known = {field.name for field in fields(kind)} if is_dataclass(kind) else None
    for key in map(str, config):
        if known is not None and key not in known:
            there = ", ".join(sorted(known))
            raise UserError(f"{prefix}{key} is no key of this configuration; {prefix or 'it '}has {there}")
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(config[key]):
            refuse_unknown_keys(config[key], f"{prefix}{key}.")
