"""The Hydra plugin `hydra/sweeper=optuna`, which starts `iot_ids.sweep`. It imports Optuna and PyTorch only then."""

# No `from __future__ import annotations` here: it would break Hydra's scan for plugins on a dataclass.
import shlex
import sys
from copy import deepcopy
from functools import lru_cache
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from iot_ids.common.composing import Mistake
from iot_ids.common.errors import UserError
from iot_ids.common.redact import seal_addresses
from iot_ids.common.system_errors import as_user_error
from iot_ids.sweep.spec import SweepSettings

ConfigStore.instance().store(name="schema_sweeper", node=SweepSettings, provider="iot_ids")
STUDIES = "sweep"
"""The group of which each choice is a study; several choices run one after the other."""


class OptunaSweeper(Sweeper):
    """Pass the overrides and a function that composes configurations to `search`. Its settings are `SweepSettings`."""

    def __init__(self, **settings: Any) -> None:
        self.hydra_context: HydraContext
        self.config: DictConfig

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what composing needs; trials are not jobs of a launcher, so `task_function` is never called."""
        self.hydra_context, self.config = hydra_context, config
        self.loaded = lru_cache(16)(self._loaded)

    def sweep(self, arguments: list[str]) -> None:
        """Run one search per choice of `+sweep=`; one that fails does not stop the others."""
        studies, mistakes = self._studies(arguments), []
        for number, words in enumerate(studies, start=1):
            if len(studies) > 1:
                print(f"\nsweep {number} of {len(studies)}: {words[-1]}", flush=True)
            try:
                with as_user_error():
                    self._search(words)
            except UserError as mistake:
                mistakes.append(f"{words[-1]}: {mistake}" if len(studies) > 1 else str(mistake))
        if mistakes:
            raise Mistake("\n".join(mistakes))

    def _studies(self, arguments: list[str]) -> list[list[str]]:
        """Return the overrides of each study, one per choice of `+sweep=`; the command line overrides a file."""
        asked = self._parsed([*_words(self.config.hydra.sweeper.params), *arguments])
        several = [each for each in asked if each.key_or_group == STUDIES and each.is_sweep_override()]
        if not several:
            return [arguments]
        others = [word for word in arguments if not _chooses_study(word)]
        return [[*others, f"+{STUDIES}={choice}"] for choice in several[-1].sweep_string_iterator()]

    def _search(self, words: list[str]) -> None:
        from iot_ids.sweep.job import Job
        from iot_ids.sweep.search import search
        from iot_ids.sweep.space import parse

        plain = [override.input_line for override in self._parsed(words) if not override.is_sweep_override()]
        hydra = self._compose(plain).hydra
        by_file = [word for word in _words(hydra.sweeper.params) if not _chooses_study(word)]
        settings: SweepSettings = OmegaConf.to_object(hydra.sweeper)  # type: ignore[assignment]
        settings.storage = seal_addresses(settings.storage)
        typed = sys.argv[1:]
        flags = [
            word for word in typed if word not in ("-m", "--multirun") and (word[0] == "-" or not set("=~") & set(word))
        ]
        again = shlex.join(["python", "-m", "train", *typed])
        search(Job(settings, parse(self._parsed([*by_file, *words])), self._compose, again, flags))

    def _compose(self, overrides: list[str]) -> DictConfig:
        """Compose a configuration of its own; before its trials, a sweep asks for a few of them several times."""
        return deepcopy(self.loaded(tuple(overrides)))

    def _loaded(self, overrides: tuple[str, ...]) -> DictConfig:
        return self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))

    def _parsed(self, words: list[str]) -> list[Override]:
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        return parser.parse_overrides(words)


def _words(params: DictConfig) -> list[str]:
    """Spell the search space of a file as overrides."""
    return [f"{key}={value}" for key, value in params.items()]


def _chooses_study(word: str) -> bool:
    return word.lstrip("+").startswith(f"{STUDIES}=")
