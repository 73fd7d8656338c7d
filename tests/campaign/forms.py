"""Small files of every shipped format, made up from its declaration, so that what each line means is known."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from iot_ids.common.paths import CONF
from iot_ids.config import register
from iot_ids.data.schema import Dataset

TEXTS = ("bot_iot", "bot_iot_raw", "bot_iot_10_best", "nf_bot_iot_v2", "nf_ton_iot_v2", "nsl_kdd", "ton_iot")
ROWS = 60


@dataclass(frozen=True)
class Form:
    """A dataset and its flows: the names of the columns, a dictionary for each row, and the lines that say the same."""

    dataset: Dataset
    names: list[str]
    rows: list[dict[str, str]]
    header: bool

    @property
    def lines(self) -> list[bytes]:
        """The file's lines without their ends."""
        cells = [list(self.names)] * self.header + [[row[name] for name in self.names] for row in self.rows]
        return [",".join(row).encode() for row in cells]

    @property
    def meaning(self) -> dict[bytes, tuple[object, ...]]:
        """What has to be read of a row's line: its features as the model sees them, and its class."""
        return dict(zip(self.lines[self.header :], map(self._meaning, self.rows), strict=True))

    def _meaning(self, row: dict[str, str]) -> tuple[object, ...]:
        columns = self.dataset.columns
        numbers = [float(np.float32(row[name])) for name in columns.numeric]
        return *numbers, *(row[name] for name in columns.categorical), class_of(row, self.dataset)


def composed(*overrides: str) -> DictConfig:
    """A run's configuration."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", overrides=list(overrides))


@cache
def dataset_of(name: str) -> Dataset:
    """A shipped dataset as a run would have it."""
    dataset = OmegaConf.to_object(composed(f"dataset={name}").dataset)
    assert isinstance(dataset, Dataset)
    return dataset


@cache
def form(name: str, rows: int = ROWS) -> Form:
    """Flows of the dataset `name`, the same each time."""
    dataset, draw = dataset_of(name), Random(name)
    columns, names = dataset.columns, list(dataset.format.column_names)
    if not names:
        names = [*columns.identifiers, *columns.numeric, *columns.categorical, *columns.labels, "note"]
    classes = list(dataset.labels["category"].classes)
    made = [_row(dataset, names, at, classes[at % len(classes)], draw) for at in range(rows)]
    return Form(dataset, names, made, not dataset.format.column_names)


def class_of(row: dict[str, str], dataset: Dataset) -> str:
    """The class that a row's category means."""
    (column,) = dataset.labels["category"].columns
    return next(name for name, values in dataset.labels["category"].classes.items() if row[column] in values)


def written(form: Form, file: Path) -> Path:
    """The whole form as a text file."""
    file.write_bytes(b"".join(line + b"\n" for line in form.lines))
    return file


def _row(dataset: Dataset, names: list[str], at: int, kind: str, draw: Random) -> dict[str, str]:
    columns, category = dataset.columns, dataset.labels["category"]
    place = list(category.classes).index(kind)
    row = dict.fromkeys(names, f"unread {at % 7}")
    row |= {name: str(at) for name in columns.identifiers}
    row |= {
        name: f"10.0.0.{draw.randrange(9)}" for name in columns.identifiers if "ip" in name.lower() or "addr" in name
    }
    row |= {name: str(draw.randrange(1, 65536)) for name in columns.ports}
    row |= {name: f"{abs(draw.gauss(10 * place, 3)):.4f}" for name in columns.numeric}
    row |= {name: draw.choice(["tcp", "udp", "x-1"]) for name in columns.categorical}
    row |= dict.fromkeys(columns.labels, "0" if kind == category.normal else "1")
    return row | {category.columns[0]: category.classes[kind][0]}
