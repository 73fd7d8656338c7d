"""Export a kept detector as one ONNX file, or as one runnable file with its runtime inside."""

import csv
import io
import zipfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.common.paths import PACKAGE
from iot_ids.gateway.detector import NO_DIGEST, Answers, with_digest
from iot_ids.gateway.detector import Detector as Exported
from iot_ids.serving import onnx_model, parity
from iot_ids.serving.detector import Detector, examples
from iot_ids.serving.parity import Flows, Parity
from iot_ids.serving.provenance import versions
from iot_ids.serving.scoring import detector_folder, is_simulated, load_detector

VERSION = 1
"""Of the metadata in the file; `gateway/detector.py` reads up to this one."""
GOLDEN_ROWS = 200
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a .pyz, so that the same detector gives the same bytes."""
MAIN = """\
import sys
from zipfile import BadZipFile, ZipFile
try:
    with ZipFile(sys.argv[0]) as whole:
        detector, damaged = whole.read("detector.onnx"), whole.testzip()
except (BadZipFile, OSError, EOFError, ValueError):
    damaged = "it"
if damaged:
    sys.exit(sys.argv[0] + " was damaged or cut off; export or copy it again")
from iot_ids.gateway.command import main
sys.exit(main(detector, sys.argv[1:]))
"""
CARD = "model_card.md"


@dataclass(frozen=True)
class Export:
    """What was written, and the proof that it answers as the kept detector."""

    files: list[Path]
    parity: Parity


def export(folder: Path, out: Path, trust: Collection[str] = ()) -> Export:
    """Export the detector that a run has kept in `folder`, with golden rows and its model card beside it.

    `out` ends in `.onnx`, or in `.pyz` for a file that Python runs. Files appear only after the comparison with the
    kept detector.

    Raises:
        UserError: the detector cannot be loaded or exported, its export answers otherwise, or `out` cannot be written.
    """
    _check_out(out, folder)
    detector = load_detector(folder, trust)
    content = build(detector, bool(is_simulated(folder)) or (detector.origin is not None and detector.origin.simulated))
    base, of_the_run = _rows_of_the_run(detector, folder)
    exported = Exported(content)
    flows = parity.concatenated(base, parity.hard_rows(base))
    found = parity.compare(detector, lambda each: outputs(exported, each), flows, of_the_run)
    files = {
        out: content if out.suffix == ".onnx" else runnable(content),
        out.with_suffix(".golden.csv"): _golden(exported, _golden_rows(detector, flows, len(base))).encode(),
    }
    card = folder.resolve().parent / CARD
    if card.is_file():
        files[out.with_suffix(f".{CARD}")] = card.read_bytes()
    else:
        out.with_suffix(f".{CARD}").unlink(missing_ok=True)  # of an earlier export, and another run
    _write(files)
    return Export([*files], found)


def build(detector: Detector, simulated: bool = False) -> bytes:
    """Return the ONNX file of a detector: the same bytes for the same detector and installation.

    Raises:
        UserError: it reads windows, or its model or scaler cannot be exported.
    """
    metadata = {**_metadata(detector, simulated), "sha256": NO_DIGEST.decode()}
    return with_digest(bytes(onnx_model.build(detector, metadata).SerializeToString(deterministic=True)))


def _metadata(detector: Detector, simulated: bool) -> dict[str, str]:
    """Describe the detector: `runtime` for our own runtime, the rest for people and other programs; all JSON."""
    encoder, columns, point = detector.pipeline.encoder, detector.columns, detector.point
    normal = None if detector.normal is None else detector.classes[detector.normal]
    units = detector.origin.extractor.units if detector.origin is not None else {}
    runtime = {
        "numbers": encoder.numbers,
        "texts": encoder.texts,
        "classes": detector.classes,
        "ports": [name for name in encoder.numbers if name in columns.ports],
        "missing": list(detector.missing),
        "separator": detector.form.separator,
        "header": detector.form.header.value,
        "column_names": detector.form.column_names,
        "comment": detector.form.comment,
        "normal": normal,
        "alarm_limit": detector.alarm_limit,
        "simulated": simulated,
    }
    kinds = [(name, "number") for name in encoder.numbers] + [(name, "text") for name in encoder.texts]
    return onnx_model.described(
        {
            "version": VERSION,
            "runtime": runtime,
            "columns": [{"name": name, "type": kind, "unit": units.get(name)} for name, kind in kinds],
            "features": encoder.names,
            "classes": detector.classes,
            "normal": normal,
            "operating_point": None if point is None else asdict(point),
            "origin": None if detector.origin is None else asdict(detector.origin),
            "origin.mark": "SIMULATED" if simulated else None,
            "exported_with": versions(),
        }
    )


def _rows_of_the_run(detector: Detector, folder: Path) -> tuple[Flows, int]:
    """Return the validation rows kept with the detector; folders of earlier versions have none, so zeros serve."""
    try:
        kept = examples(detector_folder(folder))
        if kept is not None and kept.height:
            return parity.as_flows(detector, kept), kept.height
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"model={folder}: examples.parquet cannot be read ({error}); copy the model again") from error
    encoder = detector.pipeline.encoder
    return Flows(np.zeros((1, len(encoder.numbers))), np.full((1, len(encoder.texts)), "", dtype=object)), 0


def outputs(exported: Exported, flows: Flows) -> Answers:
    """Ask an exported detector about flows."""
    return exported.answer(flows.numbers, flows.texts)


def _golden_rows(detector: Detector, flows: Flows, base: int) -> Flows:
    """Return rows with a definite answer, half of them the run's own where it has kept any."""
    certain = np.flatnonzero(parity.certain(detector, flows))
    own, made_up = certain[certain < base], certain[certain >= base]
    chosen = np.r_[own[: GOLDEN_ROWS // 2], made_up[: GOLDEN_ROWS // 2]]
    return Flows(flows.numbers[chosen], flows.texts[chosen])


def _golden(exported: Exported, some: Flows) -> str:
    """Return rows and their answers as CSV: a fixture for any other runtime."""
    answers, facts, stream = exported.answer(some.numbers, some.texts), exported.facts, io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ["answer", "attack_score", "alarm", *(f"probability/{name}" for name in facts.classes)]
    writer.writerow([*facts.numbers, *facts.texts, *names])
    for at in range(len(some)):
        score = "" if answers.score is None else float(answers.score[at])
        alarm = "" if answers.alarm is None else str(bool(answers.alarm[at])).lower()
        answer = "" if answers.code[at] < 0 else facts.classes[answers.code[at]]
        cells = [
            *some.numbers[at].tolist(),
            *some.texts[at],
            answer,
            score,
            alarm,
            *map(str, answers.probabilities[at]),
        ]
        writer.writerow(cells)
    return stream.getvalue()


def runnable(content: bytes) -> bytes:
    """Return a zip that Python runs: the runtime's modules and the ONNX file `content`."""
    stream = io.BytesIO()
    modules = sorted((PACKAGE / "gateway").glob("*.py"))
    files = {"__main__.py": MAIN.encode(), "iot_ids/__init__.py": b"", "detector.onnx": content}
    files |= {f"iot_ids/gateway/{module.name}": module.read_bytes() for module in modules}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, data in files.items():
            whole.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return b"#!/usr/bin/env python3\n" + stream.getvalue()


def _check_out(out: Path, folder: Path) -> None:
    """Raise a UserError if `out` has the wrong suffix, is a folder, or lies within the kept model."""
    if out.suffix not in (".onnx", ".pyz"):
        raise UserError(f"out={out} must end in .onnx, or in .pyz for a file that Python runs")
    if out.is_dir():
        raise UserError(f"out={out} is a folder; name a file")
    if out.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"out={out} lies within model={folder}, where nothing may be added; choose another place")


def _write(files: dict[Path, bytes]) -> None:
    """Write all files, the detector last: it is not there before what belongs to it, nor is that without it."""
    before = [file for file in files if file.exists()]
    try:
        atomic.remove_leftovers(next(iter(files)).parent)
        for file, data in reversed(files.items()):
            with atomic.atomic_write(file) as new:
                new.write_bytes(data)
    except OSError as error:
        for other in files.keys() - before:
            with suppress(OSError):
                other.unlink(missing_ok=True)
        raise UserError(f"out={file}: cannot be written ({error.strerror or error}); choose another") from error
