"""Compose and check a sweep's configuration before the first trial, and derive the specification of its study."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from iot_ids import protocol, tracking
from iot_ids.common.errors import UserError
from iot_ids.common.redact import redact_secrets
from iot_ids.config import Config, check_resolved, container, resolve_and_check
from iot_ids.data.label import normal_code
from iot_ids.experiment import instantiate, steps
from iot_ids.experiment.fingerprint import normalised
from iot_ids.experiment.state import Prepared
from iot_ids.sweep import strategy
from iot_ids.sweep.space import FEATURES, ParsedOverrides, Space, first_trial, limit_features, outermost, size
from iot_ids.sweep.spec import SweepSettings
from iot_ids.sweep.study import StudySpec

NOT_IN_IDENTITY = ("tracking", "cache", "evaluate")
"""Groups that may change while a study is in progress, like the paths of files."""
NOT_SEARCHED = ("dataset", "test_dataset", "split", "tracking", "cache", "evaluate")
"""Groups that decide which rows are scored, so that trials could not be compared, or do not affect the score."""


@dataclass(frozen=True)
class Job:
    """A sweep as it was typed. `compose` turns overrides into a configuration that includes the group `hydra`.

    `words` is the whole command, to be typed again; `flags` are its arguments that are not overrides.
    """

    settings: SweepSettings
    parsed: ParsedOverrides
    compose: Callable[[list[str]], DictConfig]
    words: str
    flags: list[str]

    def composed(self, parameters: Mapping[str, Any], *more: str) -> DictConfig:
        """Compose the configuration of a run with these parameters; it resolves, and holds no passwords.

        Raises:
            UserError: Hydra cannot compose it.
        """
        try:
            config = self.compose([*self.parsed.fixed, *self.parsed.overrides(parameters), *more])
            with read_write(config), open_dict(config):
                del config["hydra"]
            check_resolved(config)
        except (HydraException, OmegaConfBaseException) as error:
            reason = redact_secrets(" ".join(str(error.__cause__ or error).split()))
            raise UserError(f"{self.spelled(parameters)}: {reason}") from error
        return config

    def spelled(self, parameters: Mapping[str, Any]) -> str:
        """Spell parameters as typed on the command line."""
        return " ".join(self.parsed.overrides(parameters))


def resolve_trial(composed: DictConfig) -> Config:
    """Resolve a trial's configuration into typed objects.

    Raises:
        UserError: it is invalid or would read the test rows.
    """
    config = resolve_and_check(composed)
    reading = {"outliers_before_split", "scaling_before_split"}.intersection(protocol.shortcuts(config))
    if reading:
        raise UserError(f"a sweep must not read the test rows, but the shortcut {', '.join(sorted(reading))} does")
    return config


@dataclass(frozen=True)
class ReadySweep:
    """A sweep that is ready to start. `base` is the configuration without a trial's parameters; `notes` are printed.

    `untuned` holds the parameters that `base` needs to be trainable as it is: fewer features if the data has fewer than
    it selects. `begins_untuned` is whether the first trial equals that, or had to be moved into the search space.
    """

    job: Job
    base: DictConfig
    config: Config
    untuned: dict[str, Any]
    begins_untuned: bool
    spec: StudySpec
    prepared: Prepared
    notes: list[str]


def ready(job: Job) -> ReadySweep:
    """Check everything that can be checked before the first trial, and read the flows.

    Raises:
        UserError: a key or value of the search space is not valid in the configuration, or `prepare` fails.
    """
    base, choices = job.composed({}), job.compose(job.parsed.fixed).hydra.runtime.choices
    config, space = resolve_trial(base), job.parsed.space
    if not space:
        raise UserError("the search space is empty: give a key several values, such as selector.k=range(4,20)")
    for key in space:
        _refuse_key(key, base, choices)
    for key, distribution in space.items():
        for value in outermost(distribution):
            tried = resolve_trial(job.composed({key: value}))
            instantiate.model(tried.model, tried.trainer, normal_code(tried.dataset))
    strategy.sampler(job.settings.sampler, config.seed, space, [])
    strategy.pruner(job.settings.pruner, config.trainer.max_epochs)
    fewest = {FEATURES: min(outermost(space[FEATURES]))} if FEATURES in space else {}
    prepared = steps.prepare(resolve_and_check(job.composed(fewest)))
    features = len(prepared.features.selection.names)
    space, note = limit_features(space, features)
    untuned = {FEATURES: features} if FEATURES in space and config.selector["k"] > features else {}
    first = first_trial(space, lambda key: choices.get(key, _value(base, key)))
    spec = _study_spec(job, base, config, space, first, prepared)
    begins_untuned = resolve_and_check(job.composed(first)) == resolve_and_check(job.composed(untuned))
    notes = [*filter(None, [note]), *_note_on_size(space, job.settings.n_trials)]
    return ReadySweep(job, base, config, untuned, begins_untuned, spec, prepared, notes)


def _note_on_size(space: Space, n_trials: int) -> list[str]:
    """Return a note if the space has fewer configurations than `n_trials`."""
    if (count := size(space)) is None or count >= n_trials:
        return []
    return [
        f"the search space has only {count} configurations and none is tried twice, so the sweep runs {count} trials "
        f"instead of hydra.sweeper.n_trials={n_trials}"
    ]


def _study_spec(
    job: Job, base: DictConfig, config: Config, space: Space, first: Mapping[str, Any], prepared: Prepared
) -> StudySpec:
    settings = job.settings
    identity = {
        **tracking.flat(normalised(container(base), NOT_IN_IDENTITY)),
        "data.sha256": prepared.loaded.sha256,
        **{f"space.{key}": str(distribution) for key, distribution in space.items()},
        **{name: json.dumps(getattr(settings, name)) for name in ("objectives", "sampler", "pruner")},
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
    name = f"{config.dataset.name}-{config.model['name']}-{config.selector['name']}-{digest}"
    return StudySpec(
        name=settings.study_name or name,
        storage=settings.storage,
        identity=identity,
        directions=settings.directions,
        space=space,
        first=first,
        n_trials=settings.n_trials,
        seed=config.seed,
        sampler=settings.sampler,
        pruner=settings.pruner,
        epochs=config.trainer.max_epochs,
        objectives=list(settings.objectives),
    )


def _value(base: DictConfig, key: str) -> Any:
    """Look up the configuration's own value of a key."""
    value = OmegaConf.select(base, key)
    return value.name if hasattr(value, "name") else value


def _refuse_key(key: str, base: DictConfig, choices: Mapping[str, str]) -> None:
    if key.partition(".")[0] in NOT_SEARCHED:
        raise UserError(
            f"{key} cannot be searched: it decides which rows are scored or does not affect the score; search "
            "selector, scaler, outliers, model or trainer"
        )
    if key in choices:
        return
    group, _, name = key.rpartition(".")
    there = OmegaConf.select(base, group) if group else base
    if isinstance(there, DictConfig) and name in there:
        return
    chosen = choices.get(group)
    where = f"{group}={chosen}" if chosen else group or "the configuration"
    known = f"; it has {', '.join(map(str, there))}" if isinstance(there, DictConfig) else ""
    raise UserError(f"{key} cannot be searched: {where} has no such key{known}")
