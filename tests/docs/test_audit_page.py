"""The numbers of docs/audit.md are those of the run that the page names."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import train
from conftest import Workplace, typed

PAGE = (Path(__file__).parent.parent.parent / "docs" / "audit.md").read_text()
EXCERPTS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


@pytest.mark.slow
def test_every_excerpt_is_of_the_run_that_the_page_names(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = re.findall(r"```\npython -m train (\+experiment=gru_pearson model=naive_bayes .*)\n```", PAGE)
    words = [*command.split(), "evaluate.replicates=50", f"cache.path={workplace.folder}/cache"]
    assert typed(monkeypatch, train, *words) == 0
    (run,) = workplace.runs()
    found = json.loads((workplace.artifacts(run) / "audit.json").read_text())
    assert found["simulated"] is True
    assert len(EXCERPTS) == 4
    told = [(key, value) for excerpt in EXCERPTS for key, value in excerpt.items()]
    for key, value in told:
        if isinstance(value, dict):
            best = list(found[key].items())[: len(value)]
            assert list(value.items()) == [(name, rounded(score)) for name, score in best]
        elif key != "sentences":
            assert value == rounded(found[key])
    assert {sentence for key, value in told if key == "sentences" for sentence in value} == set(found["sentences"])


@pytest.mark.slow
def test_every_key_has_a_line_on_the_page(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(monkeypatch, train, *workplace.words("model=naive_bayes")) == 0
    (run,) = workplace.runs()
    found = json.loads((workplace.artifacts(run) / "audit.json").read_text())
    named = set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in PAGE.splitlines() if line[:2] == "| ")))
    assert named == set(found) - {"simulated", "test_rows"}
