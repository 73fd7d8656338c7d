"""Every key of the configuration, with values of its own type: ordinary ones, its bounds, and what lies just beyond."""

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from omegaconf import DictConfig, ListConfig, OmegaConf

from iot_ids.common.bounds import ANY, Between, bounds_of
from iot_ids.common.paths import CONF

from .forms import composed

VARIED = ("model", "split", "selector", "scaler", "outliers")
"""Groups whose choices have keys of their own, and need no file of the user's."""
COSTLY = ("dataset.rows", "evaluate.replicates", "trainer.max_epochs", "trainer.patience", "trainer.threads",
          "trainer.batch_size", "model.n_estimators", "model.max_iter", "model.hidden_size", "model.layers",
          "model.window", "model.epochs", "model.n_jobs")  # fmt: skip
"""Where large values are allowed that take long, or much memory: they get small ones, and those that are refused."""
SMALL = 3
WORDS = {
    "class_weight": ("balanced", "balanced_subsample", "null"),
    "weights": ("uniform", "distance"),
    "strategy": ("prior", "stratified", "most_frequent", "uniform", "constant"),
    "accelerator": ("cpu", "auto", "gpu", "tpu"),
    "gamma": ("scale", "auto"),
    "attack": ("DoS", "DDoS", "[DoS,DDoS]", "Normal", "Theft"),
    "label": ("category", "binary", "subcategory", "paper"),
}
"""What texts may say, by the last part of their key."""


@dataclass(frozen=True)
class Key:
    """A key, the words that choose what has it, and values of its type; none where the type is not known."""

    name: str
    needs: tuple[str, ...]
    values: tuple[str, ...]


@cache
def choices() -> dict[str, list[str]]:
    """The groups and their choices."""
    groups = {str(path.parent.relative_to(CONF)) for path in CONF.rglob("*/*.yaml")}
    return {group: sorted(path.stem for path in (CONF / group).glob("*.yaml")) for group in sorted(groups)}


@cache
def keys() -> dict[str, list[Key]]:
    """Every key, once for each choice that has it."""
    found: dict[str, list[Key]] = {}
    for key in _keys(composed("model=naive_bayes"), "", ()):
        found.setdefault(key.name, []).append(key)
    for group in VARIED:
        for choice in choices()[group]:
            word = f"{group}={choice}"
            for key in _keys(composed(word)[group], f"{group}.", (word,)):
                found.setdefault(key.name, []).append(key)
    return {name: found[name] for name in sorted(found) if not name.startswith("dataset.about")}


def _keys(config: DictConfig, prefix: str, needs: tuple[str, ...]) -> Iterator[Key]:
    kind = OmegaConf.get_type(config)
    hints, bounds = get_type_hints(kind) if is_dataclass(kind) else {}, bounds_of(kind)
    for name in map(str, config):
        value = None if OmegaConf.is_missing(config, name) else config[name]
        key = f"{prefix}{name}"
        values = _values(hints.get(name), value, bounds.get(name, ANY), name)
        yield Key(key, needs, tuple(values if key not in COSTLY else _cheap(values, bounds.get(name, ANY))))
        if isinstance(value, DictConfig):
            yield from _keys(value, f"{key}.", needs)


def _values(hint: Any, value: Any, bound: Between, name: str) -> list[str]:
    """Values of a type, by which the configuration is read: most are taken, and some just not."""
    kinds = [hint, *get_args(hint)]
    found = [*WORDS.get(name, ()), *["null"] * (NoneType in kinds)]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            found += [member.name for member in kind]
        elif kind is bool:
            found += ["true", "false"]
        elif kind is int:
            edges = {int(edge) for edge in (bound.least, bound.least - 1, bound.most, bound.most + 1)}
            found += map(str, sorted({0, 1, -1, 2, 7, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, *edges}))
        elif kind is float:
            found += ["0", "1", "-1", "0.5", "0.999", "1e-9", "1.0000001", "-1e-300", "1e9", "1e308", "nan", "inf"]
            found += [f"{bound.least:g}", f"{bound.most:g}", f"{2 * bound.most:g}"] * (bound is not ANY)
    if isinstance(value, ListConfig) and all(isinstance(each, str) for each in value):
        found += [_spelled(list(value)[1:]), _spelled([*value, *value]), _spelled([*value, "x"])]
    return found


def _spelled(values: list[str]) -> str:
    return f"[{','.join(map(repr, values))}]"


def _cheap(values: list[str], bound: Between) -> list[str]:
    return [each for each in values if not each.lstrip("-").isdigit() or int(each) <= SMALL or int(each) > bound.most]
