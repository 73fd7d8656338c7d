"""Flipped bits and worse in the folder of a kept model: it is refused, or answers as it did."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.config import resolve
from iot_ids.experiment import steps
from iot_ids.serving import scoring
from iot_ids.serving.detector import Detector

from .forms import composed, form, written
from .tally import Attack, Fault

AIM = 1_000
QUICK = ("dataset=bot_iot_10_best", "cache=off", "trainer=cpu", "trainer.max_epochs=1", "split=random")
MODELS = {
    "naive_bayes": ("model=naive_bayes",),
    "random_forest": ("model=random_forest", "model.n_estimators=5"),
    "knn": ("model=knn", "scaler=quantile"),
    "gru": ("model=gru", "model.hidden_size=4", "selector=pearson", "selector.k=6"),
    "svm": ("model=svm", "scaler=midrank"),
}
"""One of each way to keep an estimator or a scaler in files."""
Load = Callable[[Path], Detector]


def attacks(folder: Path) -> list[Attack]:
    """One of each model's folder."""
    return [Attack(f"bits: {name}", AIM, flips_of(name, folder)) for name in MODELS]


@cache
def kept(name: str) -> dict[str, bytes]:
    """The files of a kept model, by their names."""
    with TemporaryDirectory() as aside:
        file = written(form("bot_iot_10_best", 400), Path(aside) / "flows.csv")
        config = resolve(composed(*QUICK, *MODELS[name], f"dataset.path={file}"))
        place = Path(aside) / "model"
        steps.fit(steps.prepare(config), lambda *_: None).detector.save(place)
        return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def flips_of(name: str, folder: Path, load: Load = scoring.load_detector) -> Callable[[Random], list[Fault]]:
    """Attempts on one model's folder; `load` is what is under attack."""

    @cache
    def right() -> np.ndarray:
        return answers(place_of(kept(name)), load)

    def place_of(contents: dict[str, bytes]) -> Path:
        place = folder / "model"
        shutil.rmtree(place, ignore_errors=True)
        for file, content in contents.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(content)
        return place

    def attempt(draw: Random) -> list[Fault]:
        expected = right()
        place = place_of(damaged(kept(name), draw))
        try:
            found = answers(place, load)
        except UserError:
            return []
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return [("traceback", f"{type(error).__name__}: {error}")]
        same = found.shape == expected.shape and np.array_equal(found, expected, equal_nan=True)
        return [] if same else [("silent", "loads, and gives other answers")]

    return attempt


def answers(place: Path, load: Load) -> np.ndarray:
    """What the model says of flows whose answers are known."""
    return load(place).probabilities(pl.DataFrame(form("bot_iot_10_best").rows))


def damaged(contents: dict[str, bytes], draw: Random) -> dict[str, bytes]:
    """One bit flipped, mostly; or a file cut off, emptied, gone, or in another's place."""
    contents, name = dict(contents), draw.choice(list(contents))
    content, way = contents[name], draw.random()
    at = draw.randrange(len(content))
    if way < 0.8:
        contents[name] = content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]
    elif way < 0.9:
        contents[name] = content[: draw.choice([0, at])]
    elif way < 0.95:
        del contents[name]
    else:
        contents[name] = contents[draw.choice(list(contents))]
    return contents
