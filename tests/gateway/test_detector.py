"""The runtime's detector: what a file says of itself, and what is refused."""

import json
from pathlib import Path
from random import Random

import numpy as np
import onnx
import pytest

from iot_ids.gateway.detector import NO_DIGEST, Detector, DetectorError, with_digest


def changed(file: Path, out: Path, **properties: str) -> Path:
    """`file` with other metadata, and the digest that belongs to them."""
    model = onnx.load(file)
    said = {each.key: each.value for each in model.metadata_props} | properties | {"sha256": NO_DIGEST.decode()}
    onnx.helper.set_model_props(model, said)
    out.write_bytes(with_digest(model.SerializeToString()))
    return out


def test_a_file_says_what_it_reads_and_answers(exported: Path) -> None:
    found = Detector(exported)
    facts = found.facts
    assert (facts.numbers, facts.texts, facts.ports) == (["bytes", "port"], ["proto"], ["port"])
    assert (facts.classes, facts.normal, facts.missing) == (["normal", "attack"], "normal", ["", "-"])
    said = json.loads(found.metadata["operating_point"])
    assert said["false_positive_rate"] == 0.1
    assert facts.alarm_limit == said["threshold"] + 1e-5 * max(1, abs(said["threshold"]))


def test_a_row_without_a_number_gets_no_answer_and_the_others_theirs(exported: Path) -> None:
    answers = Detector(exported).answer(
        np.array([[10.0, 80], [np.nan, 80], [np.inf, 80], [10.0, np.nan]]), np.array([["tcp"]] * 4, dtype=object)
    )
    assert (answers.code >= 0).tolist() == [True, False, False, True]
    assert np.isnan(answers.probabilities).any(axis=1).tolist() == [False, True, True, False]
    assert answers.score is not None
    assert np.isnan(answers.score).tolist() == [False, True, True, False]
    assert answers.alarm is not None
    assert not answers.alarm[1:3].any()


@pytest.mark.parametrize("cut", [0.0, 0.01, 0.5, 0.99])
def test_a_file_cut_off_or_empty_is_refused_in_one_sentence(exported: Path, tmp_path: Path, cut: float) -> None:
    content, file = exported.read_bytes(), tmp_path / "cut.onnx"
    file.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(DetectorError, match=r"cut\.onnx is not a"):
        Detector(file)


def test_other_files_are_refused_in_one_sentence(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"absent\.onnx: No such file"):
        Detector(tmp_path / "absent.onnx")
    foreign = onnx.load(exported)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(DetectorError, match="is not a detector that iot-ids exported"):
        Detector(tmp_path / "foreign.onnx")
    with pytest.raises(DetectorError, match="exported by a later iot-ids"):
        Detector(changed(exported, tmp_path / "later.onnx", version="2"))
    for runtime in ("[]", "{}", "7", '{"numbers": 3}', "no JSON", json.dumps({"__class__": "os.system"})):
        with pytest.raises(DetectorError, match="is not a detector that iot-ids exported"):
            Detector(changed(exported, tmp_path / "other.onnx", runtime=runtime))
    fewer = {"numbers": ["bytes"], "texts": ["proto"], "classes": ["normal", "attack"]}
    with pytest.raises(DetectorError, match="does not fit its own metadata"):
        Detector(changed(exported, tmp_path / "fewer.onnx", runtime=json.dumps(fewer)))


def test_a_flipped_bit_is_found_wherever_it_is(exported: Path, tmp_path: Path) -> None:
    content, draw = exported.read_bytes(), Random(0)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        (tmp_path / "flipped.onnx").write_bytes(damaged)
        with pytest.raises(DetectorError, match=r"flipped\.onnx"):
            Detector(tmp_path / "flipped.onnx")


def test_the_bytes_of_a_file_do_as_well(exported: Path) -> None:
    assert Detector(exported.read_bytes()).facts == Detector(exported).facts
    with pytest.raises(DetectorError, match="the detector is not a whole ONNX file"):
        Detector(b"nothing")
