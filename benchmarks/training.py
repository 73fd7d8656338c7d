"""Training a GRU of 64 units, in training rows per second.

Ours, Keras `fit` and a plain loop around `nn.GRU` train the same network on the same generated rows with the same
settings: AdamW, gradient clipped to norm 1, a new order every epoch, a quarter as many validation rows after it,
threads as each takes them by itself ([`benchmarks/trainers.py`](../benchmarks/trainers.py)). Each has a process of its
own and they take turns. What is timed is the second epoch with its validation; ours has a macro-F1 in it, the others a
loss. Two threads do not always get two cores: a virtual machine's kernel may put both on one, from process to process
and from hour to hour, and the ratios change with it. Against Keras with batch 256, the run of commit ea35afa gave 2.19,
that of 25f3640 gave 1.76, that of 7c946ce gave 1.64, that of e97ef7b gave 2.18.
"""

from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec
from multiprocessing import get_context

from benchmarks.figure import Figure
from benchmarks.trainers import Case, bare, keras, ours

CASES = {
    Case("GRU-64, 10 steps x 1 feature, batch 1,024", by_feature=True, batch=1024, rows=110_000): (1.5, 3.0),
    Case("GRU-64, 10 steps x 1 feature, batch 256", by_feature=True, batch=256, rows=110_000): (2.0, 4.0),
    Case("GRU-64, 1 step x 10 features, batch 1,024", by_feature=False, batch=1024, rows=440_000): (2.5, 4.0),
}
"""With the ratio to Keras that was asked for, and the one aimed at."""
BARE = (0.9, 1.3)
"""The same against the plain loop."""


def missing() -> list[str]:
    """What to install for the opponents that are not here."""
    if find_spec("keras") and find_spec("tensorflow"):
        return []
    return ["Keras is not installed, so its figures are left out: `pip install -c constraints.txt -e '.[bench]'`."]


def measure(rounds: int) -> list[Figure]:
    """Every case against every opponent that is installed."""
    names = {ours: "ours", bare: "a plain loop around nn.GRU"} | ({} if missing() else {keras: "Keras fit"})
    figures = []
    with ExitStack() as stack:
        pools = {
            train: stack.enter_context(ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")))
            for train in names
        }
        for case, asked in CASES.items():
            rates: dict[str, list[float]] = {name: [] for name in names.values()}
            for _ in range(rounds):
                for train, pool in pools.items():
                    rates[names[train]].append(case.rows / pool.submit(train, case).result())
            for name, theirs in rates.items():
                if name != "ours":
                    least, aim = asked if name == "Keras fit" else BARE
                    figures.append(Figure(case.what, "rows/s", rates["ours"], name, theirs, True, least, aim))
    return figures
