"""`python detector.pyz flows.csv > answers.csv`: score files with an exported detector."""

import csv
import re
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iot_ids.gateway.detector import Answers, Detector, DetectorError
from iot_ids.gateway.flows import NUMBER, Batch, batches

FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
USAGE = """\
Score flows with this detector: one row per flow, on standard output.

  python detector.pyz flows.csv [more.csv.gz ...] > answers.csv
  ... | python detector.pyz - > answers.csv

The files are CSV, plain or packed, with the column names of the training data in the first line. Columns of the
answer: file, line, answer, attack_score (log-odds of an attack), alarm (attack_score is above the threshold), and the
probability of each class. A flow without an answer (a missing number, text for a number, a line with too many or too
few cells) has blanks there. The exit code is 1 if no flow got an answer.
"""


def main(source: bytes, words: list[str]) -> int:
    """Score the files that `words` name with the detector in `source`; return the exit code."""
    if not words or {"-h", "--help"} & {*words}:
        print(USAGE, end="")
        return 0
    if sys.stdout is None or sys.stderr is None:
        return 1
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # class names may have any letter
    try:
        return _score(Detector(source), words)
    except DetectorError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # or Python would complain about standard output at its end
        return 1
    except OSError as error:
        print(f"the answers are not complete: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the answers are not complete", file=sys.stderr)
        return 130


def _score(detector: Detector, words: list[str]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    mark = ["SIMULATED"] if detector.facts.simulated else []
    classes = [as_text(name) for name in detector.facts.classes]
    names = [f"probability/{name}" for name in detector.facts.classes]
    writer.writerow([*(["origin"] if mark else []), "file", "line", "answer", "attack_score", "alarm", *names])
    scored = answered = 0
    for word in words:
        for batch in batches(None if word == "-" else Path(word), detector.facts):
            answers = detector.answer(batch.numbers, batch.texts)
            there = (answers.code >= 0) & batch.whole
            writer.writerows([*mark, as_text(word), *row] for row in _rows(batch, answers, there, classes))
            scored, answered = scored + len(there), answered + int(there.sum())
    sys.stdout.flush()
    if not scored:
        raise DetectorError(f"{', '.join(words)}: no flows below the header")
    _report(detector, scored, answered)
    return 0 if answered else 1


def as_text(name: str) -> str:
    """Put an apostrophe before what a spreadsheet would compute, as `iot-ids score` does."""
    return f"'{name}" if FORMULA.match(name) and name != "-" and not NUMBER.fullmatch(name) else name


def _rows(batch: Batch, answers: Answers, there: NDArray[np.bool_], classes: list[str]) -> list[list[object]]:
    """Return the cells of each row from `line` on."""
    nothing = [None] * len(there)
    scores = nothing if answers.score is None else answers.score.tolist()
    alarms = nothing if answers.alarm is None else [("false", "true")[each] for each in answers.alarm.tolist()]
    blank, lines, codes = [""] * (3 + len(classes)), batch.lines.tolist(), answers.code.tolist()
    return [
        [line, classes[code], score, alarm, *row] if right else [line, *blank]
        for line, code, score, alarm, row, right in zip(
            lines, codes, scores, alarms, answers.probabilities.astype(str).tolist(), there.tolist(), strict=True
        )
    ]


def _report(detector: Detector, scored: int, answered: int) -> None:
    """Say on standard error what a reader of the answers must know."""
    if detector.facts.alarm_limit is None:
        print("no threshold was set in training (see the model card): alarm is blank", file=sys.stderr)
    if detector.facts.simulated:
        print("SIMULATED: the detector was trained or tested on generated flows", file=sys.stderr)
    if answered < scored:
        print(f"{scored - answered:,} of {scored:,} flows have no answer", file=sys.stderr)
