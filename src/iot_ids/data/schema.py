"""The typed schema behind every file of `conf/dataset/`.

It imports nothing heavy on purpose, so that configuration errors are reported at once.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

from iot_ids.common.bounds import Between


class Duplicates(Enum):
    """Which repeated rows are left out before the split."""

    distinct = "distinct"
    """One row per distinct feature vector and finest label; the first one stays."""
    exact = "exact"
    """Repeats of entire rows only, identifiers included, as the paper did."""
    keep = "keep"
    """No row is left out."""


class Identifiers(Enum):
    """Whether columns that give the answer away may become features."""

    forbid = "forbid"
    allow = "allow"
    """They do, to show how much they inflate the scores: see `iot_ids.experiment.leaks`."""


class MissingNumbers(Enum):
    """How to treat a row that lacks a number."""

    drop = "drop"
    """Leave it out and count it."""
    indicate = "indicate"
    """Keep it: the missing number becomes zero, and an indicator column marks it as missing."""


class Origin(Enum):
    """Where the rows come from; `generated` rows are marked SIMULATED wherever they are shown."""

    published = "published"
    generated = "generated"


class Header(Enum):
    """Whether a text file's first line names its columns."""

    auto = "auto"
    """It does if it holds at least half of the declared names."""
    present = "present"
    absent = "absent"


@dataclass
class Format:
    """The format of text files. Parquet files need none of this."""

    separator: str = "auto"
    """One character, or `auto`: whichever of comma, semicolon and TAB finds most declared columns in the first line."""
    header: Header = Header.auto
    column_names: list[str] = field(default_factory=list)
    """Names in order, for files without a header line."""
    comment: str = ""
    """The beginning of comment lines, such as `#`; they are counted and skipped. Empty: the file has no comments."""
    missing: list[str] = field(default_factory=lambda: [""])
    """Cell texts that mean "no value"."""
    files: list[str] = field(default_factory=lambda: ["*.csv*", "*.txt", "*.parquet"])
    """Which files of a folder are the dataset (glob patterns, tried in order; the first that matches wins)."""
    test_files: list[str] = field(default_factory=list)
    """Which files of a folder are the official test set, if the dataset has one."""
    first_rows: dict[str, int] = field(default_factory=dict)
    """Glob pattern of a training file's name -> number of rows to read from its top; the rest is not read, and
    `cleaning.json` says so. A blank line counts as a row; a file with fewer rows is refused."""


@dataclass
class Extractor:
    """How a dataset's flows were made from packets. A detector must be given flows made in the same way."""

    exporter: str = ""
    """The program, such as Argus or nProbe; empty if it is not known."""
    interval: float | None = None
    """Seconds after which it reports a flow that goes on."""
    merged: bool | None = None
    """Whether such reports were merged into one row per flow."""
    units: dict[str, str] = field(default_factory=dict)
    """Column -> unit, for those that have one."""


@dataclass
class Columns:
    """The columns by role. What is not named here is never read."""

    numeric: list[str] = field(default_factory=list)
    """Numeric features. A row that lacks one is dropped and counted, unless `dataset.missing_numbers` keeps it."""
    categorical: list[str] = field(default_factory=list)
    """Categorical features; a missing value is a category of its own."""
    identifiers: list[str] = field(default_factory=list)
    """Columns that give the answer away (addresses, times, running numbers): audited, but not used as features
    unless `dataset.identifiers=allow`; files may lack them."""
    ports: list[str] = field(default_factory=list)
    """The identifiers that are port numbers; hexadecimal, `80.0` and blank are understood."""
    labels: list[str] = field(default_factory=list)
    """Label columns from coarse to fine."""
    time: str | None = None
    """The identifier that orders flows in time."""
    source: str | None = None
    """The identifier that names a flow's sender."""
    time_format: str | None = None
    """The strptime format of `time`, if it is text. The common formats are guessed if this is absent."""


@dataclass
class Taxonomy:
    """One way to label the rows: which values of which columns make which class."""

    columns: list[str]
    """Label columns; the values of several are joined by `/`, as in `DDoS/TCP`."""
    classes: dict[str, list[str]]
    """Class -> the values that belong to it, in the order of the tables. `*` takes every value not named elsewhere; ""
    takes blanks, and a row with a blank label is left out if no class has that."""
    normal: str | None = None
    """The class that is not an attack; without it, detection and false-positive rates are left out."""


@dataclass
class Dataset:
    """One dataset: where its files are, how to read them, what its columns mean and how its rows may be labelled."""

    name: str
    title: str
    about: str = ""
    """What to print when no path was given: official page, files, terms, citation, and what to type."""
    origin: Origin = Origin.published
    path: Any = None
    """A file, a folder, a glob, or a list of these."""
    test_path: Any = None
    """The official test file, if it is not in the folder that `path` names."""
    format: Format = field(default_factory=Format)
    columns: Columns = field(default_factory=Columns)
    extractor: Extractor = field(default_factory=Extractor)
    label: str = "category"
    """The key of `labels` that is learned."""
    labels: dict[str, Taxonomy] = field(default_factory=dict)
    duplicates: Duplicates = Duplicates.distinct
    identifiers: Identifiers = Identifiers.forbid
    missing_numbers: MissingNumbers = MissingNumbers.drop
    unreadable_share: float = 0.01
    """Share of rows that may be unreadable (ragged, text for a number, not finite) before the data is refused."""


@dataclass
class SimulatedDataset(Dataset):
    """The built-in default: a small generated version of BoT-IoT's testbed."""

    rows: Annotated[int, Between(most=10_000_000)] = 100_000
    seed: int = 0


@dataclass
class Cache:
    """Where cleaned and split tables are kept between runs; nothing is kept if `path` is empty."""

    path: str | None
    limit: float = 20.0
    """GiB that the folder may hold; least recently used entries are evicted, never one that a run is reading."""
