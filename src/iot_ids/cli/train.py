"""`python -m train`: compose the configuration and run it; `-m` runs a multirun, `--help` says what there is."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from iot_ids.cli.help import ADDED, usage
from iot_ids.common.paths import CONF
from iot_ids.common.system_errors import run_program

if TYPE_CHECKING:
    from iot_ids.config import Config


def main() -> None:
    """The entry point: help at once, everything else through Hydra."""
    run_program(_main)


def _main() -> None:
    words = sys.argv[1:]
    own = [Path(after) for word, after in itertools.pairwise(words) if word in ("--config-dir", "-cd")]
    own += [Path(word.removeprefix("--config-dir=")) for word in words if word.startswith("--config-dir=")]
    if not {"-h", "--help"}.isdisjoint(words):
        print(usage([CONF, *own]), end="")
        return
    _refuse_broken_files(own)
    groups = {file.parent.name for folder in (CONF, *own) for file in folder.glob("*/*.yaml")}
    try:
        _compose_and_run(groups.difference(ADDED))
    except KeyboardInterrupt:
        sys.exit("interrupted; a run that had started is kept in MLflow as KILLED")


def _refuse_broken_files(own: Iterable[Path]) -> None:
    """A user's own file that is no YAML, told with its line; Hydra would show its own insides."""
    import yaml

    from iot_ids.common.redact import redact_passwords

    for file in (file for folder in own for file in folder.glob("**/*.yaml")):
        try:
            yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            sys.exit(f"{file}: cannot be read as YAML: {redact_passwords(str(error))}")


def _compose_and_run(groups: Collection[str]) -> None:
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import CompactHydraException
    from hydra.types import RunMode
    from omegaconf import DictConfig

    from iot_ids.cli.composing import one_message
    from iot_ids.common import system_errors
    from iot_ids.common.errors import UserError
    from iot_ids.common.fast_import import gc_paused_import
    from iot_ids.common.sealing import seal_overrides
    from iot_ids.config import register, resolve_and_check

    class Mistake(CompactHydraException):
        """A user's mistake as Hydra prints it: one message, no traceback; a multirun goes on with its next job."""

    def run_it(config: DictConfig) -> str:
        settings = resolve_and_check(config)
        _refuse_missing_files(settings)
        with gc_paused_import():  # MLflow and others take seconds, for which a typing error need not wait
            from iot_ids.experiment.run import run
            from iot_ids.tracking import as_user_error

        with as_user_error(settings.tracking.uri):
            return run(config, brief=HydraConfig.get().mode is RunMode.MULTIRUN)

    @hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")
    def compose_and_run(config: DictConfig) -> str:
        try:
            with system_errors.as_user_error():
                return run_it(config)
        except UserError as mistake:
            if HydraConfig.get().mode is RunMode.MULTIRUN:
                print(f"job {HydraConfig.get().job.num}: {mistake}", file=sys.stderr)
            raise Mistake(str(mistake)) from mistake

    register()
    sys.argv[1:] = seal_overrides(sys.argv[1:])
    with one_message(groups):
        compose_and_run()


def _refuse_missing_files(settings: Config) -> None:
    """A path that matches nothing is told at once, before the seconds that PyTorch and MLflow take to import."""
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


if __name__ == "__main__":
    main()
