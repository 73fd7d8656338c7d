"""What `--help` prints. Hydra's own help copies the configuration once per group, which takes seconds."""

from collections.abc import Iterable
from pathlib import Path

ADDED = ("condition", "experiment", "selection", "shortcut", "sweep")
"""Groups that the default run does not have: chosen with a plus."""

USAGE = """\
Train one detector of attacks among network flows, test it, and keep the run in MLflow.

  python -m train +experiment=gru_pearson                     the paper's method on simulated flows
  python -m train +experiment=gru_pearson dataset=nf_bot_iot_v2 dataset.path=FILE
  python -m train +experiment=gru_pearson model=knn selector.k=12 seed=0
  python -m train -m +experiment=gru_pearson seed=0,1,2       a multirun: one run per seed
  python -m train -m +experiment=gru_pearson +sweep=features_and_width
                                                              search for settings on validation rows (docs/sweeps.md)
  python -m train -m +experiment=tuned_table                  every method searched with equally many trials
  python -m train -m +experiment=selection                    does choosing features help?
  python -m train -m +experiment=paper_recipe seed=0          the paper's shortcuts, one at a time
  python -m train -m +shortcut=none,identifiers seed=0        what addresses and times would inflate
  python -m train +experiment=transductive dataset=A dataset.path=FILE +dataset@test_dataset=B test_dataset.path=FILE
                                                              train on one network, test on another (docs/transfer.md)
  python -m train dataset=bot_iot                             where to get a dataset and what to type
  python -m train --config-dir MY_CONF dataset=MINE           your own datasets and experiments

Choices, as group=choice:
{choices}

Everything in the configuration can be set as key.subkey=value; `--cfg job` prints it and runs nothing.
-m, --multirun       run every combination of comma-separated values
--hydra-help         Hydra's own flags
Tab completion:      eval "$(iot-ids-train -sc install=bash)"
Runs are shown by:   mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db
"""


def usage(folders: Iterable[Path]) -> str:
    """The help text with the choices that the files in `folders` give: one folder per group, one file per choice."""
    choices: dict[str, set[str]] = {}
    for file in (file for folder in folders for file in folder.glob("*/*.yaml")):
        choices.setdefault(file.parent.name, set()).add(file.stem)
    lines = (
        f"  {'+' * (group in ADDED) + group:<11} {', '.join(sorted(names))}" for group, names in sorted(choices.items())
    )
    return USAGE.format(choices="\n".join(lines))
