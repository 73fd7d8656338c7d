"""The help texts of the commands. Hydra's own help copies the configuration once per group, which takes seconds."""

from collections.abc import Collection, Mapping

from iot_ids.common.paths import ADDED
from iot_ids.comparison.reports import summaries
from iot_ids.features.spec import SELECTIONS

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


def usage(choices: Mapping[str, Collection[str]]) -> str:
    """Return the help text of training with the choices of each group."""
    choices = {**choices, "selection": SELECTIONS}
    lines = (
        f"  {'+' * (group in ADDED) + group:<11} {', '.join(sorted(names))}" for group, names in sorted(choices.items())
    )
    return USAGE.format(choices="\n".join(lines))


COMPARE = """\
Compare the runs that MLflow keeps: one row per method, averaged over its seeds, every score with a 95 % interval.

  iot-ids compare                                     the store's only dataset
  iot-ids compare dataset=nsl_kdd label=binary split=official
  iot-ids compare dataset=nf_bot_iot_v2 'where=[selector.name:all,scaler.name:quantile]'
  iot-ids compare tracking.uri=sqlite:////SOME/FOLDER/mlruns/mlflow.db folder=my_table
  iot-ids compare dataset=nf_ton_iot_v2 test_dataset=nf_bot_iot_v2      trained on one network, tested on another
  iot-ids compare tuned=true                          what sweeps have chosen, after +experiment=tuned_table
  iot-ids compare report=selection                    one of the reports below
  iot-ids compare run=1a2b3c4d                        the paper's table and chart per class, for one run

Which runs (runs that differ in one of these are never put in one table; say which you mean):
  dataset, label, split, duplicates, protocol
  test_dataset the network tested on, if it is another; none if it is not
  data         the first characters of data.sha256, where runs read different files
  tuned        true: only runs whose settings a sweep has chosen; false: only the others
  where        parameters that a run must have, [NAME:VALUE,NAME:VALUE]

Reports, as report=NAME:
{reports}

How:
  report       table, unless another of the reports is named
  folder       where the files go: table.md, table.csv, table.tex, forest.png, methods.txt and methods.tex,
               or the report's .md, .csv and .png; comparison/DATASET-LABEL-SPLIT unless said otherwise, and
               whatever else was chosen: duplicates, protocol, data, where, report
  log=false    do not keep the comparison in MLflow
  replicates, seed      of the bootstrap
  tracking.uri          the store; sqlite:///mlruns/mlflow.db unless said otherwise

`--cfg job` prints the configuration and compares nothing; `--hydra-help` lists Hydra's own flags.
Tab completion:      eval "$(iot-ids-compare -sc install=bash)"
What the columns and intervals mean: docs/comparison.md
"""


def compare_usage() -> str:
    """Return the help text of the comparison, with the reports that there are."""
    return COMPARE.format(reports="\n".join(f"  {name:<12} {words}" for name, words in summaries().items()))
