"""Export a kept detector as one ONNX file, or as one runnable file with its runtime inside."""

import csv
import io
import zipfile
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.common.paths import PACKAGE
from iot_ids.gateway.detector import NO_DIGEST, with_digest
from iot_ids.gateway.detector import Detector as Exported
from iot_ids.serving import onnx_model, parity
from iot_ids.serving.detector import Detector, examples
from iot_ids.serving.parity import Flows, Outputs, Parity
from iot_ids.serving.provenance import as_dict, versions
from iot_ids.serving.scoring import detector_folder, load_detector

VERSION = 1
"""Of the metadata in the file; `gateway/detector.py` reads up to this one."""
GOLDEN_ROWS = 200
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a .pyz, so that the same detector gives the same bytes."""
MAIN = """\
import sys
from zipfile import ZipFile
from iot_ids.gateway.command import main
with ZipFile(sys.argv[0]) as whole:
    detector = whole.read("detector.onnx")
sys.exit(main(detector, sys.argv[1:]))
"""
CARD = "model_card.md"


@dataclass(frozen=True)
class Export:
    """What was written, and the proof that it answers as the kept detector."""

    files: list[Path]
    size: int
    parity: Parity


def export(folder: Path, out: Path, trust: Collection[str] = ()) -> Export:
    """Export the detector that a run has kept in `folder`, with golden rows and its model card beside it.

    `out` ends in `.onnx`, or in `.pyz` for a file that Python runs. Files appear only after the comparison with the
    kept detector.

    Raises:
        UserError: the detector cannot be loaded or exported, its export answers otherwise, or `out` cannot be written.
    """
    if out.suffix not in (".onnx", ".pyz"):
        raise UserError(f"out={out} must end in .onnx, or in .pyz for a file that Python runs")
    detector = load_detector(folder, trust)
    content = build(detector)
    base, of_the_run = _rows_of_the_run(detector, folder)
    exported = Exported(content)
    flows = parity.concatenated(base, parity.hard_rows(base))
    found = parity.compare(detector, lambda each: outputs(exported, each), flows, of_the_run)
    files = {
        out: content if out.suffix == ".onnx" else runnable(content),
        out.with_suffix(".golden.csv"): _golden(detector, exported, flows, len(base)).encode(),
    }
    card = folder.resolve().parent / CARD
    if card.is_file():
        files[out.with_suffix(f".{CARD}")] = card.read_bytes()
    _write(files)
    return Export([*files], len(files[out]), found)


def build(detector: Detector) -> bytes:
    """Return the ONNX file of a detector: the same bytes for the same detector.

    Raises:
        UserError: it reads windows, or its model or scaler cannot be exported.
    """
    metadata = {**_metadata(detector), "sha256": NO_DIGEST.decode()}
    return with_digest(bytes(onnx_model.build(detector, metadata).SerializeToString(deterministic=True)))


def _metadata(detector: Detector) -> dict[str, str]:
    """Describe the detector: `runtime` for our own runtime, the rest for people and other programs; all JSON."""
    encoder, columns, point = detector.pipeline.encoder, detector.columns, detector.point
    normal = None if detector.normal is None else detector.classes[detector.normal]
    simulated = detector.origin is not None and detector.origin.simulated
    units = detector.origin.extractor.units if detector.origin is not None else {}
    runtime = {
        "numbers": encoder.numbers,
        "texts": encoder.texts,
        "classes": detector.classes,
        "ports": [name for name in encoder.numbers if name in columns.ports],
        "missing": list(detector.missing),
        "separator": detector.form.separator,
        "column_names": detector.form.column_names,
        "comment": detector.form.comment,
        "normal": normal,
        "threshold": detector.threshold,
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
            "origin": as_dict(detector.origin),
            "origin.mark": "SIMULATED" if simulated else None,
            "exported_with": versions(),
        }
    )


def _rows_of_the_run(detector: Detector, folder: Path) -> tuple[Flows, int]:
    """Return the validation rows kept with the detector; folders of earlier versions have none, so zeros serve."""
    kept = examples(detector_folder(folder))
    if kept is not None and kept.height:
        return parity.as_flows(detector, kept), kept.height
    encoder = detector.pipeline.encoder
    return Flows(np.zeros((1, len(encoder.numbers))), np.full((1, len(encoder.texts)), "", dtype=object)), 0


def outputs(exported: Exported, flows: Flows) -> Outputs:
    """Ask an exported detector about flows."""
    answers = exported.answer(flows.numbers, flows.texts)
    return Outputs(answers.probabilities, answers.code, answers.alarm)


def _golden(detector: Detector, exported: Exported, flows: Flows, base: int) -> str:
    """Return rows and answers as CSV, half of them the run's own: a fixture for any other runtime."""
    chosen = np.r_[0 : min(GOLDEN_ROWS // 2, base), base : base + GOLDEN_ROWS // 2]
    some = Flows(flows.numbers[chosen], flows.texts[chosen])
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


def _write(files: dict[Path, bytes]) -> None:
    """Write all files, the first one last: it is not there before the others are."""
    try:
        for file, data in reversed(files.items()):
            with atomic.atomic_write(file) as new:
                new.write_bytes(data)
    except OSError as error:
        raise UserError(f"out={file}: cannot be written ({error.strerror or error}); choose another") from error
