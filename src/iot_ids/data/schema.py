"""What a dataset is: the typed schema behind every file of `conf/dataset/`.

Light on purpose: it imports nothing heavy, so that configuration errors answer at once.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Duplicates(Enum):
    """Which repeated rows are left out before the split."""

    distinct = "distinct"
    """One row per distinct feature vector and finest label; the first one stays."""
    exact = "exact"
    """Wholly equal rows only, identifiers included: what the paper did."""
    keep = "keep"
    """Nothing is left out."""


class Identifiers(Enum):
    """Whether columns that give the answer away may become features."""

    forbid = "forbid"
    allow = "allow"
    """They do, in order to show the inflation: see `iot_ids.experiment.leaks`."""


class MissingNumbers(Enum):
    """What becomes of a row without a number that it should have."""

    drop = "drop"
    """It is left out and counted."""
    indicate = "indicate"
    """It stays: the missing number is zero, and a column of its own says that it is missing."""


class Origin(Enum):
    """Where the rows come from; `generated` rows are called SIMULATED wherever they show."""

    published = "published"
    generated = "generated"


class Header(Enum):
    """Whether a text file's first line names its columns."""

    auto = "auto"
    """It does where it holds at least half of the declared names."""
    present = "present"
    absent = "absent"


@dataclass
class Format:
    """How the files are written. Parquet files need none of it."""

    separator: str = "auto"
    """One character, or `auto`: whichever of comma, semicolon and TAB finds most declared columns in the first line."""
    header: Header = Header.auto
    column_names: list[str] = field(default_factory=list)
    """Names in order, for files without a header line."""
    comment: str = ""
    """What a line of comment begins with, `#` say; such lines are counted, and no flows. Empty: there are none."""
    missing: list[str] = field(default_factory=lambda: [""])
    """Cell texts that mean "no value"."""
    files: list[str] = field(default_factory=lambda: ["*.csv*", "*.txt", "*.parquet"])
    """Which files of a folder are the dataset (glob patterns, tried in order; the first that matches wins)."""
    test_files: list[str] = field(default_factory=list)
    """Which files of a folder are the official test set, where there is one."""
    first_rows: dict[str, int] = field(default_factory=dict)
    """Glob pattern of a training file's name -> how many rows from its top are read; what follows is not read, and
    `cleaning.json` says so. A blank line counts as a row, and a file with fewer rows is refused."""


@dataclass
class Columns:
    """The columns by role. What is not named here is never read."""

    numeric: list[str] = field(default_factory=list)
    """Features that are numbers. A row that lacks one is dropped and counted, but see `dataset.missing_numbers`."""
    categorical: list[str] = field(default_factory=list)
    """Features that are names; a missing name is a name of its own."""
    identifiers: list[str] = field(default_factory=list)
    """Columns that give the answer away (addresses, times, running numbers): audited, and no features unless
    `dataset.identifiers=allow`; may be absent."""
    ports: list[str] = field(default_factory=list)
    """Those identifiers that are port numbers: hexadecimal, `80.0` and blank are read as what they mean."""
    labels: list[str] = field(default_factory=list)
    """Label columns from coarse to fine."""
    time: str | None = None
    """The identifier that orders flows in time."""
    source: str | None = None
    """The identifier that names a flow's sender."""
    time_format: str | None = None
    """How `time` is written where it is text: a strptime format. The common ones are guessed where this is absent."""


@dataclass
class Taxonomy:
    """One way to call the rows: which values of which columns make which class."""

    columns: list[str]
    """Label columns; the values of several are joined by `/`, as in `DDoS/TCP`."""
    classes: dict[str, list[str]]
    """Class -> the values that belong to it, in the order of the tables; `*` takes every value not named elsewhere, and
    "" is a blank: a row without a label is left out where no class names that."""
    normal: str | None = None
    """The class that is no attack; without it, detection and false-positive rates are left out."""


@dataclass
class Dataset:
    """One dataset: where its files are, how to read them, what its columns mean and how its rows may be called."""

    name: str
    title: str
    about: str = ""
    """What to print when no path was given: official page, files, terms, citation, and what to type."""
    origin: Origin = Origin.published
    path: Any = None
    """A file, a folder, a glob, or a list of these."""
    test_path: Any = None
    """The official test file, where it is not in the folder `path` names."""
    format: Format = field(default_factory=Format)
    columns: Columns = field(default_factory=Columns)
    label: str = "category"
    """The key of `labels` that is learned."""
    labels: dict[str, Taxonomy] = field(default_factory=dict)
    duplicates: Duplicates = Duplicates.distinct
    identifiers: Identifiers = Identifiers.forbid
    missing_numbers: MissingNumbers = MissingNumbers.drop
    unreadable_share: float = 0.01
    """How many rows may be unreadable (ragged, text for a number, not finite) before the data is refused."""


@dataclass
class SimulatedDataset(Dataset):
    """The embedded default: BoT-IoT's testbed in small, generated."""

    rows: int = 100_000
    seed: int = 0


@dataclass
class Cache:
    """Where cleaned and split tables are kept between runs; nothing is kept where `path` is empty."""

    path: str | None
    limit: float = 20.0
    """GiB that the folder may hold; what was used least recently goes, but never what a run is reading."""
