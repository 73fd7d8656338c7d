"""`python -m train`: compose the configuration and run it; `-m` runs a multirun, `--help` lists the choices."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection
from pathlib import Path

from iot_ids.cli.help import usage
from iot_ids.common.paths import CONF
from iot_ids.common.system_errors import run_program
from iot_ids.experiment.composition import choices, refuse_broken_files, resolve_with_files


def main() -> None:
    """The entry point: help at once, everything else through Hydra."""
    run_program(_main)


def _main() -> None:
    words = sys.argv[1:]
    own = [Path(after) for word, after in itertools.pairwise(words) if word in ("--config-dir", "-cd")]
    own += [Path(word.removeprefix("--config-dir=")) for word in words if word.startswith("--config-dir=")]
    found = choices([CONF, *own])
    if not {"-h", "--help"}.isdisjoint(words):
        print(usage(found), end="")
        return
    for folder in own:
        refuse_broken_files(folder)
    try:
        _compose_and_run({*found})
    except KeyboardInterrupt:
        sys.exit("interrupted; a run that had started is kept in MLflow as KILLED")


def _compose_and_run(groups: Collection[str]) -> None:
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import DictConfig

    from iot_ids.common import system_errors
    from iot_ids.common.composing import Mistake, one_message
    from iot_ids.common.errors import UserError
    from iot_ids.common.imports import gc_paused_import
    from iot_ids.common.sealing import seal_overrides
    from iot_ids.config import register

    def run_it(config: DictConfig) -> str:
        settings = resolve_with_files(config)
        with gc_paused_import():  # MLflow and others take seconds to import, which a typing error need not wait for
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


if __name__ == "__main__":
    main()
