"""Composes the configuration of a run from the words typed for it, on the command line or in Python.

Each function imports what it needs: help appears at once, and a mistake in the words is reported within a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from iot_ids.common.errors import UserError
from iot_ids.common.paths import CONF

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from iot_ids.config import Config


def choices(folders: Iterable[Path]) -> dict[str, set[str]]:
    """Map each group to its choices in `folders`: one subfolder per group, one file per choice."""
    found: dict[str, set[str]] = {}
    for file in (file for folder in folders for file in folder.glob("*/*.yaml")):
        found.setdefault(file.parent.name, set()).add(file.stem)
    return found


def refuse_broken_files(folder: Path) -> None:
    """Raise a UserError for a file of the user's own that is not YAML; Hydra's message would not name the line."""
    import yaml

    from iot_ids.common.redact import redact_passwords

    for file in folder.glob("**/*.yaml"):
        try:
            yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            raise UserError(f"{file}: cannot be read as YAML: {redact_passwords(str(error))}") from error


def compose_config(overrides: Sequence[str], config_dir: Path | str | None) -> DictConfig:
    """Compose as `python -m train` does; the passwords of addresses among the overrides are sealed first.

    Raises:
        UserError: Hydra cannot use the overrides or a file in `config_dir`.
    """
    from hydra import compose
    from hydra.core.override_parser.types import Quote, QuotedString

    from iot_ids.common.composing import hydra_as_user_error
    from iot_ids.common.sealing import seal_overrides
    from iot_ids.config import register

    if isinstance(overrides, str):
        raise UserError(f"overrides={overrides!r} is a single text; give a list of words: {overrides.split()}")
    words, folders, more = seal_overrides(list(overrides)), [CONF], []
    if config_dir is not None:
        folders.append(folder := _own_folder(config_dir))
        more.append(f"hydra.searchpath=[{QuotedString(f'file://{folder}', Quote.single).with_quotes()}]")
    register()
    with hydra_as_user_error(words, {*choices(folders)}), _hydra_of_its_own():
        return compose("train", overrides=[*more, *words])


def _own_folder(config_dir: Path | str) -> Path:
    """Return the user's folder as an absolute path, after a look at its files."""
    folder = Path(config_dir).expanduser().resolve()
    if not folder.is_dir():
        raise UserError(f"config_dir={config_dir} is not a folder")
    refuse_broken_files(folder)
    return folder


@contextmanager
def _hydra_of_its_own() -> Iterator[None]:
    """Initialise Hydra for the block, and put back what another application in this process has initialised."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.utils import JobRuntime
    from hydra.version import VersionBase

    outer, base = GlobalHydra.instance().hydra, VersionBase.instance().version_base
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), JobRuntime.instance().get("name"), version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra, VersionBase.instance().version_base = outer, base


def resolve_with_files(config: DictConfig) -> Config:
    """Resolve and check a composed configuration, and check that the files it names exist.

    Raises:
        UserError: it cannot be run.
    """
    from iot_ids.config import resolve_and_check

    settings = resolve_and_check(config)  # before the imports below, which bring Polars
    from iot_ids.data.checks import check, shared_classes, time_column
    from iot_ids.data.files import official_test_files, training_files
    from iot_ids.data.schema import SimulatedDataset

    check(settings.dataset)
    if not isinstance(settings.dataset, SimulatedDataset):
        training_files(settings.dataset)
    if settings.test_dataset is not None:
        shared_classes(settings.dataset, settings.test_dataset)
        if not isinstance(settings.test_dataset, SimulatedDataset):
            training_files(settings.test_dataset, "test_dataset")
    elif settings.split.test_elsewhere:
        official_test_files(settings.dataset)
    if settings.split.by_time:
        time_column(settings.dataset)
    return settings
