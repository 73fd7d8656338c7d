"""A part of the campaign's flipped bits, and a loader that looks at nothing."""

from pathlib import Path
from random import Random

import pytest

from iot_ids.serving import scoring
from iot_ids.serving.detector import Detector

from .bits import MODELS, flips_of, kept
from .tally import Attack, pursue


@pytest.mark.parametrize("name", MODELS)
def test_a_damaged_model_is_refused_or_answers_as_it_did(name: str, tmp_path: Path) -> None:
    tally = pursue(Attack(name, 40, flips_of(name, tmp_path)), 0, range(40))
    assert not sum(tally.faults.values()), "\n".join(tally.examples)


def test_a_loader_that_misses_a_changed_file_is_counted(tmp_path: Path) -> None:
    def load(place: Path) -> Detector:
        detector = scoring.load_detector(place.parent / "whole")
        changed = any(
            (place / name).read_bytes() != content for name, content in whole.items() if (place / name).exists()
        )
        return detector if not changed else Detector(**vars(detector) | {"temperature": 3.0})

    whole = kept("naive_bayes")
    for name, content in whole.items():
        (tmp_path / "whole").mkdir(exist_ok=True)
        (tmp_path / "whole" / name).write_bytes(content)
    tally = pursue(Attack("planted", 20, flips_of("naive_bayes", tmp_path, load)), 0, range(20))
    assert tally.faults["silent"] > 10


def test_a_loader_that_breaks_is_counted(tmp_path: Path) -> None:
    calls = iter(range(100))

    def load(place: Path) -> Detector:
        return scoring.load_detector(place) if next(calls) == 0 else next(iter([]))

    assert [kind for kind, _ in flips_of("naive_bayes", tmp_path, load)(Random(0))] == ["traceback"]
