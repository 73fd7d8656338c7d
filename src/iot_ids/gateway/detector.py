"""An exported detector: numbers and texts in, class probabilities, answer, attack score and alarm out."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

NO_DIGEST = b"0" * 64
READS = 1
"""The highest `version` of the metadata that this runtime understands."""


class DetectorError(Exception):
    """A file that is not a detector of ours, or flows that it cannot score; the message says what to do."""


@dataclass(frozen=True)
class Facts:
    """What the file's `metadata_props` say: how to read flows, and what the answers mean."""

    numbers: list[str]
    """Numeric columns, in the order of the input `numbers`."""
    texts: list[str]
    """Text columns, in the order of the input `texts`."""
    classes: list[str]
    ports: list[str] = field(default_factory=list)
    """The numeric columns that hold ports: hexadecimal is understood, and below zero is none."""
    missing: list[str] = field(default_factory=lambda: [""])
    """Cell texts that mean "no value"."""
    separator: str = "auto"
    header: str = "auto"
    """Whether the first line has names: present, absent, or auto, which is where it has half of those read."""
    column_names: list[str] = field(default_factory=list)
    """Names in order, for files without a header line."""
    comment: str = ""
    normal: str | None = None
    alarm_limit: float | None = None
    """The attack score above which a flow is an alarm: a hair above the operating point's threshold."""
    simulated: bool = False


@dataclass(frozen=True)
class Answers:
    """One value per flow. `score` is None without a normal class, `alarm` is None without a threshold."""

    probabilities: NDArray[np.float32]
    """`(rows, classes)`; NaN in rows without an answer."""
    code: NDArray[np.int64]
    """The most probable class, `(rows,)`; -1 without an answer."""
    score: NDArray[np.float64] | None
    """Log-odds of an attack, `(rows,)`; NaN without an answer."""
    alarm: NDArray[np.bool_] | None
    """Whether the score is above `alarm_limit`, `(rows,)`; false without an answer."""


class Detector:
    """An exported detector, loaded into onnxruntime, which runs no code of the file's."""

    def __init__(self, source: Path | bytes, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # what is wrong is said once, by the exception
        name = "the detector" if isinstance(source, bytes) else str(source)
        try:
            content = source if isinstance(source, bytes) else source.read_bytes()
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise DetectorError(f"{name}: {error.strerror or error}") from error
        except Exception as error:
            raise DetectorError(f"{name} is not a whole ONNX file; export or copy it again") from error
        self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        _check_digest(content, self.metadata, name)
        self.facts = _facts(self.metadata, name)
        self.inputs = [each.name for each in self.session.get_inputs()]
        self.outputs = [each.name for each in self.session.get_outputs()]
        _check(self, name)

    def answer(self, numbers: NDArray[np.float64], texts: NDArray[np.object_] | Sequence[Sequence[str]]) -> Answers:
        """Score flows.

        Args:
            numbers: `(rows, numbers)`, in the order of `facts.numbers`: NaN where a number is missing, infinite where
                there is something else than a number.
            texts: `(rows, texts)`, in the order of `facts.texts`, without surrounding blanks.
        """
        feed: dict[str, Any] = {"numbers": numbers, "texts": texts}
        values = self.session.run(None, {name: feed[name] for name in self.inputs})
        found = dict(zip(self.outputs, values, strict=True))
        probabilities = found["probabilities"]
        code = np.where(np.isnan(probabilities[:, 0]), -1, found["answer"])
        return Answers(probabilities, code, found.get("attack_score"), found.get("alarm"))


def with_digest(content: bytes) -> bytes:
    """Put the SHA-256 of an ONNX file, with NO_DIGEST in its place, into the file."""
    return content.replace(NO_DIGEST, hashlib.sha256(content).hexdigest().encode(), 1)


def _check_digest(content: bytes, metadata: dict[str, str], name: str) -> None:
    """Raise a DetectorError if a bit was flipped since the export: an ONNX file itself has no checksum."""
    digest = metadata.get("sha256", "").encode()
    if len(digest) != len(NO_DIGEST):
        raise DetectorError(f"{name} is not a detector that iot-ids exported")
    if hashlib.sha256(content.replace(digest, NO_DIGEST, 1)).hexdigest().encode() != digest:
        raise DetectorError(f"{name} was damaged or changed since its export; export or copy it again")


def _facts(metadata: dict[str, str], name: str) -> Facts:
    try:
        version = int(json.loads(metadata["version"]))
        facts = None if version > READS else Facts(**json.loads(metadata["runtime"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DetectorError(f"{name} is not a detector that iot-ids exported") from error
    if facts is None:
        raise DetectorError(f"{name} was exported by a later iot-ids; use the runtime of that version")
    return facts


def _check(detector: Detector, name: str) -> None:
    """Raise a DetectorError if the model's inputs and outputs are not those that its metadata describe."""
    facts = detector.facts
    wanted = {"numbers": len(facts.numbers), "texts": len(facts.texts)}
    inputs = {each.name: each.shape[-1] for each in detector.session.get_inputs()}
    outputs = {each.name: each.shape[-1] for each in detector.session.get_outputs()}
    right = inputs == {key: count for key, count in wanted.items() if count}
    if not right or outputs.get("probabilities") != len(facts.classes) or "answer" not in outputs:
        raise DetectorError(f"{name} does not fit its own metadata; export it again")
