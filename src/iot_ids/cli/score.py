"""`iot-ids score`: score files of flows, of any size, with a kept model; `--help` explains the words."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from iot_ids.common.system_errors import run_program

if TYPE_CHECKING:
    from iot_ids.serving.detector import Detector

T = TypeVar("T")
USAGE = """\
Score flows with a kept model: one row per flow, with its class and the probability of each class, in a file.

  iot-ids score model=mlruns/artifacts/RUN_ID/artifacts/model path=FOLDER out=scores.parquet

  model   the folder `model` of a run
  path    a CSV file (may be compressed), a Parquet file, a folder of these, or a glob, with the dataset's raw column
          names in the first line; columns that the model does not read may be absent
  out     .parquet or .csv: file, line, answer, attack_score (log-odds of an attack), alarm (attack_score is above the
          threshold set in training), and the probability of each class. A flow without an answer (a missing number,
          text for a number, a line with too many or too few cells) has blanks there
  unreadable_share
          the share of rows that may be damaged (too many or too few cells, text for a number, a number that is not
          finite) before the files are refused; 0.01 by default, as in training
  trust   only for a model with classes of your own: their names as module.Class, separated by commas. Loading them runs
          the code of their modules; no other code that a model's folder names is ever run

Files are read in batches, so memory does not grow with their size. The exit code is 1 if no flow got an answer.
"""
KEYS = ("model", "path", "out")
TRUST, SHARE = "trust", "unreadable_share"


def main() -> None:
    """The entry point: help at once; a mistake is one message."""
    run_program(_main)


def _main() -> None:
    words = sys.argv[1:]
    if shown_help(words, USAGE):
        return
    from iot_ids.common.interrupts import interruptible

    try:
        settings = settings_of(words, KEYS, (TRUST, SHARE), "iot-ids score model=MODEL path=FILES out=FILE")
        with interruptible():
            _score(settings)
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing was written")


def shown_help(words: Sequence[str], usage: str) -> bool:
    """Print the usage if it was asked for, or nothing was; return whether."""
    asked = not words or not {"-h", "--help"}.isdisjoint(words)
    print(usage if asked else "", end="")
    return asked


def trusted(settings: Mapping[str, str]) -> list[str]:
    """Return the class names in `trust=`."""
    return [name.strip() for name in settings.get(TRUST, "").split(",") if name.strip()]


def settings_of(words: list[str], needed: Sequence[str], optional: Sequence[str], line: str) -> dict[str, str]:
    """Parse KEY=VALUE words into a dictionary; `line` is what to type, for the message.

    Raises:
        UserError: a word is not KEY=VALUE with a known key, or a needed key is missing.
    """
    from iot_ids.common.errors import UserError

    settings = dict(word.split("=", 1) for word in words if "=" in word)
    wrong = [word for word in words if word.split("=", 1)[0] not in (*needed, *optional) or "=" not in word]
    missing = [key for key in needed if not settings.get(key)]
    if wrong or missing:
        keys = ", ".join((*needed, *optional))
        what = f"{wrong[0]} is not KEY=VALUE with one of {keys}" if wrong else f"{', '.join(missing)} is missing"
        raise UserError(f"{what}; type {line}, or --help")
    return settings


def _share(text: str) -> float:
    """Parse the share of rows that may be damaged."""
    from iot_ids.common.errors import UserError

    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if 0 <= share <= 1:
        return share
    raise UserError(f"{SHARE}={text} must be a number from 0 to 1")


def given_path(key: str, text: str) -> Path:
    """Return the path, or refuse one that the file system cannot hold: too long, or with a NUL."""
    from iot_ids.common.errors import UserError

    try:
        path = Path(text).expanduser()
        path.resolve().exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{key}={text!r}: {getattr(error, 'strerror', error)}; name another") from error
    return path


def load_with_warnings(load: Callable[[], T]) -> T:
    """Load a kept detector; print each warning once, as a line on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        loaded = load()
    for message in dict.fromkeys(str(each.message) for each in caught):
        print(message, file=sys.stderr)
    return loaded


def _no_threshold(detector: Detector) -> str:
    """Say why the detector has no threshold."""
    if detector.normal is None:
        return "the model knows no normal class"
    if detector.point is None:
        return "the model has no threshold (it was adapted to other flows, or kept by a version before 0.2.0)"
    rate, rows = detector.point.false_positive_rate, detector.point.validation_normal_rows
    return f"{rows:,} normal validation rows were too few for a threshold at {100 * rate:g} % false alarms"


def _score(settings: dict[str, str]) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from iot_ids.common.imports import gc_paused_import
    from iot_ids.common.text import plain_console

    with gc_paused_import():
        from iot_ids.data.files import files_not_read
        from iot_ids.serving import scoring
    share = _share(settings.get(SHARE, "0.01"))
    model, out = given_path("model", settings["model"]), given_path("out", settings["out"])
    scoring.check_output(out, settings["path"])
    with gc_paused_import():  # the model's library
        trust = trusted(settings)
        detector, simulated = (
            load_with_warnings(lambda: scoring.load_detector(model, trust)),
            scoring.is_simulated(model),
        )
    layouts = scoring.layouts_of(detector, settings["path"])
    not_read = files_not_read(settings["path"], [part.file for part in layouts])
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, console=plain_console()) as bar:
        task = bar.add_task("scoring", total=scoring.rows_in(layouts))
        done = scoring.score(detector, layouts, out, bool(simulated), lambda rows: bar.advance(task, rows), share)
    mark = "SIMULATED (the model was trained or tested on generated flows): " if simulated else ""
    for file in not_read:
        print(f"not read: {file}")
    print(f"{mark}{done.rows:,} flows scored, {done.flows_per_second:,.0f} per second: {out}")
    if detector.alarm_limit is None:
        print(f"alarm is blank: {_no_threshold(detector)}")
    if done.unanswered:
        more = ", ..." * (done.unanswered > len(done.examples))
        print(f"{done.unanswered:,} of them cannot be read and have no answer: {', '.join(done.examples)}{more}")
    if done.unanswered == done.rows:
        sys.exit(f"no flow was answered: all answers in {out} are blank" if done.rows else "the files hold no flows")


if __name__ == "__main__":
    main()
