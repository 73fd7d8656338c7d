"""Find a dataset's files and hash their content; simulated flows are generated first."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.data.cache.entries import file_once
from iot_ids.data.cache.eviction import GIB, evict, hold
from iot_ids.data.cache.fingerprints import Stamp, remembered, sha256, stamp_of
from iot_ids.data.files import training_files
from iot_ids.data.schema import Cache, Dataset, SimulatedDataset
from iot_ids.data.simulation import flows, testbed


@contextmanager
def files_of(dataset: Dataset, cache: Cache) -> Iterator[list[Path]]:
    """Yield the training files; simulated flows are first written in the official format, and read like any others."""
    if not isinstance(dataset, SimulatedDataset):
        yield training_files(dataset)
        return
    with atomic.temporary_folder() as place:
        folder = folder_of(cache) or place
        code = "-".join(sha256(Path(str(module.__file__)))[:8] for module in (testbed, flows))
        file = folder / f"simulated-{dataset.rows}-{dataset.seed}-{code}.csv"
        with writing(folder):
            file_once(file, lambda path: flows.write_csv(flows.simulate(dataset.rows, dataset.seed), path))
        with hold(file) or nullcontext():
            if cache.path:
                evict(folder, bytes_of(cache))
            yield [file]


def folder_of(cache: Cache) -> Path | None:
    """Return the cache's folder; None if nothing is kept."""
    return Path(cache.path).expanduser() if cache.path else None


def bytes_of(cache: Cache) -> float:
    """Return the cache's size limit in bytes.

    Raises:
        UserError: it is not positive.
    """
    if cache.limit > 0:
        return cache.limit * GIB
    raise UserError(f"cache.limit={cache.limit} GiB keeps nothing; set more than 0, or use cache=off")


def digest_of(files: list[Path], cache: Cache) -> str:
    """Return a file's SHA-256, as `sha256sum` prints it; for several files, the SHA-256 of theirs in order."""
    sums = sums_of(files, cache)
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def stamps_of(files: list[Path]) -> list[Stamp]:
    """Return each file's stamp, which differs after the file was written or replaced."""
    try:
        return [stamp_of(file.stat()) for file in files]
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from error


def digest_of_untouched(files: list[Path], cache: Cache, before: list[Stamp]) -> str:
    """Return `digest_of(files)` while others read them.

    Raises:
        UserError: a file cannot be read, or changed since the stamps `before` were taken.
    """
    digest = digest_of(files, cache)
    if stamps_of(files) != before:
        raise UserError(f"{files[0]}: the files changed while they were read; run again")
    return digest


def sums_of(files: list[Path], cache: Cache) -> list[str]:
    """Return the SHA-256 of each file."""
    try:
        return [remembered(file, folder_of(cache)) for file in files]
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn the system's errors in the block into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cache.path={folder}: cannot be written ({error}); choose another, or cache=off") from error
