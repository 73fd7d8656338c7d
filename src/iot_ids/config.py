"""The typed configuration: register its schemas with Hydra, resolve it and check it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING as DEFAULTLESS
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any

from hydra.core.config_store import ConfigStore
from hydra.utils import get_class
from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from iot_ids.common.bounds import ANY, Between, bounds_of
from iot_ids.common.errors import UserError
from iot_ids.common.redact import redact_secrets
from iot_ids.common.sealing import seal
from iot_ids.data import schema as data
from iot_ids.data import splits
from iot_ids.data.checks import check_history, taxonomy
from iot_ids.data.splits.base import LARGEST_SEED as LARGEST_SEED
from iot_ids.data.splits.base import Split, check_seed, check_share, check_shares
from iot_ids.features import spec as features
from iot_ids.models import spec as models
from iot_ids.models.spec import require_positive

Replicates = Annotated[int, Between(1, 100_000)]
"""Of a bootstrap. All are held in memory at once, each with a confusion matrix; more change no digit that is shown."""


@dataclass
class Tracking:
    """Where MLflow keeps the runs."""

    uri: str = MISSING
    """A tracking store; a relative SQLite path counts from the working directory."""
    artifacts: str = MISSING
    """The folder of the artifacts, for stores without a server."""
    skip_finished: bool = False
    """Whether to skip a run that the store already has, finished, with the same data, configuration and seed."""


@dataclass
class Evaluate:
    """How a detector is evaluated."""

    name: str
    replicates: Replicates
    """Bootstrap replicates behind the interval of macro-F1."""
    false_positive_rate: float
    """The share of validation's normal flows that the threshold of the operating point may call attacks."""
    flows_per_day: Annotated[int, Between(1)]
    """Normal flows per day, for `operating/alerts_per_day`."""


@dataclass
class Config:
    """One run. A group typed `Any` takes a user's own YAML as well; the shipped ones bring their schema.

    After `resolve`, groups that name a class or function by `_target_` are plain dictionaries, the others dataclasses.
    """

    dataset: data.Dataset = MISSING
    test_dataset: data.Dataset | None = None
    """Another network, whose flows are the test rows; added by `+dataset@test_dataset=NAME`."""
    split: Any = MISSING  # a Split, after `resolve`
    outliers: Any = MISSING
    selector: Any = MISSING
    scaler: Any = MISSING
    model: Any = MISSING
    adapt: features.Adaptation = MISSING
    trainer: models.Trainer = MISSING
    evaluate: Evaluate = MISSING
    cache: data.Cache = MISSING
    tracking: Tracking = MISSING
    seed: int = MISSING
    split_seed: int | None = None
    """Seed of the split; defaults to `seed`. Set it to keep the test rows fixed while `seed` varies."""

    @property
    def title(self) -> str:
        """The title of the tested dataset, and of the training dataset if that is another one."""
        if self.test_dataset is None:
            return self.dataset.title
        return f"trained on {self.dataset.title}, tested on {self.test_dataset.title}"

    @property
    def normal(self) -> str | None:
        """The class that is not an attack, by the label that is learned; None where none is."""
        return taxonomy(self.dataset).normal

    @property
    def left_out(self) -> list[str]:
        """The attacks that the split keeps out of train and validation; usually none."""
        found: list[str] = self.split.left_out(self.dataset)
        return found

    @property
    def drawn_by(self) -> int:
        """The seed of the split."""
        return self.seed if self.split_seed is None else self.split_seed

    @property
    def simulated(self) -> bool:
        """Whether any training or test rows were generated."""
        datasets = [self.dataset, *([] if self.test_dataset is None else [self.test_dataset])]
        return any(each.origin is data.Origin.generated for each in datasets)

    @property
    def window(self) -> int | None:
        """Flows in each window that the model reads with `model.sequence=window`; None if it reads single flows."""
        return self.model.get("window", 0) if self.model.get("sequence") == "window" else None

    @property
    def windowed(self) -> bool:
        """Whether the model reads windows, which also need the flows of each part that were left out as duplicates."""
        return self.window is not None


SCHEMAS: dict[str, Any] = {
    "config": Config,
    "dataset_simulated": data.SimulatedDataset,
    **{
        f"split_{home}": getattr(splits, kind)
        for kind, home in splits.HOMES.items()
        if kind.endswith("Split") and kind != "Split"
    },
    "outliers_none": features.NoOutliers,
    "outliers_iqr": features.Iqr,
    "selector_all": features.AllFeatures,
    "selector_scored": features.ScoredSelector,
    "scaler": features.Scaler,
    "adapt": features.Adaptation,
    "model_recurrent": models.Recurrent,
    "model_knn": models.Neighbours,
    "model_naive_bayes": models.NaiveBayes,
    "model_gradient_boosting": models.GradientBoosting,
    "model_mlp": models.FeedForward,
    "model_decision_tree": models.DecisionTree,
    "model_random_forest": models.RandomForest,
    "model_svm": models.LinearSvm,
    "model_svm_rbf": models.NystroemSvm,
    "model_svm_exact": models.ExactSvm,
    "model_isolation_forest": models.IsolationForest,
    "model_majority": models.Majority,
    "trainer": models.Trainer,
    "evaluate": Evaluate,
    "cache": data.Cache,
    "tracking": Tracking,
}


def register() -> None:
    """Store every schema where `conf/` names it, `/schema_<group>_<choice>`, and the choices of `selection`."""
    store = ConfigStore.instance()
    for name, node in SCHEMAS.items():
        store.store(name=f"schema_{name}", node=node)
    for name, (selector, k) in features.SELECTIONS.items():
        node = {"defaults": [{"override /selector": selector}], **({"selector": {"k": k}} if k else {})}
        store.store(group="selection", name=name, node=node, package="_global_")


def resolve(config: DictConfig) -> Config:
    """Return the configuration as typed objects; resolve its interpolations and seal its addresses in place.

    Raises:
        UserError: a key that the schema does not know was added with `+`, or a mandatory value is missing.
    """
    with resolution_errors():
        _type_own_split(config)
        typed: Config = to_typed(config)
    for group in ("outliers", "selector", "scaler", "model"):
        setattr(typed, group, OmegaConf.to_container(config[group], enum_to_str=True))
        if "name" not in getattr(typed, group):
            raise UserError(f"{group}: the chosen file has no `name` to distinguish its runs by; add name: ...")
    return typed


@contextmanager
def resolution_errors() -> Iterator[None]:
    """Turn OmegaConf's errors in the block into a UserError without secrets."""
    try:
        yield
    except OmegaConfBaseException as error:
        said = redact_secrets(str(error)).splitlines()[0]
        raise UserError(f"the configuration cannot be resolved: {said}") from error


def to_typed(config: DictConfig) -> Any:
    """Return a configuration as an object of its schema; its interpolations are resolved in place.

    Raises:
        UserError: a key is unknown or lacking, or a whole number is out of bounds.
        OmegaConfBaseException: an interpolation or a value does not fit.
    """
    _refuse_unknown_keys(config, "")
    _refuse_lacking_keys(config)
    check_resolved(config)
    _refuse_out_of_bounds(config)
    return OmegaConf.to_object(config)


def _type_own_split(config: DictConfig) -> None:
    """Check a user's own split against the class that its file names, in place; a shipped one has its schema already.

    Raises:
        UserError: the class cannot be imported, or is not a dataclass derived from Split.
    """
    if OmegaConf.get_type(config.split) is not dict:
        return
    path = config.split.get("_target_")
    try:
        kind = get_class(path)
    except Exception as error:  # the user's module runs, and may raise anything
        raise UserError(f"split: _target_={path} cannot be imported ({error}); see docs/extending.md") from error
    if not (issubclass(kind, Split) and "__dataclass_fields__" in vars(kind)):
        raise UserError(f"split: {path} is not a dataclass derived from Split; see docs/extending.md")
    config.split = OmegaConf.merge(OmegaConf.structured(kind), config.split)


def check(config: Config) -> None:
    """Refuse values out of range, before anything heavy is imported or any file is read.

    Raises:
        UserError: names the key, its value, and what it may be.
    """
    k = config.selector.get("k", 1)
    check_shares(config.split)
    check_share("evaluate.false_positive_rate", config.evaluate.false_positive_rate)
    check_seed(config.seed)
    check_seed(config.drawn_by, "split_seed")
    if not isinstance(k, int):
        raise UserError(f"selector.k={k} must be a whole number")
    for group in ("outliers", "scaler"):
        _check_before_split(group, getattr(config, group).get("before_split", False), config)
    config.split.check(config.dataset, config.test_dataset)
    _check_adaptation(config)
    if config.window is not None:
        check_history(config.dataset, config.split, config.test_dataset)
        if config.dataset.identifiers is data.Identifiers.allow:
            raise UserError(
                "model.sequence=window and dataset.identifiers=allow do not go together; leave out one of them"
            )
    require_positive({"selector.k": k})


def resolve_and_check(config: DictConfig) -> Config:
    """Return a composed configuration as typed objects, checked.

    Raises:
        UserError: it cannot be run.
    """
    typed = resolve(config)
    check(typed)
    return typed


def check_resolved(config: DictConfig) -> None:
    """Resolve the interpolations and seal the addresses, in place; after this there is no password left to leak."""
    OmegaConf.resolve(config)
    seal(config)


def container(config: DictConfig) -> dict[str, Any]:
    """The configuration without types, interpolations resolved; a shipped split goes by its name, not its class."""
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True, enum_to_str=True)  # type: ignore[assignment]
    split = plain.get("split", {})
    if str(split.get("_target_")).startswith(splits.__name__):
        del split["_target_"]  # earlier runs have none, and are averaged with later ones
    return plain


def _check_before_split(group: str, value: Any, config: Config) -> None:
    if not isinstance(value, bool):
        raise UserError(f"{group}.before_split={value} must be true or false")
    if not value:
        return
    elsewhere = f"split={config.split.name}" if config.split.test_elsewhere else "test_dataset"
    if config.split.test_elsewhere or config.test_dataset is not None:
        raise UserError(
            f"{group}.before_split=true is not possible with {elsewhere}, whose test rows are split off already; "
            f"use split=random, or {group}.before_split=false"
        )


def _check_adaptation(config: Config) -> None:
    if not config.adapt.on:
        return
    asked = f"adapt={config.adapt.name}"
    if config.test_dataset is None:
        raise UserError(
            f"{asked} uses unlabelled flows of another network; add "
            "+dataset@test_dataset=NAME test_dataset.path=FILE, or choose adapt=none"
        )
    chosen = taxonomy(config.dataset)
    if len(chosen.classes) != 2 or chosen.normal not in chosen.classes:
        raise UserError(
            f"{asked} separates normal flows from attacks and needs a label with these two classes, not "
            f"dataset.label={config.dataset.label}; choose dataset.label=binary if the dataset has it, or adapt=none"
        )


def _refuse_lacking_keys(config: DictConfig) -> None:
    """Raise a UserError if a value without a default is missing, or was removed with `~`."""
    lacking = {*OmegaConf.missing_keys(config), *_taken_away(config, "")}
    if lacking:
        raise UserError(f"the configuration lacks {', '.join(sorted(lacking))}")


def _taken_away(config: DictConfig, prefix: str) -> Iterator[str]:
    kind = OmegaConf.get_type(config)
    for known in fields(kind) if is_dataclass(kind) else ():
        if (
            known.name not in config
            and known.default in (MISSING, DEFAULTLESS)
            and known.default_factory is DEFAULTLESS
        ):
            yield f"{prefix}{known.name}"
    for key in map(str, config):
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(config[key]):
            yield from _taken_away(config[key], f"{prefix}{key}.")


def _refuse_out_of_bounds(config: DictConfig | ListConfig, prefix: str = "") -> None:
    """Raise a UserError naming the first number outside its field's bounds, or whole number beyond any library's.

    Interpolations have to be resolved.
    """
    bounds = bounds_of(OmegaConf.get_type(config))
    for key in range(len(config)) if isinstance(config, ListConfig) else list(config):
        value = None if OmegaConf.is_missing(config, key) else config[key]
        if isinstance(value, DictConfig | ListConfig):
            _refuse_out_of_bounds(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            bound = bounds.get(str(key), ANY if isinstance(value, int) else None)
            if bound is not None:
                bound.refuse(f"{prefix}{key}", value)


def _refuse_unknown_keys(config: DictConfig, prefix: str) -> None:
    """Raise a UserError if a key that the schema does not know was added with `+`."""
    kind = OmegaConf.get_type(config)
    known = {field.name for field in fields(kind)} if is_dataclass(kind) else None
    for key in map(str, config):
        if known is not None and key not in known:
            there = ", ".join(sorted(known))
            raise UserError(
                f"{prefix}{key} is not a key of this configuration; {prefix.rstrip('.') or 'it'} has {there}"
            )
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(config[key]):
            _refuse_unknown_keys(config[key], f"{prefix}{key}.")
