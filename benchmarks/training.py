"""Training a GRU of 64 units, in training rows per second.

Our code, Keras `fit` and a plain loop around `nn.GRU` train the same network on the same generated rows with the same
settings: AdamW, gradients clipped to norm 1, shuffling every epoch, a quarter as many validation rows, default threads
([`benchmarks/trainers.py`](../benchmarks/trainers.py)). Each runs in its own process, in alternation. The second epoch
is timed, including its validation: a macro-F1 in our code, a loss in the others. Two threads do not always get two
cores: the kernel of a virtual machine may put both on one, which varies between processes and hours, and the ratios
vary with it. Against Keras with batch 256, the ratio was 2.19 at commit ea35afa, 1.76 at 25f3640, 1.64 at 7c946ce and
2.18 at e97ef7b.
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
"""With the required and the desired ratio to Keras."""
BARE = (0.9, 1.3)
"""The same against the plain loop."""


def missing() -> list[str]:
    """Return a sentence on each baseline that is not installed, and how to install it."""
    if find_spec("keras") and find_spec("tensorflow"):
        return []
    return ["Keras is not installed, so its figures are left out: `pip install -c constraints.txt -e '.[bench]'`."]


def measure(rounds: int) -> list[Figure]:
    """Time every case against every baseline that is installed."""
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
