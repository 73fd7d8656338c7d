"""`iot-ids compare`: tables of the runs in MLflow; `--help` says how to choose them."""

from __future__ import annotations

import sys
from pathlib import Path

import iot_ids.comparison
from iot_ids.cli.help import compare_usage
from iot_ids.common.paths import CONF
from iot_ids.common.system_errors import as_user_error, run_program

NO_CHOICES = str(Path(iot_ids.comparison.__file__).parent)
"""Where Hydra looks for groups: a folder without any, so that `dataset=NAME` is a value and not a file's name."""


def main() -> None:
    """The entry point: help at once, everything else through Hydra."""
    run_program(_main)


def _main() -> None:
    if not {"-h", "--help"}.isdisjoint(sys.argv[1:]):
        print(compare_usage(), end="")
        return
    try:
        _compose_and_compare()
    except KeyboardInterrupt:
        sys.exit("interrupted")


def _compose_and_compare() -> None:
    import hydra
    from omegaconf import DictConfig

    from iot_ids.common.composing import Mistake, one_message
    from iot_ids.common.errors import UserError
    from iot_ids.common.imports import gc_paused_import
    from iot_ids.common.sealing import seal_overrides
    from iot_ids.comparison.spec import register, resolve

    @hydra.main(config_path=NO_CHOICES, config_name="compare", version_base="1.3")
    def compose_and_compare(config: DictConfig) -> None:
        try:
            settings = resolve(config)
            with gc_paused_import():  # MLflow takes seconds to import, which a typing error need not wait for
                from iot_ids.comparison.command import compare

            with as_user_error():
                compare(settings)
        except UserError as mistake:
            raise Mistake(str(mistake)) from mistake

    register(CONF)
    sys.argv[1:] = seal_overrides(sys.argv[1:])
    with one_message():
        compose_and_compare()


if __name__ == "__main__":
    main()
