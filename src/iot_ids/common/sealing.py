"""Keep passwords out of whatever Hydra composes, prints and writes: command lines, files and resolved values."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write

from iot_ids.common.redact import seal_addresses


def seal(config: DictConfig | ListConfig) -> bool:
    """Remove the secrets from every address in a configuration, in place; return whether there were any.

    Unresolved interpolations are left as they are.
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
    """Remove the secrets from the addresses in command-line overrides, so that echoing them reveals none."""
    return [_seal_override(word) if "://" in word else word for word in words]


def _seal_override(word: str) -> str:
    """Seal an override's value as Hydra parses it, if it is a single one; treat anything else as text."""
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
    """Seal addresses from a user's own files, which Hydra would otherwise copy next to its jobs."""

    def on_run_start(self, config: DictConfig, **more: Any) -> None:
        """Seal the configuration of a single job."""
        seal(config)

    def on_multirun_start(self, config: DictConfig, **more: Any) -> None:
        """Seal what becomes multirun.yaml; jobs are composed from the files again, so they must not write copies."""
        if seal(config):
            with read_write(config):
                config.hydra.overrides.hydra.append("hydra.output_subdir=null")
