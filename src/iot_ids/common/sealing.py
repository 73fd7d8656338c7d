"""Keeps passwords out of what Hydra composes, prints and writes: of typed words, of files, of resolved values."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write

from iot_ids.common.redact import seal_addresses


def seal(config: DictConfig | ListConfig) -> bool:
    """Take the secrets out of every address in a configuration, in place; say whether there were any.

    An interpolation that is not resolved stays one.
    """
    found = False
    for key in list(config) if isinstance(config, DictConfig) else range(len(config)):
        if OmegaConf.is_missing(config, key) or OmegaConf.is_interpolation(config, key):
            continue
        value = config[key]
        if isinstance(value, DictConfig | ListConfig):
            found |= seal(value)
        elif isinstance(value, str) and (shown := seal_addresses(value)) != value:
            with read_write(config), open_dict(config) if isinstance(config, DictConfig) else read_write(config):
                config[key] = shown
            found = True
    return found


def seal_overrides(words: list[str]) -> list[str]:
    """What was typed, without the secrets of its addresses, so that whoever repeats it repeats none."""
    return [_seal_override(word) if "://" in word else word for word in words]


def _seal_override(word: str) -> str:
    """An override's value is read as Hydra reads it, where it is a single one; all else is a text with addresses."""
    key, _, typed = word.partition("=")
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException:
        return seal_addresses(word)
    value: Any = override._value
    text = value.text if isinstance(value, QuotedString) else value
    if not isinstance(text, str) or (shown := seal_addresses(text)) == text:
        return seal_addresses(word)
    if text == typed:
        return f"{key}={shown}"
    return f"{key}={QuotedString(shown, value.quote).with_quotes()}" if text is not value else f"{key}='{shown}'"


class SealConfig(Callback):
    """What a file of the user's own brings with it, Hydra would copy beside its jobs."""

    def on_run_start(self, config: DictConfig, **more: Any) -> None:
        """Seal the one job's configuration."""
        seal(config)

    def on_multirun_start(self, config: DictConfig, **more: Any) -> None:
        """Seal what becomes multirun.yaml; the jobs are composed from the files again, and leave no copy then."""
        if seal(config):
            with read_write(config):
                config.hydra.overrides.hydra.append("hydra.output_subdir=null")
