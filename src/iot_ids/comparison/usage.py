"""What `python -m compare --help` prints."""

USAGE = """\
Compare the runs that MLflow keeps: one row per method, averaged over its seeds, every score with a 95 % interval.

  python -m compare                                     the store's only dataset
  python -m compare dataset=nsl_kdd label=binary split=official
  python -m compare dataset=nf_bot_iot_v2 'where=[selector.name:all,scaler.name:quantile]'
  python -m compare tracking.uri=sqlite:////SOME/FOLDER/mlruns/mlflow.db folder=my_table
  python -m compare dataset=nf_ton_iot_v2 test_dataset=nf_bot_iot_v2      trained on one network, tested on another
  python -m compare tuned=true                          what sweeps have chosen, after +experiment=tuned_table
  python -m compare report=selection                    does choosing features help?
  python -m compare report=shortcuts                    what is each shortcut worth?
  python -m compare report=unseen                       are attacks found that training has not seen?
  python -m compare report=gap dataset=nf_bot_iot_v2    what is left of the score when the question gets harder?
  python -m compare run=1a2b3c4d                        the paper's table and chart per class, for one run

Which runs (runs that differ in one of these are never put in one table; say which you mean):
  dataset, label, split, duplicates, protocol
  test_dataset the network that was tested on, where it is another; none where it is not
  data         the first characters of data.sha256, where runs read different files
  tuned        true: only runs whose settings a sweep has chosen; false: only the others
  where        parameters that a run has to have, [NAME:VALUE,NAME:VALUE]

How:
  report       table: every method, ranked; selection: each model with and without feature selection;
               shortcuts: the clean protocol beside the paper's shortcuts and an ablation of ours, which no
               other report mixes; unseen: every attack and family that was left out; gap: repeats kept, distinct
               flows, unseen attacks, trained on another network, in one table for one dataset
  folder       where the files go: table.md, table.csv, table.tex, forest.png, methods.txt and methods.tex,
               or the report's .md, .csv and .png; comparison/DATASET-LABEL-SPLIT unless said otherwise, and
               whatever else was chosen: duplicates, protocol, data, where, report
  log=false    do not keep the comparison in MLflow
  replicates, seed      of the bootstrap
  tracking.uri          the store; sqlite:///mlruns/mlflow.db unless said otherwise

`--cfg job` prints the configuration and compares nothing; `--hydra-help` tells Hydra's own flags.
Tab completion:      eval "$(iot-ids-compare -sc install=bash)"
What the columns and intervals mean: docs/comparison.md
"""
